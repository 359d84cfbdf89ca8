# The journal: segments and frames, the chain of records, and whether a bad end of it is torn or damaged (sections 14
# and 16).

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from basics import LIMITS, MAGICS, MARKERS, ZERO_HASH, Bad, crc_of, hash_of, read_u64
from format_file import Format
from marks import Mark
from merkle import leaf_hash
from notes import Checkpoint
from records import Body, Envelope, check_fields, decode_body, decode_envelope
from report import Report

SEGMENT_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 16
SALT_BYTES = LIMITS["saltBytes"]
_marker = MARKERS["frame"]


class Wrong(Bad):
    """What no torn write leaves behind: a whole frame, in its place, that breaks another rule."""


class Frame(NamedTuple):
    end: int
    base: int
    envelope: bytes
    salt: bytes
    body: bytes | None


def read_frame(data: bytes, offset: int, log_id: bytes) -> Frame:
    """The frame at an offset of a segment; raises Bad when there is no whole one."""
    head = data[offset : offset + FRAME_HEADER_BYTES]
    if len(head) < FRAME_HEADER_BYTES or head[:4] != _marker:
        raise Bad("no whole frame begins here")
    length, crc, base = struct.unpack("<III", head[4:])
    end = offset + FRAME_HEADER_BYTES + length + 4
    if end > len(data):
        raise Bad("a frame that goes on beyond the end")
    content = data[offset + FRAME_HEADER_BYTES : end - 4]
    if data[end - 4 : end] != head[4:8]:
        raise Bad("a frame whose two lengths differ")
    if crc_of(log_id, head[4:8], head[12:16], content) != crc:
        raise Bad("a frame whose CRC does not fit")
    if length < 2:
        raise Bad("a frame without an envelope")
    split = 2 + struct.unpack_from("<H", content)[0]
    rest = length - split
    if rest < 0 or 0 < rest <= SALT_BYTES or rest > SALT_BYTES + LIMITS["bodyBytesMax"]:
        raise Bad("a frame whose content is no envelope, salt and body")
    body = content[split + SALT_BYTES :] if rest > 0 else None
    return Frame(end, base, content[2:split], content[split : split + SALT_BYTES], body)


def frames_behind(data: bytes, start: int, log_id: bytes) -> Iterator[tuple[int, Frame]]:
    """Every valid frame at any byte offset from `start` on."""
    offset = data.find(_marker, start)
    while offset >= 0:
        try:
            yield offset, read_frame(data, offset, log_id)
        except Bad:
            pass
        offset = data.find(_marker, offset + 1)


class Segment(NamedTuple):
    path: Path
    first: int
    name: str


class Record(NamedTuple):
    envelope: Envelope
    leaf: bytes
    segment: Segment
    offset: int
    end: int
    has_body: bool


class Journal(NamedTuple):
    """What of the journal is whole: the records up to the first bad frame."""

    records: list[Record]
    leaves: list[bytes]
    segments: list[Segment]
    damaged: bool

    def body(self, seq: int) -> Body | None:
        record = self.records[seq]
        if not record.has_body:
            return None
        with record.segment.path.open("rb") as file:
            file.seek(record.offset + FRAME_HEADER_BYTES)
            content = file.read(record.end - 4 - record.offset - FRAME_HEADER_BYTES)
        return decode_body(content[2 + struct.unpack_from("<H", content)[0] + SALT_BYTES :])


class _Walk:
    """Reads the segments from the first on, until a frame is bad."""

    def __init__(self, root: Path, form: Format, report: Report) -> None:
        self.form, self.report = form, report
        self.log_ids = [*form.earlier, form.log_id]
        self.records: list[Record] = []
        self.log_id = form.log_id
        self.poison = _read_poison(root, report)
        folder = root / ".runtime" / "journal"
        names = sorted(path.name for path in folder.glob("*.seg")) if folder.is_dir() else []
        self.segments = [
            Segment(folder / name, int(name[:20]), f".runtime/journal/{name}")
            for name in names
            if re.fullmatch(r"[0-9]{20}\.seg", name)
        ]

    def read(self, segment: Segment) -> bytes:
        """The segment's bytes; of one with a failed flush only those that were acknowledged."""
        data = segment.path.read_bytes()
        if self.poison is not None and self.poison[0] == segment.first:
            return data[: self.poison[1]]
        return data

    def segment(self, segment: Segment, data: bytes) -> tuple[int, Bad] | None:
        """Adds the segment's records; where and why it stops, if it does."""
        try:
            self.header(segment, data)
        except Bad as error:
            return 0, error
        offset = SEGMENT_HEADER_BYTES
        while offset < len(data):
            try:
                frame = read_frame(data, offset, self.log_id)
                self.records.append(self.record(segment, offset, frame))
            except Bad as error:
                return offset, error
            offset = frame.end
        return None

    def header(self, segment: Segment, data: bytes) -> None:
        if len(data) < SEGMENT_HEADER_BYTES or data[:8] != MAGICS["segment"]:
            raise Bad("no header of a segment")
        if len(data) > LIMITS["segmentBytesMax"]:
            raise Bad(f"a segment of {len(data)} bytes: {LIMITS['segmentBytesMax']} is the limit")
        first, log_id = read_u64(data, 8), data[16:32]
        if first != segment.first:
            raise Bad(f"the header says that it begins with record {first}")
        if first != len(self.records):
            raise Bad(f"it begins with record {first}, the one before ends before record {len(self.records)}")
        if log_id not in self.log_ids:
            raise Bad(f"a log id that is not of this folder: {log_id.hex()}")
        self.log_ids = self.log_ids[self.log_ids.index(log_id) :]  # they follow each other in their order
        self.log_id = log_id

    def record(self, segment: Segment, offset: int, frame: Frame) -> Record:
        try:
            envelope = decode_envelope(frame.envelope)
        except Bad as error:
            raise Wrong(str(error)) from error
        seq = len(self.records)
        before = self.records[-1] if self.records else None
        if envelope.seq != seq:
            raise Bad(f"record {envelope.seq} where record {seq} should be")
        if envelope.prev != (ZERO_HASH if before is None else before.leaf):
            raise Bad("its prev is not the hash of the record before")
        if not SEGMENT_HEADER_BYTES <= frame.base <= offset:
            raise Wrong(f"a frame with the base {frame.base}")
        if frame.body is not None:
            self.check_body(frame, envelope, before)
        return Record(envelope, leaf_hash(frame.envelope), segment, offset, frame.end, frame.body is not None)

    def check_body(self, frame: Frame, envelope: Envelope, before: Record | None) -> None:
        if hash_of(frame.salt + frame.body) != envelope.body:
            raise Wrong("salt and body do not fit the body hash")
        try:
            body = decode_body(frame.body)
            check_fields(body, envelope.seq)
        except Bad as error:
            raise Wrong(str(error)) from error
        if (envelope.seq == 0) != (body.action == "init"):
            raise Wrong(f"it is {body.action}: record 0 is init, and only it")
        if before is not None and envelope.time < before.envelope.time and not body.doubtful:
            raise Wrong("it is earlier than the one before and does not say so")


def read_journal(root: Path, form: Format, report: Report, marks: list[Mark], checkpoint: Checkpoint | None) -> Journal:
    walk = _Walk(root, form, report)
    damaged = not walk.segments
    if damaged:
        report.damaged(".runtime/journal", "no segment")
    torn = 0
    for number, segment in enumerate(walk.segments):
        data = walk.read(segment)
        stop = walk.segment(segment, data)
        if stop is None:
            continue
        offset, why = stop
        later = walk.segments[number + 1 :]
        proof = _why_damage(walk, segment, data, offset, later, marks, checkpoint)
        if isinstance(why, Wrong):
            proof = "its CRC fits"
        if proof is None:
            torn = len(data) - offset
            moved = f", and {len(later)} later segments" if later else ""
            report.remark(f"torn tail: {segment.name} from {offset} on, {torn} bytes{moved}; never acknowledged")
        else:
            damaged = True
            report.damaged(f"{segment.name} at {offset}", f"{why} (record {len(walk.records)}; damage, as {proof})")
        break
    forgotten = sum(not record.has_body for record in walk.records)
    report.line(
        "journal",
        f"{len(walk.segments)} segments, {len(walk.records)} records, {len(walk.records) - forgotten} bodies, "
        f"{forgotten} forgotten, {torn} bytes torn",
    )
    return Journal(walk.records, [record.leaf for record in walk.records], walk.segments, damaged)


def _why_damage(
    walk: _Walk,
    segment: Segment,
    data: bytes,
    offset: int,
    later: list[Segment],
    marks: list[Mark],
    checkpoint: Checkpoint | None,
) -> str | None:
    """What says that the bytes at the offset were acknowledged (section 16); None for a torn tail."""
    seq = len(walk.records)
    for mark in marks:
        if mark.records > seq or (mark.segment == segment.first and mark.segment_bytes > offset):
            return "a mark says that it was on disk"
    if checkpoint is not None and checkpoint.size > seq:
        return f"the checkpoint has {checkpoint.size} records"
    if offset > 0:
        for behind, frame in frames_behind(data, offset, walk.log_id):
            if frame.base > offset:
                return f"the frame at {behind} was written after what stood there"
    for other in later:
        other_data = walk.read(other)
        log_id = other_data[16:32] if other_data[16:32] in walk.log_ids else walk.form.log_id
        if next(frames_behind(other_data, SEGMENT_HEADER_BYTES, log_id), None) is not None:
            return f"{other.name} has records"
    if offset == 0 and segment.first != seq:
        return "its name is not that of the next record"
    return None


def _read_poison(root: Path, report: Report) -> tuple[int, int] | None:
    path = root / ".runtime" / "poisoned"
    if not path.exists():
        return None
    match = re.fullmatch(r"(0|[1-9][0-9]*) (0|[1-9][0-9]*)\n", path.read_bytes().decode("latin1"))
    if match is None:
        report.damaged(".runtime/poisoned", "not two numbers")
        return None
    report.remark(f"a flush failed: only {match[2]} bytes of segment {match[1]} count")
    return int(match[1]), int(match[2])


def check_forgotten(journal: Journal, forgets: list[object], report: Report) -> None:
    """A body is missing only where a `forget` record lists it."""
    listed: set[int] = set()
    for item in forgets:
        if type(item) is int:
            listed.add(item)
        elif type(item) is list and len(item) == 2 and all(type(number) is int for number in item):
            listed.update(range(item[0], min(item[1], len(journal.records))))
        else:
            report.damaged("journal", f"a forget record that lists {item!r}")
    for record in journal.records:
        if not record.has_body and record.envelope.seq not in listed:
            report.damaged(
                f"{record.segment.name} at {record.offset}",
                f"record {record.envelope.seq} has no body, and no forget record lists it",
            )
