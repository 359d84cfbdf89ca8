//! Whole directories that shall come where nothing is: made in the stage with everything below them, out of the packs and
//! on all processors, each to be renamed into place as one. Nothing stays when one of them can not be made: then
//! `src/core/worktree/apply.ts` goes path by path, and says what is wrong.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::control::{Control, on_threads};
use super::nodes::{EntryFields, EntryKind, ReadEntry};
use super::source::Source;
use super::stat_cache::{Recorded, Seen, encode_block};
use super::{WorkError, WorkResult};
use crate::format::content::decode_list;
use crate::format::id::{Codec, Link, ObjectId};
use crate::io::{Directory, FileKind, Io, IoResult, OpenMode};

/// Until everything below is there.
const OPEN_MODE: u16 = 0o700;
const FILES_A_TASK: usize = 8;
const PLACES_TRIED: usize = 8;
/// A few times what making a file takes where nothing is in the way.
const QUICK: Duration = Duration::from_micros(60);

pub struct Request<'a> {
    /// `.runtime/stage`
    pub stage: &'a Directory,
    pub source: &'a Source<'a>,
    pub tops: &'a [Top],
    /// 0: one a processor.
    pub threads: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top {
    /// What the directory is called in the stage.
    pub name: Vec<u8>,
    /// Where it shall come.
    pub path: Vec<u8>,
    pub node: ObjectId,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub paths: u64,
    /// Of files.
    pub bytes: u64,
    /// The youngest time of any file.
    pub latest_ns: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Of each, itself left aside.
    pub counts: Vec<Counts>,
    /// For the stat cache: the blocks of all directories, one behind the other.
    pub blocks: Vec<u8>,
}

/// None when not all of them can be made.
pub fn stage_trees(io: &dyn Io, control: &Control, request: &Request<'_>) -> WorkResult<Option<Staged>> {
    on_threads(request.threads, || {
        io.spread_directories(request.stage);
        let tree = Tree { io, control, source: request.source, blocks: Mutex::default() };
        let make = |top: &Top| {
            make_apart(io, request.stage, &top.name)?;
            tree.fill(request.stage, &top.name, &top.path, &top.node)
        };
        let made: WorkResult<Vec<Counts>> = request.tops.par_iter().map(make).collect();
        if let Ok(counts) = made {
            let blocks = tree.blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
            return Ok(Some(Staged { counts, blocks }));
        }
        for top in request.tops {
            // Whoever takes the writer lock next empties the stage.
            let _ = remove_tree(io, request.stage, &top.name);
        }
        control.check().map(|()| None)
    })
}

/// Makes an empty directory where new files are made quickly. On ext4 their inodes are searched for near the directory,
/// behind all that were removed there in the last minutes: of a tree that was just removed those are very many. Where a
/// directory comes to lie depends on its name, so some are tried, until one is quick enough; else the quickest is taken.
fn make_apart(io: &dyn Io, stage: &Directory, name: &[u8]) -> IoResult<()> {
    let mut best: Option<(Duration, Vec<u8>)> = None;
    for attempt in 0..PLACES_TRIED {
        let tried = [name, format!(".{attempt}").as_bytes()].concat();
        io.make_directory(stage, &tried, OPEN_MODE)?;
        let took = time_to_make(io, &io.child(stage, &tried)?)?;
        let other = match best.take() {
            Some((least, quickest)) if least <= took => {
                best = Some((least, quickest));
                Some(tried)
            }
            slower => {
                best = Some((took, tried));
                slower.map(|(_, slower)| slower)
            }
        };
        if let Some(other) = other {
            io.remove_directory(stage, &other)?;
        }
        if best.as_ref().is_some_and(|(least, _)| *least < QUICK) {
            break;
        }
    }
    best.map_or(Ok(()), |(_, tried)| io.rename(stage, &tried, stage, name))
}

/// The lesser of two times, as others use the processor as well.
fn time_to_make(io: &dyn Io, directory: &Directory) -> IoResult<Duration> {
    let mut least = Duration::MAX;
    for probe in [b"1", b"2"] {
        let began = Instant::now();
        io.open(directory, probe, OpenMode::Create(0o600))?;
        least = least.min(began.elapsed());
        io.remove_file(directory, probe)?;
    }
    Ok(least)
}

struct Tree<'a> {
    io: &'a dyn Io,
    control: &'a Control,
    source: &'a Source<'a>,
    blocks: Mutex<Vec<u8>>,
}

thread_local! {
    static OBJECT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn unknown() -> WorkError {
    WorkError::Declined("an object that is not found here")
}

impl Tree<'_> {
    /// Puts everything into an empty directory; its own mode stays open.
    fn fill(&self, parent: &Directory, name: &[u8], path: &[u8], node: &ObjectId) -> WorkResult<Counts> {
        let entries = self.source.entries(node).ok_or_else(unknown)?;
        let handle = self.io.child(parent, name)?;
        let one = |entry: &ReadEntry| -> WorkResult<(Option<Seen>, Counts)> {
            let EntryFields { kind, mode, size, content } = entry.fields;
            let name = &entry.encoded.name[..];
            let mut counts = match kind {
                EntryKind::Directory => {
                    self.io.make_directory(&handle, name, OPEN_MODE)?;
                    self.fill(&handle, name, &[path, b"/", name].concat(), &content.id)?
                }
                _ => Counts::default(),
            };
            let seen = match kind {
                EntryKind::Directory if mode != OPEN_MODE => {
                    self.io.set_mode(&handle, name, mode)?;
                    None
                }
                EntryKind::Directory => None,
                EntryKind::File => Some(self.file(&handle, name, mode, size, content)?),
                EntryKind::Symlink => {
                    self.symlink(&handle, name, &content)?;
                    None
                }
            };
            counts.paths += 1;
            if let Some(Seen { stat, .. }) = seen {
                counts.bytes += stat.size;
                counts.latest_ns = counts.latest_ns.max(stat.ctime_ns).max(stat.mtime_ns);
            }
            Ok((seen, counts))
        };
        let made: Vec<(Option<Seen>, Counts)> =
            entries.par_iter().with_max_len(FILES_A_TASK).map(one).collect::<Result<_, _>>()?;
        self.note(path, node, &entries, &made);
        Ok(made.iter().fold(Counts::default(), |sum, (_, counts)| Counts {
            paths: sum.paths + counts.paths,
            bytes: sum.bytes + counts.bytes,
            latest_ns: sum.latest_ns.max(counts.latest_ns),
        }))
    }

    fn note(&self, path: &[u8], node: &ObjectId, entries: &[ReadEntry], made: &[(Option<Seen>, Counts)]) {
        let recorded: Vec<Recorded> = entries.iter().map(|entry| Recorded::of(&entry.fields)).collect();
        let items = entries.iter().zip(&recorded).zip(made);
        let items = items.map(|((entry, recorded), (seen, _))| (&entry.encoded.name[..], recorded, seen.as_ref()));
        let block = encode_block(path, node, items);
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&block);
    }

    fn file(&self, parent: &Directory, name: &[u8], mode: u16, size: u64, content: Link) -> WorkResult<Seen> {
        self.control.check()?;
        self.control.advance(1);
        let file = self.io.open(parent, name, OpenMode::Create(OPEN_MODE & 0o600))?;
        let mut write = |bytes: &[u8], at: u64| -> IoResult<()> {
            if bytes.is_empty() { Ok(()) } else { self.io.write_at(&file, bytes, at) }
        };
        let end = self.content(content, 0, &mut write)?;
        if end != size {
            return Err(unknown());
        }
        // It comes last: writing takes some bits of it away.
        self.io.file_set_mode(&file, mode)?;
        Ok(Seen { stat: self.io.file_stat(&file)?, content })
    }

    /// Hands over the bytes of a content from left to right; says where they end.
    fn content(&self, link: Link, mut at: u64, write: &mut dyn FnMut(&[u8], u64) -> IoResult<()>) -> WorkResult<u64> {
        if link.codec == Codec::Raw {
            let located = self.source.locate(&link.id).ok_or_else(unknown)?;
            return OBJECT.with_borrow_mut(|object| {
                if !self.source.read(&located, object) {
                    return Err(unknown());
                }
                write(object, at)?;
                Ok(at + object.len() as u64)
            });
        }
        let bytes = self.source.get(&link.id).ok_or_else(unknown)?;
        let list = decode_list(&bytes).map_err(|_| unknown())?;
        for entry in list.entries {
            self.control.check()?;
            let codec = if list.depth == 0 { Codec::Raw } else { Codec::DagCbor };
            at = self.content(Link { codec, id: entry.link.id }, at, write)?;
        }
        Ok(at)
    }

    fn symlink(&self, parent: &Directory, name: &[u8], content: &Link) -> WorkResult<()> {
        let target = self.source.get(&content.id).ok_or_else(unknown)?;
        Ok(self.io.make_symlink(parent, name, &target)?)
    }
}

/// Removes a directory of ours with everything in it, whatever its mode is.
fn remove_tree(io: &dyn Io, parent: &Directory, name: &[u8]) -> IoResult<()> {
    io.set_mode(parent, name, OPEN_MODE)?;
    let handle = io.child(parent, name)?;
    for listed in io.list(&handle)? {
        match listed.kind {
            FileKind::Directory => remove_tree(io, &handle, &listed.name)?,
            _ => io.remove_file(&handle, &listed.name)?,
        }
    }
    io.remove_directory(parent, name)
}
