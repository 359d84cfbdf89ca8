//! Directories as canonical nodes: a leaf up to 64 entries, above a branch over one hex digit of the hash of the names.
//! Twin of `src/core/store/nodes.ts`. Entries stay encoded: a node is put together from their bytes.

use super::WorkResult;
use super::cbor::{self, Codec, Id, Link, Reader};
use super::pack_sink::{Kind, PackSink};
use crate::format::constants::LEAF_ENTRIES_MAX;

const SLOTS: usize = 16;

/// One entry of a directory: its name, and all of it as it stands in the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub name: Vec<u8>,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File = 0,
    Directory = 1,
    Symlink = 2,
}

impl EntryKind {
    pub fn of(number: u64) -> Option<EntryKind> {
        match number {
            0 => Some(EntryKind::File),
            1 => Some(EntryKind::Directory),
            2 => Some(EntryKind::Symlink),
            _ => None,
        }
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
    let mut bytes = Vec::with_capacity(name.len() + cbor::LINK_BYTES + 20);
    cbor::list(&mut bytes, 5);
    cbor::bytes(&mut bytes, name);
    cbor::integer(&mut bytes, fields.kind as u64);
    cbor::integer(&mut bytes, fields.mode.into());
    cbor::integer(&mut bytes, fields.size);
    cbor::link(&mut bytes, &fields.content);
    bytes
}

/// Writes the canonical node of these entries, which must be sorted by name.
pub fn put_directory(sink: &PackSink<'_>, sorted: &[Encoded]) -> WorkResult<Link> {
    let hashed: Vec<(&Encoded, Id)> = if sorted.len() as u64 <= LEAF_ENTRIES_MAX {
        sorted.iter().map(|entry| (entry, [0; 32])).collect()
    } else {
        sorted.iter().map(|entry| (entry, blake3::hash(&entry.name).into())).collect()
    };
    put_at(sink, &hashed, 0)
}

fn put_at(sink: &PackSink<'_>, sorted: &[(&Encoded, Id)], depth: usize) -> WorkResult<Link> {
    if sorted.len() as u64 <= LEAF_ENTRIES_MAX {
        return put_leaf(sink, sorted);
    }
    let mut parts = [const { Vec::new() }; SLOTS];
    for (entry, hash) in sorted {
        let byte = hash[depth / 2];
        let digit = if depth.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
        parts[usize::from(digit)].push((*entry, *hash));
    }
    let mut node = Vec::with_capacity(SLOTS * 48 + 32);
    cbor::map(&mut node, 3);
    cbor::text(&mut node, "d");
    cbor::integer(&mut node, depth as u64);
    cbor::text(&mut node, "k");
    cbor::text(&mut node, "branch");
    cbor::text(&mut node, "s");
    cbor::list(&mut node, SLOTS);
    for part in &parts {
        if part.is_empty() {
            node.push(cbor::NULL);
            continue;
        }
        let link = put_at(sink, part, depth + 1)?;
        cbor::list(&mut node, 2);
        cbor::link(&mut node, &link);
        cbor::integer(&mut node, part.len() as u64);
    }
    put_node(sink, &node)
}

fn put_leaf(sink: &PackSink<'_>, sorted: &[(&Encoded, Id)]) -> WorkResult<Link> {
    let bytes: usize = sorted.iter().map(|(entry, _)| entry.bytes.len()).sum();
    let mut node = Vec::with_capacity(bytes + 16);
    cbor::map(&mut node, 2);
    cbor::text(&mut node, "e");
    cbor::list(&mut node, sorted.len());
    for (entry, _) in sorted {
        node.extend_from_slice(&entry.bytes);
    }
    cbor::text(&mut node, "k");
    cbor::text(&mut node, "leaf");
    put_node(sink, &node)
}

fn put_node(sink: &PackSink<'_>, node: &[u8]) -> WorkResult<Link> {
    Ok(Link { codec: Codec::DagCbor, id: sink.put(Kind::Node, node)? })
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

/// Takes a node apart that this work wrote; None when it is none.
pub fn parts_of(bytes: &[u8]) -> Option<NodeParts> {
    let mut reader = Reader::new(bytes);
    let keys = reader.map()?;
    if keys == 3 {
        return branch_parts(&mut reader).map(NodeParts::Branch);
    }
    if reader.text()? != b"e" {
        return None;
    }
    let count = reader.list()?;
    (0..count).map(|_| read_entry(&mut reader)).collect::<Option<_>>().map(NodeParts::Leaf)
}

fn read_entry(reader: &mut Reader<'_>) -> Option<ReadEntry> {
    let start = reader.offset();
    if reader.list()? != 5 {
        return None;
    }
    let name = reader.bytes()?.to_vec();
    let kind = EntryKind::of(reader.integer()?)?;
    let mode = reader.integer()?.try_into().ok()?;
    let size = reader.integer()?;
    let content = reader.link()?;
    let encoded = Encoded { name, bytes: reader.since(start).to_vec() };
    Some(ReadEntry { encoded, fields: EntryFields { kind, mode, size, content } })
}

fn branch_parts(reader: &mut Reader<'_>) -> Option<Vec<Link>> {
    reader.text()?;
    reader.integer()?;
    reader.text()?;
    reader.text()?;
    reader.text()?;
    let mut links = Vec::new();
    for _ in 0..reader.list()? {
        if reader.peek()? == cbor::NULL {
            reader.take(1)?;
            continue;
        }
        reader.list()?;
        links.push(reader.link()?);
        reader.integer()?;
    }
    Some(links)
}
