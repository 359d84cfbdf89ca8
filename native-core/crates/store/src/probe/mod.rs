//! Every parser of a file of the format behind one question: what does this input say, if it is accepted? For differential
//! tests and fuzzing.

mod shown;

use serde_json::{Value as Json, json};

use crate::format::base64::base64;
use crate::format::binding::{decode_binding, encode_binding};
use crate::format::bytes::parse_displayed;
use crate::format::cbor::{Writer, decode, encode, links_in};
use crate::format::changes::{ChangesNode, decode_changes, write_change};
use crate::format::checkpoint::{format_checkpoint, format_origin, parse_checkpoint, parse_origin};
use crate::format::content::{decode_list, encode_list};
use crate::format::failure::FormatError;
use crate::format::format_file::{decode_format_file, encode_format_file};
use crate::format::frame::{
    SEGMENT_HEADER_BYTES, decode_frame_at, decode_segment_header, encode_frame, encode_segment_header,
    find_frame_marker, frame_seed,
};
use crate::format::hash::{blake3, hex};
use crate::format::id::{cid_text, parse_cid};
use crate::format::inclusion::{InclusionFile, parse_inclusion};
use crate::format::key::parse_private_key;
use crate::format::marks::{Slot, decode_marks, decode_marks_file, encode_marks};
use crate::format::node::{decode_node, encode_node};
use crate::format::note::{Note, format_verifier_key, parse_note, parse_verifier_key};
use crate::format::pack::{
    ENTRY_HEADER_BYTES, PACK_HEADER_BYTES, Packing, decode_entry_header, decode_pack_header, encode_pack_header,
    entry_crc_fits,
};
use crate::format::pack_index::{IndexEntry, check_index, decode_index_entry, encode_index};
use crate::format::record::{decode_body, decode_envelope, encode_envelope};
use crate::format::recycle_lock::{format_snapshot_list, parse_snapshot_list};
use crate::format::recycle_trace::{decode_trace_header, decode_trace_item_at};
use crate::format::state::{decode_state, encode_state};
use crate::verify::unpack_zstd;

type Shown = std::result::Result<Json, Refused>;
type Probe = fn(&[u8]) -> Shown;

/// Why something is refused is for other tests: the twins word it in their own ways.
#[derive(Debug, Clone, Copy)]
pub struct Refused;

impl From<FormatError> for Refused {
    fn from(_: FormatError) -> Refused {
        Refused
    }
}

const PROBES: [(&str, Probe); 29] = [
    ("cbor", show_cbor),
    ("node", |bytes| again(bytes, decode_node(bytes)?, encode_node, shown::node)),
    ("list", show_list),
    ("state", |bytes| again(bytes, decode_state(bytes)?, |state| Ok(encode_state(state)), shown::state)),
    ("changes", show_changes),
    ("envelope", |bytes| again(bytes, decode_envelope(bytes)?, |one| Ok(encode_envelope(one)), shown::envelope)),
    ("body", show_body),
    ("frame", show_frame),
    ("segment-header", show_segment_header),
    ("segment", show_segment),
    ("marks-slot", show_marks_slot),
    ("marks-file", |bytes| Ok(shown::marks_file(&decode_marks_file(bytes)))),
    ("note", show_note),
    ("checkpoint", show_checkpoint),
    ("origin", show_origin),
    ("verifier-key", show_verifier_key),
    ("private-key", show_private_key),
    ("inclusion", show_inclusion),
    ("binding", show_binding),
    ("format", show_format),
    ("pack-header", show_pack_header),
    ("pack-entry", |bytes| Ok(shown::fields(&decode_entry_header(bytes)?))),
    ("pack", show_pack),
    ("pack-index", show_index),
    ("recycle-lock", show_snapshot_list),
    ("recycle-trace", show_trace),
    ("cid", show_cid),
    ("displayed", |bytes| Ok(shown::bytes(&parse_displayed(as_text(bytes)?)?))),
    ("zstd", show_zstd),
];

pub fn kinds() -> Vec<&'static str> {
    PROBES.iter().map(|(kind, _)| *kind).collect()
}

/// What the input says, as JSON in ASCII; none when it is refused, and for kinds that there are none of. Panics when a codec
/// accepts what it does not write again.
pub fn shown(kind: &str, bytes: &[u8]) -> Option<String> {
    let (_, probe) = PROBES.iter().find(|(name, _)| *name == kind)?;
    probe(bytes).ok().map(|value| value.to_string())
}

pub fn is_accepted(kind: &str, bytes: &[u8]) -> bool {
    shown(kind, bytes).is_some()
}

/// For codecs of one form: what was read is written again as it was.
fn again<T>(
    bytes: &[u8],
    value: T,
    encode: impl Fn(&T) -> std::result::Result<Vec<u8>, FormatError>,
    show: impl Fn(&T) -> Json,
) -> Shown {
    assert_eq!(encode(&value).as_deref(), Ok(bytes));
    Ok(show(&value))
}

/// Texts come from files that were checked to be UTF-8.
fn as_text(bytes: &[u8]) -> std::result::Result<&str, Refused> {
    std::str::from_utf8(bytes).map_err(|_| Refused)
}

fn show_cbor(bytes: &[u8]) -> Shown {
    let decoded = decode(bytes);
    assert_eq!(decoded.is_ok(), links_in(bytes, &mut |_| ()).is_ok());
    again(bytes, decoded?, encode, shown::cbor)
}

fn show_list(bytes: &[u8]) -> Shown {
    again(bytes, decode_list(bytes)?, encode_list, |list| {
        let entries: Vec<Json> = list.entries.iter().map(|one| json!([shown::link(&one.link), one.bytes])).collect();
        json!([list.depth, list.bytes, entries])
    })
}

fn show_changes(bytes: &[u8]) -> Shown {
    again(bytes, decode_changes(bytes)?, write_changes, shown::changes)
}

fn write_changes(node: &ChangesNode) -> std::result::Result<Vec<u8>, FormatError> {
    let mut writer = Writer::default();
    writer.map(3);
    writer.text("e");
    let (kind, count) = match node {
        ChangesNode::Leaf(changes) => {
            writer.list(changes.len());
            changes.iter().try_for_each(|change| write_change(&mut writer, change))?;
            ("changes", changes.len() as u64)
        }
        ChangesNode::Tree { count, parts } => {
            writer.list(parts.len());
            for part in parts {
                writer.list(3);
                writer.bytes(&part.first_path);
                writer.link(&part.link);
                writer.unsigned(part.count);
            }
            ("changes-tree", *count)
        }
    };
    writer.text("k");
    writer.text(kind);
    writer.text("n");
    writer.unsigned(count);
    Ok(writer.bytes)
}

fn show_body(bytes: &[u8]) -> Shown {
    let mut links = Vec::new();
    let body = decode_body(bytes, &mut |link| links.push(cid_text(&link)))?;
    Ok(shown::body(&body, links))
}

/// Sixteen bytes of a log id, and a frame.
fn show_frame(bytes: &[u8]) -> Shown {
    let (log_id, bytes) = bytes.split_first_chunk::<16>().ok_or(Refused)?;
    let frame = decode_frame_at(bytes, 0, frame_seed(log_id)).map_err(|_| Refused)?;
    let written = encode_frame(frame.envelope, frame.body, frame.base, frame_seed(log_id));
    assert_eq!(written.as_deref(), Ok(&bytes[..frame.next_offset]));
    let body = frame.body.map(|(salt, body)| [hex(salt), hex(body)]);
    Ok(json!([hex(frame.envelope), body, frame.base, frame.next_offset]))
}

fn show_segment_header(bytes: &[u8]) -> Shown {
    let header = decode_segment_header(bytes)?;
    assert_eq!(encode_segment_header(&header), bytes[..SEGMENT_HEADER_BYTES as usize]);
    Ok(json!([header.first_seq, hex(&header.log_id)]))
}

/// A whole segment: every valid frame with its record, also those behind damage.
fn show_segment(bytes: &[u8]) -> Shown {
    let header = decode_segment_header(bytes)?;
    let seed = frame_seed(&header.log_id);
    let mut frames = Vec::new();
    let mut offset = SEGMENT_HEADER_BYTES as usize;
    while offset < bytes.len() {
        let Ok(frame) = decode_frame_at(bytes, offset, seed) else {
            let Some(next) = find_frame_marker(bytes, offset + 1) else { break };
            offset = next;
            continue;
        };
        let envelope = decode_envelope(frame.envelope).ok().map(|envelope| envelope.seq);
        let body = frame.body.map(|(_, body)| decode_body(body, &mut |_| ()).is_ok());
        frames.push(json!([offset, envelope, body]));
        offset = frame.next_offset;
    }
    Ok(json!([header.first_seq, frames]))
}

fn show_marks_slot(bytes: &[u8]) -> Shown {
    match decode_marks(bytes) {
        Slot::Good(marks) => again(bytes, marks, |one| encode_marks(one).map(|slot| slot.to_vec()), shown::marks),
        Slot::Empty | Slot::Bad(_) => Err(Refused),
    }
}

fn show_note(bytes: &[u8]) -> Shown {
    again(
        bytes,
        parse_note(bytes)?,
        |note| Ok(write_note(note)),
        |note| {
            let lines: Vec<Json> = note
                .signatures
                .iter()
                .map(|line| json!([shown::text(&line.name), line.key_id, hex(&line.signature)]))
                .collect();
            json!([shown::text(&note.text), lines])
        },
    )
}

fn write_note(note: &Note) -> Vec<u8> {
    let mut written = format!("{}\n", note.text);
    for line in &note.signatures {
        let signature = base64(&[&line.key_id.to_be_bytes(), line.signature.as_slice()].concat());
        written.push_str(&format!("\u{2014} {} {signature}\n", line.name));
    }
    written.into_bytes()
}

fn show_checkpoint(bytes: &[u8]) -> Shown {
    again(
        bytes,
        parse_checkpoint(as_text(bytes)?)?,
        |one| Ok(format_checkpoint(one).into_bytes()),
        |one| json!([shown::text(&one.origin), one.size, hex(&one.root)]),
    )
}

fn show_origin(bytes: &[u8]) -> Shown {
    again(
        bytes,
        parse_origin(as_text(bytes)?)?,
        |one| Ok(format_origin(one).into_bytes()),
        |one| json!([hex(&one.log_id), one.epoch]),
    )
}

fn show_verifier_key(bytes: &[u8]) -> Shown {
    again(
        bytes,
        parse_verifier_key(as_text(bytes)?)?,
        |one| Ok(format_verifier_key(one).into_bytes()),
        |one| json!([shown::text(&one.name), one.key_id, hex(&one.public_key)]),
    )
}

fn show_private_key(bytes: &[u8]) -> Shown {
    Ok(shown::bytes(&parse_private_key(as_text(bytes)?)?.public_key()))
}

fn show_inclusion(bytes: &[u8]) -> Shown {
    again(
        bytes,
        parse_inclusion(bytes)?,
        |file| Ok(write_inclusion(file)),
        |file| {
            let path: Vec<String> = file.path.iter().map(|hash| hex(hash)).collect();
            json!([file.index, hex(&file.envelope), path, hex(&file.checkpoint_note)])
        },
    )
}

fn write_inclusion(file: &InclusionFile) -> Vec<u8> {
    let head = format!("c2sp.org/tlog-proof@v1\nextra {}\nindex {}\n", base64(&file.envelope), file.index);
    let path: String = file.path.iter().map(|hash| format!("{}\n", base64(hash))).collect();
    [head.as_bytes(), path.as_bytes(), b"\n", &file.checkpoint_note].concat()
}

/// Which characters of the path are escaped is free, so it may be written otherwise; but then it reads the same.
fn show_binding(bytes: &[u8]) -> Shown {
    let binding = decode_binding(bytes)?;
    assert_eq!(decode_binding(&encode_binding(&binding)).as_ref(), Ok(&binding));
    let id = [hex(&binding.log_id), binding.epoch.to_string(), hex(&binding.path), binding.inode.to_string()];
    Ok(json!([id, binding.size, hex(&binding.root)]))
}

fn show_format(bytes: &[u8]) -> Shown {
    again(
        bytes,
        decode_format_file(bytes)?,
        |file| Ok(encode_format_file(file)),
        |file| {
            let earlier: Vec<String> = file.earlier.iter().map(|id| hex(id)).collect();
            json!([file.format, file.requires, file.options, hex(&file.log_id), earlier])
        },
    )
}

fn show_pack_header(bytes: &[u8]) -> Shown {
    let id = decode_pack_header(bytes)?;
    assert_eq!(encode_pack_header([id[0], id[1], id[2], id[3]]), bytes[..PACK_HEADER_BYTES as usize]);
    Ok(shown::bytes(&id))
}

/// A whole pack: its entries up to the first that is not sound, and what of them is what it is called.
fn show_pack(bytes: &[u8]) -> Shown {
    let id = decode_pack_header(bytes)?;
    let mut entries = Vec::new();
    let mut offset = PACK_HEADER_BYTES as usize;
    while let Ok(fields) = decode_entry_header(&bytes[offset..]) {
        let end = offset + fields.entry_bytes() as usize;
        if end > bytes.len() || !entry_crc_fits(&bytes[offset..end]) {
            break;
        }
        let payload = &bytes[offset + ENTRY_HEADER_BYTES..end];
        let object = match fields.packing {
            Packing::Plain => Some(payload.to_vec()),
            Packing::Zstd => unpack_zstd(payload, fields.object_bytes as usize),
        };
        entries.push(json!([offset, shown::fields(&fields), object.map(|object| hex(&blake3(&object)))]));
        offset = end;
    }
    Ok(json!([hex(&id), offset, entries]))
}

fn show_index(bytes: &[u8]) -> Shown {
    let header = check_index(bytes)?;
    let read = (0..header.entry_count).map(|at| decode_index_entry(bytes, at));
    let entries: Vec<IndexEntry> = read.collect::<std::result::Result<_, _>>()?;
    assert_eq!(encode_index(&header.pack_id, header.covered_bytes, &entries), bytes);
    let lines: Vec<Json> = entries.iter().map(|entry| json!([entry.offset, shown::fields(&entry.fields)])).collect();
    Ok(json!([hex(&header.pack_id), header.covered_bytes, lines]))
}

fn show_snapshot_list(bytes: &[u8]) -> Shown {
    again(
        bytes,
        parse_snapshot_list(as_text(bytes)?)?,
        |list| Ok(format_snapshot_list(list).into_bytes()),
        shown::snapshot_list,
    )
}

/// Header and every item up to the end.
fn show_trace(bytes: &[u8]) -> Shown {
    let (header, mut offset) = decode_trace_header(bytes).map_err(|_| Refused)?;
    let mut items = Vec::new();
    while offset < bytes.len() {
        let (item, next) = decode_trace_item_at(bytes, offset).map_err(|_| Refused)?;
        items.push(json!([item.seq, hex(&item.root), item.more, shown::change_list(&item.changes)]));
        offset = next;
    }
    Ok(json!([header.base_seq, hex(&header.base_root), shown::text(&header.origin), items]))
}

fn show_cid(bytes: &[u8]) -> Shown {
    again(
        bytes,
        parse_cid(as_text(bytes)?)?,
        |link| Ok(cid_text(link).into_bytes()),
        |link| json!([link.codec.number(), hex(&link.id)]),
    )
}

/// Four bytes of the length of the object, and the payload.
fn show_zstd(bytes: &[u8]) -> Shown {
    let (length, payload) = bytes.split_first_chunk::<4>().ok_or(Refused)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > 16 << 20 {
        return Err(Refused);
    }
    let object = unpack_zstd(payload, length).ok_or(Refused)?;
    Ok(json!([object.len(), hex(&blake3(&object))]))
}
