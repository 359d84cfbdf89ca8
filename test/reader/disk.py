# Compares the governed tree on disk with a state: what the state says of each path is made in memory from the store
# and held against the file (sections 3, 8, 22). Differences are drift, which is no damage.

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from basics import hash_of, show
from entries import DIRECTORY, FILE, SYMLINK, Entry, State
from report import Report
from trees import Trees

# Section 3: at the top of the root folder, never part of the governed tree.
_reserved = set(
    b".auth .bak .boot .browser .cons .container .db .debug .gossip .heal .intent .linux .lock .osr .panic .redis .repo"
    b" .runtime .sigblock .telemetry .template .tff .tree .unsecure .zero .zk contrac.to recycle.lock recycle.redis"
    b" recycle.trace termux.io zk_contracts".split()
) | {b"sentient.yaml"}
_staged = b".sentient-stage-"


class _Place(NamedTuple):
    path: bytes
    full: bytes


def compare(root: bytes, state: State, trees: Trees, unapplied: set[bytes], report: Report) -> None:
    """One line of drift for each path that differs."""
    compared, size = 0, 0
    waiting = [(b"", state.files)]
    while waiting:
        path, link = waiting.pop()
        recorded = {entry.name: entry for entry in trees.entries(link)}
        there = set(_names(root, path))
        for name in sorted(recorded.keys() | there):
            below = path + b"/" + name if path else name
            entry = recorded.get(name)
            place = _Place(below, os.path.join(root, below))
            compared += entry is not None
            size += entry.size if entry is not None and entry.kind == FILE else 0
            what = _compare_one(place, entry, state.meta, trees)
            if below in unapplied:
                report.remark(f"{show(below)} could not be set on disk yet: {what or 'as recorded by now'}")
            elif what is not None:
                report.drift.append(f"{show(below)}: {what}")
            is_directory = os.path.isdir(place.full) and not os.path.islink(place.full)
            if entry is not None and entry.kind == DIRECTORY and is_directory:
                waiting.append((below, entry.content))
    report.line("disk", f"{compared} paths compared, {size} bytes of files, {len(report.drift)} differ")
    if state.settings is not None:
        _compare_settings(root, trees.store.get(state.settings.id), report)


def _names(root: bytes, path: bytes) -> Iterator[bytes]:
    for name in os.listdir(os.path.join(root, path)):
        if not (path == b"" and name in _reserved) and not name.startswith(_staged):
            yield name


def _compare_one(place: _Place, entry: Entry | None, meta: tuple[str, ...], trees: Trees) -> str | None:
    """How the disk differs from the entry; None when it does not."""
    try:
        found = os.lstat(place.full)
    except OSError:
        return "removed"
    kinds = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK}
    kind = kinds.get(stat.S_IFMT(found.st_mode))
    if entry is None:
        return "new" if kind is not None else None  # devices, pipes and sockets are not recorded
    if kind != entry.kind:
        return "of another kind"
    if kind != SYMLINK and stat.S_IMODE(found.st_mode) != entry.mode:
        return f"mode {stat.S_IMODE(found.st_mode):o} instead of {entry.mode:o}"
    if (
        "owner" in meta
        and entry.meta is not None
        and (found.st_uid, found.st_gid)
        != (
            entry.meta.get("uid"),
            entry.meta.get("gid"),
        )
    ):
        return "another owner"
    if "xattrs" in meta and kind != SYMLINK and _attributes(place.full) != (entry.meta or {}).get("xattrs", []):
        return "other extended attributes"
    if kind == SYMLINK:
        return None if os.readlink(place.full) == trees.store.get(entry.content.id) else "another target"
    if kind == FILE:
        return None if _same_bytes(place.full, found.st_size, entry, trees) else "other contents"
    return None


def _attributes(path: bytes) -> list[list[bytes]]:
    names = sorted(os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False))
    return [[name, os.getxattr(path, name, follow_symlinks=False)] for name in names]


def _same_bytes(path: bytes, size: int, entry: Entry, trees: Trees) -> bool:
    if size != entry.size:
        return False
    with open(path, "rb") as file:
        return all(file.read(len(piece)) == piece for piece in trees.contents.pieces(entry.content))


def _compare_settings(root: bytes, recorded: bytes, report: Report) -> None:
    path = os.path.join(root, b"sentient.yaml")
    if not os.path.exists(path):
        report.remark("sentient.yaml, the working copy of the settings, is not there")
        return
    with open(path, "rb") as file:
        if hash_of(file.read()) != hash_of(recorded):
            report.remark("sentient.yaml is not the settings in force: an edit that was not applied")
