//! Directories as canonical nodes: a leaf up to 64 entries, above a branch over one hex digit of the hash of the names.
//! Twin of `src/core/store/nodes.ts`. Entries stay encoded: a node is put together from their bytes.

use std::sync::OnceLock;

use super::WorkResult;
use super::pack_sink::PackSink;
use crate::format::cbor::{LINK_BYTES, Reader, Writer};
use crate::format::constants::LEAF_ENTRIES_MAX;
use crate::format::id::{Link, ObjectId};
use crate::format::pack::ObjectKind;

pub use crate::format::node::EntryKind;

const SLOTS: usize = 16;

/// One entry of a directory: its name, and all of it as it stands in the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub name: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// The kind that a number stands for in an entry.
pub fn kind_of(number: u64) -> Option<EntryKind> {
    match number {
        0 => Some(EntryKind::File),
        1 => Some(EntryKind::Directory),
        2 => Some(EntryKind::Symlink),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryFields {
    pub kind: EntryKind,
    pub mode: u16,
    pub size: u64,
    pub content: Link,
}

pub fn encode_entry(name: &[u8], fields: &EntryFields) -> Vec<u8> {
    let mut writer = Writer { bytes: Vec::with_capacity(name.len() + LINK_BYTES + 20) };
    writer.list(5);
    writer.bytes(name);
    writer.unsigned(fields.kind as u64);
    writer.unsigned(fields.mode.into());
    writer.unsigned(fields.size);
    writer.link(&fields.content);
    writer.bytes
}

/// The node of a directory without entries.
pub fn empty_directory() -> Link {
    static ID: OnceLock<ObjectId> = OnceLock::new();
    Link::dag(*ID.get_or_init(|| blake3::hash(&encode_leaf(&[])).into()))
}

/// Writes the canonical node of these entries, which must be sorted by name; that of none is in every store already.
pub fn put_directory(sink: &PackSink<'_>, sorted: &[Encoded]) -> WorkResult<Link> {
    if sorted.is_empty() {
        return Ok(empty_directory());
    }
    let hashed: Vec<(&Encoded, ObjectId)> = if sorted.len() as u64 <= LEAF_ENTRIES_MAX {
        sorted.iter().map(|entry| (entry, [0; 32])).collect()
    } else {
        sorted.iter().map(|entry| (entry, blake3::hash(&entry.name).into())).collect()
    };
    put_at(sink, &hashed, 0)
}

fn put_at(sink: &PackSink<'_>, sorted: &[(&Encoded, ObjectId)], depth: usize) -> WorkResult<Link> {
    if sorted.len() as u64 <= LEAF_ENTRIES_MAX {
        return put_leaf(sink, sorted);
    }
    let mut parts = [const { Vec::new() }; SLOTS];
    for (entry, hash) in sorted {
        let byte = hash[depth / 2];
        let digit = if depth.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
        parts[usize::from(digit)].push((*entry, *hash));
    }
    let mut writer = Writer { bytes: Vec::with_capacity(SLOTS * 48 + 32) };
    writer.map(3);
    writer.text("d");
    writer.unsigned(depth as u64);
    writer.text("k");
    writer.text("branch");
    writer.text("s");
    writer.list(SLOTS);
    for part in &parts {
        if part.is_empty() {
            writer.null();
            continue;
        }
        let link = put_at(sink, part, depth + 1)?;
        writer.list(2);
        writer.link(&link);
        writer.unsigned(part.len() as u64);
    }
    put_node(sink, &writer.bytes)
}

fn put_leaf(sink: &PackSink<'_>, sorted: &[(&Encoded, ObjectId)]) -> WorkResult<Link> {
    put_node(sink, &encode_leaf(sorted))
}

fn encode_leaf(sorted: &[(&Encoded, ObjectId)]) -> Vec<u8> {
    let bytes: usize = sorted.iter().map(|(entry, _)| entry.bytes.len()).sum();
    let mut writer = Writer { bytes: Vec::with_capacity(bytes + 16) };
    writer.map(2);
    writer.text("e");
    writer.list(sorted.len());
    for (entry, _) in sorted {
        writer.append(&entry.bytes);
    }
    writer.text("k");
    writer.text("leaf");
    writer.bytes
}

fn put_node(sink: &PackSink<'_>, node: &[u8]) -> WorkResult<Link> {
    Ok(Link::dag(sink.put(ObjectKind::Node, node)?))
}

/// An entry as it was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadEntry {
    pub encoded: Encoded,
    pub fields: EntryFields,
}

impl ReadEntry {
    /// Where the entry is a directory: its node.
    pub fn directory(&self) -> Option<Link> {
        (self.fields.kind == EntryKind::Directory).then_some(self.fields.content)
    }
}

/// What a node holds itself: entries of a leaf, or the nodes below a branch.
pub enum NodeParts {
    Leaf(Vec<ReadEntry>),
    Branch(Vec<Link>),
}

/// Takes a node apart; None when it is none, or has what only TypeScript knows of. It was checked against its name.
pub fn parts_of(bytes: &[u8]) -> Option<NodeParts> {
    let mut reader = Reader::new(bytes);
    reader.map().ok()?;
    if reader.has_key("d") {
        return branch_parts(&mut reader).map(NodeParts::Branch);
    }
    reader.key("e").ok()?;
    let count = reader.list().ok()?;
    (0..count).map(|_| read_entry(&mut reader)).collect::<Option<_>>().map(NodeParts::Leaf)
}

fn read_entry(reader: &mut Reader<'_>) -> Option<ReadEntry> {
    let start = reader.offset;
    if reader.list().ok()? != 5 {
        return None;
    }
    let name = reader.bytes().ok()?.to_vec();
    let kind = kind_of(reader.unsigned().ok()?)?;
    let mode = reader.unsigned().ok()?.try_into().ok()?;
    let size = reader.unsigned().ok()?;
    let content = reader.link().ok()?;
    let encoded = Encoded { name, bytes: reader.since(start).to_vec() };
    Some(ReadEntry { encoded, fields: EntryFields { kind, mode, size, content } })
}

fn branch_parts(reader: &mut Reader<'_>) -> Option<Vec<Link>> {
    reader.unsigned().ok()?;
    reader.key("k").ok()?;
    reader.key("branch").ok()?;
    reader.key("s").ok()?;
    let mut links = Vec::new();
    for _ in 0..reader.list().ok()? {
        if reader.is_null() {
            continue;
        }
        reader.list().ok()?;
        links.push(reader.link().ok()?);
        reader.unsigned().ok()?;
    }
    Some(links)
}
