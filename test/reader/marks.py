# The marks: how much of the journal and of the shared pack is known to be on disk (section 15).

from __future__ import annotations

import struct
from typing import NamedTuple

from basics import LIMITS, MAGICS, Bad, crc_of, read_u64
from report import Report

_name = ".runtime/marks"


class Mark(NamedTuple):
    generation: int
    segment: int
    segment_bytes: int
    records: int
    leaf: bytes
    applied: int
    pack: int
    pack_bytes: int
    pack_id: bytes
    clean: bool


def parse_slot(slot: bytes, number: int) -> Mark | None:
    """None for a slot that was never written."""
    if not any(slot):
        return None
    if slot[:8] != MAGICS["marks"]:
        raise Bad("no magic")
    if crc_of(slot[:108]) != struct.unpack_from("<I", slot, 108)[0]:
        raise Bad("the CRC does not fit")
    if slot[104] > 1 or any(slot[105:108]) or any(slot[112:]):
        raise Bad("bytes that should be zero")
    numbers = [read_u64(slot, offset) for offset in (8, 16, 24, 32, 72, 80, 88)]
    mark = Mark(*numbers[:4], slot[40:72], *numbers[4:], slot[96:104], slot[104] == 1)
    if mark.generation < 1 or mark.generation % 2 != number:
        raise Bad(f"generation {mark.generation} in slot {number}")
    return mark


def read_marks(data: bytes, report: Report) -> list[Mark]:
    """The valid ones, the newest first."""
    distance, slot_bytes = LIMITS["marksSlotDistanceBytes"], LIMITS["marksSlotBytes"]
    if len(data) != LIMITS["marksFileBytes"]:
        report.damaged(_name, f"{len(data)} bytes instead of {LIMITS['marksFileBytes']}")
    marks = []
    for number in (0, 1):
        start = number * distance
        slot = data[start : start + slot_bytes].ljust(slot_bytes, b"\0")
        if any(data[start + slot_bytes : start + distance]):
            report.damaged(f"{_name} at {start + slot_bytes}", "bytes that should be zero")
        try:
            mark = parse_slot(slot, number)
        except Bad as error:
            report.remark(f"{_name} at {start}: {error}; a write that was cut short leaves that")
            continue
        if mark is not None:
            marks.append(mark)
    if not marks:
        report.damaged(_name, "no valid slot")
    return sorted(marks, reverse=True)


def check_newest(mark: Mark, journal, report: Report) -> None:
    """It says no more than there is; only of a journal that is whole."""
    if mark.records > len(journal.records) or mark.applied > mark.records:
        report.damaged(
            _name, f"it says {mark.records} records, {mark.applied} applied: {len(journal.records)} are there"
        )
        return
    leaf = journal.leaves[mark.records - 1] if mark.records > 0 else bytes(32)
    if mark.leaf != leaf:
        report.damaged(_name, f"it says another hash of record {mark.records - 1}")
    ends = {32} if mark.records == 0 else set()
    ends.update(record.end for record in journal.records[mark.records - 1 : mark.records])
    inside = [
        record for record in journal.records[mark.records - 1 : mark.records] if record.segment.first == mark.segment
    ]
    begun = [segment for segment in journal.segments if segment.first == mark.segment == mark.records]
    if not (inside and mark.segment_bytes in ends) and not (begun and mark.segment_bytes == 32):
        report.damaged(
            _name,
            f"it says {mark.segment_bytes} bytes of segment {mark.segment}: record {mark.records - 1} ends elsewhere",
        )
    waiting = len(journal.records) - mark.applied
    if waiting > 0:
        report.remark(f"{waiting} records are not applied to the disk yet, as far as the marks know")
    if not mark.clean:
        report.remark("the last writer did not release the lock in good order, or is at work")


def check_older(mark: Mark, journal, report: Report) -> None:
    """It was true once: the record that it calls the last has that hash, where it is still there."""
    if 0 < mark.records <= len(journal.records) and mark.leaf != journal.leaves[mark.records - 1]:
        report.damaged(_name, f"the older one says another hash of record {mark.records - 1}")
