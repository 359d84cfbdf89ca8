//! File contents of more than one chunk: list nodes, and lists of lists above 4096 entries. One content has one form.

use super::cbor::{Reader, Writer};
use super::constants::{CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, INTEGER_MAX, LIST_DEPTH_MAX, LIST_ENTRIES_MAX};
use super::failure::{Result, demand};
use super::id::{Codec, Link, ObjectId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListEntry {
    pub link: Link,
    /// File bytes below the link.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListNode {
    /// 0: the entries are chunks; n: they are list nodes of depth n-1.
    pub depth: u64,
    /// File bytes below all entries.
    pub bytes: u64,
    pub entries: Vec<ListEntry>,
}

/// Refuses a node that breaks a rule that shows in it alone.
pub fn encode_list(node: &ListNode) -> Result<Vec<u8>> {
    check_list(node)?;
    let mut writer = Writer::default();
    writer.map(4);
    writer.text("c");
    writer.list(node.entries.len());
    for entry in &node.entries {
        writer.list(2);
        writer.link(&entry.link);
        writer.unsigned(entry.bytes);
    }
    writer.text("d");
    writer.unsigned(node.depth);
    writer.text("k");
    writer.text("list");
    writer.text("n");
    writer.unsigned(node.bytes);
    Ok(writer.bytes)
}

pub fn decode_list(bytes: &[u8]) -> Result<ListNode> {
    let mut reader = Reader::new(bytes);
    demand(reader.map()? == 4, "a list node has four keys")?;
    reader.key("c")?;
    let count = reader.list()?;
    demand(count as u64 <= LIST_ENTRIES_MAX, "too many entries in a list node")?;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        demand(reader.list()? == 2, "a list entry is a link and a size")?;
        entries.push(ListEntry { link: reader.link()?, bytes: reader.unsigned()? });
    }
    reader.key("d")?;
    let depth = reader.unsigned()?;
    reader.key("k")?;
    demand(reader.text()? == "list", "not a list node")?;
    reader.key("n")?;
    let total = reader.unsigned()?;
    reader.end()?;
    let node = ListNode { depth, bytes: total, entries };
    check_list(&node)?;
    Ok(node)
}

fn check_list(node: &ListNode) -> Result<()> {
    demand(node.depth <= LIST_DEPTH_MAX, "a list node that is too deep")?;
    let count = node.entries.len();
    demand(count > 0 && count as u64 <= LIST_ENTRIES_MAX, "a list node has 1 to 4096 entries")?;
    let full_chunks = LIST_ENTRIES_MAX.pow(node.depth as u32);
    let codec = if node.depth == 0 { Codec::Raw } else { Codec::DagCbor };
    let mut total: u64 = 0;
    for (index, entry) in node.entries.iter().enumerate() {
        demand(entry.link.codec == codec, "a list entry of the wrong codec")?;
        let least = if index + 1 == count { 1 } else { CHUNK_BYTES_MIN * full_chunks };
        let fits = entry.bytes >= least && entry.bytes <= CHUNK_BYTES_MAX * full_chunks;
        demand(fits, "a list entry of a wrong size")?;
        total = total.saturating_add(entry.bytes);
    }
    demand(total == node.bytes && total <= INTEGER_MAX, "the sizes of a list node do not add up")
}

/// Builds the one form of a content from its chunks, in order. Holds at most 4096 entries a level.
pub struct ContentBuilder {
    levels: Vec<Vec<ListEntry>>,
}

impl Default for ContentBuilder {
    fn default() -> Self {
        ContentBuilder { levels: vec![Vec::new()] }
    }
}

impl ContentBuilder {
    /// Adds the next chunk; `put` stores a finished list node and answers its id.
    pub fn push(&mut self, chunk: ObjectId, bytes: u64, put: &mut dyn FnMut(Vec<u8>) -> ObjectId) -> Result<()> {
        self.add(0, ListEntry { link: Link::raw(chunk), bytes }, put)
    }

    /// The content link of all chunks.
    pub fn finish(mut self, put: &mut dyn FnMut(Vec<u8>) -> ObjectId) -> Result<Link> {
        demand(!self.levels[0].is_empty(), "a content has at least one chunk")?;
        let mut depth = 0;
        loop {
            if depth + 1 == self.levels.len() && self.levels[depth].len() == 1 {
                return Ok(self.levels[depth][0].link);
            }
            self.close(depth, put)?;
            depth += 1;
        }
    }

    fn add(&mut self, depth: usize, entry: ListEntry, put: &mut dyn FnMut(Vec<u8>) -> ObjectId) -> Result<()> {
        if self.levels.len() == depth {
            self.levels.push(Vec::new());
        }
        // A full node is closed only when one more entry comes: a single full node is the root, without a level above.
        if self.levels[depth].len() as u64 == LIST_ENTRIES_MAX {
            self.close(depth, put)?;
        }
        self.levels[depth].push(entry);
        Ok(())
    }

    fn close(&mut self, depth: usize, put: &mut dyn FnMut(Vec<u8>) -> ObjectId) -> Result<()> {
        let entries = std::mem::take(&mut self.levels[depth]);
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        let id = put(encode_list(&ListNode { depth: depth as u64, bytes, entries })?);
        self.add(depth + 1, ListEntry { link: Link::dag(id), bytes }, put)
    }
}
