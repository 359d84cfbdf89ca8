//! Every parser of a file of the format behind one question: is this input accepted? For differential tests and fuzzing.

use crate::format::binding::decode_binding;
use crate::format::bytes::parse_displayed;
use crate::format::cbor::{decode, encode, links_in};
use crate::format::changes::decode_changes;
use crate::format::checkpoint::{parse_checkpoint, parse_origin};
use crate::format::content::decode_list;
use crate::format::format_file::decode_format_file;
use crate::format::frame::{decode_frame_at, decode_segment_header, frame_seed};
use crate::format::id::parse_cid;
use crate::format::inclusion::parse_inclusion;
use crate::format::key::parse_private_key;
use crate::format::marks::{Slot, decode_marks, decode_marks_file};
use crate::format::node::{decode_node, encode_node};
use crate::format::note::{parse_note, parse_verifier_key};
use crate::format::pack::{decode_entry_header, decode_pack_header};
use crate::format::pack_index::check_index;
use crate::format::record::{decode_body, decode_envelope, encode_envelope};
use crate::format::recycle_lock::{format_snapshot_list, parse_snapshot_list};
use crate::format::recycle_trace::{decode_trace_header, decode_trace_item_at};
use crate::format::state::{decode_state, encode_state};
use crate::verify::unpack_zstd;

type Probe = fn(&[u8]) -> bool;

const PROBES: [(&str, Probe); 25] = [
    ("cbor", is_cbor),
    ("node", is_node),
    ("list", |bytes| decode_list(bytes).is_ok()),
    ("state", is_state),
    ("changes", |bytes| decode_changes(bytes).is_ok()),
    ("envelope", is_envelope),
    ("body", |bytes| decode_body(bytes, &mut |_| ()).is_ok()),
    ("frame", is_frame),
    ("segment-header", |bytes| decode_segment_header(bytes).is_ok()),
    ("marks-slot", |bytes| matches!(decode_marks(bytes), Slot::Good(_))),
    ("marks-file", |bytes| decode_marks_file(bytes).newest.is_some()),
    ("note", |bytes| parse_note(bytes).is_ok()),
    ("checkpoint", |bytes| is_text(bytes, |text| parse_checkpoint(text).is_ok())),
    ("origin", |bytes| is_text(bytes, |text| parse_origin(text).is_ok())),
    ("verifier-key", |bytes| is_text(bytes, |text| parse_verifier_key(text).is_ok())),
    ("inclusion", |bytes| parse_inclusion(bytes).is_ok()),
    ("binding", |bytes| decode_binding(bytes).is_ok()),
    ("format", |bytes| decode_format_file(bytes).is_ok()),
    ("pack-header", |bytes| decode_pack_header(bytes).is_ok()),
    ("pack-entry", |bytes| decode_entry_header(bytes).is_ok()),
    ("pack-index", |bytes| check_index(bytes).is_ok()),
    ("recycle-lock", |bytes| is_text(bytes, is_snapshot_list)),
    ("recycle-trace", is_trace),
    ("cid", |bytes| is_text(bytes, |text| parse_cid(text).is_ok())),
    ("displayed", |bytes| is_text(bytes, |text| parse_displayed(text).is_ok())),
];

/// Kinds whose twin is no codec of TypeScript, and what they need besides.
const OTHER_PROBES: [(&str, Probe); 2] =
    [("private-key", |bytes| is_text(bytes, |text| parse_private_key(text).is_ok())), ("zstd", is_zstd)];

pub fn kinds() -> Vec<&'static str> {
    PROBES.iter().chain(&OTHER_PROBES).map(|(kind, _)| *kind).collect()
}

/// False for kinds that there are none of, too. Panics when a codec accepts what it does not write again.
pub fn is_accepted(kind: &str, bytes: &[u8]) -> bool {
    let probe = PROBES.iter().chain(&OTHER_PROBES).find(|(name, _)| *name == kind);
    probe.is_some_and(|(_, probe)| probe(bytes))
}

fn is_text(bytes: &[u8], accepts: impl Fn(&str) -> bool) -> bool {
    std::str::from_utf8(bytes).is_ok_and(accepts)
}

fn is_cbor(bytes: &[u8]) -> bool {
    let decoded = decode(bytes);
    assert_eq!(decoded.is_ok(), links_in(bytes, &mut |_| ()).is_ok());
    decoded.is_ok_and(|value| {
        assert_eq!(encode(&value).as_deref(), Ok(bytes));
        true
    })
}

fn is_node(bytes: &[u8]) -> bool {
    decode_node(bytes).is_ok_and(|node| {
        assert_eq!(encode_node(&node).as_deref(), Ok(bytes));
        true
    })
}

fn is_state(bytes: &[u8]) -> bool {
    decode_state(bytes).is_ok_and(|state| {
        assert_eq!(encode_state(&state), bytes);
        true
    })
}

fn is_envelope(bytes: &[u8]) -> bool {
    decode_envelope(bytes).is_ok_and(|envelope| {
        assert_eq!(encode_envelope(&envelope), bytes);
        true
    })
}

/// Sixteen bytes of a log id, and a frame.
fn is_frame(bytes: &[u8]) -> bool {
    let Some((log_id, frame)) = bytes.split_first_chunk::<16>() else { return false };
    decode_frame_at(frame, 0, frame_seed(log_id)).is_ok()
}

fn is_snapshot_list(text: &str) -> bool {
    parse_snapshot_list(text).is_ok_and(|list| {
        assert_eq!(format_snapshot_list(&list), text);
        true
    })
}

/// Header and every item up to the end.
fn is_trace(bytes: &[u8]) -> bool {
    let Ok((_, mut offset)) = decode_trace_header(bytes) else { return false };
    while offset < bytes.len() {
        match decode_trace_item_at(bytes, offset) {
            Ok((_, next)) => offset = next,
            Err(_) => return false,
        }
    }
    true
}

/// Four bytes of the length of the object, and the payload.
fn is_zstd(bytes: &[u8]) -> bool {
    let Some((length, payload)) = bytes.split_first_chunk::<4>() else { return false };
    let length = u32::from_le_bytes(*length) as usize;
    length <= 16 << 20 && unpack_zstd(payload, length).is_some()
}
