//! Contents on their way into the tree: many files of one chunk each are taken out of packs, checked against their names
//! and written into the stage, on all processors. What can not be done so is left to `src/core/worktree/apply.ts`, which
//! then says why.

use std::cell::RefCell;
use std::collections::HashMap;

use rayon::prelude::*;

use super::WorkResult;
use super::control::{Control, on_threads};
use super::packed::Reader;
use super::packing;
use crate::format::id::ObjectId;
use crate::format::pack::ENTRY_HEADER_BYTES;
use crate::io::{Directory, File, Io, IoResult, OpenMode};

/// A file that shall be staged, and where its content lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its number in the list of targets; the staged file has it in its name.
    pub index: u32,
    pub mode: u16,
    pub packing: u8,
    pub flush: bool,
    pub pack: u64,
    pub offset: u32,
    pub stored_bytes: u32,
    pub object_bytes: u32,
    pub id: ObjectId,
}

pub struct Request<'a> {
    /// `.runtime/stage`
    pub stage: &'a Directory,
    /// `.tree/packs`
    pub packs: &'a Directory,
    /// Of the names of staged files; the item's number follows.
    pub prefix: &'a [u8],
    pub items: Vec<Item>,
    /// 0: one a processor.
    pub threads: usize,
}

impl Item {
    /// As `src/core/native/stage.ts` writes them.
    pub fn read(reader: &mut Reader<'_>) -> Option<Item> {
        Some(Item {
            index: u32::from_le_bytes(reader.fixed()?),
            mode: u16::from_le_bytes(reader.fixed()?),
            packing: reader.fixed::<1>()?[0],
            flush: reader.fixed::<1>()?[0] != 0,
            pack: u64::from_le_bytes(reader.fixed()?),
            offset: u32::from_le_bytes(reader.fixed()?),
            stored_bytes: u32::from_le_bytes(reader.fixed()?),
            object_bytes: u32::from_le_bytes(reader.fixed()?),
            id: reader.fixed()?,
        })
    }
}

/// Stages the items; gives back the numbers of those that it could not stage, of which nothing is left.
pub fn stage(io: &dyn Io, control: &Control, request: &Request<'_>) -> WorkResult<Vec<u32>> {
    let mut packs = HashMap::new();
    for item in &request.items {
        packs.entry(item.pack).or_insert_with(|| {
            io.open(request.packs, format!("{:012}.pack", item.pack).as_bytes(), OpenMode::Read).ok()
        });
    }
    on_threads(request.threads, || {
        let staged = request.items.par_iter().map(|item| {
            control.check()?;
            control.advance(1);
            let pack = packs.get(&item.pack).and_then(Option::as_ref);
            Ok(pack.is_some_and(|pack| stage_one(io, request, item, pack)))
        });
        let staged: Vec<bool> = staged.collect::<WorkResult<_>>()?;
        let left = request.items.iter().zip(staged).filter(|(_, staged)| !staged);
        Ok(left.map(|(item, _)| item.index).collect())
    })
}

thread_local! {
    static BUFFERS: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

fn stage_one(io: &dyn Io, request: &Request<'_>, item: &Item, pack: &File) -> bool {
    BUFFERS.with(|buffers| {
        let (payload, object) = &mut *buffers.borrow_mut();
        payload.resize(item.stored_bytes as usize, 0);
        let from = u64::from(item.offset) + ENTRY_HEADER_BYTES as u64;
        if io.read_at(pack, payload, from) != Ok(payload.len()) {
            return false;
        }
        if !packing::unpack_into(item.packing, payload, item.object_bytes as usize, object)
            || *blake3::hash(object).as_bytes() != item.id
        {
            return false;
        }
        let name = [request.prefix, item.index.to_string().as_bytes()].concat();
        let Ok(file) = io.open(request.stage, &name, OpenMode::Create(0o600)) else { return false };
        let written = write_out(io, &file, object, item).is_ok();
        if !written {
            // Whoever does it after us makes it anew.
            let _ = io.remove_file(request.stage, &name);
        }
        written
    })
}

/// The mode comes last: writing takes some bits of it away.
fn write_out(io: &dyn Io, file: &File, bytes: &[u8], item: &Item) -> IoResult<()> {
    if !bytes.is_empty() {
        io.write_at(file, bytes, 0)?;
    }
    io.file_set_mode(file, item.mode)?;
    if item.flush { io.flush(file) } else { Ok(()) }
}
