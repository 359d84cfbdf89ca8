//! What a rollback writes into the history: a pack of its own with the list of changes, and one record behind the last; and
//! the marks that tell of it.

use crate::error::{Result, StoreError};
use crate::format::constants::SEGMENT_BYTES_MAX;
use crate::format::frame::{
    SEGMENT_HEADER_BYTES, SegmentHeader, encode_frame, encode_segment_header, frame_seed, segment_file_name,
};
use crate::format::hash::{blake3, hex};
use crate::format::id::{Codec, ObjectId};
use crate::format::marks::{Marks, encode_marks, marks_offset};
use crate::format::merkle::leaf_hash;
use crate::format::pack::{
    EntryFields, ObjectKind, Packing, encode_entry_header, encode_pack_header, pack_file_name, parse_pack_file_name,
};
use crate::format::record::{Envelope, body_hash, encode_envelope};
use crate::io::{Directory, File, OpenMode};
use crate::verify::{RootFolder, child, open_segment};

const FILE_MODE: u16 = 0o600;
const DIRECTORY_MODE: u16 = 0o700;

fn unwritable(error: crate::format::failure::FormatError) -> StoreError {
    StoreError::new("INTERNAL").found(error.reason)
}

/// Bytes of chance from the system.
pub fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    use std::io::Read;
    let mut bytes = [0; N];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.map_err(|error| StoreError::new("IO").at("/dev/urandom").found(error.to_string()))?;
    Ok(bytes)
}

/// The directory, made when it is missing.
pub fn need(root: &RootFolder<'_>, parent: &Directory, name: &[u8]) -> Result<Directory> {
    if let Some(directory) = child(root.io, parent, name)? {
        return Ok(directory);
    }
    root.io.make_directory(parent, name, DIRECTORY_MODE)?;
    root.io.flush_directory(parent)?;
    Ok(root.io.child(parent, name)?)
}

/// Writes nodes of a list of changes as a pack of their own, durably; nothing when there are none.
pub fn write_pack(root: &RootFolder<'_>, nodes: &[Vec<u8>]) -> Result<()> {
    if nodes.is_empty() {
        return Ok(());
    }
    let missing = || StoreError::new("DAMAGED").at(".tree").found("it is missing");
    let tree = root.tree.as_ref().ok_or_else(missing)?;
    let (packs, stage) = (need(root, tree, b"packs")?, need(root, tree, b"stage")?);
    let mut pack = encode_pack_header(random_bytes()?).to_vec();
    for node in nodes {
        let length = node.len() as u32;
        let fields = EntryFields {
            id: blake3(node),
            codec: Codec::DagCbor,
            kind: ObjectKind::Changes,
            packing: Packing::Plain,
            stored_bytes: length,
            object_bytes: length,
        };
        pack.extend_from_slice(&encode_entry_header(&fields, node).map_err(unwritable)?);
        pack.extend_from_slice(node);
    }
    let name = format!("{}-{}", std::process::id(), hex(&random_bytes::<8>()?));
    let file = root.io.open(&stage, name.as_bytes(), OpenMode::Create(FILE_MODE))?;
    root.io.write_at(&file, &pack, 0)?;
    root.io.flush(&file)?;
    let number = next_pack_number(root, tree, &packs)?;
    root.io.rename_new(&stage, name.as_bytes(), &packs, pack_file_name(number, "pack").as_bytes())?;
    Ok(root.io.flush_directory(&packs)?)
}

/// Numbers are never used again, those of packs that gc moved away neither.
fn next_pack_number(root: &RootFolder<'_>, tree: &Directory, packs: &Directory) -> Result<u64> {
    let mut last = 0;
    for listed in root.io.list(packs)? {
        last = last.max(parse_pack_file_name(&listed.name, "pack").unwrap_or(0));
    }
    if let Some(dead) = child(root.io, tree, b"dead")? {
        for listed in root.io.list(&dead)? {
            let name = listed.name.splitn(2, |byte| *byte == b'-').nth(1).unwrap_or_default();
            last = last.max(parse_pack_file_name(name, "pack").unwrap_or(0));
        }
    }
    Ok(last + 1)
}

/// A record to be appended.
pub struct NewRecord {
    pub time: u64,
    pub root: ObjectId,
    pub body: Vec<u8>,
}

/// Appends one record behind what the marks name, durably, and answers the marks that tell of it. When the flush fails,
/// the record is taken back, or a note is left for the next writer.
pub fn append(root: &RootFolder<'_>, marks: &Marks, record: &NewRecord) -> Result<Marks> {
    let salt: [u8; 16] = random_bytes()?;
    let envelope = encode_envelope(&Envelope {
        seq: marks.next_seq,
        time: record.time,
        root: record.root,
        prev: marks.last_leaf,
        body_hash: body_hash(&salt, &record.body),
    });
    let journal = root.journal.as_ref().ok_or_else(|| StoreError::new("DAMAGED").at(".runtime/journal"))?;
    let seed = frame_seed(&root.format.log_id);
    let make = |base: u64| encode_frame(&envelope, Some((&salt, &record.body)), base as u32, seed).map_err(unwritable);
    let mut frame = make(marks.segment_flushed_bytes)?;
    let (mut first, mut start) = (marks.segment_first_seq, marks.segment_flushed_bytes);
    let is_full = start + frame.len() as u64 > SEGMENT_BYTES_MAX;
    // Frames of another log begin a segment: this one's header carries the id that their CRC begins with.
    if is_full || open_segment(root, first)?.seed != seed {
        (first, start) = (marks.next_seq, SEGMENT_HEADER_BYTES);
        begin_segment(root, journal, first)?;
        frame = make(start)?;
    }
    let file = root.io.open(journal, segment_file_name(first).as_bytes(), OpenMode::Modify)?;
    let written = root.io.write_at(&file, &frame, start).and_then(|()| root.io.flush(&file));
    if let Err(error) = written {
        take_back(root, &file, first, start);
        return Err(error.into());
    }
    Ok(Marks {
        generation: marks.generation + 1,
        segment_first_seq: first,
        segment_flushed_bytes: start + frame.len() as u64,
        next_seq: marks.next_seq + 1,
        last_leaf: leaf_hash(&envelope),
        clean: false,
        ..*marks
    })
}

fn begin_segment(root: &RootFolder<'_>, journal: &Directory, first: u64) -> Result<()> {
    let name = segment_file_name(first);
    let new_name = format!("{name}.new");
    if root.io.stat(journal, new_name.as_bytes())?.is_some() {
        root.io.remove_file(journal, new_name.as_bytes())?;
    }
    let file = root.io.open(journal, new_name.as_bytes(), OpenMode::Create(FILE_MODE))?;
    let header = encode_segment_header(&SegmentHeader { first_seq: first, log_id: root.format.log_id });
    root.io.write_at(&file, &header, 0)?;
    root.io.flush(&file)?;
    root.io.rename_new(journal, new_name.as_bytes(), journal, name.as_bytes())?;
    Ok(root.io.flush_directory(journal)?)
}

/// After a failed flush the system may call pages clean that never reached the disk: flushing again would prove nothing.
fn take_back(root: &RootFolder<'_>, file: &File, first: u64, start: u64) {
    let cut = root.io.truncate(file, start).and_then(|()| root.io.flush(file));
    if cut.is_ok() {
        return;
    }
    let note = format!("{first} {start}\n");
    // When this fails too, the marks still do not name the record: the next writer looks at the tail.
    let _ = root.io.open(&root.runtime, b"poisoned", OpenMode::Create(FILE_MODE)).and_then(|file| {
        root.io.write_at(&file, note.as_bytes(), 0)?;
        root.io.flush(&file)
    });
}

/// Writes marks into the slot of their generation; `durably` flushes them.
pub fn write_marks(root: &RootFolder<'_>, marks: &Marks, durably: bool) -> Result<()> {
    let file = root.io.open(&root.runtime, b"marks", OpenMode::Modify)?;
    let slot = encode_marks(marks).map_err(unwritable)?;
    root.io.write_at(&file, &slot, marks_offset(marks.generation))?;
    if durably {
        root.io.flush(&file)?;
    }
    Ok(())
}
