//! The stat cache of `src/core/worktree/statCache.ts`: what the last look found, directory by directory. Derived; written
//! and read by both implementations in the same form:
//!
//! File: magic 8 | blocks | u32 zero | u32 CRC-32 of all before.
//! Block: u32 bytes of the rest | u16 path bytes | path | u8 1 and 32 bytes id of the recorded node, or 0 | u32 entries.
//! Entry: u8 name bytes | name | u8 parts | [recorded: u8 kind, u16 mode, f64 size, link] | [disk: stat, link].
//! Stat: f64 dev | u64 inode | f64 size | u16 mode | i64 mtime ns | i64 ctime ns. Link: u8 codec | 32 bytes id.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::WorkResult;
use super::nodes::{Encoded, EntryFields};
use super::packed::Reader;
use crate::format::cbor::Reader as CborReader;
use crate::format::id::{Codec, Link, ObjectId};
use crate::io::{Directory, File, FileStat, Io, OpenMode};

const MAGIC: &[u8; 8] = b"SNTSTAT2";
const HAS_RECORDED: u8 = 1;
const HAS_DISK: u8 = 2;
const DRAIN_BYTES: usize = 4 << 20;
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Appends a new cache file; several threads may add blocks.
pub struct CacheWriter<'a> {
    io: &'a dyn Io,
    file: File,
    /// A stat with both times below it is kept.
    settled_below_ns: i64,
    out: Mutex<Out>,
}

#[derive(Default)]
struct Out {
    waiting: Vec<u8>,
    position: u64,
    crc: crc32fast::Hasher,
}

/// A file's stat on disk and the content that was found under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub stat: FileStat,
    pub content: Link,
}

impl<'a> CacheWriter<'a> {
    pub fn create(io: &'a dyn Io, derived: &Directory, name: &[u8], settled_below_ns: i64) -> WorkResult<Self> {
        let file = io.open(derived, name, OpenMode::Create(0o600))?;
        let out = Mutex::new(Out { waiting: MAGIC.to_vec(), ..Out::default() });
        Ok(CacheWriter { io, file, settled_below_ns, out })
    }

    /// A directory with its recorded node; entries in name order, each with what was seen of it on disk.
    pub fn add(&self, path: &[u8], node: &ObjectId, entries: &[(&Encoded, Option<&Seen>)]) -> WorkResult<()> {
        let mut block = open_block(path, node, entries.len());
        for (entry, seen) in entries {
            let settled = seen.filter(|seen| seen.stat.is_settled(self.settled_below_ns));
            encode_item(&mut block, &entry.name, fields_of(&entry.bytes).as_ref(), settled);
        }
        self.append(&closed_block(block), DRAIN_BYTES)
    }

    fn append(&self, bytes: &[u8], drain_above: usize) -> WorkResult<()> {
        let mut guard = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let out = &mut *guard;
        out.waiting.extend_from_slice(bytes);
        if out.waiting.len() > drain_above {
            out.crc.update(&out.waiting);
            self.io.write_at(&self.file, &out.waiting, out.position)?;
            out.position += out.waiting.len() as u64;
            out.waiting.clear();
        }
        Ok(())
    }

    pub fn finish(self) -> WorkResult<()> {
        self.append(&[0; 4], 0)?;
        let out = self.out.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(self.io.write_at(&self.file, &out.crc.finalize().to_le_bytes(), out.position)?)
    }
}

/// The beginning of a directory's block, before its items.
fn open_block(path: &[u8], node: &ObjectId, items: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(48 + path.len() + items * 160);
    block.extend_from_slice(&[0; 4]);
    block.extend_from_slice(&(path.len() as u16).to_le_bytes());
    block.extend_from_slice(path);
    block.push(1);
    block.extend_from_slice(node);
    block.extend_from_slice(&(items as u32).to_le_bytes());
    block
}

fn closed_block(mut block: Vec<u8>) -> Vec<u8> {
    let length = (block.len() - 4) as u32;
    block[..4].copy_from_slice(&length.to_le_bytes());
    block
}

/// A whole block: recorded items in name order, each with what may be trusted of it on disk.
pub fn encode_block<'a>(
    path: &[u8],
    node: &ObjectId,
    items: impl ExactSizeIterator<Item = (&'a [u8], &'a Recorded, Option<&'a Seen>)>,
) -> Vec<u8> {
    let mut block = open_block(path, node, items.len());
    for (name, recorded, seen) in items {
        encode_item(&mut block, name, Some(recorded), seen);
    }
    closed_block(block)
}

fn encode_item(block: &mut Vec<u8>, name: &[u8], recorded: Option<&Recorded>, seen: Option<&Seen>) {
    block.push(name.len() as u8);
    block.extend_from_slice(name);
    block.push(HAS_RECORDED | if seen.is_some() { HAS_DISK } else { 0 });
    if let Some(recorded) = recorded {
        block.push(recorded.kind);
        block.extend_from_slice(&recorded.mode.to_le_bytes());
        block.extend_from_slice(&recorded.size.to_le_bytes());
        push_link(block, &recorded.content);
    }
    if let Some(Seen { stat, content }) = seen {
        block.extend_from_slice(&(stat.dev as f64).to_le_bytes());
        block.extend_from_slice(&stat.inode.to_le_bytes());
        block.extend_from_slice(&(stat.size as f64).to_le_bytes());
        block.extend_from_slice(&stat.mode.to_le_bytes());
        block.extend_from_slice(&stat.mtime_ns.to_le_bytes());
        block.extend_from_slice(&stat.ctime_ns.to_le_bytes());
        push_link(block, content);
    }
}

fn fields_of(entry: &[u8]) -> Option<Recorded> {
    let mut reader = CborReader::new(entry);
    reader.list().ok()?;
    reader.bytes().ok()?;
    let kind = reader.unsigned().ok()? as u8;
    let mode = reader.unsigned().ok()? as u16;
    let size = reader.unsigned().ok()? as f64;
    Some(Recorded { kind, mode, size, content: reader.link().ok()? })
}

impl FileStat {
    /// Old enough that what changes the file later changes one of its times too.
    pub fn is_settled(&self, below_ns: i64) -> bool {
        self.mtime_ns < below_ns && self.ctime_ns < below_ns
    }
}

fn push_link(block: &mut Vec<u8>, link: &Link) {
    block.push(if link.codec == Codec::Raw { 0 } else { 1 });
    block.extend_from_slice(&link.id);
}

/// A cache that was read.
pub struct StatCache {
    bytes: Vec<u8>,
    blocks: HashMap<Vec<u8>, (usize, usize)>,
}

/// One directory in it.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedDirectory<'a> {
    pub node: Option<ObjectId>,
    pub items: Vec<CachedItem<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CachedItem<'a> {
    pub name: &'a [u8],
    pub recorded: Option<Recorded>,
    pub disk: Option<CachedStat>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recorded {
    pub kind: u8,
    pub mode: u16,
    pub size: f64,
    pub content: Link,
}

impl Recorded {
    pub fn of(fields: &EntryFields) -> Recorded {
        let EntryFields { kind, mode, size, content } = *fields;
        Recorded { kind: kind as u8, mode, size: size as f64, content }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CachedStat {
    pub dev: f64,
    pub inode: u64,
    pub size: f64,
    pub mode: u16,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub content: Link,
}

impl CachedStat {
    pub fn is(&self, stat: &FileStat) -> bool {
        self.size == stat.size as f64
            && self.mode == stat.mode
            && self.mtime_ns == stat.mtime_ns
            && self.ctime_ns == stat.ctime_ns
            && self.inode == stat.inode
            && self.dev == stat.dev as f64
    }
}

impl StatCache {
    /// One that knows nothing.
    pub fn empty() -> StatCache {
        StatCache { bytes: Vec::new(), blocks: HashMap::new() }
    }

    /// None when there is no file, or anything is odd about it.
    pub fn load(io: &dyn Io, derived: &Directory, name: &[u8]) -> Option<StatCache> {
        let bytes = crate::io::read_whole(io, derived, name, FILE_BYTES_MAX).ok()??;
        let end = bytes.len().checked_sub(8)?;
        let crc = u32::from_le_bytes(*bytes[end + 4..].first_chunk()?);
        if end < 8 || !bytes.starts_with(MAGIC) || crc32fast::hash(&bytes[..end + 4]) != crc {
            return None;
        }
        let mut blocks = HashMap::new();
        let mut at = 8;
        while at < end {
            let length = u32::from_le_bytes(*bytes[at..end].first_chunk()?) as usize;
            let block = bytes[..end].get(at + 4..at.checked_add(4 + length)?)?;
            let path_length = u16::from_le_bytes(*block.first_chunk()?) as usize;
            blocks.insert(block.get(2..2 + path_length)?.to_vec(), (at + 6 + path_length, at + 4 + length));
            at += 4 + length;
        }
        Some(StatCache { bytes, blocks })
    }

    pub fn directories(&self) -> usize {
        self.blocks.len()
    }

    pub fn directory(&self, path: &[u8]) -> Option<CachedDirectory<'_>> {
        let (from, to) = self.blocks.get(path)?;
        decode_block(&mut Reader::new(&self.bytes[*from..*to]))
    }
}

fn decode_block<'a>(reader: &mut Reader<'a>) -> Option<CachedDirectory<'a>> {
    let node = if reader.take(1)?[0] == 1 { Some(reader.fixed()?) } else { None };
    let count = u32::from_le_bytes(reader.fixed()?);
    let mut items = Vec::with_capacity(count.min(1 << 16) as usize);
    for _ in 0..count {
        let length = reader.take(1)?[0];
        let name = reader.take(length.into())?;
        let parts = reader.take(1)?[0];
        let recorded = if parts & HAS_RECORDED != 0 { Some(decode_recorded(reader)?) } else { None };
        let disk = if parts & HAS_DISK != 0 { Some(decode_stat(reader)?) } else { None };
        items.push(CachedItem { name, recorded, disk });
    }
    Some(CachedDirectory { node, items })
}

fn decode_link(reader: &mut Reader<'_>) -> Option<Link> {
    let codec = if reader.take(1)?[0] == 0 { Codec::Raw } else { Codec::DagCbor };
    Some(Link { codec, id: reader.fixed()? })
}

fn decode_recorded(reader: &mut Reader<'_>) -> Option<Recorded> {
    let kind = reader.take(1)?[0];
    let mode = u16::from_le_bytes(reader.fixed()?);
    let size = f64::from_le_bytes(reader.fixed()?);
    Some(Recorded { kind, mode, size, content: decode_link(reader)? })
}

fn decode_stat(reader: &mut Reader<'_>) -> Option<CachedStat> {
    Some(CachedStat {
        dev: f64::from_le_bytes(reader.fixed()?),
        inode: u64::from_le_bytes(reader.fixed()?),
        size: f64::from_le_bytes(reader.fixed()?),
        mode: u16::from_le_bytes(reader.fixed()?),
        mtime_ns: i64::from_le_bytes(reader.fixed()?),
        ctime_ns: i64::from_le_bytes(reader.fixed()?),
        content: decode_link(reader)?,
    })
}
