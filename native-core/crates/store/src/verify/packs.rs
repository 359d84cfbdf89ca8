//! The packs' part of a verification: headers, sizes, indexes, and every entry against its CRC and, when it is deep, its
//! name. Packs are read in windows of bounded memory; packs, and the entries of a window, in parallel.

use std::collections::HashMap;

use rayon::prelude::*;

use super::objects::{DamagedPlace, ObjectTable, PackFile, Place, hash_unpacked, open_packs, place_text};
use super::report::{Finding, Report, many};
use super::root::{RootFolder, SmallFile, read_small};
use crate::error::Result;
use crate::format::constants::MARKER_PACK_ENTRY;
use crate::format::failure::FormatError;
use crate::format::hash::blake3;
use crate::format::id::{Link, ObjectId, cid_text};
use crate::format::marks::Marks;
use crate::format::pack::{
    ENTRY_HEADER_BYTES, EntryFields, PACK_HEADER_BYTES, PackId, Packing, decode_entry_header, decode_pack_header,
    entry_crc_fits, pack_file_name,
};
use crate::format::pack_index::{check_index, decode_index_entry};

const WINDOW_BYTES: u64 = 4 << 20;
const INDEX_BYTES_MAX: u64 = 1 << 30;
const DAMAGED_MAX: usize = 10_000;

/// A stretch of a pack that is no sound entry.
struct Damage {
    offset: u64,
    bytes: u64,
    reason: String,
    /// What its header says, when it still looks like one.
    claimed: Option<Link>,
}

#[derive(Default)]
struct Scan {
    entries: Vec<(u32, EntryFields)>,
    damage: Vec<Damage>,
}

/// What one pack gave.
struct Checked {
    findings: Vec<(&'static str, Finding)>,
    entries: Vec<(u32, EntryFields)>,
    damaged: Vec<(ObjectId, DamagedPlace)>,
    has_index: bool,
}

/// Checks all packs and answers where every object lies.
pub fn check_packs(
    root: &RootFolder<'_>,
    report: &mut Report,
    marks: Option<&Marks>,
    deep: bool,
) -> Result<ObjectTable> {
    let packs = open_packs(root)?;
    let checked: Vec<Checked> = packs.par_iter().map(|pack| check_pack(root, pack, marks, deep)).collect();
    let (mut places, mut damaged) = (Vec::new(), HashMap::new());
    let (mut indexes, mut entries, mut bytes) = (0, 0, 0);
    for (number, mut checked) in checked.into_iter().enumerate() {
        for (check, finding) in checked.findings.drain(..) {
            report.found(check, finding);
        }
        indexes += u64::from(checked.has_index);
        entries += checked.entries.len() as u64;
        bytes += checked.entries.iter().map(|(_, fields)| fields.entry_bytes()).sum::<u64>();
        let pack = number as u32;
        places.extend(checked.entries.into_iter().map(|(offset, fields)| Place { fields, pack, offset }));
        damaged.extend(checked.damaged);
    }
    let total: u64 = packs.iter().map(|pack| pack.size).sum();
    let count = packs.len() as u64;
    report.line("packs", count, format!("{}, {}: headers and sizes", many(count, "pack"), many(total, "byte")));
    report.line("indexes", indexes, format!("{indexes} of their indexes: CRC, every entry"));
    let against = if deep { "its CRC and its name" } else { "its CRC" };
    let text = format!("{} in {} of packs, each against {against}", many(entries, "object"), many(bytes, "byte"));
    report.line("pack entries", entries, text);
    Ok(ObjectTable::new(packs, places, damaged))
}

fn check_pack(root: &RootFolder<'_>, pack: &PackFile, marks: Option<&Marks>, deep: bool) -> Checked {
    let mut checked = Checked { findings: Vec::new(), entries: Vec::new(), damaged: Vec::new(), has_index: false };
    let pack_id = check_header(root, pack, &mut checked);
    let flushed = sound_bytes(root, pack, pack_id.as_ref(), marks);
    if let Some(flushed) = flushed.filter(|flushed| pack.size < *flushed) {
        let place = format!(".tree/packs/{}", pack_file_name(pack.number, "pack"));
        let finding = Finding::damage("pack-shortened", place, format!("{} bytes", pack.size));
        checked.findings.push(("packs", finding.expected(format!("{flushed} bytes, as was flushed"))));
    }
    let index = read_index(root, pack, pack_id.as_ref(), &mut checked);
    let mut scan = Scan::default();
    if let Err(reason) = scan_pack(root, pack, deep, &mut scan) {
        scan.damage.push(Damage { offset: 0, bytes: pack.size, reason, claimed: None });
    }
    scan.damage.truncate(DAMAGED_MAX);
    if let Some(wrong) = index.as_ref().and_then(|index| compare_index(index, &scan)) {
        checked.findings.push(("indexes", index_finding(pack, wrong)));
    }
    // What lies behind the mark was not acknowledged: it may be a write under way, or one that was cut short.
    let flushed = flushed.unwrap_or(u64::MAX);
    for unfinished in scan.damage.extract_if(.., |damage| damage.offset >= flushed) {
        let reason = format!("{}; nothing behind the mark was acknowledged", unfinished.reason);
        let finding = Finding::note("pack-tail-unfinished", place_text(pack.number, unfinished.offset), reason);
        checked.findings.push(("pack entries", finding));
    }
    note_damage(pack, index.as_deref(), scan.damage, &mut checked);
    checked.entries = scan.entries;
    checked
}

/// How much of a pack has to be sound; none: all of it.
fn sound_bytes(root: &RootFolder<'_>, pack: &PackFile, id: Option<&PackId>, marks: Option<&Marks>) -> Option<u64> {
    let is_marked = |marks: &&Marks| {
        marks.pack_number == pack.number && marks.pack_id.is_none_or(|marked| id.is_none_or(|id| *id == marked))
    };
    let marked = marks.filter(is_marked).map(|marks| marks.pack_flushed_bytes);
    let small = |name: &[u8]| match root.tree.as_ref().map(|tree| read_small(root.io, tree, name, 65_536)) {
        Some(SmallFile::Read(bytes)) => String::from_utf8(bytes).unwrap_or_default(),
        _ => String::new(),
    };
    let poisoned = small(b"poisoned").lines().find_map(|line| {
        let (number, bytes) = line.split_once(' ')?;
        (number.parse() == Ok(pack.number)).then(|| bytes.parse().ok())?
    });
    let unmarked_shared = || (small(b"shared") == format!("{}\n", pack.number)).then_some(PACK_HEADER_BYTES);
    poisoned.or(marked).or_else(unmarked_shared)
}

fn check_header(root: &RootFolder<'_>, pack: &PackFile, checked: &mut Checked) -> Option<PackId> {
    let mut header = [0; PACK_HEADER_BYTES as usize];
    let read = root.io.read_at(&pack.file, &mut header, 0);
    let decoded = match read {
        Ok(count) => decode_pack_header(&header[..count]).map_err(|error| error.reason.into_owned()),
        Err(error) => Err(format!("the disk reports {}", error.code)),
    };
    decoded
        .map_err(|reason| {
            let finding = Finding::damage("pack-header-damaged", place_text(pack.number, 0), reason);
            checked.findings.push(("packs", finding));
        })
        .ok()
}

fn index_finding(pack: &PackFile, found: String) -> Finding {
    Finding::damage("index-damaged", format!(".tree/packs/{}", pack_file_name(pack.number, "idx")), found)
}

/// The whole index file, when it is sound. A missing one is no damage: the pack says what it holds.
fn read_index(
    root: &RootFolder<'_>,
    pack: &PackFile,
    pack_id: Option<&PackId>,
    checked: &mut Checked,
) -> Option<Vec<u8>> {
    let directory = root.packs.as_ref()?;
    let fault = match read_small(root.io, directory, pack_file_name(pack.number, "idx").as_bytes(), INDEX_BYTES_MAX) {
        SmallFile::Missing => return None,
        SmallFile::Unreadable(reason) => reason,
        SmallFile::Read(bytes) => match index_fault(&bytes, pack_id, pack.size) {
            None => {
                checked.has_index = true;
                return Some(bytes);
            }
            Some(fault) => fault,
        },
    };
    checked.has_index = true;
    checked.findings.push(("indexes", index_finding(pack, fault)));
    None
}

fn index_fault(bytes: &[u8], pack_id: Option<&PackId>, pack_bytes: u64) -> Option<String> {
    match check_index(bytes) {
        Err(FormatError { reason }) => Some(reason.into_owned()),
        Ok(header) if pack_id.is_some_and(|id| *id != header.pack_id) => Some("it belongs to another pack".to_owned()),
        Ok(header) if header.covered_bytes > pack_bytes => {
            Some(format!("it covers {} bytes, the pack has {pack_bytes}", header.covered_bytes))
        }
        Ok(_) => None,
    }
}

/// Every entry of the index is where it says, and it knows every entry that it covers.
fn compare_index(index: &[u8], scan: &Scan) -> Option<String> {
    let header = check_index(index).ok()?;
    let by_offset = |offset: u64| {
        let found = scan.entries.binary_search_by_key(&offset, |(offset, _)| u64::from(*offset));
        found.ok().map(|at| &scan.entries[at].1)
    };
    let mut ids: Vec<ObjectId> = Vec::with_capacity(header.entry_count as usize);
    for at in 0..header.entry_count {
        let entry = decode_index_entry(index, at).ok()?;
        ids.push(entry.fields.id);
        let in_damage = scan
            .damage
            .iter()
            .any(|damage| entry.offset >= damage.offset && entry.offset < damage.offset + damage.bytes);
        if !in_damage && by_offset(entry.offset).is_none_or(|fields| *fields != entry.fields) {
            let link = Link { codec: entry.fields.codec, id: entry.fields.id };
            return Some(format!("it says that {} lies at offset {}", cid_text(&link), entry.offset));
        }
    }
    let lacks = scan.entries.iter().find(|(offset, fields)| {
        u64::from(*offset) + fields.entry_bytes() <= header.covered_bytes && ids.binary_search(&fields.id).is_err()
    });
    lacks.map(|(offset, _)| format!("it lacks the object at offset {offset}"))
}

/// Damage with what lay there: the index tells the ids of what it was written for; a damaged header may lie.
fn note_damage(pack: &PackFile, index: Option<&[u8]>, damage: Vec<Damage>, checked: &mut Checked) {
    let mut links: Vec<Vec<Link>> = damage.iter().map(|_| Vec::new()).collect();
    if let (Some(index), false) = (index, damage.is_empty()) {
        let count = check_index(index).map_or(0, |header| header.entry_count);
        for entry in (0..count).filter_map(|at| decode_index_entry(index, at).ok()) {
            let inside = |damage: &Damage| entry.offset >= damage.offset && entry.offset < damage.offset + damage.bytes;
            if let Some(at) = damage.iter().position(inside) {
                links[at].push(Link { codec: entry.fields.codec, id: entry.fields.id });
            }
        }
    }
    for (stretch, mut told) in damage.into_iter().zip(links) {
        let place = place_text(pack.number, stretch.offset);
        if told.is_empty() {
            told.extend(stretch.claimed);
        }
        if told.is_empty() {
            let finding = Finding::damage("pack-entry-damaged", place.clone(), stretch.reason.clone());
            checked.findings.push(("pack entries", finding));
        }
        for link in told {
            let found = DamagedPlace { place: place.clone(), reason: stretch.reason.clone() };
            checked.damaged.push((link.id, found));
        }
    }
}

/// Every entry, and every stretch that is none; together they cover all bytes behind the header.
fn scan_pack(root: &RootFolder<'_>, pack: &PackFile, deep: bool, scan: &mut Scan) -> std::result::Result<(), String> {
    let mut window = Window { root, pack, buffer: Vec::new(), base: 0 };
    let mut offset = PACK_HEADER_BYTES;
    while offset < pack.size {
        let wanted = window.entry_bytes_at(offset)?.max(WINDOW_BYTES);
        window.fill(offset, wanted)?;
        let spans = spans_of(&window.buffer);
        let faults: Vec<Option<&'static str>> = spans
            .par_iter()
            .with_min_len(4)
            .map(|(start, fields)| fault_of(&window.buffer, *start, fields, deep))
            .collect();
        let base = offset;
        let last = spans.len().saturating_sub(1);
        if spans.is_empty() {
            let damage = window.damage_at(offset, None)?;
            offset += damage.bytes;
            scan.damage.push(damage);
        }
        for (index, ((start, fields), fault)) in spans.into_iter().zip(faults).enumerate() {
            let at = base + start as u64;
            offset = at + fields.entry_bytes();
            match fault {
                None => scan.entries.push((at as u32, fields)),
                Some(CRC_FAULT) if index == last => {
                    let damage = window.damage_at(at, Some(CRC_FAULT))?;
                    offset = at + damage.bytes;
                    scan.damage.push(damage);
                }
                Some(reason) => scan.damage.push(Damage {
                    offset: at,
                    bytes: fields.entry_bytes(),
                    reason: reason.to_owned(),
                    claimed: Some(Link { codec: fields.codec, id: fields.id }),
                }),
            }
        }
    }
    Ok(())
}

const CRC_FAULT: &str = "the CRC does not fit";

/// Whole entries one behind the other, going by their headers alone.
fn spans_of(buffer: &[u8]) -> Vec<(usize, EntryFields)> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Ok(fields) = decode_entry_header(&buffer[at..]) {
        let end = at + fields.entry_bytes() as usize;
        if end > buffer.len() {
            break;
        }
        spans.push((at, fields));
        at = end;
    }
    spans
}

fn fault_of(buffer: &[u8], start: usize, fields: &EntryFields, deep: bool) -> Option<&'static str> {
    let entry = &buffer[start..start + fields.entry_bytes() as usize];
    if !entry_crc_fits(entry) {
        return Some(CRC_FAULT);
    }
    if !deep {
        return None;
    }
    let payload = &entry[ENTRY_HEADER_BYTES..];
    let hash = match fields.packing {
        Packing::Plain => blake3(payload),
        Packing::Zstd => match hash_unpacked(payload, fields.object_bytes as usize) {
            Some(hash) => hash,
            None => return Some("the payload can not be unpacked"),
        },
    };
    (hash != fields.id).then_some("the bytes are not what their name says")
}

struct Window<'a> {
    root: &'a RootFolder<'a>,
    pack: &'a PackFile,
    buffer: Vec<u8>,
    base: u64,
}

impl Window<'_> {
    /// Reads up to so many bytes at an offset, fewer at the end of the pack.
    fn fill(&mut self, offset: u64, bytes: u64) -> std::result::Result<(), String> {
        self.base = offset;
        self.buffer.resize(bytes.min(self.pack.size.saturating_sub(offset)) as usize, 0);
        let read = self.root.io.read_at(&self.pack.file, &mut self.buffer, offset);
        let count = read.map_err(|error| format!("the disk reported {} ({})", error.code, error.call))?;
        self.buffer.truncate(count);
        if count == 0 { Err("the pack became shorter".to_owned()) } else { Ok(()) }
    }

    fn part(&mut self, offset: u64, bytes: u64) -> std::result::Result<&[u8], String> {
        let wanted = bytes.min(self.pack.size.saturating_sub(offset));
        let end = self.base + self.buffer.len() as u64;
        if offset < self.base || offset + wanted > end {
            self.fill(offset, wanted.max(WINDOW_BYTES))?;
        }
        let start = (offset - self.base) as usize;
        let end = (start + wanted as usize).min(self.buffer.len());
        Ok(&self.buffer[start..end])
    }

    fn header_at(&mut self, offset: u64) -> std::result::Result<crate::format::failure::Result<EntryFields>, String> {
        Ok(decode_entry_header(self.part(offset, ENTRY_HEADER_BYTES as u64)?))
    }

    /// As the header at an offset says; 0 when there is none.
    fn entry_bytes_at(&mut self, offset: u64) -> std::result::Result<u64, String> {
        Ok(self.header_at(offset)?.map_or(0, |fields| fields.entry_bytes()))
    }

    /// Damage reaches to the next entry: where the header says it is, when one is there, else at the next sound one.
    fn damage_at(&mut self, offset: u64, reason: Option<&'static str>) -> std::result::Result<Damage, String> {
        let header = self.header_at(offset)?;
        let reason = match (&header, reason) {
            (_, Some(reason)) => reason.to_owned(),
            (Ok(_), None) => "an entry that is cut short".to_owned(),
            (Err(error), None) => error.reason.clone().into_owned(),
        };
        let claimed_end = header.as_ref().map_or(u64::MAX, |fields| offset + fields.entry_bytes());
        let follows = claimed_end < self.pack.size && self.header_at(claimed_end)?.is_ok();
        let next = if follows { claimed_end } else { self.next_sound(offset + 1)? };
        let claimed = header.ok().map(|fields| Link { codec: fields.codec, id: fields.id });
        Ok(Damage { offset, bytes: next - offset, reason, claimed })
    }

    fn next_sound(&mut self, from: u64) -> std::result::Result<u64, String> {
        let mut offset = from;
        while offset < self.pack.size {
            let part = self.part(offset, 1 << 20)?;
            let length = part.len() as u64;
            match memchr::memmem::find(part, &MARKER_PACK_ENTRY) {
                Some(found) => {
                    let candidate = offset + found as u64;
                    if self.is_sound(candidate)? {
                        return Ok(candidate);
                    }
                    offset = candidate + 1;
                }
                None if offset + length >= self.pack.size => break,
                // The marker may begin at the part's very end.
                None => offset += length.saturating_sub(7).max(1),
            }
        }
        Ok(self.pack.size)
    }

    fn is_sound(&mut self, offset: u64) -> std::result::Result<bool, String> {
        let bytes = self.entry_bytes_at(offset)?;
        if bytes == 0 || offset + bytes > self.pack.size {
            return Ok(false);
        }
        Ok(entry_crc_fits(self.part(offset, bytes)?))
    }
}
