# The DAG-CBOR subset of section 4, strict: every value has one encoding, and all others are refused.
# null, bool, int, str, bytes, list, dict and Link stand for the values.

from __future__ import annotations

from basics import DAG_CBOR, LIMITS, RAW, Bad, Link


def decode(data: bytes) -> object:
    """The one item that `data` is; raises Bad."""
    value, end = _item(bytes(data), 0, 0)
    if end != len(data):
        raise Bad(f"{len(data) - end} bytes after the CBOR item")
    return value


def decode_map(data: bytes, what: str) -> dict:
    value = decode(data)
    if type(value) is not dict:
        raise Bad(f"{what} is no map")
    return value


def _head(data: bytes, offset: int) -> tuple[int, int, int]:
    """Major type, argument, where it ends."""
    if offset >= len(data):
        raise Bad("CBOR ends in the middle")
    major, info = data[offset] >> 5, data[offset] & 31
    if info < 24:
        return major, info, offset + 1
    if info > 27:
        raise Bad(f"CBOR head {data[offset]:02x} is not allowed")
    size = 1 << (info - 24)
    end = offset + 1 + size
    if end > len(data):
        raise Bad("CBOR ends in the middle")
    argument = int.from_bytes(data[offset + 1 : end], "big")
    if argument < (24, 0x100, 0x10000, 0x100000000)[info - 24]:
        raise Bad("a CBOR length or integer not in its shortest form")
    return major, argument, end


def _item(data: bytes, offset: int, depth: int) -> tuple[object, int]:
    if offset < len(data) and data[offset] in _simple:
        return _simple[data[offset]], offset + 1
    major, argument, start = _head(data, offset)
    if major == 0 or major == 1:
        value = argument if major == 0 else -1 - argument
        if abs(value) > LIMITS["integerMax"]:
            raise Bad("a CBOR integer beyond 2^53-1")
        return value, start
    if major == 2 or major == 3:
        end = start + argument
        if end > len(data):
            raise Bad("CBOR ends in the middle")
        return (data[start:end] if major == 2 else _text(data[start:end])), end
    if major == 4 or major == 5:
        if depth == LIMITS["cborDepthMax"]:
            raise Bad("CBOR lists and maps too deep within each other")
        return (_list if major == 4 else _map)(data, start, argument, depth + 1)
    if major == 6 and argument == 42:
        return _link(data, start)
    raise Bad(f"CBOR head {data[offset]:02x} is not allowed")


_simple = {0xF4: False, 0xF5: True, 0xF6: None}


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Bad("CBOR text that is not UTF-8") from error


def _list(data: bytes, offset: int, count: int, depth: int) -> tuple[list, int]:
    values = []
    for _ in range(count):
        value, offset = _item(data, offset, depth)
        values.append(value)
    return values, offset


def _map(data: bytes, offset: int, count: int, depth: int) -> tuple[dict, int]:
    values = {}
    last = None
    for _ in range(count):
        key, end = _item(data, offset, depth)
        if type(key) is not str:
            raise Bad("a CBOR map key that is no text")
        order = _key_order(key)
        if last is not None and order <= last:
            raise Bad("CBOR map keys not in order")
        last = order
        values[key], offset = _item(data, end, depth)
    if "codec" in values and "id" in values:
        raise Bad("a CBOR map with both keys codec and id")
    return values, offset


def _link(data: bytes, offset: int) -> tuple[Link, int]:
    if data[offset : offset + 4] != b"\x58\x25\x00\x01" or data[offset + 5 : offset + 7] != b"\x1e\x20":
        raise Bad("a CBOR tag 42 that is no link of this format")
    codec, end = data[offset + 4], offset + 39
    if codec not in (RAW, DAG_CBOR) or end > len(data):
        raise Bad("a CBOR tag 42 that is no link of this format")
    return Link(codec, data[offset + 7 : end]), end


def _key_order(key: str) -> tuple[int, bytes]:
    encoded = key.encode("utf-8")
    return len(encoded), encoded


def encode(value: object) -> bytes:
    if value is None:
        return b"\xf6"
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if type(value) is int:
        return _encode_head(0, value) if value >= 0 else _encode_head(1, -1 - value)
    if type(value) is bytes:
        return _encode_head(2, len(value)) + value
    if type(value) is str:
        encoded = value.encode("utf-8")
        return _encode_head(3, len(encoded)) + encoded
    if type(value) is Link:
        return b"\xd8\x2a\x58\x25\x00\x01" + bytes([value.codec]) + b"\x1e\x20" + value.id
    if type(value) is dict:
        items = [encode(key) + encode(value[key]) for key in sorted(value, key=_key_order)]
        return _encode_head(5, len(items)) + b"".join(items)
    return _encode_head(4, len(value)) + b"".join(encode(item) for item in value)


def _encode_head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError(argument)


def links_in(value: object) -> list[Link]:
    """Every link anywhere in a value."""
    if type(value) is Link:
        return [value]
    if type(value) is dict:
        value = list(value.values())
    if type(value) is list:
        return [link for item in value for link in links_in(item)]
    return []
