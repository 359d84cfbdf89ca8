# How the files of two states differ, and that each record says exactly that of its state and the one before
# (sections 11 and 12).

from __future__ import annotations

from collections.abc import Iterator

from basics import LIMITS, Bad, Link, show
from changes import Change, ChangesNode, parse_changes
from entries import DIRECTORY, Branch, Entry
from records import Body
from trees import Trees


def difference(trees: Trees, before: Link | None, after: Link | None) -> list[Change]:
    """The changes between two top directories, by path; raises Bad when one can not be read."""
    changes: list[Change] = []
    waiting: list[tuple[bytes, Link | None, Link | None]] = [(b"", before, after)]
    while waiting:
        path, one, other = waiting.pop()
        for name, old, new in _pairs(trees, one, other):
            below = path + b"/" + name if path else name
            if _own_entry(old) != _own_entry(new):
                changes.append(Change(below, old, new))
            folders = _directory(old), _directory(new)
            if folders[0] != folders[1]:
                waiting.append((below, *folders))
    changes.sort(key=lambda change: change.path)
    return changes


def _pairs(trees: Trees, one: Link | None, other: Link | None) -> Iterator[tuple[bytes, Entry | None, Entry | None]]:
    """The names whose entries in two directories differ; nodes that both have are not read."""
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if left == right:
            continue
        if left is not None and right is not None:
            nodes = trees.node(left), trees.node(right)
            if isinstance(nodes[0], Branch) and isinstance(nodes[1], Branch):
                slots = zip(nodes[0].slots, nodes[1].slots)
                waiting += [(a and a[0], b and b[0]) for a, b in slots]
                continue
        old = {entry.name: entry for entry in trees.entries(left)}
        new = {entry.name: entry for entry in trees.entries(right)}
        for name in old.keys() | new.keys():
            if old.get(name) != new.get(name):
                yield name, old.get(name), new.get(name)


def _directory(entry: Entry | None) -> Link | None:
    return entry.content if entry is not None and entry.kind == DIRECTORY else None


def _own_entry(entry: Entry | None) -> tuple | None:
    """What makes a path listed when it changes: not what lies below a directory."""
    if entry is None:
        return None
    own = (entry.kind, entry.mode, entry.meta)
    return own if entry.kind == DIRECTORY else (*own, entry.size, entry.content)


def read_changes(trees: Trees, link: Link) -> list[Change]:
    """All changes of a list, its one form checked; raises Bad."""
    top = parse_changes(trees.store.get(link.id))
    if isinstance(top, ChangesNode):
        return top.changes
    changes: list[Change] = []
    previous: ChangesNode | None = None
    for first, at, count in top.nodes:
        node = parse_changes(trees.store.get(at.id))
        if not isinstance(node, ChangesNode) or node.changes[0].path != first or len(node.changes) != count:
            raise Bad("a node of changes that has not the path or count that its tree says")
        if changes and changes[-1].path >= first:
            raise Bad("changes that are not sorted by path")
        if previous is not None and len(previous.changes) < LIMITS["changesEntriesMax"]:
            if previous.bytes + node.first_bytes <= LIMITS["changesNodeBytesMax"]:
                raise Bad("a node of changes that ends before it is full")
        changes += node.changes
        previous = node
    return changes


def said_changes(trees: Trees, body: Body) -> list[Change]:
    """What a record says that it changed."""
    if body.one_change is not None:
        return [body.one_change]
    return [] if body.changes is None else read_changes(trees, body.changes)


def check_record(trees: Trees, body: Body, before: Link | None, after: Link) -> int:
    """How many paths the record changed; raises Bad when it does not say exactly these."""
    files = [None if link is None else trees.state(link).files for link in (before, after)]
    found = difference(trees, *files)
    said = said_changes(trees, body)
    if said != found:
        raise Bad(_how_they_differ(said, found))
    single = len(found) == 1 and body.subject == ("file", found[0].path)
    if found and single != (body.one_change is not None):
        raise Bad("it lists one change, of its subject, as if it were another or more")
    if body.effect == "deny" and before != after:
        raise Bad("it was denied and changed the state")
    return len(found)


def _how_they_differ(said: list[Change], found: list[Change]) -> str:
    ours = {change.path: change for change in found}
    theirs = {change.path: change for change in said}
    missing = [path for path in ours if path not in theirs]
    surplus = [path for path in theirs if path not in ours]
    if missing or surplus:
        return f"it does not say that it changed {_some(missing)}, and says of {_some(surplus)} what is not so"
    others = [path for path in ours if ours[path] != theirs[path]]
    one = others[0] if others else said[0].path
    two = _describe(theirs[one]), _describe(ours[one])
    return f"it says of {_some(others)} another change than its states have: {two[0]} instead of {two[1]}"


def _describe(change: Change) -> str:
    return " -> ".join(
        "absent" if entry is None else f"{_kinds[entry.kind]} {entry.mode:o} {entry.size} {str(entry.content)[:12]}"
        for entry in (change.before, change.after)
    )


_kinds = ("file", "directory", "symlink")


def _some(paths: list[bytes]) -> str:
    if not paths:
        return "nothing"
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(show(path) for path in paths[:3]) + more
