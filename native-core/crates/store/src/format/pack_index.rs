//! The index of a pack: its entries sorted by id, with a fan-out table over the first byte of the id. Derived: it can always
//! be rebuilt from the pack.

use super::constants::MAGIC_PACK_INDEX;
use super::failure::{Result, demand};
use super::frame::{read_u32, read_u64};
use super::hash::crc32;
use super::pack::{ENTRY_HEADER_BYTES, EntryFields, PACK_HEADER_BYTES, PackId, decode_fields};

pub const INDEX_HEADER_BYTES: usize = 28;
pub const INDEX_ENTRIES_OFFSET: usize = INDEX_HEADER_BYTES + 1024;
pub const INDEX_ENTRY_BYTES: usize = 52;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry {
    pub fields: EntryFields,
    /// Of the entry's header in the pack.
    pub offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexHeader {
    /// As in the pack's header: an index counts only for the pack that has the same.
    pub pack_id: PackId,
    /// How much of the pack the index describes.
    pub covered_bytes: u64,
    pub entry_count: u32,
}

pub fn index_file_bytes(entry_count: u32) -> u64 {
    INDEX_ENTRIES_OFFSET as u64 + u64::from(entry_count) * INDEX_ENTRY_BYTES as u64 + 4
}

/// The whole index file. The entries may come in any order; of two with one id the first in the pack is kept.
pub fn encode_index(pack_id: &PackId, covered_bytes: u64, entries: &[IndexEntry]) -> Vec<u8> {
    let mut sorted: Vec<&IndexEntry> = entries.iter().collect();
    sorted.sort_by_key(|entry| (entry.fields.id, entry.offset));
    sorted.dedup_by_key(|entry| entry.fields.id);
    let mut bytes = Vec::with_capacity(index_file_bytes(sorted.len() as u32) as usize);
    bytes.extend_from_slice(MAGIC_PACK_INDEX);
    bytes.extend_from_slice(pack_id);
    bytes.extend_from_slice(&covered_bytes.to_le_bytes());
    bytes.extend_from_slice(&(sorted.len() as u32).to_le_bytes());
    let mut at = 0;
    for first in 0..=255u8 {
        while at < sorted.len() && sorted[at].fields.id[0] <= first {
            at += 1;
        }
        bytes.extend_from_slice(&(at as u32).to_le_bytes());
    }
    for entry in sorted {
        let fields = &entry.fields;
        bytes.extend_from_slice(&fields.id);
        bytes.extend_from_slice(&entry.offset.to_le_bytes());
        bytes.extend_from_slice(&fields.stored_bytes.to_le_bytes());
        bytes.extend_from_slice(&fields.object_bytes.to_le_bytes());
        bytes.extend_from_slice(&[fields.codec.number(), fields.kind as u8, fields.packing as u8, 0]);
    }
    let crc = crc32(&bytes, 0);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The first 28 bytes. The caller compares the pack id with the pack's.
pub fn decode_index_header(bytes: &[u8]) -> Result<IndexHeader> {
    demand(bytes.len() >= INDEX_HEADER_BYTES, "an index that is cut short in its header")?;
    demand(bytes[..8] == *MAGIC_PACK_INDEX, "not a pack index")?;
    let mut pack_id = [0; 8];
    pack_id.copy_from_slice(&bytes[8..16]);
    Ok(IndexHeader { pack_id, covered_bytes: read_u64(bytes, 16)?, entry_count: read_u32(bytes, 24) })
}

/// Checks a whole index file: length, CRC, fan-out, order, every entry.
pub fn check_index(bytes: &[u8]) -> Result<IndexHeader> {
    let header = decode_index_header(bytes)?;
    demand(bytes.len() as u64 == index_file_bytes(header.entry_count), "an index of a wrong length")?;
    let end = bytes.len() - 4;
    demand(crc32(&bytes[..end], 0) == read_u32(bytes, end), "an index with a wrong CRC")?;
    let mut at = 0;
    let mut last: &[u8] = &[];
    for first in 0..256 {
        let until = read_u32(bytes, INDEX_HEADER_BYTES + first * 4);
        demand(until >= at && until <= header.entry_count, "a fan-out table that is not in order")?;
        while at < until {
            let offset = INDEX_ENTRIES_OFFSET + at as usize * INDEX_ENTRY_BYTES;
            let id = &bytes[offset..offset + 32];
            demand(usize::from(id[0]) == first, "a fan-out table that does not fit")?;
            demand(last < id, "index entries are not unique and sorted")?;
            check_place(&decode_index_entry(bytes, at)?, header.covered_bytes)?;
            last = id;
            at += 1;
        }
    }
    demand(at == header.entry_count, "a fan-out table that does not fit")?;
    Ok(header)
}

/// Entry number `at` of a whole index file.
pub fn decode_index_entry(bytes: &[u8], at: u32) -> Result<IndexEntry> {
    let offset = INDEX_ENTRIES_OFFSET + at as usize * INDEX_ENTRY_BYTES;
    demand(offset + INDEX_ENTRY_BYTES <= bytes.len(), "an index that is cut short")?;
    let entry = &bytes[offset..offset + INDEX_ENTRY_BYTES];
    let mut id = [0; 32];
    id.copy_from_slice(&entry[..32]);
    let fields =
        decode_fields(id, read_u32(entry, 40), read_u32(entry, 44), [entry[49], entry[48], entry[50], entry[51]])?;
    Ok(IndexEntry { fields, offset: read_u64(entry, 32)? })
}

fn check_place(entry: &IndexEntry, covered_bytes: u64) -> Result<()> {
    let end = entry.offset + ENTRY_HEADER_BYTES as u64 + u64::from(entry.fields.stored_bytes);
    demand(entry.offset >= PACK_HEADER_BYTES && end <= covered_bytes, "an index entry outside its pack")
}
