//! Private packs in `.tree/stage`, filled from several threads at once: an object is hashed and compressed by the thread
//! that has it and only appended under a lock. Twin of `src/core/store/stageWriter.ts`, up to the point where TypeScript
//! takes the sealed packs over and renames them into place.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::packing::{self, Packing};
use crate::error::StoreError;
use crate::format::constants::{CHUNK_BYTES_MAX, OBJECT_BYTES_MAX, PACK_BYTES_MAX};
use crate::format::failure::FormatError;
use crate::format::id::{Codec, ObjectId};
use crate::format::pack::{ENTRY_HEADER_BYTES, EntryFields, ObjectKind, encode_entry_header, encode_pack_header};
use crate::format::pack_index::{IndexEntry, encode_index};
use crate::io::{Directory, File, Io, IoResult, OpenMode};
use crate::work::WorkResult;

const BUFFER_BYTES: usize = 1 << 20;
const FILE_MODE: u16 = 0o600;

fn codec_of(kind: ObjectKind) -> Codec {
    if kind == ObjectKind::Chunk { Codec::Raw } else { Codec::DagCbor }
}

fn limit_of(kind: ObjectKind) -> u64 {
    if kind == ObjectKind::Chunk { CHUNK_BYTES_MAX } else { OBJECT_BYTES_MAX }
}

/// Ids are hashes: their first bytes are as good as any.
#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

pub type IdMap<V> = HashMap<ObjectId, V, BuildHasherDefault<IdHasher>>;

#[derive(Debug, Clone, Copy)]
struct Place {
    part: u16,
    offset: u32,
    stored_bytes: u32,
    object_bytes: u32,
    kind: ObjectKind,
    packing: Packing,
}

/// An object that was claimed by the thread that writes it now.
const CLAIMED: Place = Place {
    part: u16::MAX,
    offset: 0,
    stored_bytes: 0,
    object_bytes: 0,
    kind: ObjectKind::Unknown,
    packing: Packing::Plain,
};

struct Part {
    name: String,
    pack_id: [u8; 8],
    file: File,
    /// How much of the file is written; the rest is in the buffer.
    written: u64,
}

#[derive(Default)]
struct State {
    places: IdMap<Place>,
    parts: Vec<Part>,
    buffer: Vec<u8>,
}

/// One finished pack in the stage, with its index beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedPack {
    /// Of the files, without `.pack` and `.idx`.
    pub name: String,
    pub bytes: u64,
    pub objects: u64,
}

pub struct PackSink<'a> {
    io: &'a dyn Io,
    stage: &'a Directory,
    level: i32,
    /// Names and pack ids come from it; `owner` tells a later gc whose files these are.
    seed: [u8; 32],
    owner: u32,
    state: Mutex<State>,
    pub bytes_written: AtomicU64,
}

/// Removes what was staged unless it was finished.
impl Drop for PackSink<'_> {
    fn drop(&mut self) {
        let parts = std::mem::take(&mut self.state().parts);
        for part in parts {
            for extension in ["pack", "idx"] {
                // Already failing, or given up: what stays is removed by a later gc.
                let _ = self.io.remove_file(self.stage, format!("{}.{extension}", part.name).as_bytes());
            }
        }
    }
}

impl<'a> PackSink<'a> {
    pub fn new(io: &'a dyn Io, stage: &'a Directory, level: i32, seed: [u8; 32], owner: u32) -> Self {
        let state = Mutex::default();
        PackSink { io, stage, level, seed, owner, state, bytes_written: AtomicU64::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it held the state ends the whole work.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores an object unless this sink has it.
    pub fn put(&self, kind: ObjectKind, bytes: &[u8]) -> WorkResult<ObjectId> {
        if bytes.len() as u64 > limit_of(kind) {
            let expected = format!("at most {} bytes", limit_of(kind));
            return Err(StoreError::new("LIMIT").expected(expected).found(bytes.len().to_string()).into());
        }
        let id: ObjectId = blake3::hash(bytes).into();
        if self.state().places.try_claim(id) {
            packing::with_packed(bytes, self.level, |packing, payload| {
                let fields = EntryFields {
                    id,
                    codec: codec_of(kind),
                    kind,
                    packing,
                    stored_bytes: payload.len() as u32,
                    object_bytes: bytes.len() as u32,
                };
                let header = encode_entry_header(&fields, payload);
                let broken = |error: FormatError| StoreError::new("INTERNAL").found(error.reason);
                self.append(&header.map_err(broken)?, payload, &fields)
            })??;
        }
        Ok(id)
    }

    fn append(&self, header: &[u8], payload: &[u8], fields: &EntryFields) -> WorkResult<()> {
        let mut state = self.state();
        let bytes = header.len() + payload.len();
        let full = |part: &Part, waiting: usize| part.written + (waiting + bytes) as u64 > PACK_BYTES_MAX;
        let waiting = state.buffer.len();
        if state.parts.last().is_none_or(|part| full(part, waiting)) {
            self.begin_part(&mut state)?;
        }
        if state.buffer.len() + bytes > BUFFER_BYTES {
            self.write_out(&mut state)?;
        }
        let offset = state.parts.last().map_or(0, |part| part.written) + state.buffer.len() as u64;
        let place = Place {
            part: (state.parts.len() - 1) as u16,
            offset: offset as u32,
            stored_bytes: fields.stored_bytes,
            object_bytes: fields.object_bytes,
            kind: fields.kind,
            packing: fields.packing,
        };
        state.places.insert(fields.id, place);
        state.buffer.extend_from_slice(header);
        state.buffer.extend_from_slice(payload);
        self.bytes_written.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }

    fn begin_part(&self, state: &mut State) -> WorkResult<()> {
        self.write_out(state)?;
        // The full pack's data goes to disk before the next one fills.
        if let Some(last) = state.parts.last() {
            self.io.flush(&last.file)?;
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.seed);
        hasher.update(&(state.parts.len() as u32).to_le_bytes());
        let chance = *hasher.finalize().as_bytes();
        let suffix: String = chance[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}-{suffix}", self.owner);
        let header = encode_pack_header([chance[8], chance[9], chance[10], chance[11]]);
        let file = self.io.open(self.stage, format!("{name}.pack").as_bytes(), OpenMode::Create(FILE_MODE))?;
        let mut pack_id = [0; 8];
        pack_id.copy_from_slice(&header[8..]);
        state.parts.push(Part { name, pack_id, file, written: 0 });
        state.buffer.extend_from_slice(&header);
        Ok(())
    }

    fn write_out(&self, state: &mut State) -> IoResult<()> {
        let State { parts, buffer, .. } = state;
        if let Some(part) = parts.last_mut() {
            self.io.write_at(&part.file, buffer, part.written)?;
            self.io.start_writing(&part.file, part.written, buffer.len() as u64);
            part.written += buffer.len() as u64;
            buffer.clear();
        }
        Ok(())
    }

    /// The bytes of an object that was put before; a thread that writes it now must not be waited for.
    pub fn get(&self, id: &ObjectId) -> WorkResult<Vec<u8>> {
        let mut state = self.state();
        let place = state.places.get(id).copied().filter(|place| place.part != u16::MAX);
        let lost = || StoreError::new("INTERNAL").found("an object that was written is not found again");
        let place = place.ok_or_else(lost)?;
        let part = &state.parts[usize::from(place.part)];
        let from = u64::from(place.offset) + ENTRY_HEADER_BYTES as u64;
        if from + u64::from(place.stored_bytes) > part.written && usize::from(place.part) + 1 == state.parts.len() {
            self.write_out(&mut state)?;
        }
        let mut payload = vec![0; place.stored_bytes as usize];
        let count = self.io.read_at(&state.parts[usize::from(place.part)].file, &mut payload, from)?;
        drop(state);
        let bytes = packing::unpack(place.packing as u8, &payload[..count], place.object_bytes as usize);
        bytes.ok_or_else(|| lost().into())
    }

    /// Makes everything durable and writes the indexes; the packs are the caller's from then on.
    pub fn finish(&self) -> WorkResult<Vec<StagedPack>> {
        let mut state = self.state();
        self.write_out(&mut state)?;
        if let Some(last) = state.parts.last() {
            self.io.flush(&last.file)?;
        }
        let mut entries = vec![Vec::new(); state.parts.len()];
        for (id, place) in &state.places {
            entries[usize::from(place.part)].push(place.index_entry(*id));
        }
        let mut packs = Vec::new();
        for (part, entries) in state.parts.iter().zip(entries) {
            let index = encode_index(&part.pack_id, part.written, &entries);
            let name = format!("{}.idx", part.name);
            let file = self.io.open(self.stage, name.as_bytes(), OpenMode::Create(FILE_MODE))?;
            self.io.write_at(&file, &index, 0)?;
            packs.push(StagedPack { name: part.name.clone(), bytes: part.written, objects: entries.len() as u64 });
        }
        state.parts.clear();
        Ok(packs)
    }
}

impl Place {
    fn index_entry(&self, id: ObjectId) -> IndexEntry {
        let Place { offset, stored_bytes, object_bytes, kind, packing, .. } = *self;
        let fields = EntryFields { id, codec: codec_of(kind), kind, packing, stored_bytes, object_bytes };
        IndexEntry { fields, offset: offset.into() }
    }
}

trait Claim {
    fn try_claim(&mut self, id: ObjectId) -> bool;
}

impl Claim for IdMap<Place> {
    fn try_claim(&mut self, id: ObjectId) -> bool {
        match self.entry(id) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(CLAIMED);
                true
            }
        }
    }
}
