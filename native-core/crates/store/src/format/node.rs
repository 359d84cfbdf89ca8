//! Directory nodes: the canonical tree of a directory's entries. A set of entries has exactly one node: a leaf up to 64
//! entries, above a branch over one hex digit of the hash of the names.

use super::cbor::{Reader, Writer};
use super::constants::{
    BRANCH_DEPTH_MAX, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, INTEGER_MAX, LEAF_ENTRIES_MAX, LINK_TARGET_BYTES_MAX,
    META_BYTES_MAX, MODE_MAX, NAME_BYTES_MAX, OWNER_ID_MAX, XATTR_NAME_BYTES_MAX,
};
use super::failure::{Result, demand, refuse};
use super::hash::{Hash, blake3};
use super::id::{Codec, Link};

/// The mode that every symlink has in the state, whatever the platform says.
pub const SYMLINK_MODE: u32 = 0o777;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Directory,
    Symlink,
}

/// Metadata beyond the mode, only what the state names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryMeta {
    /// User and group.
    pub owner: Option<(u64, u64)>,
    /// Sorted by name, unique; empty when there are none.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    pub kind: EntryKind,
    /// Permission bits; of a symlink always 0o777.
    pub mode: u32,
    /// Of a file its bytes, of a directory its direct entries, of a symlink the bytes of its target.
    pub size: u64,
    pub content: Link,
    pub meta: Option<EntryMeta>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub link: Link,
    /// Entries below.
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryNode {
    Leaf(Vec<Entry>),
    Branch { depth: u64, slots: Box<[Option<Slot>; 16]> },
}

impl DirectoryNode {
    /// How many entries the node holds, below it too.
    pub fn entry_count(&self) -> u64 {
        match self {
            DirectoryNode::Leaf(entries) => entries.len() as u64,
            DirectoryNode::Branch { slots, .. } => slots.iter().flatten().fold(0, |sum, slot| sum + slot.count),
        }
    }
}

/// The hex digit of a name's hash that chooses the slot in a branch of this depth.
pub fn name_digit(hash: &Hash, depth: usize) -> u8 {
    let byte = hash[depth / 2];
    if depth.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}

/// Checks all that shows in the node alone; where it hangs is checked by `check_child`.
pub fn decode_node(bytes: &[u8]) -> Result<DirectoryNode> {
    let mut reader = Reader::new(bytes);
    let keys = reader.map()?;
    let node = if reader.has_key("d") { read_branch(&mut reader, keys)? } else { read_leaf(&mut reader, keys)? };
    reader.end()?;
    Ok(node)
}

/// Refuses a node that breaks a rule that shows in it alone.
pub fn encode_node(node: &DirectoryNode) -> Result<Vec<u8>> {
    let mut writer = Writer::default();
    match node {
        DirectoryNode::Leaf(entries) => write_leaf(&mut writer, entries)?,
        DirectoryNode::Branch { depth, slots } => {
            check_branch(*depth, slots)?;
            writer.map(3);
            writer.text("d");
            writer.unsigned(*depth);
            writer.text("k");
            writer.text("branch");
            writer.text("s");
            writer.list(16);
            for slot in slots.iter() {
                match slot {
                    None => writer.null(),
                    Some(slot) => {
                        writer.list(2);
                        writer.link(&slot.link);
                        writer.unsigned(slot.count);
                    }
                }
            }
        }
    }
    Ok(writer.bytes)
}

/// Checks what shows only with the branch above: the child has the slot's count and the form that this count demands, and
/// every name of a leaf belongs there. `path` holds the slot numbers from the directory's root down to the child.
pub fn check_child(path: &[u8], count: u64, child: &DirectoryNode) -> Result<()> {
    demand(child.entry_count() == count, "a slot names another count than its node has")?;
    match child {
        DirectoryNode::Branch { depth, .. } => {
            demand(*depth == path.len() as u64, "a branch of another depth than its place")
        }
        DirectoryNode::Leaf(entries) => {
            for entry in entries {
                let hash = blake3(&entry.name);
                let fits = path.iter().enumerate().all(|(depth, slot)| name_digit(&hash, depth) == *slot);
                demand(fits, "a name in the wrong slot")?;
            }
            Ok(())
        }
    }
}

/// Refuses what may not be a name in a directory.
pub fn check_name(name: &[u8]) -> Result<()> {
    demand(!name.is_empty() && name.len() as u64 <= NAME_BYTES_MAX, "a name has 1 to 255 bytes")?;
    demand(!name.iter().any(|byte| *byte == 0 || *byte == b'/'), "a name with NUL or \"/\"")?;
    demand(name != b"." && name != b"..", "a name \".\" or \"..\"")
}

fn write_leaf(writer: &mut Writer, entries: &[Entry]) -> Result<()> {
    demand(entries.len() as u64 <= LEAF_ENTRIES_MAX, "a leaf has at most 64 entries")?;
    demand(entries.windows(2).all(|pair| pair[0].name < pair[1].name), "names are not unique and sorted")?;
    writer.map(2);
    writer.text("e");
    writer.list(entries.len());
    for entry in entries {
        write_entry(writer, entry)?;
    }
    writer.text("k");
    writer.text("leaf");
    Ok(())
}

fn read_leaf(reader: &mut Reader<'_>, keys: usize) -> Result<DirectoryNode> {
    demand(keys == 2, "a leaf has two keys")?;
    reader.key("e")?;
    let count = reader.list()?;
    demand(count as u64 <= LEAF_ENTRIES_MAX, "a leaf has at most 64 entries")?;
    let mut entries: Vec<Entry> = Vec::with_capacity(count);
    for _ in 0..count {
        let entry = read_entry(reader)?;
        let sorted = entries.last().is_none_or(|last| last.name < entry.name);
        demand(sorted, "names are not unique and sorted")?;
        entries.push(entry);
    }
    reader.key("k")?;
    reader.key("leaf")?;
    Ok(DirectoryNode::Leaf(entries))
}

fn read_branch(reader: &mut Reader<'_>, keys: usize) -> Result<DirectoryNode> {
    demand(keys == 3, "a branch has three keys")?;
    let depth = reader.unsigned()?;
    reader.key("k")?;
    reader.key("branch")?;
    reader.key("s")?;
    demand(reader.list()? == 16, "a branch has 16 slots")?;
    let mut slots = Box::new([None; 16]);
    for slot in slots.iter_mut() {
        if reader.is_null() {
            continue;
        }
        demand(reader.list()? == 2, "a slot is a link and a count")?;
        *slot = Some(Slot { link: reader.link()?, count: reader.unsigned()? });
    }
    check_branch(depth, &slots)?;
    Ok(DirectoryNode::Branch { depth, slots })
}

fn check_branch(depth: u64, slots: &[Option<Slot>; 16]) -> Result<()> {
    demand(depth <= BRANCH_DEPTH_MAX, "a branch is 0 to 63 deep")?;
    let mut count = 0;
    for slot in slots.iter().flatten() {
        demand(slot.count >= 1, "a slot without entries is null")?;
        demand(slot.link.codec == Codec::DagCbor, "a slot links to a directory node")?;
        count += slot.count;
    }
    demand(count > LEAF_ENTRIES_MAX && count <= INTEGER_MAX, "a directory of 64 or less is a leaf")
}

/// Writes one entry; refuses one that breaks a rule.
pub fn write_entry(writer: &mut Writer, entry: &Entry) -> Result<()> {
    check_entry(entry)?;
    writer.list(if entry.meta.is_none() { 5 } else { 6 });
    writer.bytes(&entry.name);
    writer.unsigned(match entry.kind {
        EntryKind::File => 0,
        EntryKind::Directory => 1,
        EntryKind::Symlink => 2,
    });
    writer.unsigned(u64::from(entry.mode));
    writer.unsigned(entry.size);
    writer.link(&entry.content);
    if let Some(meta) = &entry.meta {
        write_meta(writer, meta);
    }
    Ok(())
}

/// Reads one entry and checks it.
pub fn read_entry(reader: &mut Reader<'_>) -> Result<Entry> {
    let fields = reader.list()?;
    demand(fields == 5 || fields == 6, "an entry has five or six fields")?;
    let name = reader.bytes()?.to_vec();
    let kind = match reader.unsigned()? {
        0 => EntryKind::File,
        1 => EntryKind::Directory,
        2 => EntryKind::Symlink,
        _ => return refuse("an entry of an unknown kind"),
    };
    let mode = reader.unsigned()?;
    demand(mode <= MODE_MAX, "a mode is 0 to 0o7777")?;
    let size = reader.unsigned()?;
    let content = reader.link()?;
    let meta = if fields == 6 { Some(read_meta(reader)?) } else { None };
    let entry = Entry { name, kind, mode: mode as u32, size, content, meta };
    check_entry(&entry)?;
    Ok(entry)
}

fn check_entry(entry: &Entry) -> Result<()> {
    check_name(&entry.name)?;
    demand(u64::from(entry.mode) <= MODE_MAX, "a mode is 0 to 0o7777")?;
    let (size, codec) = (entry.size, entry.content.codec);
    match entry.kind {
        EntryKind::File => {
            let fits = if codec == Codec::Raw { size <= CHUNK_BYTES_MAX } else { size > CHUNK_BYTES_MIN };
            demand(fits, "a file of that size has another form")?;
        }
        EntryKind::Directory => demand(codec == Codec::DagCbor, "a directory links to a node")?,
        EntryKind::Symlink => {
            demand(codec == Codec::Raw && entry.mode == SYMLINK_MODE, "a symlink is raw with mode 0o777")?;
            demand((1..=LINK_TARGET_BYTES_MAX).contains(&size), "a symlink has a target of 1 to 4095 bytes")?;
        }
    }
    entry.meta.as_ref().map_or(Ok(()), check_meta)
}

fn check_meta(meta: &EntryMeta) -> Result<()> {
    demand(meta.owner.is_some() || !meta.xattrs.is_empty(), "empty metadata is left out")?;
    if let Some((user, group)) = meta.owner {
        demand(user <= OWNER_ID_MAX && group <= OWNER_ID_MAX, "a bad owner")?;
    }
    let mut total = 0;
    for (name, value) in &meta.xattrs {
        let fits = !name.is_empty() && name.len() as u64 <= XATTR_NAME_BYTES_MAX && !name.contains(&0);
        demand(fits, "an attribute name has 1 to 255 bytes without NUL")?;
        total += (name.len() + value.len()) as u64;
    }
    demand(meta.xattrs.windows(2).all(|pair| pair[0].0 < pair[1].0), "attributes are not unique and sorted")?;
    demand(total <= META_BYTES_MAX, "attributes of more than 64 KiB")
}

fn write_meta(writer: &mut Writer, meta: &EntryMeta) {
    let owner_keys = if meta.owner.is_some() { 2 } else { 0 };
    writer.map(owner_keys + usize::from(!meta.xattrs.is_empty()));
    if let Some((user, group)) = meta.owner {
        writer.text("gid");
        writer.unsigned(group);
        writer.text("uid");
        writer.unsigned(user);
    }
    if !meta.xattrs.is_empty() {
        writer.text("xattrs");
        writer.list(meta.xattrs.len());
        for (name, value) in &meta.xattrs {
            writer.list(2);
            writer.bytes(name);
            writer.bytes(value);
        }
    }
}

fn read_meta(reader: &mut Reader<'_>) -> Result<EntryMeta> {
    let mut left = reader.map()?;
    let mut meta = EntryMeta::default();
    if left >= 2 && reader.has_key("gid") {
        let group = reader.unsigned()?;
        reader.key("uid")?;
        meta.owner = Some((reader.unsigned()?, group));
        left -= 2;
    }
    if left == 1 && reader.has_key("xattrs") {
        let count = reader.list()?;
        demand(count > 0, "an empty list of attributes is left out")?;
        for _ in 0..count {
            demand(reader.list()? == 2, "an attribute is a name and a value")?;
            meta.xattrs.push((reader.bytes()?.to_vec(), reader.bytes()?.to_vec()));
        }
        left -= 1;
    }
    demand(left == 0, "metadata that is unknown or out of order")?;
    Ok(meta)
}
