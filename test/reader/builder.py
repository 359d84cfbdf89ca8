# Files in memory, changed by changes and built into canonical nodes again: what replaying a list of changes needs
# (section 8: one set of entries has one form).

from __future__ import annotations

import cbor
from basics import DAG_CBOR, LIMITS, Bad, Link, hash_of, show
from changes import Change
from entries import DIRECTORY, Entry
from trees import Trees


class Folder:
    """A directory; its link and count are made again after changes below it."""

    def __init__(self, mode: int, meta: dict | None) -> None:
        self.mode, self.meta = mode, meta
        self.items: dict[bytes, Entry | Folder] = {}
        self.link: Link | None = None

    def build(self) -> Link:
        if self.link is None:
            self.link = build_node([_entry(name, item) for name, item in self.items.items()], 0)
        return self.link


def _entry(name: bytes, item: Entry | Folder) -> Entry:
    if isinstance(item, Entry):
        return item
    return Entry(name, DIRECTORY, item.mode, len(item.items), item.build(), item.meta)


def build_node(entries: list[Entry], depth: int) -> Link:
    if len(entries) <= LIMITS["leafEntriesMax"]:
        ordered = sorted(entries, key=lambda entry: entry.name)
        node: dict = {"k": "leaf", "e": [entry.encoded() for entry in ordered]}
    else:
        parts: list[list[Entry]] = [[] for _ in range(16)]
        for entry in entries:
            parts[hash_of(entry.name)[depth // 2] >> (0 if depth % 2 else 4) & 15].append(entry)
        slots = [[build_node(part, depth + 1), len(part)] if part else None for part in parts]
        node = {"k": "branch", "d": depth, "s": slots}
    return Link(DAG_CBOR, hash_of(cbor.encode(node)))


def load(trees: Trees, files: Link | None) -> Folder:
    """The files of a state, from the store."""
    top = Folder(0, None)
    waiting = [(top, files)]
    while waiting:
        folder, link = waiting.pop()
        for entry in trees.entries(link):
            if entry.kind == DIRECTORY:
                below = Folder(entry.mode, entry.meta)
                folder.items[entry.name] = below
                waiting.append((below, entry.content))
            else:
                folder.items[entry.name] = entry
        folder.link = link
    return top


def apply(top: Folder, changes: list[Change]) -> None:
    """Changes that are sorted by path; raises Bad where they do not fit what is there, before or after."""
    for path, before, _ in changes:
        folder, name = _parent(top, path, before is not None)
        if _at(folder, name) != before:
            raise Bad(f"{show(path)} was another before than is said")
    # Removals first, the deepest first, so that a directory is empty when it goes.
    for path, before, after in reversed(changes):
        if before is not None and (after is None or (before.kind == DIRECTORY) != (after.kind == DIRECTORY)):
            folder, name = _touch(top, path)
            item = folder.items.pop(name)
            if isinstance(item, Folder) and item.items:
                raise Bad(f"{show(path)} goes, but not what is in it")
    for path, _, after in changes:
        if after is not None:
            folder, name = _touch(top, path)
            there = folder.items.get(name)
            if after.kind != DIRECTORY:
                folder.items[name] = after
            elif isinstance(there, Folder):
                there.mode, there.meta = after.mode, after.meta
            else:
                folder.items[name] = Folder(after.mode, after.meta)
    for path, _, after in changes:
        folder, name = _parent(top, path, after is not None)
        if _at(folder, name) != after:
            raise Bad(f"{show(path)} is another afterwards than is said")


def _at(folder: Folder | None, name: bytes) -> Entry | None:
    item = None if folder is None else folder.items.get(name)
    return None if item is None else _entry(name, item)


def _parent(top: Folder, path: bytes, needed: bool) -> tuple[Folder | None, bytes]:
    """The directory of a path, and its name there; None for a directory that is not there and not needed."""
    *names, last = path.split(b"/")
    folder: Folder = top
    for name in names:
        below = folder.items.get(name)
        if isinstance(below, Folder):
            folder = below
        elif needed:
            raise Bad(f"{show(path)} is in no directory")
        else:
            return None, last
    return folder, last


def _touch(top: Folder, path: bytes) -> tuple[Folder, bytes]:
    """As _parent; the directories on the way are built again when they are asked for."""
    top.link = None
    folder, at = top, 0
    while (slash := path.find(b"/", at)) >= 0:
        below = folder.items.get(path[at:slash])
        if not isinstance(below, Folder):
            raise Bad(f"{show(path)} is in no directory")
        folder, at = below, slash + 1
        folder.link = None
    return folder, path[at:]
