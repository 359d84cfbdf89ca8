# The Merkle tree of RFC 6962 over the leaf hashes of the journal, its tiles and audit paths (section 17).

from __future__ import annotations

import hashlib

from basics import LIMITS

WIDTH = LIMITS["tileHashes"]


def leaf_hash(envelope: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + envelope).digest()


def _inner(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: list[bytes]) -> bytes:
    """Of the whole list; in a list that goes on, of its slice."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    # Pairing from the left, the odd one going up as it is, gives the same tree as splitting at powers of two.
    level = list(hashes)
    while len(level) > 1:
        pairs = [_inner(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def includes(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    last, value = size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if index % 2 == 1 or index == last:
            value = _inner(sibling, value)
            while index % 2 == 0 and index != 0:
                index, last = index // 2, last // 2
        else:
            value = _inner(value, sibling)
        index, last = index // 2, last // 2
    return last == 0 and value == root


def consistent(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    """RFC 9162, 2.1.4.2."""
    if old_size == new_size:
        return path == [] and old_root == new_root
    if old_size == 0:
        return path == [] and old_root == root_of([])
    node, last = old_size - 1, new_size - 1
    while node % 2 == 1:
        node, last = node // 2, last // 2
    rest = [old_root, *path] if node == 0 else list(path)
    if not rest:
        return False
    old = new = rest.pop(0)
    for item in rest:
        if last == 0:
            return False
        if node % 2 == 1 or node == last:
            old, new = _inner(item, old), _inner(item, new)
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            new = _inner(new, item)
        node, last = node // 2, last // 2
    return last == 0 and old == old_root and new == new_root


def full_tiles(leaves: list[bytes]) -> dict[str, bytes]:
    """Every full tile, by its path below .runtime/tile."""
    tiles = {}
    level, hashes = 0, leaves
    while len(hashes) >= WIDTH:
        above = []
        for number in range(len(hashes) // WIDTH):
            tile = hashes[number * WIDTH : (number + 1) * WIDTH]
            tiles[f"{level}/{tile_number(number)}"] = b"".join(tile)
            above.append(root_of(tile))
        level, hashes = level + 1, above
    return tiles


def tile_number(number: int) -> str:
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    return "/".join(groups)
