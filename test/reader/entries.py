# Entries of directories, nodes of directories, lists of chunks and states: decoding and local checks (sections 7 to 9).

from __future__ import annotations

from typing import NamedTuple

import cbor
from basics import DAG_CBOR, LIMITS, RAW, Bad, Link, is_bytes, is_integer, is_link, is_name

FILE, DIRECTORY, SYMLINK = 0, 1, 2


class Entry(NamedTuple):
    name: bytes
    kind: int
    mode: int
    size: int
    content: Link
    meta: dict | None

    def encoded(self) -> list:
        items = [self.name, self.kind, self.mode, self.size, self.content]
        return items if self.meta is None else [*items, self.meta]


def parse_entry(value: object) -> Entry:
    if type(value) is not list or not 5 <= len(value) <= 6:
        raise Bad("an entry that is no list of five or six")
    name, kind, mode, size, content = value[:5]
    if not is_name(name):
        raise Bad(f"an entry with the name {name!r}")
    if not is_integer(kind, 0, 2) or not is_integer(mode, 0, LIMITS["modeMax"]) or not is_integer(size):
        raise Bad("an entry whose kind, mode or size is of the wrong kind")
    if kind == FILE:
        _check_file(size, content)
    elif kind == DIRECTORY and not is_link(content, DAG_CBOR):
        raise Bad("a directory whose content is no node")
    elif kind == SYMLINK and (mode != 0o777 or not 1 <= size <= LIMITS["linkTargetBytesMax"]):
        raise Bad(f"a symlink with mode {mode:o} and a target of {size} bytes")
    elif kind == SYMLINK and not is_link(content, RAW):
        raise Bad("a symlink whose content is not raw")
    meta = _parse_meta(value[5]) if len(value) == 6 else None
    return Entry(name, kind, mode, size, content, meta)


def _check_file(size: int, content: object) -> None:
    if not is_link(content):
        raise Bad("a file whose content is no link")
    if content.codec == RAW and size > LIMITS["chunkBytesMax"]:
        raise Bad(f"a file of {size} bytes in one chunk")
    if content.codec == DAG_CBOR and size <= LIMITS["chunkBytesMin"]:
        raise Bad(f"a file of {size} bytes in more than one chunk")


def _parse_meta(value: object) -> dict:
    if type(value) is not dict or not value or not set(value) <= {"uid", "gid", "xattrs"}:
        raise Bad("an entry with other metadata than uid, gid, xattrs")
    if ("uid" in value) != ("gid" in value):
        raise Bad("an entry with one of uid and gid")
    if "uid" in value and not all(is_integer(value[key], 0, LIMITS["ownerIdMax"]) for key in ("uid", "gid")):
        raise Bad("an entry whose uid or gid is no such number")
    if "xattrs" in value:
        _check_attributes(value["xattrs"])
    return value


def _check_attributes(value: object) -> None:
    if type(value) is not list or not value:
        raise Bad("an entry without extended attributes that has xattrs")
    total, last = 0, None
    for pair in value:
        if type(pair) is not list or len(pair) != 2 or type(pair[1]) is not bytes:
            raise Bad("an extended attribute that is no pair of byte strings")
        if not is_bytes(pair[0], 1, LIMITS["xattrNameBytesMax"]) or b"\0" in pair[0]:
            raise Bad("an extended attribute with such a name")
        if last is not None and pair[0] <= last:
            raise Bad("extended attributes that are not sorted")
        last = pair[0]
        total += len(pair[0]) + len(pair[1])
    if total > LIMITS["metaBytesMax"]:
        raise Bad(f"extended attributes of {total} bytes")


def check_meta(entry: Entry, names: tuple[str, ...]) -> None:
    """The metadata is what the state says that its entries carry."""
    meta = entry.meta or {}
    if ("uid" in meta) != ("owner" in names):
        raise Bad("an entry with an owner in a state without, or the other way round")
    if "xattrs" in meta and "xattrs" not in names:
        raise Bad("an entry with extended attributes in a state without")


class Leaf(NamedTuple):
    entries: list[Entry]

    @property
    def count(self) -> int:
        return len(self.entries)


class Branch(NamedTuple):
    depth: int
    slots: list[tuple[Link, int] | None]

    @property
    def count(self) -> int:
        return sum(slot[1] for slot in self.slots if slot is not None)


def parse_node(data: bytes) -> Leaf | Branch:
    value = cbor.decode_map(data, "a node")
    if value.get("k") == "leaf" and set(value) == {"k", "e"}:
        return _parse_leaf(value["e"])
    if value.get("k") == "branch" and set(value) == {"k", "d", "s"}:
        return _parse_branch(value["d"], value["s"])
    raise Bad("an object that should be a node of a directory and is not")


def _parse_leaf(items: object) -> Leaf:
    if type(items) is not list or len(items) > LIMITS["leafEntriesMax"]:
        raise Bad("a leaf with no such list of entries")
    entries = [parse_entry(item) for item in items]
    for one, next_one in zip(entries, entries[1:]):
        if one.name >= next_one.name:
            raise Bad("a leaf whose names are not sorted")
    return Leaf(entries)


def _parse_branch(depth: object, items: object) -> Branch:
    if not is_integer(depth, 0, LIMITS["branchDepthMax"]) or type(items) is not list or len(items) != 16:
        raise Bad("a branch without a depth or 16 slots")
    slots: list[tuple[Link, int] | None] = []
    for item in items:
        if item is None:
            slots.append(None)
        elif type(item) is list and len(item) == 2 and is_link(item[0], DAG_CBOR) and is_integer(item[1], 1):
            slots.append((item[0], item[1]))
        else:
            raise Bad("a branch with a slot of the wrong kind")
    branch = Branch(depth, slots)
    if branch.count <= LIMITS["leafEntriesMax"]:
        raise Bad(f"a branch of only {branch.count} entries")
    return branch


class ListNode(NamedTuple):
    depth: int
    size: int
    children: list[tuple[Link, int]]


def parse_list(data: bytes) -> ListNode:
    value = cbor.decode_map(data, "a list of chunks")
    if value.get("k") != "list" or set(value) != {"k", "d", "n", "c"}:
        raise Bad("an object that should be a list of chunks and is not")
    depth, size, items = value["d"], value["n"], value["c"]
    if not is_integer(depth, 0, LIMITS["listDepthMax"]) or not is_integer(size) or type(items) is not list:
        raise Bad("a list of chunks without a depth, size or children")
    if not 1 <= len(items) <= LIMITS["listEntriesMax"]:
        raise Bad(f"a list of {len(items)} chunks")
    codec, below = (RAW if depth == 0 else DAG_CBOR), LIMITS["listEntriesMax"] ** depth
    most = LIMITS["chunkBytesMax"] * below
    for number, item in enumerate(items):
        least = 1 if number == len(items) - 1 else LIMITS["chunkBytesMin"] * below
        if type(item) is not list or len(item) != 2 or not is_link(item[0], codec):
            raise Bad("a list of chunks with a child of the wrong kind")
        if not is_integer(item[1], least, most):
            raise Bad(f"a list of chunks with a child of {item[1]} bytes")
    if sum(item[1] for item in items) != size:
        raise Bad("a list of chunks whose size is not the sum of its children")
    return ListNode(depth, size, [(item[0], item[1]) for item in items])


class State(NamedTuple):
    meta: tuple[str, ...]
    files: Link | None
    settings: Link | None
    others: list[Link]


def parse_state(data: bytes) -> State:
    value = cbor.decode_map(data, "a state")
    others = ("contracts", "boxes", "services")
    if not set(value) <= {"v", "meta", "files", "settings", *others} or not is_integer(value.get("v"), 1, 1):
        raise Bad("an object that should be a state and is not")
    meta = value.get("meta")
    if "meta" in value and meta not in (["owner"], ["xattrs"], ["owner", "xattrs"]):
        raise Bad(f"a state with the metadata {meta}")
    if "files" not in value:
        raise Bad("a state without files")
    for key, codec in (("files", DAG_CBOR), ("settings", RAW), *((key, DAG_CBOR) for key in others)):
        if key in value and not is_link(value[key], codec):
            raise Bad(f"a state whose {key} is no link of that codec")
    kept = [value[key] for key in others if key in value]
    return State(tuple(meta or ()), value.get("files"), value.get("settings"), kept)
