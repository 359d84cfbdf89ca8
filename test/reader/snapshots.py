# The snapshots as the journal has them, recycle.lock and recycle.trace (sections 23 and 24).

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cbor
from basics import DAG_CBOR, LIMITS, MAGICS, Bad, Link, Missing, crc_of, from_decimal, is_integer, is_link, is_text
from builder import Folder, apply, load
from changes import Change, parse_change_list
from differences import said_changes
from journal import Journal
from notes import VerifierKey, check_signed, parse_note, parse_origin
from records import Body
from report import Report
from trees import Trees

_name_pattern = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Snapshot(NamedTuple):
    name: str
    seq: int
    root: Link
    time: int
    kind: str
    pinned: bool
    label: str


class Snapshots:
    """The list, one record after the other."""

    def __init__(self) -> None:
        self.kept: dict[str, Snapshot] = {}

    def replay(self, seq: int, time: int, body: Body) -> None:
        if body.action != "snapshot" and not body.action.startswith("snapshot-"):
            return
        name = body.subject[1].decode("utf-8", "replace")
        if body.subject[0] != "snapshot" or _name_pattern.fullmatch(name) is None:
            raise Bad(f"a record {body.action} whose subject is no name of a snapshot")
        if len(name) > LIMITS["snapshotNameBytesMax"]:
            raise Bad(f"a snapshot with a name of {len(name)} bytes")
        label = body.fields.get("label", "")
        if not is_text(label, 0, LIMITS["snapshotLabelBytesMax"]):
            raise Bad(f"a record {body.action} with such a label")
        if body.action == "snapshot":
            for dropped in body.fields.get("dropped", []):
                self.kept.pop(dropped, None)
            self.kept.pop(name, None)
            fields = body.fields
            self.kept[name] = Snapshot(name, seq, fields["root"], time, fields["kind"], False, label)
            if len(self.kept) > LIMITS["snapshotsMax"]:
                raise Bad(f"more than {LIMITS['snapshotsMax']} snapshots")
            return
        if name not in self.kept:
            return
        if body.action == "snapshot-remove":
            del self.kept[name]
        elif body.action == "snapshot-label":
            self.kept[name] = self.kept[name]._replace(label=label)
        elif body.action in ("snapshot-pin", "snapshot-unpin"):
            self.kept[name] = self.kept[name]._replace(pinned=body.action == "snapshot-pin")

    def text(self, origin: str, records: int) -> str:
        lines = ["sentientos recycle.lock v1", origin, str(records)]
        for one in self.kept.values():
            pinned = "1" if one.pinned else "0"
            lines.append(f"{one.name} {one.seq} {one.root} {one.time} {one.kind} {pinned} {_json(one.label)}")
        return "\n".join([*lines, ""])


_escapes = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def _json(text: str) -> str:
    return '"' + "".join(_escapes.get(c, f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def replay(journal: Journal, number: int) -> Snapshots:
    """The snapshots after the first so many records."""
    snapshots = Snapshots()
    for seq in range(number):
        body = journal.body(seq)
        if body is not None:
            snapshots.replay(seq, journal.records[seq].envelope.time, body)
    return snapshots


def check_lock(data: bytes, keys: list[VerifierKey], journal: Journal, report: Report) -> str:
    """The origin that signed it; raises Bad unless it is the replay of as many records as it says."""
    note = parse_note(data, LIMITS["snapshotListBytesMax"])
    lines = note.text.split("\n", 3)
    if len(lines) < 4 or lines[0] != "sentientos recycle.lock v1":
        raise Bad("the first line is not that of a recycle.lock")
    origin, number = lines[1], from_decimal(lines[2])
    parse_origin(origin)
    check_signed(note, [key for key in keys if key.name == origin])
    if number > len(journal.records):
        raise Bad(f"made from {number} records: there are {len(journal.records)}")
    replayed = replay(journal, number)
    if note.text != replayed.text(origin, number):
        raise Bad(f"it is not the replay of the first {number} records")
    report.line("snapshots", f"{len(replayed.kept)} in recycle.lock, made from {number} records, signed")
    return origin


class TraceItem(NamedTuple):
    offset: int
    seq: int
    root: Link
    more: bool
    changes: list[Change]


class Torn(Bad):
    """The trace is not whole; nothing that it says up to there is wrong."""


def trace_blocks(data: bytes) -> Iterator[tuple[int, dict]]:
    """The content of each block with its offset; a cut last one is ignored."""
    if data[:8] != MAGICS["trace"]:
        raise Torn("no header of a trace")
    offset = 8
    while offset + 8 <= len(data):
        length, crc = struct.unpack_from("<II", data, offset)
        end = offset + 8 + length
        if length > LIMITS["traceItemBytesMax"]:
            raise Torn(f"at {offset}: a block of {length} bytes")
        if end > len(data):
            return
        content = data[offset + 8 : end]
        if crc_of(data[offset : offset + 4], content) != crc:
            raise Torn(f"at {offset}: the CRC of a block does not fit")
        try:
            yield offset, cbor.decode_map(content, f"at {offset}: a block")
        except Bad as error:
            raise Torn(str(error)) from error
        offset = end


def trace_item(offset: int, value: dict) -> TraceItem:
    good = set(value) == {"seq", "root", "more", "e"} and is_integer(value["seq"]) and type(value["more"]) is bool
    if not good or not is_link(value["root"], DAG_CBOR) or type(value["e"]) is not list:
        raise Torn(f"at {offset}: not an item of a trace")
    try:
        return TraceItem(offset, value["seq"], value["root"], value["more"], parse_change_list(value["e"]))
    except Bad as error:
        raise Torn(f"at {offset}: {error}") from error


def check_trace(path: Path, journal: Journal, trees: Trees, horizon: int, report: Report) -> None:
    """
    Replays the changes over the files of the base state; raises Bad where that does not give the next root. States
    from before the horizon can be gone: these are passed over. A block that is not whole ends the file.
    """
    try:
        _check_trace(path, journal, trees, horizon, report)
    except Torn as error:
        report.remark(f"recycle.trace ends where it is not whole, to be made anew: {error}")


def _check_trace(path: Path, journal: Journal, trees: Trees, horizon: int, report: Report) -> None:
    blocks = trace_blocks(path.read_bytes())
    first = next(blocks, None)
    if first is None:
        raise Torn("no first block")
    head = first[1]
    if set(head) != {"v", "seq", "root", "origin"} or not is_integer(head["v"], 1, 1) or not is_integer(head["seq"]):
        raise Torn("a first block of the wrong kind")
    if not is_link(head["root"], DAG_CBOR) or type(head["origin"]) is not str:
        raise Torn("a first block of the wrong kind")
    parse_origin(head["origin"])
    base = head["seq"]
    _check_root(journal, base, head["root"])
    try:
        top = load(trees, trees.state(head["root"]).files)
    except Missing:
        if base >= horizon:
            raise
        report.remark(f"recycle.trace begins with record {base}, whose state is pruned: not replayed")
        return
    seq, waiting, count = base, [], 0
    for item in (trace_item(*block) for block in blocks):
        if item.seq != seq + 1:
            raise Bad(f"at {item.offset}: record {item.seq} after record {seq}")
        _check_root(journal, item.seq, item.root)
        waiting += item.changes
        if item.more:
            continue
        try:
            _replay_one(top, item, waiting, journal, trees)
        except Missing:
            if item.seq >= horizon:
                raise
        count += len(waiting)
        seq, waiting = item.seq, []
    if waiting:
        raise Torn(f"it ends within record {seq + 1}")
    report.line("trace", f"records {base} to {seq} replayed, {count} changes")
    if seq < len(journal.records) - 1:
        report.remark(f"recycle.trace ends with record {seq}, the journal with {len(journal.records) - 1}")


def _replay_one(top, item: TraceItem, changes: list[Change], journal: Journal, trees: Trees) -> None:
    try:
        apply(top, changes)
        files = trees.state(item.root).files
        if top.build() != (files if files is not None else _empty):
            raise Bad("the files after it are not those of its root")
        body = journal.body(item.seq)
        if body is not None and said_changes(trees, body) != changes:
            raise Bad("the record says other changes")
    except Missing:
        raise
    except Bad as error:
        raise Bad(f"at {item.offset}: record {item.seq}: {error}") from error


_empty = Folder(0, None).build()


def _check_root(journal: Journal, seq: int, root: Link) -> None:
    if seq >= len(journal.records):
        raise Bad(f"record {seq} is not in the journal")
    if journal.records[seq].envelope.root != root:
        raise Bad(f"record {seq} has another root in the journal")
