//! Whether a pack is wholly sound: every entry against its CRC and its name, and its index against the entries. Only yes or
//! no: what is wrong, and where, is found out and told in one place, `src/core/verify/packsCheck.ts`.

use rayon::prelude::*;

use super::WorkResult;
use super::control::{Control, on_threads};
use super::packing;
use crate::format::hash::blake3;
use crate::format::pack::{
    ENTRY_HEADER_BYTES, EntryFields, PACK_HEADER_BYTES, PackId, Packing, decode_entry_header, decode_pack_header,
    entry_crc_fits, pack_file_name,
};
use crate::format::pack_index::{check_index, decode_index_entry};
use crate::io::{Directory, File, Io, IoResult, OpenMode, read_whole};

const WINDOW_BYTES: usize = 8 << 20;
const INDEX_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sound {
    pub entries: u64,
    pub bytes: u64,
    /// There is an index, and it is exactly that of this pack.
    pub indexed: bool,
}

/// None when anything is not as it should be, or can not be read.
pub fn sound_pack(
    io: &dyn Io,
    control: &Control,
    packs: &Directory,
    number: u64,
    threads: usize,
) -> WorkResult<Option<Sound>> {
    on_threads(threads, || {
        let Ok(file) = io.open(packs, pack_file_name(number, "pack").as_bytes(), OpenMode::Read) else {
            return Ok(None);
        };
        let Some((pack_id, entries)) = sound_entries(io, control, &file)? else { return Ok(None) };
        let Ok(index) = read_whole(io, packs, pack_file_name(number, "idx").as_bytes(), INDEX_BYTES_MAX) else {
            return Ok(None);
        };
        let indexed = index.is_some();
        if index.is_some_and(|index| !index_fits(&index, &pack_id, &entries)) {
            return Ok(None);
        }
        let bytes = entries.iter().map(|(_, fields)| fields.entry_bytes()).sum();
        Ok(Some(Sound { entries: entries.len() as u64, bytes, indexed }))
    })
}

type Entry = (u64, EntryFields);

/// All entries, checked; they cover the file to its end.
fn sound_entries(io: &dyn Io, control: &Control, file: &File) -> WorkResult<Option<(PackId, Vec<Entry>)>> {
    let mut header = [0; PACK_HEADER_BYTES as usize];
    if io.read_at(file, &mut header, 0).is_err() {
        return Ok(None);
    }
    let Ok(pack_id) = decode_pack_header(&header) else { return Ok(None) };
    let mut entries = Vec::new();
    let mut offset = PACK_HEADER_BYTES;
    let mut window = vec![0; WINDOW_BYTES];
    loop {
        control.check()?;
        let Ok(count) = read_window(io, file, &mut window, offset) else { return Ok(None) };
        if count == 0 {
            return Ok(Some((pack_id, entries)));
        }
        let Some(found) = entries_in(&window[..count]) else { return Ok(None) };
        let sound = found.par_iter().with_min_len(16).all(|(at, fields)| {
            let end = at + ENTRY_HEADER_BYTES + fields.stored_bytes as usize;
            is_sound(fields, &window[*at..end])
        });
        if !sound {
            return Ok(None);
        }
        control.advance(found.len() as u64);
        let base = offset;
        for (at, fields) in found {
            offset = base + at as u64 + fields.entry_bytes();
            entries.push((base + at as u64, fields));
        }
    }
}

/// Fills the window from an offset on; grows it to the first entry's size where it must.
fn read_window(io: &dyn Io, file: &File, window: &mut Vec<u8>, offset: u64) -> IoResult<usize> {
    let count = io.read_at(file, window, offset)?;
    let needed = decode_entry_header(&window[..count]).map_or(0, |fields| fields.entry_bytes() as usize);
    if needed <= window.len() {
        return Ok(count);
    }
    window.resize(needed, 0);
    io.read_at(file, window, offset)
}

/// The entries that lie in the bytes as a whole, one behind the other; None when there is not even one.
fn entries_in(bytes: &[u8]) -> Option<Vec<(usize, EntryFields)>> {
    let mut found = Vec::new();
    let mut at = 0;
    while bytes.len() - at >= ENTRY_HEADER_BYTES {
        let fields = decode_entry_header(&bytes[at..]).ok()?;
        let end = at + fields.entry_bytes() as usize;
        if end > bytes.len() {
            break;
        }
        found.push((at, fields));
        at = end;
    }
    (!found.is_empty()).then_some(found)
}

fn is_sound(fields: &EntryFields, entry: &[u8]) -> bool {
    let payload = &entry[ENTRY_HEADER_BYTES..];
    let named = |object: &[u8]| blake3(object) == fields.id;
    entry_crc_fits(entry)
        && match fields.packing {
            Packing::Plain => named(payload),
            Packing::Zstd => packing::unpack(fields.packing as u8, payload, fields.object_bytes as usize)
                .is_some_and(|object| named(&object)),
        }
}

/// Every line of the index is where it says, and it has every entry that it covers.
fn index_fits(index: &[u8], pack_id: &PackId, entries: &[Entry]) -> bool {
    let Ok(header) = check_index(index) else { return false };
    let covered = |(offset, fields): &&Entry| offset + fields.entry_bytes() <= header.covered_bytes;
    let mut ids: Vec<_> = entries.iter().filter(covered).map(|(_, fields)| fields.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let end = entries.last().map_or(PACK_HEADER_BYTES, |(offset, fields)| offset + fields.entry_bytes());
    header.pack_id == *pack_id
        && header.covered_bytes <= end
        && ids.len() == header.entry_count as usize
        && (0..header.entry_count).all(|at| {
            decode_index_entry(index, at).is_ok_and(|line| {
                let found = entries.binary_search_by_key(&line.offset, |(offset, _)| *offset);
                found.is_ok_and(|found| entries[found].1 == line.fields)
            })
        })
}
