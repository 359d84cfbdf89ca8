# Signed notes, verifier keys, checkpoints, inclusion and consistency files (sections 18 and 25).

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from basics import LIMITS, Bad, from_base64, from_decimal, to_base32
from merkle import consistent, includes, leaf_hash
from records import Envelope, decode_envelope


class VerifierKey(NamedTuple):
    name: str
    key_id: bytes
    public: bytes


class Signature(NamedTuple):
    name: str
    key_id: bytes
    bytes: bytes


class Note(NamedTuple):
    text: str
    signatures: list[Signature]


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes
    note: Note


class Origin(NamedTuple):
    log_id: str
    epoch: int


def origin_name(log_id: bytes, epoch: int) -> str:
    return f"sentientos.invalid/{to_base32(log_id)}/{epoch}"


def parse_origin(name: str) -> Origin:
    """The log id as its base32."""
    parts = name.split("/")
    if len(parts) != 3 or parts[0] != "sentientos.invalid" or re.fullmatch(r"[a-z2-7]{26}", parts[1]) is None:
        raise Bad(f"not an origin: {name!r}")
    if parts[1][-1] not in "aeimquy4":  # the last character stands for three bits
        raise Bad(f"not the one base32 spelling: {name!r}")
    epoch = from_decimal(parts[2])
    if epoch > LIMITS["epochMax"]:
        raise Bad(f"epoch {epoch} is above {LIMITS['epochMax']}")
    return Origin(parts[1], epoch)


def _is_key_name(name: str) -> bool:
    return name != "" and "+" not in name and re.search(r"\s", name) is None


def parse_verifier_key(text: str) -> VerifierKey:
    parts = text.split("+", 2)
    if len(parts) != 3 or not _is_key_name(parts[0]) or re.fullmatch(r"[0-9a-f]{8}", parts[1]) is None:
        raise Bad(f"not a verifier key: {text!r}")
    blob = from_base64(parts[2])
    if len(blob) != 33 or blob[0] != 1:
        raise Bad("a verifier key that is not Ed25519")
    key_id = hashlib.sha256(parts[0].encode("utf-8") + b"\n\x01" + blob[1:]).digest()[:4]
    if key_id.hex() != parts[1]:
        raise Bad(f"the key id {parts[1]} is not that of the key: {key_id.hex()}")
    return VerifierKey(parts[0], key_id, blob[1:])


def parse_note(data: bytes, bytes_max: int = LIMITS["noteBytesMax"]) -> Note:
    if len(data) > bytes_max:
        raise Bad(f"a note of {len(data)} bytes: {bytes_max} is the limit")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Bad("a note that is not UTF-8") from error
    bad = re.search(r"[\x00-\x09\x0b-\x1f]", whole)
    if bad is not None:
        raise Bad(f"a note with the control character {ord(bad.group()):02x}")
    split = whole.rfind("\n\n")
    if split < 0 or not whole.endswith("\n"):
        raise Bad("a note without an empty line, or without a newline at its end")
    lines = whole[split + 2 : -1].split("\n")
    if not 1 <= len(lines) <= LIMITS["noteSignaturesMax"]:
        raise Bad(f"a note with {len(lines)} signature lines")
    return Note(whole[: split + 1], [_parse_signature(line) for line in lines])


def _parse_signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not _is_key_name(parts[1]):
        raise Bad(f"not a signature line: {line!r}")
    blob = from_base64(parts[2])
    if len(blob) < 5:
        raise Bad(f"a signature line without a signature: {line!r}")
    return Signature(parts[1], blob[:4], blob[4:])


def check_signed(note: Note, keys: list[VerifierKey]) -> VerifierKey:
    """The first key that the note is good for; raises Bad when it is for none, or bad for one."""
    good = []
    for name, key_id, signature in note.signatures:
        key = next((key for key in keys if key.name == name and key.key_id == key_id), None)
        if key is None:
            continue
        if key in good:
            raise Bad(f"two signatures of the key {name}")
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, note.text.encode("utf-8"))
        except InvalidSignature as error:
            raise Bad(f"the signature of {name} does not fit the text") from error
        good.append(key)
    if not good:
        raise Bad("no signature of a known key: it has " + ", ".join(name for name, _, _ in note.signatures))
    return good[0]


def parse_checkpoint(data: bytes) -> Checkpoint:
    note = parse_note(data)
    lines = note.text.split("\n")
    if len(lines) != 4:
        raise Bad("a checkpoint whose text has not three lines")
    parse_origin(lines[0])
    root = from_base64(lines[2])
    if len(root) != 32:
        raise Bad(f"a checkpoint with a root of {len(root)} bytes")
    return Checkpoint(lines[0], from_decimal(lines[1]), root, note)


def check_checkpoint(checkpoint: Checkpoint, keys: list[VerifierKey]) -> VerifierKey:
    """Good for the key whose name is the origin."""
    return check_signed(checkpoint.note, [key for key in keys if key.name == checkpoint.origin])


class Inclusion(NamedTuple):
    envelope: Envelope
    checkpoint: Checkpoint


def check_inclusion(data: bytes, key: VerifierKey) -> Inclusion:
    """What an inclusion file proves for a key; raises Bad when it proves nothing."""
    if len(data) > LIMITS["inclusionBytesMax"]:
        raise Bad(f"{len(data)} bytes: {LIMITS['inclusionBytesMax']} is the limit")
    head, separator, note = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Bad("an inclusion file that is not text") from error
    if separator == b"" or lines[0] != "c2sp.org/tlog-proof@v1":
        raise Bad("the first line is not that of an inclusion file")
    if len(lines) < 3 or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise Bad("no lines extra and index")
    encoded = from_base64(lines[1][len("extra ") :])
    index = from_decimal(lines[2][len("index ") :])
    path = [from_base64(line) for line in lines[3:]]
    checkpoint = parse_checkpoint(note)
    check_checkpoint(checkpoint, [key])
    envelope = decode_envelope(encoded)
    if envelope.seq != index:
        raise Bad(f"the envelope is of record {envelope.seq}, the index is {index}")
    if any(len(sibling) != 32 for sibling in path):
        raise Bad("a hash of the path that has not 32 bytes")
    if index >= checkpoint.size or not includes(leaf_hash(encoded), index, checkpoint.size, path, checkpoint.root):
        raise Bad("the path does not lead from the envelope to the root of the checkpoint")
    return Inclusion(envelope, checkpoint)


def check_consistency(data: bytes, key: VerifierKey) -> str:
    """Whether a file proves, for a key, "consistent" or "fork"; raises Bad when it proves neither."""
    try:
        parts = data.decode("utf-8").split("\n\n")
    except UnicodeDecodeError as error:
        raise Bad("a consistency file that is not text") from error
    head = parts[0].split("\n")
    if len(parts) not in (3, 5) or head[0] != "sentientos.invalid/tlog-consistency@v1" or len(head) < 2:
        raise Bad("not a consistency file")
    old = head[1].split(" ")
    if len(old) != 3 or old[0] != "old":
        raise Bad("no line for the older tree")
    old_size, old_root = from_decimal(old[1]), from_base64(old[2])
    lines = head[2:]
    found = from_base64(lines.pop(0)[len("found ") :]) if lines and lines[0].startswith("found ") else None
    path = [from_base64(line) for line in lines]
    notes = [f"{parts[i]}\n\n{parts[i + 1]}" + ("" if i + 2 == len(parts) else "\n") for i in range(1, len(parts), 2)]
    newer, *others = [parse_checkpoint(note.encode("utf-8")) for note in notes]
    for checkpoint in (newer, *others):
        check_checkpoint(checkpoint, [key])
    older = others[0] if others else None
    if any(len(item) != 32 for item in [old_root, *path, *([] if found is None else [found])]):
        raise Bad("a hash that has not 32 bytes")
    if older is not None and (older.size, older.root) != (old_size, old_root):
        raise Bad("the older checkpoint is not the tree that the proof is about")
    if old_size > newer.size:
        raise Bad("the older tree is the larger one")
    if found is None and consistent(old_size, newer.size, old_root, newer.root, path):
        return "consistent"
    if older is not None and older.origin == newer.origin:
        if old_size == newer.size and found is None and path == [] and old_root != newer.root:
            return "fork"
        if old_size < newer.size and found not in (None, old_root):
            if consistent(old_size, newer.size, found, newer.root, path):
                return "fork"
    raise Bad("neither a proof that the newer tree goes on nor one that it does not")
