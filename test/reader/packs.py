# The store: packs, their indexes, and objects by name (section 10).

from __future__ import annotations

import mmap
import re
import struct
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from zstandard import ZstdDecompressor, ZstdError

from basics import DAG_CBOR, LIMITS, MAGICS, MARKERS, RAW, Bad, Missing, crc_of, hash_of, read_u64
from marks import Mark
from report import Report

PACK_HEADER_BYTES = 16
ENTRY_HEADER_BYTES = 56
INDEX_HEADER_BYTES = 28
INDEX_ENTRY_BYTES = 52
_marker = MARKERS["packEntry"]
_cache_bytes_max = 64 * 1024 * 1024
_kind_chunk, _kind_other = 1, 6


class Pack(NamedTuple):
    number: int
    name: str
    pack_id: bytes
    data: bytes | mmap.mmap


class Stored(NamedTuple):
    """One entry of a pack."""

    offset: int
    stored_bytes: int
    object_bytes: int
    kind: int
    codec: int
    packing: int
    id: bytes

    @property
    def end(self) -> int:
        return self.offset + ENTRY_HEADER_BYTES + self.stored_bytes


def read_entry(data: bytes | mmap.mmap, offset: int) -> Stored:
    """The entry at an offset, its CRC checked; raises Bad."""
    head = data[offset : offset + ENTRY_HEADER_BYTES]
    if len(head) < ENTRY_HEADER_BYTES or head[:8] != _marker:
        raise Bad("no entry begins here")
    stored_bytes, object_bytes, kind, codec, packing, zero = struct.unpack_from("<IIBBBB", head, 8)
    entry = Stored(offset, stored_bytes, object_bytes, kind, codec, packing, head[20:52])
    if entry.end > len(data):
        raise Bad("an entry that goes on beyond the end")
    if crc_of(head[8:52], data[offset + ENTRY_HEADER_BYTES : entry.end]) != struct.unpack_from("<I", head, 52)[0]:
        raise Bad(f"the CRC of the entry of {entry.id.hex()} does not fit")
    most = LIMITS["chunkBytesMax"] if kind == _kind_chunk else LIMITS["objectBytesMax"]
    if kind > _kind_other or packing > 1 or zero != 0 or codec not in (RAW, DAG_CBOR) or object_bytes > most:
        raise Bad(f"the entry of {entry.id.hex()} has a field that is not allowed")
    if kind == _kind_chunk and codec != RAW or 2 <= kind < _kind_other and codec != DAG_CBOR:
        raise Bad(f"the entry of {entry.id.hex()} has a codec that is not that of its kind")
    if stored_bytes != object_bytes if packing == 0 else not 0 < stored_bytes < object_bytes:
        raise Bad(f"the entry of {entry.id.hex()} has {stored_bytes} bytes of an object of {object_bytes}")
    return entry


def unpack(data: bytes | mmap.mmap, entry: Stored) -> bytes:
    """The object, checked against its name."""
    payload = data[entry.offset + ENTRY_HEADER_BYTES : entry.end]
    if entry.packing == 1:
        try:
            with ZstdDecompressor().stream_reader(payload, read_across_frames=True) as reader:
                payload = reader.read(entry.object_bytes + 1)
        except ZstdError as error:
            raise Bad(f"object {entry.id.hex()} does not decompress: {error}") from error
    if len(payload) != entry.object_bytes:
        raise Bad(f"object {entry.id.hex()} has not {entry.object_bytes} bytes")
    if hash_of(payload) != entry.id:
        raise Bad(f"the bytes of object {entry.id.hex()} have another name")
    return payload


class Store:
    """All objects by their ids; whatever it returns has been checked against its name."""

    def __init__(self) -> None:
        self.places: dict[bytes, list[tuple[Pack, Stored]]] = {}
        self.cache: OrderedDict[bytes, bytes] = OrderedDict()
        self.cached_bytes = 0
        self.forgotten: set[bytes] = set()

    def is_forgotten(self, name: bytes) -> bool:
        """In no pack, as a `forget` record lists it."""
        return name in self.forgotten and name not in self.places

    def add(self, pack: Pack, entry: Stored) -> None:
        self.places.setdefault(entry.id, []).append((pack, entry))

    def get(self, name: bytes) -> bytes:
        if name in self.cache:
            self.cache.move_to_end(name)
            return self.cache[name]
        for pack, entry in self.places.get(name, []):
            try:
                data = unpack(pack.data, entry)
            except Bad:
                continue
            self.keep(name, data)
            return data
        raise Missing(f"object {name.hex()} is in no pack")

    def keep(self, name: bytes, data: bytes) -> None:
        self.cache[name] = data
        self.cached_bytes += len(data)
        while self.cached_bytes > _cache_bytes_max:
            self.cached_bytes -= len(self.cache.popitem(last=False)[1])


def open_store(root: Path, mark: Mark | None, report: Report) -> Store:
    """
    Reads every pack, every entry of it, and every index. What gc moved to .tree/dead is not looked at: it goes for good
    soon, so that nothing may depend on it.
    """
    store, folder = Store(), root / ".tree" / "packs"
    reliable = _reliable(root, mark, report)
    entries, packs, indexes = 0, 0, 0
    for path in sorted(folder.glob("*.pack")) if folder.is_dir() else []:
        if re.fullmatch(r"[0-9]{12}\.pack", path.name) is None or path.name.startswith("0" * 12):
            continue
        pack = report.attempt(f".tree/packs/{path.name}", _open_pack, path)
        if pack is None:
            continue
        packs += 1
        found, gaps = _scan(pack, reliable.get(pack.number, len(pack.data)), report)
        entries += len(found)
        for entry in found:
            if report.attempt(f"{pack.name} at {entry.offset}", unpack, pack.data, entry) is not None:
                store.add(pack, entry)
        index = path.with_suffix(".idx")
        if index.exists():
            indexes += 1
            report.attempt(f".tree/packs/{index.name}", check_index, index.read_bytes(), pack, found, gaps)
    report.line("packs", f"{packs} packs, {entries} entries, {len(store.places)} objects, {indexes} indexes")
    if mark is not None and mark.pack != 0:
        report.attempt(".runtime/marks", _check_mark, folder, mark, report)
    return store


def _open_pack(path: Path) -> Pack:
    size = path.stat().st_size
    if size < PACK_HEADER_BYTES or size > LIMITS["packBytesMax"]:
        raise Bad(f"a pack of {size} bytes")
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[:8] != MAGICS["pack"] or crc_of(data[:12]) != struct.unpack_from("<I", data, 12)[0]:
        raise Bad("the header of the pack does not fit")
    return Pack(int(path.stem), f".tree/packs/{path.name}", data[8:16], data)


def _reliable(root: Path, mark: Mark | None, report: Report) -> dict[int, int]:
    """For the packs of which less than all must be sound: how many bytes."""
    reliable = {}
    shared = root / ".tree" / "shared"
    if shared.exists():
        text = shared.read_bytes().decode("latin1").removesuffix("\n")
        if re.fullmatch(r"[1-9][0-9]{0,11}", text) is None:
            report.remark(f".tree/shared: no number of a pack: {text!r}; it is derived")
        else:
            reliable[int(text)] = PACK_HEADER_BYTES
    if mark is not None and mark.pack != 0:
        reliable[mark.pack] = mark.pack_bytes
    poisoned = root / ".tree" / "poisoned"
    if poisoned.exists():
        for line in poisoned.read_bytes().decode("latin1").splitlines():
            match = re.fullmatch(r"([0-9]{1,12}) ([0-9]{1,12})", line)
            if match is None:
                report.damaged(".tree/poisoned", f"not two numbers: {line!r}")
            else:
                reliable[int(match[1])] = int(match[2])
                report.remark(f"a flush failed: only {match[2]} bytes of pack {match[1]} count")
    return reliable


def _scan(pack: Pack, reliable: int, report: Report) -> tuple[list[Stored], list[range]]:
    """The sound entries, and the bytes between them; these are damage where they are known to have been on disk."""
    found, gaps, offset, end = [], [], PACK_HEADER_BYTES, len(pack.data)
    if reliable > end:
        report.damaged(pack.name, f"{end} bytes, though {reliable} were on disk")
    while offset < end:
        try:
            entry = read_entry(pack.data, offset)
        except Bad as error:
            following = _next_entry(pack, offset + 1)
            if offset < reliable:
                report.damaged(f"{pack.name} at {offset}", error)
            else:
                report.remark(
                    f"{pack.name} from {offset} on: {following - offset} bytes that are no entry, not acknowledged"
                )
            gaps.append(range(offset, following))
            offset = following
            continue
        found.append(entry)
        offset = entry.end
    return found, gaps


def _next_entry(pack: Pack, start: int) -> int:
    """Where the next entry with a fitting CRC begins."""
    offset = pack.data.find(_marker, start)
    while offset >= 0:
        try:
            read_entry(pack.data, offset)
            return offset
        except Bad:
            offset = pack.data.find(_marker, offset + 1)
    return len(pack.data)


def check_index(data: bytes, pack: Pack, found: list[Stored], gaps: list[range]) -> int:
    """
    It says of its part of the pack what is there; how many entries it has. What it says of damaged places in the pack
    can not be checked.
    """
    if len(data) < INDEX_HEADER_BYTES or data[:8] != MAGICS["packIndex"]:
        raise Bad("no header of an index")
    if data[8:16] != pack.pack_id:
        raise Bad("an index of another pack")
    covered, count = read_u64(data, 16), struct.unpack_from("<I", data, 24)[0]
    start = INDEX_HEADER_BYTES + 1024
    if len(data) != start + INDEX_ENTRY_BYTES * count + 4:
        raise Bad(f"{len(data)} bytes for {count} entries")
    if crc_of(data[:-4]) != struct.unpack_from("<I", data, len(data) - 4)[0]:
        raise Bad("the CRC does not fit")
    if covered not in {PACK_HEADER_BYTES, *(entry.end for entry in found), *(gap.stop for gap in gaps)}:
        raise Bad(f"it covers {covered} bytes: no entry ends there")
    inside = {(entry.id, entry.offset): entry for entry in found if entry.end <= covered}
    last, seen = None, [0] * 256
    for number in range(count):
        at = start + INDEX_ENTRY_BYTES * number
        name, offset = data[at : at + 32], read_u64(data, at + 32)
        stored_bytes, object_bytes, codec, kind, packing, zero = struct.unpack_from("<IIBBBB", data, at + 40)
        if last is not None and name <= last:
            raise Bad("its ids are not sorted")
        last = name
        seen[name[0]] += 1
        said = Stored(offset, stored_bytes, object_bytes, kind, codec, packing, name)
        if zero != 0 or inside.get((name, offset)) != said and not any(offset in gap for gap in gaps):
            raise Bad(f"it says of {name.hex()} what is not so")
    if count < len({name for name, _ in inside}):
        raise Bad(f"it has {count} of the {len(inside)} entries of its part")
    if list(struct.unpack_from("<256I", data, INDEX_HEADER_BYTES)) != [sum(seen[: i + 1]) for i in range(256)]:
        raise Bad("its table of first bytes does not fit")
    return count


def _check_mark(folder: Path, mark: Mark, report: Report) -> None:
    path = folder / f"{mark.pack:012d}.pack"
    if not path.exists():
        report.remark(f"the marks name pack {mark.pack}, which gc has removed since")
        return
    pack = _open_pack(path)
    if any(mark.pack_id) and mark.pack_id != pack.pack_id:
        raise Bad(f"pack {mark.pack} has another id than it says")
