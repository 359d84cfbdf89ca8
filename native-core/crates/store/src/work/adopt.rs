//! The first keeping of a whole tree: walked, read, cut, hashed, compressed and appended to private packs on all
//! processors; directories become nodes as soon as all below them is stored. Twin of `src/core/timeline/adopt.ts`.

use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::content::{PieceSink, cut_content};
use super::control::{Control, on_threads};
use super::ignore::Rules;
use super::nodes::{Encoded, EntryFields, EntryKind, encode_entry, put_directory};
use super::pack_sink::{PackSink, StagedPack};
use super::stat_cache::{CacheWriter, Seen};
use super::{WorkError, WorkResult, changes};
use crate::format::id::{Codec, Link, ObjectId};
use crate::format::pack::ObjectKind;
use crate::io::{Directory, FileKind, FileStat, Io, IoError, OpenMode};

const READ_ATTEMPTS: usize = 3;
const SYMLINK_MODE: u16 = 0o777;

pub struct Request<'a> {
    pub root: &'a Directory,
    /// `.tree/stage`
    pub stage: &'a Directory,
    pub rules: &'a Rules,
    /// Names at the top that are no part of the files.
    pub outside: &'a [Vec<u8>],
    pub level: i32,
    pub seed: [u8; 32],
    pub owner: u32,
    pub cache: Option<CacheRequest<'a>>,
    /// 0: one a processor.
    pub threads: usize,
}

pub struct CacheRequest<'a> {
    /// `.db`
    pub directory: &'a Directory,
    /// Of the new file, which the caller renames into place or removes.
    pub name: &'a [u8],
    pub settled_below_ns: i64,
}

/// Why a path was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    NotAFile,
    Changes,
    Denied,
    Disk,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    pub files: Link,
    /// Of the top.
    pub count: u64,
    pub changes: Option<(Link, u64)>,
    /// Sorted by path.
    pub problems: Vec<(Vec<u8>, Reason)>,
    pub hard_links: u64,
    pub kept_files: u64,
    pub kept_bytes: u64,
    pub packs: Vec<StagedPack>,
    pub bytes_written: u64,
}

struct Walk<'a, 'b> {
    io: &'a dyn Io,
    request: &'a Request<'a>,
    control: &'a Control,
    sink: &'a PackSink<'b>,
    cache: Option<&'a CacheWriter<'b>>,
    problems: Mutex<Vec<(Vec<u8>, Reason)>>,
    hard_links: AtomicU64,
    kept_files: AtomicU64,
    kept_bytes: AtomicU64,
}

/// Stores everything below the root; on an error nothing stays in the stage.
pub fn adopt(io: &dyn Io, control: &Control, request: &Request<'_>) -> WorkResult<Adopted> {
    on_threads(request.threads, || {
        let sink = PackSink::new(io, request.stage, request.level, request.seed, request.owner);
        let create =
            |cache: &CacheRequest<'_>| CacheWriter::create(io, cache.directory, cache.name, cache.settled_below_ns);
        let cache = request.cache.as_ref().map(create).transpose()?;
        let adopted = store_all(io, control, request, &sink, cache.as_ref())?;
        if let Some(cache) = cache {
            cache.finish()?;
        }
        Ok(adopted)
    })
}

fn store_all<'b>(
    io: &dyn Io,
    control: &Control,
    request: &Request<'_>,
    sink: &PackSink<'b>,
    cache: Option<&CacheWriter<'b>>,
) -> WorkResult<Adopted> {
    let counter = AtomicU64::default;
    let (problems, hard_links, kept_files, kept_bytes) = (Mutex::default(), counter(), counter(), counter());
    let walk = Walk { io, request, control, sink, cache, problems, hard_links, kept_files, kept_bytes };
    let (files, count) = walk.directory(request.root, b"")?;
    let changes = changes::put_created(sink, control, files)?;
    let packs = sink.finish()?;
    let mut problems = walk.problems.into_inner().unwrap_or_else(PoisonError::into_inner);
    problems.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let (hard_links, kept_files) = (walk.hard_links.into_inner(), walk.kept_files.into_inner());
    let kept_bytes = walk.kept_bytes.into_inner();
    let bytes_written = sink.bytes_written.load(Ordering::Relaxed);
    Ok(Adopted { files, count, changes, problems, hard_links, kept_files, kept_bytes, packs, bytes_written })
}

/// A kept entry, and what the disk said of it where it is a file.
struct Kept {
    encoded: Encoded,
    seen: Option<Seen>,
}

enum Found {
    Leaf(Vec<u8>, FileStat),
    Directory(Vec<u8>, FileStat),
}

impl Walk<'_, '_> {
    fn directory(&self, handle: &Directory, path: &[u8]) -> WorkResult<(Link, u64)> {
        self.control.check()?;
        let mut listed = self.io.list(handle)?;
        listed.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        let found: Vec<Option<Found>> = listed
            .into_par_iter()
            .with_min_len(16)
            .map(|item| self.find(handle, path, item.name))
            .collect::<Result<_, _>>()?;
        let found: Vec<Found> = found.into_iter().flatten().collect();
        let keep = |found: &Found| match found {
            Found::Leaf(name, stat) => self.leaf(handle, path, name, stat),
            Found::Directory(name, stat) => self.below(handle, path, name, stat),
        };
        let kept: Vec<Option<Kept>> = found.par_iter().with_max_len(8).map(keep).collect::<Result<_, _>>()?;
        let kept: Vec<Kept> = kept.into_iter().flatten().collect();
        let (entries, seen): (Vec<Encoded>, Vec<Option<Seen>>) =
            kept.into_iter().map(|kept| (kept.encoded, kept.seen)).unzip();
        let link = put_directory(self.sink, &entries)?;
        if let Some(cache) = self.cache {
            let items: Vec<_> = entries.iter().zip(seen.iter().map(Option::as_ref)).collect();
            cache.add(path, &link.id, &items)?;
        }
        Ok((link, entries.len() as u64))
    }

    /// None for what is left out.
    fn find(&self, handle: &Directory, path: &[u8], name: Vec<u8>) -> WorkResult<Option<Found>> {
        if path.is_empty() && self.request.outside.contains(&name) {
            return Ok(None);
        }
        let Some(stat) = self.io.stat(handle, &name)? else { return Ok(None) };
        let full = join(path, &name);
        if self.request.rules.leave_out(&full, stat.kind == FileKind::Directory) {
            return Ok(None);
        }
        Ok(match stat.kind {
            FileKind::Directory => Some(Found::Directory(name, stat)),
            FileKind::Other => {
                self.problem(full, Reason::NotAFile);
                None
            }
            _ => Some(Found::Leaf(name, stat)),
        })
    }

    fn problem(&self, path: Vec<u8>, reason: Reason) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push((path, reason));
    }

    fn below(&self, handle: &Directory, path: &[u8], name: &[u8], stat: &FileStat) -> WorkResult<Option<Kept>> {
        let full = join(path, name);
        let child = match self.io.child(handle, name) {
            Err(error) if error.code == "NOT_FOUND" => return Ok(None),
            Err(error) if error.is(&["DENIED", "IO", "SYMLINK", "NOT_A_DIRECTORY"]) => {
                self.problem(full, if error.code == "DENIED" { Reason::Denied } else { Reason::Changes });
                return Ok(None);
            }
            opened => opened?,
        };
        let (content, size) = self.directory(&child, &full)?;
        let fields = EntryFields { kind: EntryKind::Directory, mode: stat.mode, size, content };
        Ok(Some(kept(name, &fields, None)))
    }

    fn leaf(&self, handle: &Directory, path: &[u8], name: &[u8], stat: &FileStat) -> WorkResult<Option<Kept>> {
        self.control.check()?;
        self.control.advance(1);
        let outcome = if stat.kind == FileKind::Symlink { self.symlink(handle, name) } else { self.file(handle, name) };
        let reason = match outcome {
            Ok(Some(kept)) => return Ok(Some(kept)),
            Ok(None) => Reason::Changes,
            Err(Failure::Read(error)) if error.is(&["NOT_FOUND", "SYMLINK", "IS_A_DIRECTORY"]) => Reason::Changes,
            Err(Failure::Read(error)) if error.code == "DENIED" => Reason::Denied,
            Err(Failure::Read(error)) if error.code == "IO" => Reason::Disk,
            Err(Failure::Read(error)) => return Err(error.into()),
            Err(Failure::Write(error)) => return Err(error),
        };
        self.problem(join(path, name), reason);
        Ok(None)
    }

    fn symlink(&self, handle: &Directory, name: &[u8]) -> Result<Option<Kept>, Failure> {
        let target = self.io.read_link(handle, name)?;
        let id = self.sink.put(ObjectKind::Chunk, &target).map_err(Failure::Write)?;
        let content = Link { codec: Codec::Raw, id };
        let size = target.len() as u64;
        let fields = EntryFields { kind: EntryKind::Symlink, mode: SYMLINK_MODE, size, content };
        Ok(Some(kept(name, &fields, None)))
    }

    /// None when it changes whenever it is read.
    fn file(&self, handle: &Directory, name: &[u8]) -> Result<Option<Kept>, Failure> {
        for _ in 0..READ_ATTEMPTS {
            let file = self.io.open(handle, name, OpenMode::Read)?;
            let stat = self.io.file_stat(&file)?;
            let read = |into: &mut [u8], position| Ok(self.io.read_at(&file, into, position)?);
            let (content, size) = cut_content(&mut Store { sink: self.sink, control: self.control }, stat.size, read)?;
            if self.io.file_stat(&file)? != stat || size != stat.size {
                continue;
            }
            if stat.links > 1 {
                self.hard_links.fetch_add(1, Ordering::Relaxed);
            }
            self.kept_files.fetch_add(1, Ordering::Relaxed);
            self.kept_bytes.fetch_add(size, Ordering::Relaxed);
            let fields = EntryFields { kind: EntryKind::File, mode: stat.mode, size, content };
            return Ok(Some(kept(name, &fields, Some(Seen { stat, content }))));
        }
        Ok(None)
    }
}

fn kept(name: &[u8], fields: &EntryFields, seen: Option<Seen>) -> Kept {
    let encoded = Encoded { name: name.to_vec(), bytes: encode_entry(name, fields) };
    Kept { encoded, seen }
}

/// A file that can not be read is left out; a store that can not be written ends the work.
enum Failure {
    Read(IoError),
    Write(WorkError),
}

impl From<IoError> for Failure {
    fn from(error: IoError) -> Self {
        Failure::Read(error)
    }
}

struct Store<'a, 'b> {
    sink: &'a PackSink<'b>,
    control: &'a Control,
}

impl PieceSink for Store<'_, '_> {
    type Error = Failure;

    fn chunk(&mut self, bytes: &[u8]) -> Result<ObjectId, Failure> {
        self.control.check().map_err(Failure::Write)?;
        self.sink.put(ObjectKind::Chunk, bytes).map_err(Failure::Write)
    }

    fn list(&mut self, bytes: &[u8]) -> Result<ObjectId, Failure> {
        self.sink.put(ObjectKind::List, bytes).map_err(Failure::Write)
    }
}

fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}
