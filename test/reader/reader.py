#!/usr/bin/env python3
# An independent reader of root folders: verifies one from end to end, step by step as format/README.md section 29 has
# it. It shares no code with the program and was written from that text alone; it changes nothing.
#
#   reader.py verify ROOT [--key VKEY]... [--checkpoint FILE]...      exit code 0: all verified, 3: damage, 2: usage
#   reader.py inclusion FILE --key VKEY

from __future__ import annotations

import argparse
import os
import re
import sys
import threading
from pathlib import Path
from typing import NamedTuple

sys.dont_write_bytecode = True  # before the modules of this folder are imported: nothing is left behind in it

import cbor
from basics import DAG_CBOR, Bad, Link, Missing, is_path
from differences import check_record, read_changes
from disk import compare
from format_file import parse_format
from journal import Journal, check_forgotten, read_journal
from keys import check_modes, read_keys
from marks import check_newest, check_older, read_marks
from merkle import full_tiles, root_of
from notes import (
    Checkpoint,
    VerifierKey,
    check_checkpoint,
    check_inclusion,
    parse_checkpoint,
    parse_verifier_key,
)
from packs import open_store
from report import Report
from snapshots import Snapshots, check_lock, check_trace
from trees import Trees

EXIT_DAMAGE = 3
_listed_max = 50


class Findings(NamedTuple):
    """What one walk over all bodies collects."""

    snapshots: Snapshots
    horizon: int
    forgets: list
    forgotten: set[bytes]
    keys: list[tuple[int, str]]
    epochs: list[tuple[int, dict]]


def verify(root: Path, given: list[VerifierKey], seen: list[Checkpoint], report: Report) -> None:
    form = report.attempt(".runtime/format", lambda: parse_format(_read(root, ".runtime/format")))
    if form is None:
        return
    report.line("format", f"version 1, log id {form.log_id.hex()}")
    check_modes(root, report)
    checkpoint = _read_checkpoint(root, report)
    marks = read_marks(_read(root, ".runtime/marks"), report) if _is_there(root, ".runtime/marks", report) else []
    journal = read_journal(root, form, report, marks, checkpoint)
    if marks and not journal.damaged:
        check_newest(marks[0], journal, report)
        for mark in marks[1:]:
            check_older(mark, journal, report)
        report.line(
            "marks", f"generation {marks[0].generation}: {marks[0].records} records, {marks[0].applied} applied"
        )
    findings = _walk_bodies(journal, report)
    check_forgotten(journal, findings.forgets, report)
    keys = given or read_keys(root, form, report) or _named_keys(findings, report)
    _check_checkpoints(journal, checkpoint, seen, keys, report)
    _check_tiles(root, journal, checkpoint, report)
    _check_epochs(journal, findings, keys, checkpoint, report)
    store = open_store(root, marks[0] if marks else None, report)
    store.forgotten = findings.forgotten
    if _is_forgetting(root):
        report.remark("a forget is not carried out yet: the next writer does")
    trees = Trees(store, report)
    _check_states(journal, findings, trees, report)
    if not journal.records:
        report.damaged("journal", "no record, not even that of init")
        return
    if journal.damaged:
        report.remark("recycle.lock, recycle.trace and the disk are not looked at, as the journal is damaged")
        return
    _check_derived(root, journal, findings, keys, trees, report)
    _check_disk(root, journal, trees, report)


def _is_forgetting(root: Path) -> bool:
    return (root / ".runtime" / "forgetting").exists()


def _read(root: Path, name: str) -> bytes:
    try:
        return (root / name).read_bytes()
    except OSError as error:
        raise Bad(f"can not be read: {error.strerror}") from error


def _is_there(root: Path, name: str, report: Report) -> bool:
    there = (root / name).exists()
    if not there:
        report.damaged(name, "not there")
    return there


def _read_checkpoint(root: Path, report: Report) -> Checkpoint | None:
    name = ".runtime/checkpoint"
    if not (root / name).exists():
        report.remark("there is no checkpoint yet")
        return None
    return report.attempt(name, lambda: parse_checkpoint(_read(root, name)))


def _walk_bodies(journal: Journal, report: Report) -> Findings:
    snapshots, horizon = Snapshots(), 0
    forgets: list = []
    forgotten: set[bytes] = set()
    keys: list[tuple[int, str]] = []
    epochs: list[tuple[int, dict]] = []
    for seq, record in enumerate(journal.records):
        body = journal.body(seq)
        if body is None:
            continue
        report.attempt(f"record {seq}", snapshots.replay, seq, record.envelope.time, body)
        if body.action == "gc":
            horizon = max(horizon, body.fields["horizon"])
        elif body.action == "forget":
            forgets += body.fields["records"]
            forgotten.update(body.fields.get("objects", []))
        elif body.action in ("init", "new-epoch"):
            keys.append((seq, body.fields["key"]))
            if body.action == "new-epoch":
                epochs.append((seq, body.fields))
    return Findings(snapshots, horizon, forgets, forgotten, keys, epochs)


def _named_keys(findings: Findings, report: Report) -> list[VerifierKey]:
    report.remark("no key is given or in .auth: those that the journal names itself are taken, which proves little")
    named = [report.attempt(f"record {seq}", parse_verifier_key, text) for seq, text in findings.keys]
    return [key for key in named if key is not None]


def _check_checkpoints(
    journal: Journal, own: Checkpoint | None, seen: list[Checkpoint], keys: list[VerifierKey], report: Report
) -> None:
    """The note is good, and the first records have its root."""
    for checkpoint in [*([own] if own else []), *seen]:
        where = ".runtime/checkpoint" if checkpoint is own else "the checkpoint that was given"
        if report.attempt(where, check_checkpoint, checkpoint, keys) is None:
            continue
        size = checkpoint.size
        if size <= len(journal.records) and root_of(journal.leaves[:size]) != checkpoint.root:
            report.damaged(where, f"its root is not that of the first {size} records")
        elif size <= len(journal.records):
            report.line("checkpoint", f"{size} records, signed by {checkpoint.origin}")
        elif not journal.damaged:  # else it is said already that records are missing
            report.damaged(where, f"it is of {size} records: there are {len(journal.records)}")


def _check_tiles(root: Path, journal: Journal, checkpoint: Checkpoint | None, report: Report) -> None:
    """Those that the checkpoint covers and that are there; others are derived, and not ready."""
    covered = 0 if checkpoint is None else checkpoint.size
    tiles, folder, stored = full_tiles(journal.leaves[:covered]), root / ".runtime" / "tile", 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or re.fullmatch(r"(0|[1-9][0-9]?)/(x[0-9]{3}/)*[0-9]{3}", name) is None:
            continue
        stored += 1
        if name in tiles and path.read_bytes() != tiles[name]:
            report.damaged(f".runtime/tile/{name}", "its hashes are not those of the records")
    text = f"root {root_of(journal.leaves).hex()} of {len(journal.leaves)} records, {stored} of {len(tiles)} tiles"
    report.line("merkle", text)


def _check_epochs(
    journal: Journal, findings: Findings, keys: list[VerifierKey], checkpoint: Checkpoint | None, report: Report
) -> None:
    """The journal names the key of each epoch, and what each goes on from."""
    if findings.keys and checkpoint is not None and not journal.damaged:
        before = [item for item in findings.keys if item[0] < checkpoint.size]
        seq, text = before[-1] if before else findings.keys[0]
        named = report.attempt(f"record {seq}", parse_verifier_key, text)
        if named is not None and named.name != checkpoint.origin:
            report.damaged(".runtime/checkpoint", f"its origin is {checkpoint.origin}, record {seq} names {named.name}")
        elif named is not None and named not in keys:
            report.damaged(f"record {seq}", f"it names another key of {named.name} than the one to verify with")
    for seq, fields in findings.epochs:
        if fields["size"] > seq or root_of(journal.leaves[: fields["size"]]) != fields["root"]:
            report.damaged(f"record {seq}", f"it goes on from {fields['size']} records of another root")


def _check_states(journal: Journal, findings: Findings, trees: Trees, report: Report) -> None:
    """From the one before the horizon on states are whole, and each says how it differs from the one before."""
    changed, compared = 0, 0
    for seq in range(max(findings.horizon - 1, 0), len(journal.records)):
        root = journal.records[seq].envelope.root
        where = f"record {seq}"
        trees.check_state(root, where)
        body = journal.body(seq)
        if body is None or seq < findings.horizon:
            continue
        for link in body.links:
            _check_link(link, body, trees, where, report)
        before = None if seq == 0 else journal.records[seq - 1].envelope.root
        try:
            changed += check_record(trees, body, before, root)
            compared += 1
        except Missing:
            pass  # what can not be read is said already, of the state or the link that leads there
        except Bad as error:
            report.damaged(where, error)
    for snapshot in findings.snapshots.kept.values():
        trees.check_state(snapshot.root, f"snapshot {snapshot.name}")
    texts = [
        f"{len(trees.good_states)} states from record {findings.horizon} on",
        f"{len(trees.directories)} directories",
        f"{len(trees.files_checked)} contents",
        f"{trees.contents.chunked} of them in chunks",
        f"{len(trees.symlinks_checked)} symlinks",
    ]
    report.line("states", ", ".join(texts))
    report.line("changes", f"{compared} records are what their states differ in, {changed} changes")


def _check_link(link: Link, body, trees: Trees, where: str, report: Report) -> None:
    """A link in a body: section 13 says which lead to states and lists; of others everything is there and decodes."""
    fields = body.fields
    to_state = {"snapshot": "root", "restore": "to", "rollback": "to"}.get(body.action)
    if link in (fields.get("kept"), None if to_state is None else fields.get(to_state)) and link.codec == DAG_CBOR:
        trees.check_state(link, where)
        return
    if report.attempt(where, trees.check_any, link) and link.codec == DAG_CBOR:
        lists = body.changes, fields.get("overwrote"), fields.get("shown")
        if link in lists and not trees.store.is_forgotten(link.id):
            report.attempt(where, read_changes, trees, link)


def _check_derived(
    root: Path, journal: Journal, findings: Findings, keys: list[VerifierKey], trees: Trees, report: Report
) -> None:
    if (root / "recycle.lock").exists():
        report.attempt("recycle.lock", lambda: check_lock(_read(root, "recycle.lock"), keys, journal, report))
    else:
        report.line("snapshots", f"{len(findings.snapshots.kept)}, no recycle.lock")
    trace = root / "recycle.trace"
    if trace.exists():
        report.attempt("recycle.trace", check_trace, trace, journal, trees, findings.horizon, report)
    else:
        report.line("trace", "no recycle.trace")


def _check_disk(root: Path, journal: Journal, trees: Trees, report: Report) -> None:
    last = journal.records[-1].envelope.root
    if not trees.good_states.get(last.id, False):
        report.remark("the disk is not compared, as the last state is damaged")
        return
    unapplied = report.attempt(".runtime/unapplied", _read_unapplied, root) or set()
    compare(os.fsencode(root), trees.state(last), trees, unapplied, report)


def _read_unapplied(root: Path) -> set[bytes]:
    path = root / ".runtime" / "unapplied"
    if not path.exists():
        return set()
    value = cbor.decode(path.read_bytes())
    if type(value) is not list or not all(is_path(item) for item in value) or value != sorted(set(value)):
        raise Bad("not a sorted list of paths")
    return set(value)


def _verifier_key(text: str) -> VerifierKey:
    try:
        return parse_verifier_key(text)
    except Bad as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies SentientOS root folders and inclusion files.")
    commands = parser.add_subparsers(dest="command", required=True)
    whole = commands.add_parser("verify", help="a whole root folder")
    whole.add_argument("root", type=Path)
    whole.add_argument("--key", type=_verifier_key, action="append", default=[], help="instead of those in .auth")
    whole.add_argument("--checkpoint", type=Path, action="append", default=[], help="one that was seen earlier")
    one = commands.add_parser("inclusion", help="an inclusion file")
    one.add_argument("file", type=Path)
    one.add_argument("--key", type=_verifier_key, required=True)
    options = parser.parse_args()
    if options.command == "inclusion":
        return _main_inclusion(options.file, options.key)
    if not (options.root / ".runtime" / "format").is_file():
        parser.error(f"{options.root} is no root folder: it has no .runtime/format")
    report = Report()
    seen = [report.attempt(str(path), parse_checkpoint, path.read_bytes()) for path in options.checkpoint]
    verify(options.root, options.key, [checkpoint for checkpoint in seen if checkpoint], report)
    sys.stdout.buffer.write(report.text(_listed_max).encode("utf-8", "backslashreplace"))
    return EXIT_DAMAGE if report.damage else 0


def _main_inclusion(path: Path, key: VerifierKey) -> int:
    try:
        inclusion = check_inclusion(path.read_bytes(), key)
    except Bad as error:
        print(f"DAMAGE {path.name}: {error}")
        return EXIT_DAMAGE
    envelope, checkpoint = inclusion
    print(f"verified: record {envelope.seq} of {checkpoint.size}, signed by {key.name}")
    print(f"  time {envelope.time}, state {envelope.root}")
    return 0


if __name__ == "__main__":
    # Directories can be as deep as a path is long: the walk goes down by recursion, and gets the stack for it.
    sys.setrecursionlimit(200_000)
    threading.stack_size(512 * 1024 * 1024)
    result: list[int] = [70]

    def run() -> None:
        try:
            result[0] = main()
        except SystemExit as stop:
            result[0] = stop.code if isinstance(stop.code, int) else 2

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    sys.exit(result[0])
