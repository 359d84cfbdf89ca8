# .runtime/format: the version, what it requires, and the ids of the log (section 27).

from __future__ import annotations

import json
import re
from typing import NamedTuple

from basics import FORMAT_VERSION, LIMITS, Bad


class Format(NamedTuple):
    log_id: bytes
    earlier: list[bytes]
    options: list[str]


def parse_format(data: bytes) -> Format:
    if len(data) > LIMITS["formatFileBytesMax"]:
        raise Bad(f"{len(data)} bytes")
    try:
        value = json.loads(data.decode("ascii"))
    except ValueError as error:
        raise Bad("not a line of JSON") from error
    keys = ["format", "requires", "options", "logId"]
    if type(value) is not dict or list(value) not in (keys, [*keys, "earlier"]):
        raise Bad("not the keys of a format file in their order")
    if data != json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n":
        raise Bad("not the one spelling of its JSON")
    if type(value["format"]) is not int or value["format"] != FORMAT_VERSION:
        raise Bad(f"format {value['format']}; this reader knows {FORMAT_VERSION}")
    for key in ("requires", "options"):
        names = value[key]
        if type(names) is not list or any(not _is_format_name(name) for name in names):
            raise Bad(f"{key} is no list of names")
        if names != sorted(set(names)):
            raise Bad(f"{key} is not sorted")
    if value["requires"]:
        raise Bad(f"it requires {', '.join(value['requires'])}, which this reader does not know")
    ids = [value["logId"], *value.get("earlier", [])]
    if "earlier" in value and len(ids) == 1 or any(re.fullmatch(r"[0-9a-f]{32}", str(item)) is None for item in ids):
        raise Bad("a log id that is not 32 hex digits, or an empty list of earlier ones")
    log_id, *earlier = (bytes.fromhex(item) for item in ids)
    return Format(log_id, earlier, value["options"])


def _is_format_name(name: object) -> bool:
    good = type(name) is str and len(name) <= LIMITS["formatNameBytesMax"]
    return good and re.fullmatch(r"[a-z][a-z0-9-]*", name) is not None
