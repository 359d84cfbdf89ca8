//! Marks: how much of the journal and of the shared pack is known to be on disk, and how many records are applied to the
//! tree. Two slots are written in turn after each flush, so that a torn write leaves the other one.

use super::constants::{
    MAGIC_MARKS, MARKS_FILE_BYTES, MARKS_SLOT_BYTES, MARKS_SLOT_DISTANCE_BYTES, PACK_BYTES_MAX, PACK_NUMBER_MAX,
    SEGMENT_BYTES_MAX,
};
use super::failure::{Result, demand};
use super::frame::{SEGMENT_HEADER_BYTES, read_u32, read_u64};
use super::hash::{Hash, crc32};
use super::pack::{PACK_HEADER_BYTES, PackId};

const SLOT_BYTES: usize = MARKS_SLOT_BYTES as usize;
const SLOT_DISTANCE: usize = MARKS_SLOT_DISTANCE_BYTES as usize;
const PACK_ID_OFFSET: usize = 96;
const CLEAN_OFFSET: usize = 104;
const CRC_OFFSET: usize = 108;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// From 1 on, one more with each write; the slot is `generation` mod 2.
    pub generation: u64,
    /// Which segment is the last.
    pub segment_first_seq: u64,
    /// How much of that segment is on disk.
    pub segment_flushed_bytes: u64,
    /// How many records are on disk: the seq of the next.
    pub next_seq: u64,
    /// The leaf hash of the last record on disk; zero for none.
    pub last_leaf: Hash,
    /// How many records are applied to the governed tree.
    pub applied: u64,
    /// The pack that small writes append to; 0 for none.
    pub pack_number: u64,
    /// How much of that pack is on disk.
    pub pack_flushed_bytes: u64,
    /// The id in that pack's header, where it is known.
    pub pack_id: Option<PackId>,
    /// The lock was released in good order after this write.
    pub clean: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    Good(Marks),
    /// Never written.
    Empty,
    Bad(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarksFile {
    /// What counts: the valid slot of the highest generation.
    pub newest: Option<Marks>,
    pub slots: [Slot; 2],
    /// The bytes outside the slots are zero, as they must be.
    pub rest_is_zero: bool,
}

/// Where the slot of a generation lies in the file.
pub fn marks_offset(generation: u64) -> u64 {
    generation % 2 * MARKS_SLOT_DISTANCE_BYTES
}

/// One slot of 512 bytes.
pub fn encode_marks(marks: &Marks) -> Result<[u8; SLOT_BYTES]> {
    check_marks(marks)?;
    let mut slot = [0; SLOT_BYTES];
    slot[..8].copy_from_slice(MAGIC_MARKS);
    let numbers = [
        (8, marks.generation),
        (16, marks.segment_first_seq),
        (24, marks.segment_flushed_bytes),
        (32, marks.next_seq),
        (72, marks.applied),
        (80, marks.pack_number),
        (88, marks.pack_flushed_bytes),
    ];
    for (offset, number) in numbers {
        slot[offset..offset + 8].copy_from_slice(&number.to_le_bytes());
    }
    slot[40..72].copy_from_slice(&marks.last_leaf);
    slot[PACK_ID_OFFSET..CLEAN_OFFSET].copy_from_slice(&marks.pack_id.unwrap_or_default());
    slot[CLEAN_OFFSET] = u8::from(marks.clean);
    let crc = crc32(&slot[..CRC_OFFSET], 0);
    slot[CRC_OFFSET..CRC_OFFSET + 4].copy_from_slice(&crc.to_le_bytes());
    Ok(slot)
}

pub fn decode_marks(slot: &[u8]) -> Slot {
    let bad = |reason: &str| Slot::Bad(reason.to_owned());
    if slot.len() != SLOT_BYTES {
        return bad("cut short");
    }
    if is_zero(slot) {
        return Slot::Empty;
    }
    if slot[..8] != *MAGIC_MARKS {
        return bad("no magic");
    }
    if read_u32(slot, CRC_OFFSET) != crc32(&slot[..CRC_OFFSET], 0) {
        return bad("wrong CRC");
    }
    if slot[CLEAN_OFFSET] > 1 || !is_zero(&slot[CLEAN_OFFSET + 1..CRC_OFFSET]) || !is_zero(&slot[CRC_OFFSET + 4..]) {
        return bad("unknown fields");
    }
    read_marks(slot).map_or_else(|error| Slot::Bad(error.reason.into_owned()), Slot::Good)
}

fn read_marks(slot: &[u8]) -> Result<Marks> {
    let mut last_leaf = [0; 32];
    last_leaf.copy_from_slice(&slot[40..72]);
    let mut pack_id = [0; 8];
    pack_id.copy_from_slice(&slot[PACK_ID_OFFSET..CLEAN_OFFSET]);
    let marks = Marks {
        generation: read_u64(slot, 8)?,
        segment_first_seq: read_u64(slot, 16)?,
        segment_flushed_bytes: read_u64(slot, 24)?,
        next_seq: read_u64(slot, 32)?,
        last_leaf,
        applied: read_u64(slot, 72)?,
        pack_number: read_u64(slot, 80)?,
        pack_flushed_bytes: read_u64(slot, 88)?,
        pack_id: Some(pack_id).filter(|id| !is_zero(id)),
        clean: slot[CLEAN_OFFSET] == 1,
    };
    check_marks(&marks)?;
    Ok(marks)
}

/// The whole file of 8192 bytes; a shorter one has a bad second slot.
pub fn decode_marks_file(file: &[u8]) -> MarksFile {
    let slots = [slot_at(file, 0), slot_at(file, SLOT_DISTANCE)];
    let newest = slots.iter().filter_map(|slot| if let Slot::Good(marks) = slot { Some(*marks) } else { None });
    let newest = newest.max_by_key(|marks| marks.generation);
    let rest_is_zero = file.len() as u64 == MARKS_FILE_BYTES
        && is_zero(&file[SLOT_BYTES..SLOT_DISTANCE])
        && is_zero(&file[SLOT_DISTANCE + SLOT_BYTES..]);
    MarksFile { newest, slots, rest_is_zero }
}

fn slot_at(file: &[u8], offset: usize) -> Slot {
    let start = offset.min(file.len());
    let slot = decode_marks(&file[start..(offset + SLOT_BYTES).min(file.len())]);
    match &slot {
        Slot::Good(marks) if marks_offset(marks.generation) != offset as u64 => {
            Slot::Bad("a generation of the other slot".to_owned())
        }
        _ => slot,
    }
}

fn check_marks(marks: &Marks) -> Result<()> {
    demand(marks.generation >= 1, "generations count from 1")?;
    demand(marks.next_seq != 0 || is_zero(&marks.last_leaf), "a last leaf without records")?;
    let within = marks.segment_first_seq <= marks.next_seq && marks.applied <= marks.next_seq;
    demand(within, "marks beyond the records")?;
    demand(marks.pack_id.is_none() || marks.pack_number != 0, "a pack id has eight bytes and belongs to a pack")?;
    let segment_fits = (SEGMENT_HEADER_BYTES..=SEGMENT_BYTES_MAX).contains(&marks.segment_flushed_bytes);
    demand(segment_fits, "an impossible size of a segment")?;
    let pack_fits = match marks.pack_number {
        0 => marks.pack_flushed_bytes == 0,
        number => number <= PACK_NUMBER_MAX && (PACK_HEADER_BYTES..=PACK_BYTES_MAX).contains(&marks.pack_flushed_bytes),
    };
    demand(pack_fits, "an impossible size of a pack")
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
