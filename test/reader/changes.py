# Changes and lists of changes: decoding and local checks (section 12).

from __future__ import annotations

from typing import NamedTuple

import cbor
from basics import DAG_CBOR, LIMITS, Bad, Link, is_integer, is_link, is_path
from entries import Entry, parse_entry


class Change(NamedTuple):
    path: bytes
    before: Entry | None
    after: Entry | None


def parse_change(value: object) -> Change:
    if type(value) is not list or len(value) != 3 or not is_path(value[0]):
        raise Bad("a change without a path")
    before, after = (None if entry is None else parse_entry(entry) for entry in value[1:])
    if before == after:
        raise Bad("a change that changes nothing")
    name = value[0].rpartition(b"/")[2]
    if any(entry is not None and entry.name != name for entry in (before, after)):
        raise Bad("a change whose entry has another name than its path")
    return Change(value[0], before, after)


class ChangesNode(NamedTuple):
    changes: list[Change]
    first_bytes: int  # of the first change, encoded
    bytes: int  # of all changes, encoded


class ChangesTree(NamedTuple):
    count: int
    nodes: list[tuple[bytes, Link, int]]


def parse_changes(data: bytes) -> ChangesNode | ChangesTree:
    value = cbor.decode_map(data, "a list of changes")
    if set(value) != {"k", "n", "e"} or value["k"] not in ("changes", "changes-tree"):
        raise Bad("an object that should be a list of changes and is not")
    count, items = value["n"], value["e"]
    least = 1 if value["k"] == "changes" else 2
    if type(items) is not list or not least <= len(items) <= LIMITS["changesEntriesMax"] or not is_integer(count):
        raise Bad("a list of changes with no such list of items")
    return _parse_tree(count, items) if least == 2 else _parse_node(count, items)


def _parse_node(count: int, items: list) -> ChangesNode:
    if count != len(items):
        raise Bad(f"a node of {len(items)} changes that says {count}")
    changes = parse_change_list(items)
    sizes = [len(cbor.encode(item)) for item in items]
    if sum(sizes) > LIMITS["changesNodeBytesMax"]:
        raise Bad(f"a node of changes of {sum(sizes)} bytes")
    return ChangesNode(changes, sizes[0], sum(sizes))


def parse_change_list(items: list) -> list[Change]:
    changes = [parse_change(item) for item in items]
    for one, next_one in zip(changes, changes[1:]):
        if one.path >= next_one.path:
            raise Bad("changes that are not sorted by path")
    return changes


def _parse_tree(count: int, items: list) -> ChangesTree:
    for item in items:
        if type(item) is not list or len(item) != 3 or not is_path(item[0]):
            raise Bad("a tree of changes with an item of the wrong kind")
        if not is_link(item[1], DAG_CBOR) or not is_integer(item[2], 1, LIMITS["changesEntriesMax"]):
            raise Bad("a tree of changes with an item of the wrong kind")
    if sum(item[2] for item in items) != count:
        raise Bad(f"a tree of changes that says {count}, its nodes another number")
    return ChangesTree(count, [(item[0], item[1], item[2]) for item in items])
