# Where a file's contents are cut, and that a file's list of chunks is the one that its contents have (sections 6, 7).

from __future__ import annotations

import struct

from basics import CHUNKING, LIMITS, RAW, Bad, Link, hash_of
from entries import ListNode, parse_list
from packs import Store

_least, _mean, _most = LIMITS["chunkBytesMin"], LIMITS["chunkBytesMean"], LIMITS["chunkBytesMax"]
_mask_small, _mask_large = CHUNKING["maskSmall"], CHUNKING["maskLarge"]
_gear = [struct.unpack("<I", hash_of(CHUNKING["gearText"].encode() + bytes([i]))[:4])[0] for i in range(256)]
if _gear != CHUNKING["gear"]:
    raise SystemExit("the gear table of constants.json is not the one that the text defines")


def cut(data: bytes) -> tuple[int, bool]:
    """The length of the first chunk of what begins so, and whether it was cut there by its contents or its length."""
    h, gear, end = 0, _gear, min(len(data), _most)
    for byte in data[_least - 32 : _least - 1]:
        h = (h << 1) + gear[byte] & 0xFFFFFFFF
    for first, after, mask in ((_least, min(_mean, end + 1), _mask_small), (_mean, end + 1, _mask_large)):
        if first > end:
            break
        n = first
        for byte in data[first - 1 : after - 1]:
            h = (h << 1) + gear[byte] & 0xFFFFFFFF
            if h & mask == 0:
                return n, True
            n += 1
    return end, len(data) >= _most


class Contents:
    """Checks the contents of files, each once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.elsewhere: set[Link] = set()
        self.cuts: dict[bytes, tuple[int, int, bool]] = {}
        self.sizes: dict[Link, int | None] = {}
        self.chunked = 0

    def check(self, content: Link, size: int) -> None:
        """Raises Bad unless it has so many bytes and is cut as all writers cut."""
        if content not in self.sizes:
            self.sizes[content] = self.check_new(content)
        if self.sizes[content] not in (size, None):
            raise Bad(f"contents of {self.sizes[content]} bytes, the entry says {size}")

    def check_new(self, content: Link) -> int | None:
        """How many bytes it has; None when it is forgotten."""
        if self.store.is_forgotten(content.id):
            return None
        if content.codec == RAW:
            return self.check_chunk(content, None, True)
        top = parse_list(self.store.get(content.id))
        if len(top.children) < 2:
            raise Bad("a topmost list of one chunk")
        self.check_list(top, True)
        self.chunked += 1
        return top.size

    def check_list(self, node: ListNode, last: bool) -> None:
        """`last`: nothing of the file comes after this node."""
        for number, (link, size) in enumerate(node.children):
            at_end = number == len(node.children) - 1
            if node.depth == 0:
                if not self.store.is_forgotten(link.id):
                    self.check_chunk(link, size, last and at_end)
                continue
            if self.store.is_forgotten(link.id):
                continue
            child = parse_list(self.store.get(link.id))
            if child.depth != node.depth - 1 or child.size != size:
                raise Bad("a list of chunks below another that has not the depth or size that this says")
            if not at_end and len(child.children) != LIMITS["listEntriesMax"]:
                raise Bad("a list of chunks that is not full and not the last")
            self.check_list(child, last and at_end)

    def check_chunk(self, link: Link, size: int | None, last: bool) -> int:
        if link.id not in self.cuts:
            data = self.store.get(link.id)
            self.cuts[link.id] = (len(data), *cut(data))
        length, first_cut, closed = self.cuts[link.id]
        if size is not None and length != size:
            raise Bad(f"a chunk of {length} bytes, its list says {size}")
        if first_cut != length or not (last or closed):
            self.elsewhere.add(link)  # right contents all the same, only not shared with others
        return length

    def pieces(self, content: Link):
        """The bytes, chunk by chunk."""
        if content.codec == RAW:
            yield self.store.get(content.id)
            return
        for link, _ in parse_list(self.store.get(content.id)).children:
            yield from self.pieces(link)
