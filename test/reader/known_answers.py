#!/usr/bin/env python3
# Holds this reader against format/vectors/*.json: what the command line can not make happen in a test (forgotten
# bodies, owners, later epochs, lists of very many changes) is known there. Prints one line a file; exit code 1 if one
# fails.

from __future__ import annotations

import hashlib
import json
import struct
import sys
from pathlib import Path
from typing import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import cbor
from basics import DAG_CBOR, LIMITS, RAW, Bad, Link, crc_of, hash_of, show
from builder import build_node
from changes import parse_changes
from chunks import cut
from entries import Entry, Leaf, parse_list, parse_node, parse_state
from format_file import parse_format
from journal import SEGMENT_HEADER_BYTES, read_frame
from marks import parse_slot
from merkle import includes, leaf_hash, root_of, tile_number
from notes import (
    check_checkpoint,
    check_consistency,
    check_inclusion,
    check_signed,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
)
from packs import PACK_HEADER_BYTES, Pack, check_index, read_entry, unpack
from records import decode_body, decode_envelope
from snapshots import trace_blocks, trace_item

_vectors = Path(__file__).resolve().parents[2] / "format" / "vectors"


def same(found: object, expected: object) -> None:
    if found != expected:
        raise AssertionError(f"{found!r} instead of {expected!r}"[:500])


def refused(check: Callable, *arguments: object) -> None:
    try:
        value = check(*arguments)
    except Bad:
        return
    raise AssertionError(f"{arguments!r} was taken as {value!r}"[:500])


def hashes(known: dict) -> None:
    for case in known["blake3"]:
        same(hash_of(bytes(i % 251 for i in range(case["pattern251"]))).hex(), case["hash"])
    for case in known["sha256"]:
        same(hashlib.sha256(case["text"].encode()).hexdigest(), case["hash"])
    for case in known["crc32"]:
        same(crc_of(case["text"].encode()), case["crc"])
    for case in known["objects"]:
        link = Link(RAW if case["codec"] == "raw" else DAG_CBOR, hash_of(bytes.fromhex(case["bytes"])))
        same((link.id.hex(), str(link)), (case["id"], case["cid"]))
    for case in known["displayed"]:
        same(show(bytes.fromhex(case["bytes"])), case["shown"])


def _without_order(value: object) -> object:
    """A typed value whose maps have their keys in one order."""
    if type(value) is dict and "map" in value:
        return {"map": sorted([key, _without_order(item)] for key, item in value["map"])}
    if type(value) is dict and "list" in value:
        return {"list": [_without_order(item) for item in value["list"]]}
    return value


def _typed(value: object) -> object:
    """How cbor.json writes a value."""
    if value is None or type(value) is bool:
        return value
    if type(value) is list:
        return {"list": [_typed(item) for item in value]}
    if type(value) is dict:
        return {"map": [[key, _typed(item)] for key, item in value.items()]}
    name = {int: "int", str: "text", bytes: "bytes", Link: "link"}[type(value)]
    return {name: value.hex() if type(value) is bytes else str(value) if name == "link" else value}


def _cbor(known: dict) -> None:
    for case in known["valid"]:
        value = cbor.decode(bytes.fromhex(case["hex"]))
        same(_without_order(_typed(value)), _without_order(case["value"]))
        same(cbor.encode(value).hex(), case["hex"])
    cbor.decode(bytes.fromhex(known["deepest"]))
    for case in known["invalid"]:
        refused(cbor.decode, bytes.fromhex(case["hex"]))


def _stream(label: str, size: int) -> bytes:
    blocks = range((size + 31) // 32)
    return b"".join(hash_of(label.encode() + struct.pack("<I", i)) for i in blocks)[:size]


def _input(case: dict) -> bytes:
    if "zeros" in case:
        return bytes(case["zeros"])
    own = case["text"].encode() if "text" in case else _stream(case["stream"], case["bytes"])
    return own + (_input(case["followedBy"]) if "followedBy" in case else b"")


def chunks(known: dict) -> None:
    for case in known["cases"]:
        data, cuts, at = memoryview(_input(case["input"])), [], 0
        while at < len(data) or not cuts:
            at += cut(data[at : at + LIMITS["chunkBytesMax"]])[0]
            cuts.append(at)
        same(cuts, case["cuts"])


def contents(known: dict) -> None:
    for case in known["cases"]:
        count, depth, sizes = case["chunks"], 0, []
        level = [(Link(RAW, hash_of(b"chunk" + struct.pack("<I", i))), 65536) for i in range(count)]
        level[-1] = (level[-1][0], 100)
        while len(level) > 1:
            groups = [level[i : i + 4096] for i in range(0, len(level), 4096)]
            level = []
            for group in groups:
                size = sum(item[1] for item in group)
                node = cbor.encode({"k": "list", "d": depth, "n": size, "c": [list(item) for item in group]})
                same(parse_list(node).children, group)
                sizes.append(len(node))
                level.append((Link(DAG_CBOR, hash_of(node)), size))
            depth += 1
        same((str(level[0][0]), sorted(sizes)), (case["link"], sorted(case["nodeBytes"])))
        if count == 2:
            same(node.hex(), known["twoChunks"])


def directories(known: dict) -> None:
    leaf = parse_node(bytes.fromhex(known["leaf"]["hex"]))
    assert isinstance(leaf, Leaf)
    for entry, case in zip(leaf.entries, known["leaf"]["entries"], strict=True):
        found = entry.name.hex(), ("file", "dir", "symlink")[entry.kind], entry.mode, entry.size, str(entry.content)
        same(found, tuple(case[key] for key in ("name", "kind", "mode", "size", "content")))
    same(cbor.encode({"k": "leaf", "e": [entry.encoded() for entry in leaf.entries]}).hex(), known["leaf"]["hex"])
    same(parse_node(bytes.fromhex(known["empty"])).count, 0)
    for case in known["digits"]:
        digits = hash_of(bytes.fromhex(case["name"])).hex()
        same([int(digits[depth], 16) for depth in (0, 1, 2, 63)], case["first"])
    for case in known["trees"]:
        names = [f"f{i}".encode() for i in range(case["count"])]
        entries = [Entry(name, 0, 0o644, i, _some_content(name, i), None) for i, name in enumerate(names)]
        same(build_node(entries, 0).id.hex(), case["id"])


def _some_content(name: bytes, i: int) -> Link:
    return Link(RAW, hash_of(name + struct.pack("<I", i)))


def states(known: dict) -> None:
    for case in (known["small"], known["full"]):
        data = bytes.fromhex(case["hex"])
        parse_state(data)
        same(hash_of(data).hex(), case["root"])


def changes(known: dict) -> None:
    parse_changes(bytes.fromhex(known["small"]))
    for case in known["lists"]:
        names = [f"{i:06d}".encode() for i in range(case["count"])]
        items = [[b"d/" + name, None, [name, 0, 0o644, i, _some_content(name, i)]] for i, name in enumerate(names)]
        groups = [items[i : i + 4096] for i in range(0, len(items), 4096)]
        nodes = [cbor.encode({"k": "changes", "n": len(group), "e": group}) for group in groups]
        if len(nodes) > 1:
            heads = [[group[0][0], Link(DAG_CBOR, hash_of(node)), len(group)] for group, node in zip(groups, nodes)]
            nodes.append(cbor.encode({"k": "changes-tree", "n": len(items), "e": heads}))
        for node in nodes:
            parse_changes(node)
        same((hash_of(nodes[-1]).hex(), [len(node) for node in nodes]), (case["id"], case["nodeBytes"]))


def packs(known: dict) -> None:
    data, offset, found = bytes.fromhex(known["pack"]), PACK_HEADER_BYTES, []
    for case in known["entries"]:
        entry = read_entry(data, offset)
        same(
            (entry.offset, entry.stored_bytes, entry.object_bytes),
            tuple(case[key] for key in ("offset", "storedBytes", "objectBytes")),
        )
        same(
            (entry.id.hex(), entry.codec == RAW, entry.packing == 0),
            (case["id"], case["codec"] == "raw", case["packing"] == "plain"),
        )
        unpack(data, entry)
        found.append(entry)
        offset = entry.end
    same(offset, len(data))
    check_index(bytes.fromhex(known["index"]), Pack(1, "", data[8:16], data), found, [])


def records(known: dict) -> None:
    segment, log_id, offset, prev = (
        bytes.fromhex(known["segment"]),
        bytes.fromhex(known["logId"]),
        SEGMENT_HEADER_BYTES,
        bytes(32),
    )
    for case in known["records"]:
        frame = read_frame(segment, offset, log_id)
        envelope = decode_envelope(frame.envelope)
        same(
            (envelope.seq, envelope.time, envelope.root.id.hex(), envelope.prev),
            (case["seq"], case["time"], case["root"], prev),
        )
        same((frame.envelope.hex(), envelope.body.hex()), (case["envelope"], case["bodyHash"]))
        prev, offset = leaf_hash(frame.envelope), frame.end
        same(prev.hex(), case["leaf"])
        if frame.body is not None:
            decode_body(frame.body)
            same((frame.salt.hex(), frame.body.hex()), (case["salt"], case["body"]))
            same(hash_of(frame.salt + frame.body), envelope.body)
    same(offset, len(segment))


def marks(known: dict) -> None:
    keys = (
        "generation",
        "segmentFirstSeq",
        "segmentFlushedBytes",
        "nextSeq",
        "lastLeaf",
        "applied",
        "packNumber",
        "packFlushedBytes",
        "packId",
        "clean",
    )
    for case in known["slots"]:
        mark = parse_slot(bytes.fromhex(case["hex"]), case["generation"] % 2)
        said = [case[key] if case[key] is not None else bytes(8).hex() for key in keys]
        same([value.hex() if type(value) is bytes else value for value in mark], said)


def merkle(known: dict) -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in known["leaves"]]
    many = [leaf_hash(struct.pack("<I", i)) for i in range(1000)]
    for size, root in enumerate(known["roots"]):
        same(root_of(leaves[:size]).hex(), root)
    for case in known["large"]["roots"]:
        same(root_of(many[: case["size"]]).hex(), case["root"])
    for of, case in [*((leaves, case) for case in known["inclusion"]), (many, known["large"]["inclusion"])]:
        path, size = [bytes.fromhex(item) for item in case["path"]], case["size"]
        for index in range(size):
            same(includes(of[index], index, size, path, root_of(of[:size])), index == case["index"])
    for case in known["tilePaths"]:
        same(f"1/{tile_number(case['tileIndex'])}", case["path"])


def notes(known: dict) -> None:
    key = parse_verifier_key(known["verifierKey"])
    same((key.public.hex(), key.name), (known["publicKey"], known["origin"]))
    checkpoint = parse_checkpoint(known["checkpoint"].encode())
    check_checkpoint(checkpoint, [key])
    signature = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(known["secretKey"])).sign(
        checkpoint.note.text.encode()
    )
    same(checkpoint.note.signatures[0].bytes, signature)
    for index, text in enumerate(known["inclusion"]):
        same(check_inclusion(text.encode(), key).envelope.seq, index)
        refused(check_inclusion, text.replace(f"index {index}", f"index {index + 1}").encode(), key)
    for verdict, texts in (("consistent", known["consistency"]), ("fork", known["forks"])):
        for text in texts:
            same(check_consistency(text.encode(), key), verdict)
            refused(check_consistency, text.replace("old ", "old 1", 1).encode(), key)
    check_signed(parse_note(known["recycleLock"].encode()), [key])


def files(known: dict) -> None:
    same(parse_format(known["format"].encode()).options, [])
    refused(parse_format, known["formatOfCopy"].encode())  # its requirement is not known
    refused(parse_format, known["format"].replace(":", ": ").encode())
    text, checksum = known["binding"].split(',"crc32":"')
    same(checksum, f'{crc_of(text.encode()):08x}"}}\n')
    first, *others = trace_blocks(bytes.fromhex(known["recycleTrace"]))
    same(set(first[1]), {"v", "seq", "root", "origin"})
    same([trace_item(*block).more for block in others], [False, True, False][: len(others)])


_checks = {
    "hashes": hashes,
    "cbor": _cbor,
    "chunks": chunks,
    "contents": contents,
    "directories": directories,
    "states": states,
    "changes": changes,
    "packs": packs,
    "records": records,
    "marks": marks,
    "merkle": merkle,
    "notes": notes,
    "files": files,
}


def main() -> int:
    failed = 0
    for path in sorted(_vectors.glob("*.json")):
        try:
            _checks[path.stem](json.loads(path.read_text("utf-8")))
            print(f"ok {path.stem}")
        except (AssertionError, Bad, KeyError) as error:
            failed += 1
            print(f"FAILED {path.stem}: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
