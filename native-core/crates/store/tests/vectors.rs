//! The known answers of `format/vectors`: whoever passes them encodes and decodes right.

use std::path::Path;

use sentient_store::format::base64::{base64, parse_base64};
use sentient_store::format::binding::{decode_binding, encode_binding};
use sentient_store::format::bytes::{display_bytes, parse_displayed};
use sentient_store::format::cbor::{self, Value as Cbor};
use sentient_store::format::changes::{Change, ChangesBuilder, decode_changes};
use sentient_store::format::checkpoint::{format_checkpoint, format_origin, parse_checkpoint, parse_origin};
use sentient_store::format::chunker::next_cut;
use sentient_store::format::content::{ContentBuilder, decode_list};
use sentient_store::format::format_file::{decode_format_file, encode_format_file};
use sentient_store::format::frame::{
    decode_frame_at, decode_segment_header, encode_frame, encode_segment_header, frame_seed,
};
use sentient_store::format::hash::{blake3, crc32, hex, parse_hex, sha256};
use sentient_store::format::id::{Codec, Link, cid_text, object_id, parse_cid};
use sentient_store::format::inclusion::verify_inclusion_file;
use sentient_store::format::marks::{Slot, decode_marks, encode_marks};
use sentient_store::format::merkle;
use sentient_store::format::node::{
    DirectoryNode, Entry, EntryKind, Slot as NodeSlot, decode_node, encode_node, name_digit,
};
use sentient_store::format::note::{format_verifier_key, parse_note, parse_verifier_key, verify_note};
use sentient_store::format::pack::{ENTRY_HEADER_BYTES, decode_entry_header, decode_pack_header, entry_crc_fits};
use sentient_store::format::pack_index::{IndexEntry, check_index, decode_index_entry, encode_index};
use sentient_store::format::record::{body_hash, decode_body, decode_envelope, encode_envelope};
use sentient_store::format::recycle_lock::{format_snapshot_list, parse_snapshot_list, parse_snapshot_note};
use sentient_store::format::recycle_trace::{decode_trace_header, decode_trace_item_at};
use sentient_store::format::state::{decode_state, encode_state};
use sentient_store::format::tile::tile_path;
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../format/vectors").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("vectors are JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn bytes(value: &Value) -> Vec<u8> {
    parse_hex(text(value)).expect("hex")
}

fn hash(value: &Value) -> [u8; 32] {
    bytes(value).try_into().expect("32 bytes")
}

#[test]
fn hashes() {
    let all = vectors("hashes.json");
    for case in list(&all["blake3"]) {
        let input: Vec<u8> = (0..number(&case["pattern251"])).map(|i| (i % 251) as u8).collect();
        assert_eq!(hex(&blake3(&input)), text(&case["hash"]));
    }
    for case in list(&all["sha256"]) {
        assert_eq!(hex(&sha256(&[text(&case["text"]).as_bytes()])), text(&case["hash"]));
    }
    for case in list(&all["crc32"]) {
        assert_eq!(u64::from(crc32(text(&case["text"]).as_bytes(), 0)), number(&case["crc"]));
    }
    for case in list(&all["objects"]) {
        let codec = if text(&case["codec"]) == "raw" { Codec::Raw } else { Codec::DagCbor };
        let link = Link { codec, id: object_id(&bytes(&case["bytes"])) };
        assert_eq!(hex(&link.id), text(&case["id"]));
        assert_eq!(cid_text(&link), text(&case["cid"]));
        assert_eq!(parse_cid(text(&case["cid"])), Ok(link));
    }
    for case in list(&all["displayed"]) {
        assert_eq!(display_bytes(&bytes(&case["bytes"])), text(&case["shown"]));
        assert_eq!(parse_displayed(text(&case["shown"])), Ok(bytes(&case["bytes"])));
    }
}

/// A decoded value as the vectors show it.
fn shown(value: &Cbor<'_>) -> Value {
    match value {
        Cbor::Null => Value::Null,
        Cbor::Boolean(boolean) => Value::Bool(*boolean),
        Cbor::Integer(number) => serde_json::json!({ "int": number }),
        Cbor::Text(text) => serde_json::json!({ "text": text }),
        Cbor::Bytes(bytes) => serde_json::json!({ "bytes": hex(bytes) }),
        Cbor::Link(link) => serde_json::json!({ "link": cid_text(link) }),
        Cbor::List(items) => serde_json::json!({ "list": items.iter().map(shown).collect::<Vec<_>>() }),
        Cbor::Map(pairs) => {
            let pairs: Vec<Value> = pairs.iter().map(|(key, value)| serde_json::json!([key, shown(value)])).collect();
            serde_json::json!({ "map": pairs })
        }
    }
}

/// The vectors show the pairs of a map in any order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(fields) => {
            let mut fields: serde_json::Map<String, Value> =
                fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            if let Some(Value::Array(pairs)) = fields.get_mut("map") {
                pairs.sort_by_key(|pair| (text(&pair[0]).len(), text(&pair[0]).to_owned()));
            }
            Value::Object(fields)
        }
        _ => value.clone(),
    }
}

#[test]
fn cbor_values() {
    let all = vectors("cbor.json");
    for case in list(&all["valid"]) {
        let encoded = bytes(&case["hex"]);
        let value = cbor::decode(&encoded).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(shown(&value), sorted(&case["value"]));
        assert_eq!(cbor::encode(&value), Ok(encoded.clone()));
        assert_eq!(cbor::links_in(&encoded, &mut |_| ()), Ok(()));
    }
    let deepest = bytes(&all["deepest"]);
    assert!(cbor::decode(&deepest).is_ok());
    let deeper = [&[0x81], deepest.as_slice()].concat();
    assert!(cbor::decode(&deeper).is_err());
    assert!(cbor::links_in(&deeper, &mut |_| ()).is_err());
    for case in list(&all["invalid"]) {
        let encoded = bytes(&case["hex"]);
        assert!(cbor::decode(&encoded).is_err(), "{case}");
        assert!(cbor::links_in(&encoded, &mut |_| ()).is_err(), "{case}");
    }
}

/// The first bytes of BLAKE3(label || 0), BLAKE3(label || 1), ...
fn stream(label: &str, length: usize) -> Vec<u8> {
    let mut result = Vec::with_capacity(length + 32);
    for i in 0u32.. {
        if result.len() >= length {
            break;
        }
        result.extend_from_slice(&blake3(&[label.as_bytes(), &i.to_le_bytes()].concat()));
    }
    result.truncate(length);
    result
}

fn made_content(input: &Value) -> Vec<u8> {
    if let Some(zeros) = input.get("zeros") {
        return vec![0; number(zeros) as usize];
    }
    if let Some(first) = input.get("text") {
        return [text(first).as_bytes(), &made_content(&input["followedBy"])].concat();
    }
    stream(text(&input["stream"]), number(&input["bytes"]) as usize)
}

#[test]
fn chunks() {
    for case in list(&vectors("chunks.json")["cases"]) {
        let input = &case["input"];
        let content = made_content(input);
        let mut cuts = Vec::new();
        let mut start = 0;
        while start < content.len() || cuts.is_empty() {
            start += next_cut(&content[start..], true).expect("a cut at the end");
            cuts.push(start as u64);
        }
        let expected: Vec<u64> = list(&case["cuts"]).iter().map(number).collect();
        assert_eq!(cuts, expected, "{input}");
    }
}

#[test]
fn contents() {
    let all = vectors("contents.json");
    for case in list(&all["cases"]) {
        let count = number(&case["chunks"]) as u32;
        let mut nodes: Vec<Vec<u8>> = Vec::new();
        let mut put = |node: Vec<u8>| {
            let id = object_id(&node);
            nodes.push(node);
            id
        };
        let mut builder = ContentBuilder::default();
        for i in 0..count {
            let size = if i + 1 == count { 100 } else { 65_536 };
            builder.push(blake3(&[b"chunk".as_slice(), &i.to_le_bytes()].concat()), size, &mut put).expect("a chunk");
        }
        let link = builder.finish(&mut put).expect("a content");
        assert_eq!(cid_text(&link), text(&case["link"]), "{count} chunks");
        let sizes: Vec<u64> = nodes.iter().map(|node| node.len() as u64).collect();
        assert_eq!(sizes, list(&case["nodeBytes"]).iter().map(number).collect::<Vec<_>>());
        assert!(nodes.iter().all(|node| decode_list(node).is_ok()));
    }
    assert!(decode_list(&bytes(&all["twoChunks"])).is_ok());
}

/// The canonical tree of entries that are sorted by name; says how many nodes it has.
fn build(entries: &[Entry], depth: usize) -> (Link, u64) {
    if entries.len() <= 64 {
        let node = encode_node(&DirectoryNode::Leaf(entries.to_vec())).expect("a leaf");
        decode_node(&node).expect("a leaf again");
        return (Link::dag(object_id(&node)), 1);
    }
    let mut slots = Box::new([None; 16]);
    let mut nodes = 1;
    for (digit, slot) in slots.iter_mut().enumerate() {
        let belongs = |entry: &&Entry| usize::from(name_digit(&blake3(&entry.name), depth)) == digit;
        let part: Vec<Entry> = entries.iter().filter(belongs).cloned().collect();
        if part.is_empty() {
            continue;
        }
        let (link, below) = build(&part, depth + 1);
        nodes += below;
        *slot = Some(NodeSlot { link, count: part.len() as u64 });
    }
    let node = encode_node(&DirectoryNode::Branch { depth: depth as u64, slots }).expect("a branch");
    decode_node(&node).expect("a branch again");
    (Link::dag(object_id(&node)), nodes)
}

fn made_entry(name: String, number: u32) -> Entry {
    let content = Link::raw(blake3(&[name.as_bytes(), &number.to_le_bytes()].concat()));
    let kind = EntryKind::File;
    Entry { name: name.into_bytes(), kind, mode: 0o644, size: u64::from(number), content, meta: None }
}

#[test]
fn directories() {
    let all = vectors("directories.json");
    let leaf = bytes(&all["leaf"]["hex"]);
    let node = decode_node(&leaf).expect("the leaf");
    assert_eq!(encode_node(&node), Ok(leaf));
    let DirectoryNode::Leaf(entries) = &node else { panic!("no leaf") };
    for (entry, expected) in entries.iter().zip(list(&all["leaf"]["entries"])) {
        assert_eq!(hex(&entry.name), text(&expected["name"]));
        assert_eq!(entry.size, number(&expected["size"]));
        assert_eq!(u64::from(entry.mode), number(&expected["mode"]));
        assert_eq!(cid_text(&entry.content), text(&expected["content"]));
    }
    assert_eq!(entries[4].meta.as_ref().and_then(|meta| meta.owner), Some((0, 4_294_967_295)));
    assert_eq!(encode_node(&DirectoryNode::Leaf(Vec::new())), Ok(bytes(&all["empty"])));
    for case in list(&all["digits"]) {
        let hash = blake3(&bytes(&case["name"]));
        let digits: Vec<u64> = [0, 1, 2, 63].map(|depth| u64::from(name_digit(&hash, depth))).to_vec();
        assert_eq!(digits, list(&case["first"]).iter().map(number).collect::<Vec<_>>());
    }
    for case in list(&all["trees"]) {
        let mut entries: Vec<Entry> =
            (0..number(&case["count"]) as u32).map(|i| made_entry(format!("f{i}"), i)).collect();
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        let (link, nodes) = build(&entries, 0);
        assert_eq!((hex(&link.id).as_str(), nodes), (text(&case["id"]), number(&case["nodes"])));
    }
}

#[test]
fn states() {
    let all = vectors("states.json");
    for name in ["small", "full"] {
        let encoded = bytes(&all[name]["hex"]);
        let state = decode_state(&encoded).expect("a state");
        assert_eq!(encode_state(&state), encoded);
        assert_eq!(hex(&object_id(&encoded)), text(&all[name]["root"]));
    }
}

#[test]
fn changes() {
    let all = vectors("changes.json");
    assert!(decode_changes(&bytes(&all["small"])).is_ok());
    for case in list(&all["lists"]) {
        let mut nodes: Vec<Vec<u8>> = Vec::new();
        let mut put = |node: Vec<u8>| {
            let id = object_id(&node);
            nodes.push(node);
            id
        };
        let mut builder = ChangesBuilder::default();
        for i in 0..number(&case["count"]) as u32 {
            let after = made_entry(format!("{i:06}"), i);
            let change = Change { path: format!("d/{i:06}").into_bytes(), before: None, after: Some(after) };
            builder.push(&change, &mut put).expect("a change");
        }
        let link = builder.finish(&mut put).expect("a list").expect("changes");
        assert_eq!(hex(&link.id), text(&case["id"]));
        let sizes: Vec<u64> = nodes.iter().map(|node| node.len() as u64).collect();
        assert_eq!(sizes, list(&case["nodeBytes"]).iter().map(number).collect::<Vec<_>>());
        assert!(nodes.iter().all(|node| decode_changes(node).is_ok()));
    }
}

#[test]
fn records() {
    let all = vectors("records.json");
    let log_id = bytes(&all["logId"]).try_into().expect("16 bytes");
    let segment = bytes(&all["segment"]);
    let header = decode_segment_header(&segment).expect("a header");
    assert_eq!((header.first_seq, header.log_id), (0, log_id));
    assert_eq!(encode_segment_header(&header).as_slice(), &segment[..32]);
    let mut offset = 32;
    for expected in list(&all["records"]) {
        let frame = decode_frame_at(&segment, offset, frame_seed(&log_id)).expect("a frame");
        let again = encode_frame(frame.envelope, frame.body, frame.base, frame_seed(&log_id)).expect("a frame again");
        assert_eq!(again, &segment[offset..frame.next_offset]);
        let envelope = decode_envelope(frame.envelope).expect("an envelope");
        assert_eq!(encode_envelope(&envelope), frame.envelope);
        assert_eq!(frame.envelope, bytes(&expected["envelope"]));
        assert_eq!((envelope.seq, envelope.time), (number(&expected["seq"]), number(&expected["time"])));
        assert_eq!(hex(&envelope.root), text(&expected["root"]));
        assert_eq!(hex(&merkle::leaf_hash(frame.envelope)), text(&expected["leaf"]));
        assert_eq!(hex(&envelope.body_hash), text(&expected["bodyHash"]));
        let (salt, body) = (bytes(&expected["salt"]), bytes(&expected["body"]));
        assert_eq!(body_hash(&salt, &body), envelope.body_hash);
        decode_body(&body, &mut |_| ()).expect("a body");
        if let Some((found_salt, found_body)) = frame.body {
            assert_eq!((found_salt, found_body), (salt.as_slice(), body.as_slice()));
        } else {
            assert_eq!(envelope.seq, 2);
        }
        offset = frame.next_offset;
    }
    assert_eq!(offset, segment.len());
}

#[test]
fn marks() {
    for case in list(&vectors("marks.json")["slots"]) {
        let encoded = bytes(&case["hex"]);
        let Slot::Good(marks) = decode_marks(&encoded) else { panic!("no slot") };
        assert_eq!(encode_marks(&marks).expect("a slot again").as_slice(), encoded);
        assert_eq!(marks.generation, number(&case["generation"]));
        assert_eq!(marks.next_seq, number(&case["nextSeq"]));
        assert_eq!(hex(&marks.last_leaf), text(&case["lastLeaf"]));
        assert_eq!(marks.clean, case["clean"] == true);
    }
}

#[test]
fn merkle_trees() {
    let all = vectors("merkle.json");
    let leaves: Vec<[u8; 32]> = list(&all["leaves"]).iter().map(|leaf| merkle::leaf_hash(&bytes(leaf))).collect();
    let mut range = merkle::CompactRange::default();
    for (size, root) in list(&all["roots"]).iter().enumerate() {
        assert_eq!(merkle::root_of(&leaves[..size]), hash(root));
        assert_eq!(range.root(), hash(root));
        if size < leaves.len() {
            range.push(leaves[size], |_, _, _| ());
        }
    }
    let large: Vec<[u8; 32]> = (0..1000u32).map(|i| merkle::leaf_hash(&i.to_le_bytes())).collect();
    for case in list(&all["large"]["roots"]) {
        assert_eq!(merkle::root_of(&large[..number(&case["size"]) as usize]), hash(&case["root"]));
    }
    let small_cases = list(&all["inclusion"]).iter().map(|case| (leaves.as_slice(), case));
    for (leaves, case) in small_cases.chain([(large.as_slice(), &all["large"]["inclusion"])]) {
        let (size, index) = (number(&case["size"]) as usize, number(&case["index"]) as usize);
        let path: Vec<[u8; 32]> = list(&case["path"]).iter().map(hash).collect();
        assert_eq!(merkle::inclusion_path(&leaves[..size], index), path);
        let root = merkle::root_of(&leaves[..size]);
        assert!(merkle::verify_inclusion(&leaves[index], index as u64, size as u64, &path, &root));
        let other = merkle::node_hash(&root, &root);
        assert!(!merkle::verify_inclusion(&leaves[index], index as u64, size as u64, &path, &other));
    }
    let small_cases = list(&all["consistency"]).iter().map(|case| (leaves.as_slice(), case));
    for (leaves, case) in small_cases.chain([(large.as_slice(), &all["large"]["consistency"])]) {
        let (old, size) = (number(&case["old"]) as usize, number(&case["size"]) as usize);
        let path: Vec<[u8; 32]> = list(&case["path"]).iter().map(hash).collect();
        let (old_root, root) = (merkle::root_of(&leaves[..old]), merkle::root_of(&leaves[..size]));
        assert!(merkle::verify_consistency((old as u64, &old_root), (size as u64, &root), &path));
        let other = merkle::node_hash(&root, &root);
        assert!(!merkle::verify_consistency((old as u64, &old_root), (size as u64, &other), &path));
    }
    for case in list(&all["tilePaths"]) {
        assert_eq!(tile_path(1, number(&case["tileIndex"])), text(&case["path"]));
    }
}

#[test]
fn notes() {
    let all = vectors("notes.json");
    let key = parse_verifier_key(text(&all["verifierKey"])).expect("a verifier key");
    assert_eq!(format_verifier_key(&key), text(&all["verifierKey"]));
    assert_eq!(hex(&key.public_key), text(&all["publicKey"]));
    let origin = parse_origin(text(&all["origin"])).expect("an origin");
    assert_eq!(format_origin(&origin), text(&all["origin"]));
    let keys = [key];
    let note = parse_note(text(&all["checkpoint"]).as_bytes()).expect("a note");
    assert_eq!(verify_note(&note, &keys), Ok(()));
    let checkpoint = parse_checkpoint(&note.text).expect("a checkpoint");
    assert_eq!(format_checkpoint(&checkpoint), note.text);
    let mut forged = note.clone();
    forged.text = forged.text.replace("\n5\n", "\n6\n");
    assert!(verify_note(&forged, &keys).is_err());
    for (index, file) in list(&all["inclusion"]).iter().enumerate() {
        let (envelope, _) = verify_inclusion_file(text(file).as_bytes(), &keys).expect("an inclusion file");
        assert_eq!(envelope.seq, index as u64);
        assert!(verify_inclusion_file(text(file).as_bytes(), &[]).is_err());
    }
    let list_note = parse_snapshot_note(text(&all["recycleLock"]).as_bytes()).expect("a recycle.lock");
    assert_eq!(verify_note(&list_note, &keys), Ok(()));
    let snapshots = parse_snapshot_list(&list_note.text).expect("its text");
    assert_eq!(format_snapshot_list(&snapshots), list_note.text);
}

#[test]
fn packs() {
    let all = vectors("packs.json");
    let (pack, index) = (bytes(&all["pack"]), bytes(&all["index"]));
    let pack_id = decode_pack_header(&pack).expect("a pack");
    let header = check_index(&index).expect("an index");
    assert_eq!((header.pack_id, header.covered_bytes), (pack_id, pack.len() as u64));
    let mut entries = Vec::new();
    let mut offset = 16;
    for expected in list(&all["entries"]) {
        assert_eq!(offset as u64, number(&expected["offset"]));
        let fields = decode_entry_header(&pack[offset..]).expect("an entry");
        assert_eq!(hex(&fields.id), text(&expected["id"]));
        assert_eq!(u64::from(fields.object_bytes), number(&expected["objectBytes"]));
        let end = offset + ENTRY_HEADER_BYTES + fields.stored_bytes as usize;
        assert!(entry_crc_fits(&pack[offset..end]));
        entries.push(IndexEntry { fields, offset: offset as u64 });
        offset = end;
    }
    assert_eq!(offset, pack.len());
    for at in 0..header.entry_count {
        assert!(entries.contains(&decode_index_entry(&index, at).expect("an index entry")));
    }
    assert_eq!(encode_index(&pack_id, header.covered_bytes, &entries), index);
}

#[test]
fn small_files() {
    let all = vectors("files.json");
    for name in ["format", "formatOfCopy"] {
        let encoded = text(&all[name]).as_bytes();
        assert_eq!(encode_format_file(&decode_format_file(encoded).expect("a format file")), encoded);
    }
    let encoded = text(&all["binding"]).as_bytes();
    assert_eq!(encode_binding(&decode_binding(encoded).expect("a binding")), encoded);
    let trace = bytes(&all["recycleTrace"]);
    let (_, mut offset) = decode_trace_header(&trace).expect("a trace");
    let mut items = 0;
    while offset < trace.len() {
        offset = decode_trace_item_at(&trace, offset).expect("an item").1;
        items += 1;
    }
    assert!(items >= 3);
    assert_eq!(parse_base64(&base64(b"a")), Ok(b"a".to_vec()));
    for bad in ["YQ", "YQ=", "YR==", "Y===", "YWI", "YW=I", "YQ==YQ==", "_w=="] {
        assert!(parse_base64(bad).is_err(), "{bad}");
    }
}
