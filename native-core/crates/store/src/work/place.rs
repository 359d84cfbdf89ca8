//! Staged files into the tree, and new directories: by renames that never overwrite what was not seen. Where something is
//! to be replaced both change places, the displaced file is looked at, and put back when it is not what was decided on.
//! Twin of `placeOne` in `src/core/worktree/apply.ts`, which does what is left over and says why.

use rayon::prelude::*;

use super::WorkResult;
use super::content::{NamesOnly, cut_content};
use super::control::{Control, on_threads};
use super::packed::Reader;
use super::stat_cache::CachedStat;
use crate::format::id::{Codec, Link};
use crate::io::{Directory, FileKind, FileStat, Io, IoResult, OpenMode};

/// What shall be at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub index: u32,
    pub path: Vec<u8>,
    /// A directory of this mode, or a staged file.
    pub directory: Option<u16>,
    /// What the disk held when that was decided, of a file or symlink; None: nothing may be there.
    pub seen: Option<Seen>,
    /// The content of what was seen, where its times are too young to tell a change in the same tick.
    pub recheck: Option<Link>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    pub kind: FileKind,
    stat: CachedStat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done = 0,
    /// Something else is there.
    Drifted = 1,
    /// Nothing was changed: TypeScript tries it, and tells what is wrong.
    Left = 2,
}

pub struct Request<'a> {
    pub root: &'a Directory,
    /// `.runtime/stage`
    pub stage: &'a Directory,
    pub prefix: &'a [u8],
    /// Sorted by path.
    pub items: Vec<Item>,
    pub threads: usize,
}

impl Item {
    /// As `src/core/native/place.ts` writes them.
    pub fn read(reader: &mut Reader<'_>) -> Option<Item> {
        let index = u32::from_le_bytes(reader.fixed()?);
        let length = u16::from_le_bytes(reader.fixed()?);
        let path = reader.take(length.into())?.to_vec();
        let kind = reader.fixed::<1>()?[0];
        let mode = u16::from_le_bytes(reader.fixed()?);
        let seen = match reader.fixed::<1>()?[0] {
            0 => None,
            1 => Some(Seen { kind: FileKind::File, stat: read_stat(reader)? }),
            _ => Some(Seen { kind: FileKind::Symlink, stat: read_stat(reader)? }),
        };
        let recheck = match reader.fixed::<1>()?[0] {
            0 => None,
            1 => Some(Link { codec: Codec::Raw, id: reader.fixed()? }),
            _ => Some(Link { codec: Codec::DagCbor, id: reader.fixed()? }),
        };
        Some(Item { index, path, directory: (kind == 1).then_some(mode), seen, recheck })
    }

    fn parent(&self) -> &[u8] {
        self.path.iter().rposition(|byte| *byte == b'/').map_or(&[], |slash| &self.path[..slash])
    }

    fn name(&self) -> &[u8] {
        self.path.iter().rposition(|byte| *byte == b'/').map_or(&self.path[..], |slash| &self.path[slash + 1..])
    }
}

fn read_stat(reader: &mut Reader<'_>) -> Option<CachedStat> {
    Some(CachedStat {
        dev: f64::from_le_bytes(reader.fixed()?),
        inode: u64::from_le_bytes(reader.fixed()?),
        size: f64::from_le_bytes(reader.fixed()?),
        mode: u16::from_le_bytes(reader.fixed()?),
        mtime_ns: i64::from_le_bytes(reader.fixed()?),
        ctime_ns: i64::from_le_bytes(reader.fixed()?),
        content: Link { codec: Codec::Raw, id: [0; 32] },
    })
}

impl Seen {
    fn is(&self, stat: &FileStat) -> bool {
        self.kind == stat.kind && self.stat.is(stat)
    }

    /// The same after a rename, which sets the time of the last change of the inode.
    fn is_moved(&self, stat: &FileStat) -> bool {
        self.is(&FileStat { ctime_ns: self.stat.ctime_ns, ..*stat })
    }
}

/// Puts everything in place; one outcome an item. Behind the commit: nobody stops it.
pub fn place(io: &dyn Io, control: &Control, request: &Request<'_>) -> WorkResult<Vec<Outcome>> {
    on_threads(request.threads, || {
        let mut outcomes = vec![Outcome::Left; request.items.len()];
        for (item, outcome) in request.items.iter().zip(&mut outcomes) {
            if let Some(mode) = item.directory {
                *outcome = make_directory(io, request.root, item, mode);
            }
        }
        let mut work: Vec<(&Item, &mut Outcome)> =
            request.items.iter().zip(&mut outcomes).filter(|(item, _)| item.directory.is_none()).collect();
        let groups: Vec<&mut [(&Item, &mut Outcome)]> =
            work.chunk_by_mut(|(left, _), (right, _)| left.parent() == right.parent()).collect();
        groups.into_par_iter().for_each(|group| {
            let Ok(parent) = open_below(io, request.root, group[0].0.parent()) else { return };
            for (item, outcome) in group {
                control.advance(1);
                **outcome = place_file(io, request, &parent, item).unwrap_or(Outcome::Left);
            }
        });
        Ok(outcomes)
    })
}

fn make_directory(io: &dyn Io, root: &Directory, item: &Item, mode: u16) -> Outcome {
    let made = open_below(io, root, item.parent()).and_then(|parent| io.make_directory(&parent, item.name(), mode));
    if made.is_ok() { Outcome::Done } else { Outcome::Left }
}

/// So many flushes wait at a time: those that wait together are answered together.
const FLUSH_THREADS: usize = 16;

/// Makes the names in these directories durable; one that is no directory any more is passed over.
pub fn flush_directories(io: &dyn Io, root: &Directory, paths: &[Vec<u8>]) -> WorkResult<()> {
    on_threads(FLUSH_THREADS, || {
        paths.par_iter().with_max_len(1).try_for_each(|path| match open_below(io, root, path) {
            Err(error) if error.is(&["NOT_FOUND", "NOT_A_DIRECTORY", "SYMLINK"]) => Ok(()),
            opened => Ok(io.flush_directory(&opened?)?),
        })
    })
}

/// Component by component, never through a symlink.
fn open_below(io: &dyn Io, root: &Directory, path: &[u8]) -> IoResult<Directory> {
    let mut parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    let Some(first) = parts.next() else { return io.child_self(root) };
    let mut directory = io.child(root, first)?;
    for part in parts {
        directory = io.child(&directory, part)?;
    }
    Ok(directory)
}

fn place_file(io: &dyn Io, request: &Request<'_>, parent: &Directory, item: &Item) -> IoResult<Outcome> {
    let staged = [request.prefix, item.index.to_string().as_bytes()].concat();
    let (stage, name) = (request.stage, item.name());
    let Some(seen) = &item.seen else {
        return match io.rename_new(stage, &staged, parent, name) {
            Err(error) if error.code == "EXISTS" => Ok(Outcome::Drifted),
            outcome => outcome.map(|()| Outcome::Done),
        };
    };
    match io.stat(parent, name)? {
        Some(now) if seen.is(&now) => {}
        _ => return Ok(Outcome::Drifted),
    }
    match io.exchange(stage, &staged, parent, name) {
        Err(error) if error.code == "NOT_FOUND" => return Ok(Outcome::Drifted),
        outcome => outcome?,
    }
    if is_displaced(io, (stage, &staged), seen, item.recheck).unwrap_or(false) {
        // What is replaced is in the store, or was decided to go. If it stays, the next writer empties the stage.
        let _ = io.remove_file(stage, &staged);
        return Ok(Outcome::Done);
    }
    if io.exchange(stage, &staged, parent, name).is_err() {
        // Somebody's work must not be left where it would be thrown away.
        io.rename_new(stage, &staged, parent, &[name, b".displaced"].concat())?;
    }
    Ok(Outcome::Drifted)
}

/// Whether what was displaced is what was decided on.
fn is_displaced(io: &dyn Io, (stage, name): (&Directory, &[u8]), seen: &Seen, recheck: Option<Link>) -> IoResult<bool> {
    if !io.stat(stage, name)?.is_some_and(|displaced| seen.is_moved(&displaced)) {
        return Ok(false);
    }
    let (Some(link), FileKind::File) = (recheck, seen.kind) else { return Ok(true) };
    let file = io.open(stage, name, OpenMode::Read)?;
    let read = |into: &mut [u8], position| io.read_at(&file, into, position);
    let (found, _) = cut_content(&mut NamesOnly, io.file_stat(&file)?.size, read)?;
    Ok(found == link)
}
