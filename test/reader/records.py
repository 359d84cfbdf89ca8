# Envelopes and bodies of records (sections 11 and 13).

from __future__ import annotations

from typing import NamedTuple

import cbor
from basics import DAG_CBOR, LIMITS, Bad, Link, is_bytes, is_integer, is_link, is_path, is_text
from changes import Change, parse_change


class Envelope(NamedTuple):
    seq: int
    time: int
    root: Link
    prev: bytes
    body: bytes


class Body(NamedTuple):
    actor: str
    action: str
    subject: tuple[str, bytes]
    one_change: Change | None
    changes: Link | None
    doubtful: bool
    effect: str
    fields: dict
    links: list[Link]


def decode_envelope(data: bytes) -> Envelope:
    if len(data) > LIMITS["envelopeBytesMax"]:
        raise Bad(f"an envelope of {len(data)} bytes")
    value = cbor.decode_map(data, "an envelope")
    if set(value) != {"v", "seq", "time", "root", "prev", "body"}:
        raise Bad(f"an envelope with the keys {', '.join(value)}")
    if not is_integer(value["v"], 1, 1):
        raise Bad(f"an envelope of version {value['v']}")
    if not (is_integer(value["seq"]) and is_integer(value["time"]) and is_link(value["root"], DAG_CBOR)):
        raise Bad("an envelope whose seq, time or root is of the wrong kind")
    if not (is_bytes(value["prev"], 32, 32) and is_bytes(value["body"], 32, 32)):
        raise Bad("an envelope whose prev or body is no hash")
    return Envelope(value["seq"], value["time"], value["root"], value["prev"], value["body"])


def decode_body(data: bytes) -> Body:
    """The body of a record; unknown keys, actions, kinds and fields are taken as they are."""
    value = cbor.decode_map(data, "a body")
    actor, action, subject = value.get("actor"), value.get("action"), _subject(value.get("subject"))
    if not is_text(actor, 1, LIMITS["actorBytesMax"]) or not is_text(action, 1, LIMITS["actionBytesMax"]):
        raise Bad("a body without an actor or an action")
    effect = _decision(value.get("decision"))
    for key, good in _optional.items():
        if key in value and not good(value[key]):
            raise Bad(f"a body whose {key} is of the wrong kind")
    one_change = _one_change(value, subject)
    if one_change is not None and "changes" in value:
        raise Bad("a body with both before and changes")
    doubtful, changes, fields = "doubtful" in value, value.get("changes"), value.get("fields", {})
    return Body(actor, action, subject, one_change, changes, doubtful, effect, fields, cbor.links_in(value))


def check_fields(body: Body, seq: int) -> None:
    """The fields that section 13 demands are there."""
    if body.action == "denied" and body.effect != "deny":
        raise Bad("a denied record whose effect is not deny")
    bound = {"gc": "horizon", "new-epoch": "size"}.get(body.action)
    if bound is not None and is_integer(body.fields.get(bound)) and body.fields[bound] > seq:
        raise Bad(f"a record {body.action} whose {bound} is {body.fields[bound]}")
    if body.action == "forget":
        _check_forget(body.fields, seq)
    for key, good in _fields_needed.get(body.action, {}).items():
        if not good(body.fields.get(key)):
            raise Bad(f"a record {body.action} whose field {key} is missing or of the wrong kind")


def _check_forget(fields: dict, seq: int) -> None:
    """It lists records before itself, and ids."""
    records, objects = fields.get("records"), fields.get("objects", [])
    if type(records) is not list or type(objects) is not list or not all(is_bytes(item, 32, 32) for item in objects):
        raise Bad("a record forget that does not list records and ids of objects")
    for item in records:
        pair = [item, item + 1] if is_integer(item) else item
        if type(pair) is not list or len(pair) != 2 or not all(is_integer(number) for number in pair):
            raise Bad(f"a forget record that lists {item!r}")
        if not pair[0] < pair[1] <= seq:
            raise Bad(f"a forget record {seq} that lists {item!r}")


def _subject(value: object) -> tuple[str, bytes]:
    if type(value) is not list or len(value) != 2:
        raise Bad("a body without a subject")
    kind, name = value
    if not is_text(kind, 1, LIMITS["actionBytesMax"]) or not is_bytes(name, 0, LIMITS["subjectBytesMax"]):
        raise Bad("a body whose subject is of the wrong kind")
    if kind == "file" and name != b"" and not is_path(name):
        raise Bad("a body whose subject is no path")
    return kind, name


def _decision(value: object) -> str:
    if type(value) is not list or len(value) != 3 or value[0] not in ("permit", "deny"):
        raise Bad("a body without a decision")
    if value[1] is not None and not is_bytes(value[1], 32, 32):
        raise Bad("a body whose decision names no bundle")
    if not is_text(value[2], 0, LIMITS["ruleBytesMax"]):
        raise Bad("a body whose decision has no rule")
    return value[0]


def _one_change(value: dict, subject: tuple[str, bytes]) -> Change | None:
    if ("before" in value) != ("after" in value):
        raise Bad("a body with one of before and after")
    if "before" not in value:
        return None
    kind, path = subject
    if kind != "file" or path == b"":
        raise Bad(f"a body with before and after whose subject is no path but a {kind}")
    return parse_change([path, value["before"], value["after"]])


_optional = {
    "changes": lambda value: is_link(value, DAG_CBOR),
    "cause": is_integer,
    "doubtful": lambda value: value is True,
    "fields": lambda value: type(value) is dict,
}

_fields_needed = {
    "init": {"key": lambda value: is_text(value, 1, 4096)},
    "denied": {"wanted": lambda value: is_text(value, 1, LIMITS["actionBytesMax"])},
    "gc": {"horizon": is_integer},
    "snapshot": {
        "kind": lambda value: value in ("manual", "auto", "protect", "init"),
        "root": lambda value: is_link(value, DAG_CBOR),
    },
    "forget": {"records": lambda value: type(value) is list},
    "new-epoch": {
        "origin": lambda value: is_text(value, 1, 4096),
        "size": is_integer,
        "root": lambda value: is_bytes(value, 32, 32),
        "key": lambda value: is_text(value, 1, 4096),
    },
}
