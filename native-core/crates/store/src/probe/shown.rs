//! Decoded values as JSON, in a form that the twin in TypeScript (`test/native/shown.ts`) makes too, so that a test can ask
//! whether both read the same out of the same bytes. Lists and ASCII only: no order of keys, no escapes to differ in.

use serde_json::{Value as Json, json};

use crate::format::cbor::Value;
use crate::format::changes::{Change, ChangesNode};
use crate::format::hash::hex;
use crate::format::id::{Link, cid_text};
use crate::format::marks::{Marks, MarksFile, Slot};
use crate::format::node::{DirectoryNode, Entry, EntryKind};
use crate::format::pack::EntryFields;
use crate::format::record::{Body, Envelope};
use crate::format::recycle_lock::SnapshotList;
use crate::format::state::State;

pub fn text(text: &str) -> Json {
    Json::String(hex(text.as_bytes()))
}

pub fn bytes(bytes: &[u8]) -> Json {
    Json::String(hex(bytes))
}

pub fn link(link: &Link) -> Json {
    Json::String(cid_text(link))
}

fn optional<T>(value: Option<&T>, show: impl Fn(&T) -> Json) -> Json {
    value.map_or(Json::Null, show)
}

/// The order of map keys is that of the encoding.
pub fn cbor(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(flag) => json!(flag),
        Value::Integer(number) => json!(number),
        Value::Text(value) => json!(format!("t{}", hex(value.as_bytes()))),
        Value::Bytes(value) => json!(format!("h{}", hex(value))),
        Value::Link(value) => link(value),
        Value::List(items) => json!(["list", items.iter().map(cbor).collect::<Vec<_>>()]),
        Value::Map(pairs) => {
            json!(["map", pairs.iter().map(|(key, value)| json!([text(key), cbor(value)])).collect::<Vec<_>>()])
        }
    }
}

pub fn entry(entry: &Entry) -> Json {
    let kind = match entry.kind {
        EntryKind::File => 0,
        EntryKind::Directory => 1,
        EntryKind::Symlink => 2,
    };
    let meta = optional(entry.meta.as_ref(), |meta| {
        let owner = optional(meta.owner.as_ref(), |(user, group)| json!([user, group]));
        let xattrs: Vec<Json> = meta.xattrs.iter().map(|(name, value)| json!([hex(name), hex(value)])).collect();
        json!([owner, xattrs])
    });
    json!([hex(&entry.name), kind, entry.mode, entry.size, link(&entry.content), meta])
}

pub fn node(node: &DirectoryNode) -> Json {
    match node {
        DirectoryNode::Leaf(entries) => json!(["leaf", entries.iter().map(entry).collect::<Vec<_>>()]),
        DirectoryNode::Branch { depth, slots } => {
            let slots: Vec<Json> = slots
                .iter()
                .map(|slot| optional(slot.as_ref(), |slot| json!([link(&slot.link), slot.count])))
                .collect();
            json!(["branch", depth, slots])
        }
    }
}

pub fn state(state: &State) -> Json {
    let part = |part: &Option<Link>| optional(part.as_ref(), link);
    let parts = [&state.contracts, &state.boxes, &state.services, &state.settings].map(part);
    json!([state.has_owner, state.has_xattrs, link(&state.files), parts])
}

fn change(change: &Change) -> Json {
    json!([hex(&change.path), optional(change.before.as_ref(), entry), optional(change.after.as_ref(), entry)])
}

pub fn change_list(changes: &[Change]) -> Json {
    Json::Array(changes.iter().map(change).collect())
}

pub fn changes(node: &ChangesNode) -> Json {
    match node {
        ChangesNode::Leaf(changes) => json!(["changes", change_list(changes)]),
        ChangesNode::Tree { count, parts } => {
            let parts: Vec<Json> =
                parts.iter().map(|part| json!([hex(&part.first_path), link(&part.link), part.count])).collect();
            json!(["changes-tree", count, parts])
        }
    }
}

pub fn envelope(envelope: &Envelope) -> Json {
    let Envelope { seq, time, root, prev, body_hash } = envelope;
    json!([seq, time, hex(root), hex(prev), hex(body_hash)])
}

/// `links` are all that stand in the body, which the twin finds in its own way; their order is not compared.
pub fn body(body: &Body<'_>, mut links: Vec<String>) -> Json {
    let one_path = optional(body.one_path.as_ref(), |(before, after)| {
        json!([optional(before.as_ref(), entry), optional(after.as_ref(), entry)])
    });
    let fields = body.fields.and_then(|fields| crate::format::cbor::decode(fields).ok());
    links.sort_unstable();
    json!([
        [text(body.actor), text(body.action), text(body.subject_kind), hex(body.subject_id)],
        [json!(body.permitted), optional(body.bundle.as_ref(), |hash| bytes(hash)), text(body.rule)],
        one_path,
        optional(body.changes.as_ref(), link),
        body.cause,
        body.doubtful,
        optional(fields.as_ref(), cbor),
        links,
    ])
}

pub fn marks(marks: &Marks) -> Json {
    json!([
        marks.generation,
        marks.segment_first_seq,
        marks.segment_flushed_bytes,
        marks.next_seq,
        hex(&marks.last_leaf),
        marks.applied,
        marks.pack_number,
        marks.pack_flushed_bytes,
        optional(marks.pack_id.as_ref(), |id| bytes(id)),
        marks.clean,
    ])
}

fn slot(slot: &Slot) -> Json {
    match slot {
        Slot::Good(found) => marks(found),
        Slot::Empty => json!("empty"),
        Slot::Bad(_) => json!("bad"),
    }
}

pub fn marks_file(file: &MarksFile) -> Json {
    json!([optional(file.newest.as_ref(), marks), file.slots.iter().map(slot).collect::<Vec<_>>(), file.rest_is_zero])
}

pub fn fields(fields: &EntryFields) -> Json {
    let EntryFields { id, codec, kind, packing, stored_bytes, object_bytes } = fields;
    json!([hex(id), codec.number(), *kind as u8, *packing as u8, stored_bytes, object_bytes])
}

pub fn snapshot_list(list: &SnapshotList) -> Json {
    let lines: Vec<Json> = list
        .snapshots
        .iter()
        .map(|one| {
            let line = [text(&one.name), json!(one.seq), bytes(&one.root), json!(one.time), text(&one.kind)];
            json!([line, one.pinned, text(&one.label)])
        })
        .collect();
    json!([text(&list.origin), list.journal_size, lines])
}
