//! Objects out of the packs of a store, for work that has to read some: found by the packs' indexes, and behind these by
//! the entries themselves. Every object is checked against its name; what is not found so is left to TypeScript, which
//! knows more places and says what is wrong.

use std::cell::RefCell;
use std::sync::OnceLock;

use super::nodes::{NodeParts, ReadEntry, parts_of};
use super::pack_sink::IdMap;
use super::packing;
use crate::format::id::{Link, ObjectId};
use crate::format::pack::{
    ENTRY_HEADER_BYTES, EntryFields, PACK_HEADER_BYTES, decode_entry_header, pack_file_name, parse_pack_file_name,
};
use crate::format::pack_index::{
    INDEX_ENTRIES_OFFSET, INDEX_ENTRY_BYTES, INDEX_HEADER_BYTES, decode_index_entry, decode_index_header,
    index_file_bytes,
};
use crate::io::{Directory, File, Io, OpenMode, read_whole};

const INDEX_BYTES_MAX: u64 = 1 << 30;
/// What lies behind an index is kept this short by who writes; more of it is not looked at here.
const TAIL_BYTES_MAX: u64 = 64 << 20;

/// Where an object lies.
#[derive(Debug, Clone, Copy)]
pub struct Located {
    pack: usize,
    offset: u64,
    fields: EntryFields,
}

impl Located {
    pub fn object_bytes(&self) -> u64 {
        self.fields.object_bytes.into()
    }
}

struct Pack {
    file: File,
    /// The whole index file; empty where there is none.
    index: Vec<u8>,
    entries: u32,
    tail: IdMap<(u64, EntryFields)>,
}

/// The packs as they are at the first question.
pub struct Source<'a> {
    io: &'a dyn Io,
    /// `.tree/packs`
    directory: &'a Directory,
    packs: OnceLock<Vec<Pack>>,
}

thread_local! {
    static PAYLOAD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl<'a> Source<'a> {
    pub fn new(io: &'a dyn Io, directory: &'a Directory) -> Self {
        Source { io, directory, packs: OnceLock::new() }
    }

    /// Newest first, as a repaired object lies in a newer pack than its damaged copy.
    fn packs(&self) -> &[Pack] {
        self.packs.get_or_init(|| {
            let listed = self.io.list(self.directory).unwrap_or_default();
            let mut numbers: Vec<u64> =
                listed.iter().filter_map(|listed| parse_pack_file_name(&listed.name, "pack")).collect();
            numbers.sort_unstable_by(|left, right| right.cmp(left));
            numbers.into_iter().filter_map(|number| open_pack(self.io, self.directory, number)).collect()
        })
    }

    pub fn locate(&self, id: &ObjectId) -> Option<Located> {
        self.packs().iter().enumerate().find_map(|(number, pack)| {
            let (offset, fields) = pack.find(id)?;
            Some(Located { pack: number, offset, fields })
        })
    }

    /// Reads an object into `into` and checks it against its name; false when it can not be read.
    pub fn read(&self, located: &Located, into: &mut Vec<u8>) -> bool {
        let fields = &located.fields;
        let Some(pack) = self.packs().get(located.pack) else { return false };
        PAYLOAD.with_borrow_mut(|payload| {
            payload.resize(fields.stored_bytes as usize, 0);
            let from = located.offset + ENTRY_HEADER_BYTES as u64;
            self.io.read_at(&pack.file, payload, from) == Ok(payload.len())
                && packing::unpack_into(fields.packing as u8, payload, fields.object_bytes as usize, into)
                && *blake3::hash(into).as_bytes() == fields.id
        })
    }

    pub fn get(&self, id: &ObjectId) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read(&self.locate(id)?, &mut bytes).then_some(bytes)
    }

    /// The entries of a directory, in the order of their names; none when a node of it can not be read, or holds what
    /// only TypeScript knows of.
    pub fn entries(&self, directory: &ObjectId) -> Option<Vec<ReadEntry>> {
        let mut entries = Vec::new();
        let branched = self.gather(directory, &mut entries)?;
        if branched {
            entries.sort_unstable_by(|left, right| left.encoded.name.cmp(&right.encoded.name));
        }
        Some(entries)
    }

    fn gather(&self, node: &ObjectId, into: &mut Vec<ReadEntry>) -> Option<bool> {
        match parts_of(&self.get(node)?)? {
            NodeParts::Leaf(entries) => {
                into.extend(entries);
                Some(false)
            }
            NodeParts::Branch(links) => {
                for Link { id, .. } in links {
                    self.gather(&id, into)?;
                }
                Some(true)
            }
        }
    }
}

impl Pack {
    fn find(&self, id: &ObjectId) -> Option<(u64, EntryFields)> {
        if let Some(found) = self.tail.get(id) {
            return Some(*found);
        }
        let (mut low, mut high) = (self.until(id[0].checked_sub(1)), self.until(Some(id[0])));
        while low < high {
            let middle = low + (high - low) / 2;
            let from = INDEX_ENTRIES_OFFSET + middle as usize * INDEX_ENTRY_BYTES;
            match self.index[from..from + 32].cmp(id) {
                std::cmp::Ordering::Equal => {
                    let entry = decode_index_entry(&self.index, middle).ok()?;
                    return Some((entry.offset, entry.fields));
                }
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// How many entries begin with at most this byte.
    fn until(&self, first: Option<u8>) -> u32 {
        let Some(first) = first.filter(|_| !self.index.is_empty()) else { return 0 };
        let from = INDEX_HEADER_BYTES + usize::from(first) * 4;
        let until = self.index[from..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        until.min(self.entries)
    }
}

fn open_pack(io: &dyn Io, directory: &Directory, number: u64) -> Option<Pack> {
    let file = io.open(directory, pack_file_name(number, "pack").as_bytes(), OpenMode::Read).ok()?;
    let name = pack_file_name(number, "idx");
    let index = read_whole(io, directory, name.as_bytes(), INDEX_BYTES_MAX).ok().flatten();
    // Its CRC is for verification: a wrong index leads to no object, as each is checked against its name.
    let header = index.as_ref().and_then(|index| {
        decode_index_header(index).ok().filter(|header| index.len() as u64 == index_file_bytes(header.entry_count))
    });
    let covered = header.as_ref().map_or(PACK_HEADER_BYTES, |header| header.covered_bytes);
    let tail = read_tail(io, &file, covered);
    let entries = header.as_ref().map_or(0, |header| header.entry_count);
    let index = index.filter(|_| header.is_some()).unwrap_or_default();
    Some(Pack { file, index, entries, tail })
}

/// What was appended since the index was written; it ends where something is no entry.
fn read_tail(io: &dyn Io, file: &File, from: u64) -> IdMap<(u64, EntryFields)> {
    let mut tail = IdMap::default();
    let size = io.file_stat(file).map_or(0, |stat| stat.size);
    if size <= from || size - from > TAIL_BYTES_MAX {
        return tail;
    }
    let mut bytes = vec![0; (size - from) as usize];
    let count = io.read_at(file, &mut bytes, from).unwrap_or(0);
    let mut at = 0;
    while let Some(Ok(fields)) = bytes[..count].get(at..).map(decode_entry_header) {
        let offset = from + at as u64;
        at += fields.entry_bytes() as usize;
        if at > count {
            break;
        }
        tail.entry(fields.id).or_insert((offset, fields));
    }
    tail
}
