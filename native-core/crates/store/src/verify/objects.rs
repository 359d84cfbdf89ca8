//! Where every object lies: one table over all packs, sorted by id, in some fifty bytes an object.

use std::collections::HashMap;

use super::root::RootFolder;
use crate::error::{Result, StoreError};
use crate::format::id::ObjectId;
use crate::format::pack::{ENTRY_HEADER_BYTES, EntryFields, Packing, pack_file_name, parse_pack_file_name};
use crate::io::{File, OpenMode};

/// Where an object lies.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub fields: EntryFields,
    pub pack: u32,
    /// Of the entry's header; packs have at most 256 MiB.
    pub offset: u32,
}

/// A copy of an object that can not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedPlace {
    pub place: String,
    pub reason: String,
}

pub struct ObjectTable {
    places: Vec<Place>,
    /// Where the ids of each first two bytes begin.
    starts: Vec<u32>,
    packs: Vec<PackFile>,
    /// What lies, or lay, where a pack is damaged; only what has no sound copy matters.
    pub damaged: HashMap<ObjectId, DamagedPlace>,
}

pub struct PackFile {
    pub number: u64,
    pub file: File,
    pub size: u64,
}

impl ObjectTable {
    pub fn new(packs: Vec<PackFile>, mut places: Vec<Place>, damaged: HashMap<ObjectId, DamagedPlace>) -> ObjectTable {
        use rayon::slice::ParallelSliceMut;
        places.par_sort_unstable_by_key(|place| place.fields.id);
        places.dedup_by_key(|place| place.fields.id);
        let mut starts = vec![0u32; 65_537];
        for place in &places {
            starts[prefix(&place.fields.id) + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        ObjectTable { places, starts, packs, damaged }
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The ordinal of an object; none when no sound copy is there.
    pub fn find(&self, id: &ObjectId) -> Option<usize> {
        let (low, high) = (self.starts[prefix(id)] as usize, self.starts[prefix(id) + 1] as usize);
        let found = self.places[low..high].binary_search_by_key(id, |place| place.fields.id);
        found.ok().map(|index| low + index)
    }

    pub fn place(&self, ordinal: usize) -> &Place {
        &self.places[ordinal]
    }
}

fn prefix(id: &ObjectId) -> usize {
    usize::from(u16::from_be_bytes([id[0], id[1]]))
}

/// All packs, ascending by number.
pub fn open_packs(root: &RootFolder<'_>) -> Result<Vec<PackFile>> {
    let Some(directory) = &root.packs else { return Ok(Vec::new()) };
    let mut numbers: Vec<u64> =
        root.io.list(directory)?.iter().filter_map(|listed| parse_pack_file_name(&listed.name, "pack")).collect();
    numbers.sort_unstable();
    let mut packs = Vec::with_capacity(numbers.len());
    for number in numbers {
        let file = match root.io.open(directory, pack_file_name(number, "pack").as_bytes(), OpenMode::Read) {
            // Moved away by a gc in this moment.
            Err(error) if error.is(&["NOT_FOUND"]) => continue,
            opened => opened?,
        };
        let size = root.io.file_stat(&file)?.size;
        packs.push(PackFile { number, file, size });
    }
    Ok(packs)
}

/// For messages: a place in a pack.
pub fn place_text(pack: u64, offset: u64) -> String {
    format!(".tree/packs/{}, offset {offset}", pack_file_name(pack, "pack"))
}

/// The bytes of an object, checked against its name.
pub fn read_object(root: &RootFolder<'_>, table: &ObjectTable, id: &ObjectId) -> Result<Vec<u8>> {
    let missing = || StoreError::new("OBJECT_MISSING").at(crate::format::hash::hex(id));
    let bytes = read_at(root, table, table.find(id).ok_or_else(missing)?)?;
    if crate::format::hash::blake3(&bytes) == *id {
        return Ok(bytes);
    }
    Err(StoreError::new("DAMAGED").at(crate::format::hash::hex(id)).found("the bytes are not what their name says"))
}

/// The bytes at an ordinal's place; whether they are what the name says is the caller's to check.
pub fn read_at(root: &RootFolder<'_>, table: &ObjectTable, ordinal: usize) -> Result<Vec<u8>> {
    let place = table.place(ordinal);
    let pack = &table.packs[place.pack as usize];
    let mut payload = vec![0; place.fields.stored_bytes as usize];
    let position = u64::from(place.offset) + ENTRY_HEADER_BYTES as u64;
    let count = root.io.read_at(&pack.file, &mut payload, position)?;
    let damaged =
        |found: &str| StoreError::new("DAMAGED").at(place_text(pack.number, u64::from(place.offset))).found(found);
    if count < payload.len() {
        return Err(damaged("the pack ends before the object"));
    }
    unpack(&place.fields, payload).ok_or_else(|| damaged("the payload can not be unpacked"))
}

/// The last three bytes of the magic of frames that hold no content.
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
/// In the descriptor of a frame's header: the frame has no window of its own.
const SINGLE_SEGMENT: u8 = 1 << 5;
/// As a window descriptor: 2^27 bytes.
const WINDOW_MAX: u8 = 17 << 3;

/// The object's bytes; none when the payload is no such thing. Never makes more than the header says.
pub fn unpack(fields: &EntryFields, payload: Vec<u8>) -> Option<Vec<u8>> {
    match fields.packing {
        Packing::Plain => (payload.len() == fields.object_bytes as usize).then_some(payload),
        Packing::Zstd => unpack_zstd(&payload, fields.object_bytes as usize),
    }
}

/// No frame that may be skipped, and none that asks for more than 128 MiB of memory, which decoders refuse unless told so.
fn is_usual_frame(payload: &[u8]) -> bool {
    let (Some(magic), Some(descriptor)) = (payload.get(1..4), payload.get(4)) else { return false };
    let has_window = descriptor & SINGLE_SEGMENT == 0;
    magic != SKIPPABLE && !(has_window && payload.get(5).is_none_or(|window| *window > WINDOW_MAX))
}

/// The bytes that one zstd frame makes, when they are exactly so many and nothing stands behind it.
pub fn unpack_zstd(payload: &[u8], object_bytes: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(object_bytes);
    unpack_into(payload, object_bytes, &mut bytes).then_some(bytes)
}

/// The hash of what a zstd frame makes; the memory for it is kept for the next one.
pub fn hash_unpacked(payload: &[u8], object_bytes: usize) -> Option<crate::format::hash::Hash> {
    thread_local! {
        static BYTES: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    BYTES.with_borrow_mut(|bytes| {
        bytes.clear();
        bytes.reserve(object_bytes);
        unpack_into(payload, object_bytes, bytes).then(|| crate::format::hash::blake3(bytes))
    })
}

/// `bytes` has room for the object; more than the object is never made.
fn unpack_into(payload: &[u8], object_bytes: usize, bytes: &mut Vec<u8>) -> bool {
    thread_local! {
        static CONTEXT: std::cell::RefCell<zstd_safe::DCtx<'static>> = std::cell::RefCell::new(zstd_safe::DCtx::create());
    }
    let is_one_frame = zstd_safe::find_frame_compressed_size(payload) == Ok(payload.len());
    if !is_one_frame || !is_usual_frame(payload) {
        return false;
    }
    let count = CONTEXT.with_borrow_mut(|context| context.decompress(bytes, payload));
    count == Ok(object_bytes)
}

/// The table over all packs as the packs themselves say, without looking into the objects; for commands that read.
pub fn load_objects(root: &RootFolder<'_>) -> Result<ObjectTable> {
    super::packs::check_packs(root, &mut super::report::Report::default(), None, false)
}
