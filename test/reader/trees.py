# Checks whole states in the store: every node, file, list and symlink once (sections 7 to 9).

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cbor
from basics import DAG_CBOR, LIMITS, Bad, Link, hash_of, show
from chunks import Contents
from entries import DIRECTORY, FILE, Branch, Entry, Leaf, State, check_meta, parse_node, parse_state
from packs import Store
from report import Report

_nodes_kept_max = 50_000


class Checked(NamedTuple):
    """What is known of a directory: how many entries, how long the longest path below, whether all of it is good."""

    count: int
    longest: int
    good: bool


class Trees:
    def __init__(self, store: Store, report: Report) -> None:
        self.store, self.report = store, report
        self.contents = Contents(store)
        self.nodes: dict[bytes, Leaf | Branch] = {}
        self.states: dict[bytes, State] = {}
        self.directories: dict[tuple[bytes, tuple[str, ...]], Checked] = {}
        self.good_states: dict[bytes, bool] = {}
        self.files_checked: set[tuple[Link, int]] = set()
        self.symlinks_checked: set[tuple[Link, int]] = set()
        self.others_checked: set[Link] = set()

    def node(self, link: Link) -> Leaf | Branch:
        node = self.nodes.get(link.id)
        if node is None:
            if len(self.nodes) >= _nodes_kept_max:
                self.nodes.clear()
            node = self.nodes[link.id] = parse_node(self.store.get(link.id))
        return node

    def state(self, link: Link) -> State:
        if link.id not in self.states:
            self.states[link.id] = parse_state(self.store.get(link.id))
        return self.states[link.id]

    def entries(self, link: Link | None) -> Iterator[Entry]:
        """All entries of a directory, in no order; of none when there is no directory."""
        waiting = [] if link is None else [link]
        while waiting:
            node = self.node(waiting.pop())
            if isinstance(node, Leaf):
                yield from node.entries
            else:
                waiting += [slot[0] for slot in node.slots if slot is not None]

    def check_state(self, link: Link, where: str) -> bool:
        """Whether the state and everything below it is good; each finding is reported once, by its first path."""
        if link.id not in self.good_states:
            self.good_states[link.id] = self.check_new_state(link, where)
        return self.good_states[link.id]

    def check_new_state(self, link: Link, where: str) -> bool:
        if self.store.is_forgotten(link.id):
            return False
        state = self.report.attempt(f"{where}, state", self.state, link)
        if state is None:
            return False
        good = state.files is None or self.check_directory(state.files, state.meta, where, b"").good
        if state.settings is not None and not self.store.is_forgotten(state.settings.id):
            good = self.report.attempt(f"{where}, settings", self.store.get, state.settings.id) is not None and good
        for other in state.others:
            good = self.report.attempt(where, self.check_any, other) is not None and good
        return good

    def check_directory(self, link: Link, meta: tuple[str, ...], where: str, path: bytes) -> Checked:
        key = (link.id, meta)
        if key not in self.directories:
            self.directories[key] = self.check_new_directory(link, meta, where, path)
        return self.directories[key]

    def check_new_directory(self, link: Link, meta: tuple[str, ...], where: str, path: bytes) -> Checked:
        count, longest, good = 0, 0, True
        waiting: list[tuple[Link, tuple[int, ...], int | None]] = [(link, (), None)]
        while waiting:
            at, digits, expected = waiting.pop()
            if self.store.is_forgotten(at.id):
                good = False
                continue
            place = f"{where}, {show(path) or 'the top'}"
            node = self.report.attempt(place, self.node, at)
            if node is None or self.report.attempt(place, _check_place, node, digits, expected) is None:
                good = False
                continue
            if isinstance(node, Branch):
                slots = enumerate(node.slots)
                waiting += [(slot[0], (*digits, digit), slot[1]) for digit, slot in slots if slot is not None]
                continue
            count += node.count
            for entry in node.entries:
                below = self.check_entry(entry, meta, where, path + b"/" + entry.name if path else entry.name)
                good = good and below.good
                longest = max(longest, len(entry.name) + (below.longest + 1 if below.longest > 0 else 0))
        if path == b"" and longest > LIMITS["pathBytesMax"]:
            self.report.damaged(where, f"a path of {longest} bytes")
        return Checked(count, longest, good)

    def check_entry(self, entry: Entry, meta: tuple[str, ...], where: str, path: bytes) -> Checked:
        place = f"{where}, {show(path)}"
        if entry.kind == DIRECTORY:
            below = self.check_directory(entry.content, meta, where, path)
            try:
                check_meta(entry, meta)
                if below.good and below.count != entry.size:
                    raise Bad(f"a directory of {below.count} entries, its own entry says {entry.size}")
                return below
            except Bad as error:
                self.report.damaged(place, error)
                return Checked(below.count, below.longest, False)
        done = self.files_checked if entry.kind == FILE else self.symlinks_checked
        try:
            check_meta(entry, meta)
            if (entry.content, entry.size) not in done:
                if entry.kind == FILE:
                    self.contents.check(entry.content, entry.size)
                elif self.store.is_forgotten(entry.content.id):
                    pass
                elif len(self.store.get(entry.content.id)) != entry.size:
                    raise Bad(f"a symlink whose target has not the {entry.size} bytes that its entry says")
                done.add((entry.content, entry.size))
            return Checked(0, 0, True)
        except Bad as error:
            self.report.damaged(place, error)
            return Checked(0, 0, False)

    def check_any(self, link: Link) -> bool:
        """What a link of unknown meaning leads to: everything is there, and is DAG-CBOR where a link says so."""
        waiting = [link]
        while waiting:
            at = waiting.pop()
            if at in self.others_checked:
                continue
            self.others_checked.add(at)
            if self.store.is_forgotten(at.id):
                continue
            data = self.store.get(at.id)
            if at.codec == DAG_CBOR:
                waiting += cbor.links_in(cbor.decode(data))
        return True


def _check_place(node: Leaf | Branch, digits: tuple[int, ...], expected: int | None) -> bool:
    """A node obeys the rules with its parents: the slots that lead to it, and its count there."""
    if expected is not None and node.count != expected:
        raise Bad(f"a node of {node.count} entries, its slot says {expected}")
    if isinstance(node, Branch):
        if node.depth != len(digits):
            raise Bad(f"a branch of depth {node.depth} at depth {len(digits)}")
        return True
    for entry in node.entries:
        hashed = hash_of(entry.name)
        if any((hashed[i // 2] >> (0 if i % 2 else 4)) & 15 != digit for i, digit in enumerate(digits)):
            raise Bad(f"the name {show(entry.name)} in a leaf where its hash does not lead")
    return True
