//! Lists of changes: what a record did when it touched more than one path. One node up to 4096 changes, above a tree of one
//! more level.

use super::cbor::{Reader, Writer};
use super::constants::{CHANGES_ENTRIES_MAX, CHANGES_NODE_BYTES_MAX, PATH_BYTES_MAX};
use super::failure::{Result, demand, refuse};
use super::id::{Codec, Link, ObjectId};
use super::node::{Entry, check_name, read_entry, write_entry};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From below the root folder; no leading slash.
    pub path: Vec<u8>,
    /// None: the path was absent. The name of an entry is the last part of the path.
    pub before: Option<Entry>,
    pub after: Option<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesPart {
    /// The first path below the link.
    pub first_path: Vec<u8>,
    pub link: Link,
    /// Changes below the link.
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangesNode {
    Leaf(Vec<Change>),
    Tree { count: u64, parts: Vec<ChangesPart> },
}

/// Refuses what is no path below the root folder: names joined by "/", at most 65535 bytes.
pub fn check_path(path: &[u8]) -> Result<()> {
    demand(path.len() as u64 <= PATH_BYTES_MAX, "a path has at most 65535 bytes")?;
    path.split(|byte| *byte == b'/').try_for_each(check_name)
}

pub fn last_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// One change as it stands in a list: [path, before, after].
pub fn write_change(writer: &mut Writer, change: &Change) -> Result<()> {
    check_change(change)?;
    writer.list(3);
    writer.bytes(&change.path);
    for entry in [&change.before, &change.after] {
        match entry {
            None => writer.null(),
            Some(entry) => write_entry(writer, entry)?,
        }
    }
    Ok(())
}

pub fn read_change(reader: &mut Reader<'_>) -> Result<Change> {
    demand(reader.list()? == 3, "a change is path, before and after")?;
    let path = reader.bytes()?.to_vec();
    let before = if reader.is_null() { None } else { Some(read_entry(reader)?) };
    let after = if reader.is_null() { None } else { Some(read_entry(reader)?) };
    let change = Change { path, before, after };
    check_change(&change)?;
    Ok(change)
}

fn check_change(change: &Change) -> Result<()> {
    check_path(&change.path)?;
    let name = last_name(&change.path);
    for entry in [&change.before, &change.after].into_iter().flatten() {
        demand(entry.name == name, "an entry of another name than its path")?;
    }
    demand(change.before != change.after, "a change that changes nothing")
}

/// Checks all that shows in the node alone; the order across the nodes of a tree is the caller's to check.
pub fn decode_changes(bytes: &[u8]) -> Result<ChangesNode> {
    let mut reader = Reader::new(bytes);
    demand(reader.map()? == 3, "a list of changes has three keys")?;
    reader.key("e")?;
    let count = reader.list()?;
    demand(count > 0 && count as u64 <= CHANGES_ENTRIES_MAX, "a list of changes has 1 to 4096 entries")?;
    // Only a change has an entry or null in second place; a part of a tree has a link there.
    let mut ahead = reader.clone();
    ahead.list()?;
    ahead.bytes()?;
    let is_tree = ahead.peek()? == 6;
    let node = if is_tree { read_tree(&mut reader, count)? } else { read_leaf(&mut reader, count)? };
    reader.end()?;
    Ok(node)
}

fn read_leaf(reader: &mut Reader<'_>, count: usize) -> Result<ChangesNode> {
    let mut changes: Vec<Change> = Vec::with_capacity(count);
    let start = reader.offset;
    for _ in 0..count {
        let change = read_change(reader)?;
        let sorted = changes.last().is_none_or(|last| last.path < change.path);
        demand(sorted, "changes are not unique and sorted")?;
        changes.push(change);
    }
    let fits = reader.since(start).len() as u64 <= CHANGES_NODE_BYTES_MAX || count == 1;
    demand(fits, "a list of changes over its limit")?;
    reader.key("k")?;
    reader.key("changes")?;
    reader.key("n")?;
    demand(reader.unsigned()? == count as u64, "a list of changes with a wrong count")?;
    Ok(ChangesNode::Leaf(changes))
}

fn read_tree(reader: &mut Reader<'_>, entries: usize) -> Result<ChangesNode> {
    let mut parts = Vec::with_capacity(entries);
    for _ in 0..entries {
        demand(reader.list()? == 3, "a part is path, link and count")?;
        let first_path = reader.bytes()?.to_vec();
        parts.push(ChangesPart { first_path, link: reader.link()?, count: reader.unsigned()? });
    }
    reader.key("k")?;
    reader.key("changes-tree")?;
    reader.key("n")?;
    let count = reader.unsigned()?;
    check_parts(count, &parts)?;
    Ok(ChangesNode::Tree { count, parts })
}

fn check_parts(total: u64, parts: &[ChangesPart]) -> Result<()> {
    let fits = parts.len() >= 2 && parts.len() as u64 <= CHANGES_ENTRIES_MAX;
    demand(fits, "a tree of changes has 2 to 4096 parts")?;
    let mut sum = 0;
    for part in parts {
        check_path(&part.first_path)?;
        demand(part.link.codec == Codec::DagCbor, "a part links to a list of changes")?;
        demand((1..=CHANGES_ENTRIES_MAX).contains(&part.count), "a part has 1 to 4096 changes")?;
        sum += part.count;
    }
    let sorted = parts.windows(2).all(|pair| pair[0].first_path < pair[1].first_path);
    demand(sorted, "parts are not unique and sorted")?;
    demand(sum == total, "the counts of a tree of changes do not add up")
}

/// Builds the canonical list of changes that come sorted by path; holds one node in memory. A node is closed before the
/// change that would be its 4097th or would bring its encoded changes above 4 MiB.
#[derive(Default)]
pub struct ChangesBuilder {
    items: Vec<u8>,
    count: usize,
    first_path: Vec<u8>,
    last_path: Vec<u8>,
    parts: Vec<ChangesPart>,
}

impl ChangesBuilder {
    /// Adds the next change; `put` stores a finished node and answers its id.
    pub fn push(&mut self, change: &Change, put: &mut dyn FnMut(Vec<u8>) -> ObjectId) -> Result<()> {
        let mut writer = Writer::default();
        write_change(&mut writer, change)?;
        self.push_encoded(&change.path, &writer.bytes, put)
    }

    /// The same with what `push` would write of the change.
    pub fn push_encoded(&mut self, path: &[u8], item: &[u8], put: &mut dyn FnMut(Vec<u8>) -> ObjectId) -> Result<()> {
        demand(
            self.count == 0 && self.parts.is_empty() || self.last_path[..] < *path,
            "changes are not unique and sorted",
        )?;
        let full =
            self.count as u64 == CHANGES_ENTRIES_MAX || (self.items.len() + item.len()) as u64 > CHANGES_NODE_BYTES_MAX;
        if self.count > 0 && full {
            self.close(put)?;
        }
        if self.count == 0 {
            self.first_path = path.to_vec();
        }
        self.last_path.clear();
        self.last_path.extend_from_slice(path);
        self.items.extend_from_slice(item);
        self.count += 1;
        Ok(())
    }

    /// The link of the whole list; none when there was no change.
    pub fn finish(mut self, put: &mut dyn FnMut(Vec<u8>) -> ObjectId) -> Result<Option<Link>> {
        if self.count == 0 {
            return Ok(None);
        }
        self.close(put)?;
        if let [only] = self.parts.as_slice() {
            return Ok(Some(only.link));
        }
        Ok(Some(Link::dag(put(self.tree()?))))
    }

    fn tree(&self) -> Result<Vec<u8>> {
        let total = self.parts.iter().map(|part| part.count).sum();
        check_parts(total, &self.parts)?;
        let mut writer = Writer::default();
        writer.map(3);
        writer.text("e");
        writer.list(self.parts.len());
        for part in &self.parts {
            writer.list(3);
            writer.bytes(&part.first_path);
            writer.link(&part.link);
            writer.unsigned(part.count);
        }
        writer.text("k");
        writer.text("changes-tree");
        writer.text("n");
        writer.unsigned(total);
        Ok(writer.bytes)
    }

    fn close(&mut self, put: &mut dyn FnMut(Vec<u8>) -> ObjectId) -> Result<()> {
        if self.parts.len() as u64 == CHANGES_ENTRIES_MAX {
            return refuse("more changes than a list can hold");
        }
        let mut writer = Writer::default();
        writer.map(3);
        writer.text("e");
        writer.list(self.count);
        writer.append(&self.items);
        writer.text("k");
        writer.text("changes");
        writer.text("n");
        writer.unsigned(self.count as u64);
        let link = Link::dag(put(writer.bytes));
        let first_path = std::mem::take(&mut self.first_path);
        self.parts.push(ChangesPart { first_path, link, count: self.count as u64 });
        self.items.clear();
        self.count = 0;
        Ok(())
    }
}
