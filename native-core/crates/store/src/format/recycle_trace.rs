//! `recycle.trace`: the replay chain, every record's changes from a base state on, as one stream that can be exported and
//! replayed without the journal. Derived.

use super::cbor::Reader;
use super::changes::{Change, read_change};
use super::constants::{FORMAT_VERSION, MAGIC_TRACE, TRACE_ITEM_BYTES_MAX};
use super::failure::{FormatError, Result, demand};
use super::frame::read_u32;
use super::hash::crc32;
use super::id::{Codec, ObjectId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceHeader {
    /// The record whose state the replay starts from.
    pub base_seq: u64,
    pub base_root: ObjectId,
    pub origin: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceItem {
    pub seq: u64,
    /// The state after the record.
    pub root: ObjectId,
    /// Sorted by path; empty for a record that changed no path.
    pub changes: Vec<Change>,
    /// The next item goes on with changes of the same record.
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoBlock {
    Short,
    Bad(FormatError),
}

/// The header, and where the first item begins.
pub fn decode_trace_header(bytes: &[u8]) -> std::result::Result<(TraceHeader, usize), NoBlock> {
    if bytes.len() < 8 {
        return Err(NoBlock::Short);
    }
    if bytes[..8] != *MAGIC_TRACE {
        return Err(NoBlock::Bad(FormatError::new("not a recycle.trace")));
    }
    decode_block(bytes, 8, |reader| {
        demand(reader.map()? == 4, "a trace header has four keys")?;
        reader.key("v")?;
        demand(reader.unsigned()? == FORMAT_VERSION, "a trace of an unknown version")?;
        reader.key("seq")?;
        let base_seq = reader.unsigned()?;
        reader.key("root")?;
        let base_root = read_root(reader)?;
        reader.key("origin")?;
        Ok(TraceHeader { base_seq, base_root, origin: reader.text()?.to_owned() })
    })
}

/// The item at an offset, and where the next begins.
pub fn decode_trace_item_at(bytes: &[u8], offset: usize) -> std::result::Result<(TraceItem, usize), NoBlock> {
    decode_block(bytes, offset, |reader| {
        demand(reader.map()? == 4, "a trace item has four keys")?;
        reader.key("e")?;
        let changes = (0..reader.list()?).map(|_| read_change(reader)).collect::<Result<Vec<_>>>()?;
        let sorted = changes.windows(2).all(|pair| pair[0].path < pair[1].path);
        demand(sorted, "changes are not unique and sorted")?;
        reader.key("seq")?;
        let seq = reader.unsigned()?;
        reader.key("more")?;
        let more = reader.boolean()?;
        reader.key("root")?;
        Ok(TraceItem { seq, root: read_root(reader)?, changes, more })
    })
}

fn decode_block<'a, T>(
    bytes: &'a [u8],
    offset: usize,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T>,
) -> std::result::Result<(T, usize), NoBlock> {
    if offset + 8 > bytes.len() {
        return Err(NoBlock::Short);
    }
    let length = u64::from(read_u32(bytes, offset));
    if length > TRACE_ITEM_BYTES_MAX {
        return Err(NoBlock::Bad(FormatError::new("impossible length")));
    }
    let next = offset + 8 + length as usize;
    if next > bytes.len() {
        return Err(NoBlock::Short);
    }
    let content = &bytes[offset + 8..next];
    if crc32(content, crc32(&bytes[offset..offset + 4], 0)) != read_u32(bytes, offset + 4) {
        return Err(NoBlock::Bad(FormatError::new("wrong CRC")));
    }
    let mut reader = Reader::new(content);
    let value = read(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(NoBlock::Bad)?;
    Ok((value, next))
}

fn read_root(reader: &mut Reader<'_>) -> Result<ObjectId> {
    let link = reader.link()?;
    demand(link.codec == Codec::DagCbor, "a state root is a dag-cbor link")?;
    Ok(link.id)
}
