# The small things of the format: limits, hashes, text encodings of bytes, and the one exception for broken rules.
# Written from format/README.md (sections 1, 5, 28) and format/constants.json alone.

from __future__ import annotations

import base64
import json
import re
import struct
import unicodedata
import zlib
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3 as _blake3

_constants = json.loads((Path(__file__).resolve().parents[2] / "format" / "constants.json").read_text("utf-8"))
MAGICS = {name: text.encode("ascii") for name, text in _constants["magics"].items()}
MARKERS = {name: bytes.fromhex(text) for name, text in _constants["markers"].items()}
LIMITS = {name: limit["value"] for name, limit in _constants["limits"].items()}
CHUNKING = _constants["chunking"]
FORMAT_VERSION = _constants["formatVersion"]

RAW = 0x55
DAG_CBOR = 0x71
ZERO_HASH = bytes(32)


class Bad(Exception):
    """Something breaks a rule of the format; the text says which, for people."""


class Missing(Bad):
    """An object is in no pack."""


class Link(NamedTuple):
    codec: int
    id: bytes

    def __str__(self) -> str:
        """The CID, the only form in which a link is shown."""
        return "b" + to_base32(bytes([0x01, self.codec, 0x1E, 0x20]) + self.id)


def hash_of(data: bytes) -> bytes:
    return _blake3(data).digest()


def crc_of(*parts: bytes) -> int:
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, crc)
    return crc


def to_base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").lower().rstrip("=")


def from_base64(text: str) -> bytes:
    """Only the spelling that an encoder would write."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Bad(f"not base64: {text!r}") from error
    if base64.b64encode(data).decode("ascii") != text:
        raise Bad(f"not the one base64 spelling: {text!r}")
    return data


def from_decimal(text: str) -> int:
    if re.fullmatch(r"0|[1-9][0-9]{0,15}", text) is None or int(text) > LIMITS["integerMax"]:
        raise Bad(f"not a decimal number: {text!r}")
    return int(text)


def read_u64(data: bytes, offset: int) -> int:
    value = struct.unpack_from("<Q", data, offset)[0]
    if value > LIMITS["integerMax"]:
        raise Bad(f"an integer of {value}, above 2^53-1")
    return value


def is_integer(value: object, low: int = 0, high: int = LIMITS["integerMax"]) -> bool:
    return type(value) is int and low <= value <= high


def is_link(value: object, *codecs: int) -> bool:
    return type(value) is Link and (not codecs or value.codec in codecs)


def is_bytes(value: object, low: int, high: int) -> bool:
    return type(value) is bytes and low <= len(value) <= high


def is_text(value: object, low: int, high: int) -> bool:
    return type(value) is str and low <= len(value.encode("utf-8")) <= high


def is_name(value: object) -> bool:
    """A name of a directory's entry."""
    good = is_bytes(value, 1, LIMITS["nameBytesMax"])
    return good and b"\0" not in value and b"/" not in value and value not in (b".", b"..")


def is_path(value: object) -> bool:
    return is_bytes(value, 1, LIMITS["pathBytesMax"]) and all(is_name(name) for name in value.split(b"/"))


# Default_Ignorable_Code_Point, as far as the categories Cc, Cf and Cn do not have them: Python's tables leave it out.
_ignorable = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_hidden = {"Cc", "Cf", "Zl", "Zp", "Cn", "Co", "Cs"}


def show(data: bytes) -> str:
    """A byte string as it is shown to people (section 1)."""
    shown = []
    # surrogateescape turns each byte that is no part of UTF-8 into one surrogate, which is then escaped below
    for character in data.decode("utf-8", "surrogateescape"):
        if character == "\\":
            shown.append("\\\\")
        elif character == "\n":
            shown.append("\\n")
        elif unicodedata.category(character) in _hidden or _ignorable.match(character):
            shown += [f"\\x{byte:02X}" for byte in character.encode("utf-8", "surrogateescape")]
        else:
            shown.append(character)
    return "".join(shown)
