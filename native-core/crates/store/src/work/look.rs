//! The look at a tree: which names are as they are recorded. What is not is only named: TypeScript goes there itself
//! (`src/core/worktree/scan.ts`), so what differs is told in one place only. Contents that the stat cache does not know are
//! read here, on all processors, and remembered.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::WorkResult;
use super::content::{NamesOnly, cut_content};
use super::control::{Control, on_threads};
use super::ignore::Rules;
use super::nodes::{EntryKind, kind_of};
use super::source::Source;
use super::stat_cache::{CachedDirectory, CachedItem, CachedStat, Recorded, Seen, StatCache, encode_block};
use crate::format::id::{Codec, Link, ObjectId};
use crate::io::{Directory, FileKind, FileStat, Io, IoResult, Listed, OpenMode};

const SYMLINK_SIZE_MAX: f64 = 4095.0;
/// Up to so many names of a directory are looked at by one thread.
const NAMES_A_TASK: usize = 64;

pub struct Request<'a> {
    pub root: &'a Directory,
    /// The node of the recorded top.
    pub files: ObjectId,
    pub source: &'a Source<'a>,
    pub cache: &'a StatCache,
    /// A stat with both times below it may be remembered.
    pub settled_below_ns: i64,
    pub rules: &'a Rules,
    /// Names at the top that are no part of the files.
    pub outside: &'a [Vec<u8>],
    /// 0: one a processor.
    pub threads: usize,
}

/// What the look counted of names that are as they are recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// And symlinks.
    pub files: u64,
    pub ignored: u64,
    pub hashed: u64,
    pub hashed_bytes: u64,
}

/// A directory that was looked at. What is not told is either below one that is `whole`, or to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub path: Vec<u8>,
    /// The recorded node that it was compared with.
    pub node: ObjectId,
    /// All in it and below it is as it is recorded; the counts then are of all of it.
    pub whole: bool,
    pub counts: Counts,
    /// Names that have to be looked at.
    pub suspects: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    pub known: Vec<Known>,
    /// New blocks of the stat cache, one behind the other, of directories of which other things are to be remembered.
    pub blocks: Vec<u8>,
}

/// Looks at everything.
pub fn look(io: &dyn Io, control: &Control, request: &Request<'_>) -> WorkResult<Looked> {
    on_threads(request.threads, || {
        let look = Look { io, control, request, blocks: Mutex::default() };
        let outcome = look.directory(request.root, b"", request.files)?;
        let blocks = look.blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Looked { known: outcome.into_known(), blocks })
    })
}

struct Look<'a> {
    io: &'a dyn Io,
    control: &'a Control,
    request: &'a Request<'a>,
    blocks: Mutex<Vec<u8>>,
}

/// What came of one directory: of itself, and what is to be told of those below.
struct Outcome {
    own: Option<Known>,
    below: Vec<Known>,
}

impl Outcome {
    fn unknown() -> Self {
        Outcome { own: None, below: Vec::new() }
    }

    fn into_known(self) -> Vec<Known> {
        self.own.into_iter().chain(self.below).collect()
    }
}

/// One name in the record, on disk, or in both.
struct Pair<'a> {
    disk: Option<&'a Listed>,
    item: Option<&'a CachedItem<'a>>,
}

/// What was found at one name.
#[derive(Default)]
struct Found {
    suspect: bool,
    ignored: bool,
    /// As recorded: a file or symlink.
    leaf: bool,
    directory: Option<ObjectId>,
    hashed_bytes: Option<u64>,
    /// May be remembered.
    seen: Option<Seen>,
    /// It was not in the cache.
    fresh: bool,
}

impl Found {
    fn suspect() -> Self {
        Found { suspect: true, ..Found::default() }
    }
}

impl Look<'_> {
    fn directory(&self, handle: &Directory, path: &[u8], node: ObjectId) -> WorkResult<Outcome> {
        self.control.check()?;
        let Ok(mut listed) = self.io.list(handle) else { return Ok(Outcome::unknown()) };
        if path.is_empty() {
            listed.retain(|item| !self.request.outside.contains(&item.name));
        }
        listed.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        let cached = self.request.cache.directory(path);
        let is_same = cached.as_ref().is_some_and(|cached| cached.node == Some(node));
        let read = if is_same { None } else { self.request.source.entries(&node) };
        let items = match (&cached, &read) {
            (Some(cached), _) if is_same => cached.items.clone(),
            (_, None) => return Ok(Outcome::unknown()),
            (cached, Some(entries)) => {
                let fields = entries.iter().map(|entry| (&entry.encoded.name[..], Recorded::of(&entry.fields)));
                merged(fields, cached.as_ref())
            }
        };
        let pairs = pairs_of(&listed, &items);
        let found: Vec<Found> =
            pairs.par_iter().with_min_len(NAMES_A_TASK).map(|pair| self.pair(handle, path, pair)).collect();
        self.remember(path, node, &pairs, &found, cached.as_ref().filter(|_| is_same));
        let own = known_of(path, node, &pairs, &found);
        self.control.advance(own.counts.files);
        let directories: Vec<(&[u8], ObjectId)> =
            pairs.iter().zip(&found).filter_map(|(pair, found)| Some((pair.name(), found.directory?))).collect();
        let below = |(name, recorded): &(&[u8], ObjectId)| self.below(handle, path, name, *recorded);
        let below: Vec<Outcome> = directories.par_iter().map(below).collect::<Result<_, _>>()?;
        Ok(combine(own, below))
    }

    fn below(&self, handle: &Directory, path: &[u8], name: &[u8], recorded: ObjectId) -> WorkResult<Outcome> {
        match self.io.child(handle, name) {
            Ok(child) => self.directory(&child, &join(path, name), recorded),
            Err(_) => Ok(Outcome::unknown()),
        }
    }

    fn pair(&self, handle: &Directory, path: &[u8], pair: &Pair<'_>) -> Found {
        let Some(disk) = pair.disk else { return Found::suspect() };
        let Some((item, recorded)) = pair.recorded() else { return self.new_name(path, disk) };
        let Ok(Some(stat)) = self.io.stat(handle, &disk.name) else { return Found::suspect() };
        let kind = kind_of(recorded.kind.into());
        match (stat.kind, kind) {
            (FileKind::Directory, Some(EntryKind::Directory)) => {
                Found { suspect: recorded.mode != stat.mode, directory: Some(recorded.content.id), ..Found::default() }
            }
            (FileKind::File, Some(EntryKind::File)) => self.file(handle, item, recorded, stat),
            (FileKind::Symlink, Some(EntryKind::Symlink)) => {
                let same =
                    recorded.size <= SYMLINK_SIZE_MAX && self.target(handle, &disk.name) == Some(recorded.content);
                Found { suspect: !same, leaf: same, ..Found::default() }
            }
            _ => Found::suspect(),
        }
    }

    /// A name that is not recorded: nothing new, if it is left out.
    fn new_name(&self, path: &[u8], disk: &Listed) -> Found {
        let ignored = self.request.rules.leave_out(&join(path, &disk.name), disk.kind == FileKind::Directory);
        Found { suspect: !ignored, ignored, ..Found::default() }
    }

    fn file(&self, handle: &Directory, item: &CachedItem<'_>, recorded: &Recorded, stat: FileStat) -> Found {
        let as_recorded = |stat: &FileStat, content: &Link| *content == recorded.content && stat.mode == recorded.mode;
        if let Some(CachedStat { content, .. }) = item.disk.filter(|known| known.is(&stat)) {
            let same = as_recorded(&stat, &content);
            return Found { suspect: !same, leaf: same, seen: Some(Seen { stat, content }), ..Found::default() };
        }
        if stat.size as f64 != recorded.size {
            return Found::suspect();
        }
        let Ok(Some(seen)) = self.read(handle, item.name) else { return Found::suspect() };
        let same = as_recorded(&seen.stat, &seen.content);
        let settled = seen.stat.is_settled(self.request.settled_below_ns);
        // What is not remembered and differs is read again by who tells of it, and counted there.
        let hashed_bytes = (same || settled).then_some(seen.stat.size);
        Found {
            suspect: !same,
            leaf: same,
            hashed_bytes,
            seen: settled.then_some(seen),
            fresh: true,
            ..Found::default()
        }
    }

    /// A file's content, and the stat that belongs to it; none when it changes meanwhile.
    fn read(&self, handle: &Directory, name: &[u8]) -> IoResult<Option<Seen>> {
        let file = self.io.open(handle, name, OpenMode::Read)?;
        let stat = self.io.file_stat(&file)?;
        let control = self.control;
        let read = |into: &mut [u8], position| match control.check() {
            // The directory's own check ends the work.
            Err(_) => Ok(0),
            Ok(()) => self.io.read_at(&file, into, position),
        };
        let (content, size) = cut_content(&mut NamesOnly, stat.size, read)?;
        let same = self.io.file_stat(&file)? == stat && size == stat.size;
        Ok(same.then_some(Seen { stat, content }))
    }

    fn target(&self, handle: &Directory, name: &[u8]) -> Option<Link> {
        let target = self.io.read_link(handle, name).ok()?;
        Some(Link { codec: Codec::Raw, id: blake3::hash(&target).into() })
    }

    /// Keeps a new block, unless the old one, of the same node, says just this.
    fn remember(
        &self,
        path: &[u8],
        node: ObjectId,
        pairs: &[Pair<'_>],
        found: &[Found],
        cached: Option<&CachedDirectory<'_>>,
    ) {
        let hits = found.iter().filter(|found| found.seen.is_some() && !found.fresh).count();
        let learned = found.iter().any(|found| found.seen.is_some() && found.fresh);
        let known = cached.map(|cached| cached.items.iter().filter(|item| item.disk.is_some()).count());
        if known == Some(hits) && !learned {
            return;
        }
        let items: Vec<_> = pairs
            .iter()
            .zip(found)
            .filter_map(|(pair, found)| {
                let (item, recorded) = pair.recorded()?;
                Some((item.name, recorded, found.seen.as_ref()))
            })
            .collect();
        let block = encode_block(path, &node, items.into_iter());
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&block);
    }
}

impl<'a> Pair<'a> {
    fn name(&self) -> &'a [u8] {
        self.item.map(|item| item.name).or(self.disk.map(|disk| &disk.name[..])).unwrap_or_default()
    }

    fn recorded(&self) -> Option<(&'a CachedItem<'a>, &'a Recorded)> {
        self.item.and_then(|item| Some((item, item.recorded.as_ref()?)))
    }
}

/// Recorded entries, each with what the cache knows of the name on disk; both in name order.
fn merged<'a>(
    entries: impl Iterator<Item = (&'a [u8], Recorded)>,
    cached: Option<&CachedDirectory<'a>>,
) -> Vec<CachedItem<'a>> {
    let mut known = cached.map_or(&[][..], |cached| &cached.items[..]).iter().peekable();
    entries
        .map(|(name, recorded)| {
            while known.next_if(|item| item.name < name).is_some() {}
            let disk = known.next_if(|item| item.name == name).and_then(|item| item.disk);
            CachedItem { name, recorded: Some(recorded), disk }
        })
        .collect()
}

/// Both sides in name order; each name once.
fn pairs_of<'a>(listed: &'a [Listed], items: &'a [CachedItem<'a>]) -> Vec<Pair<'a>> {
    let mut pairs = Vec::with_capacity(listed.len().max(items.len()));
    let mut items = items.iter().filter(|item| item.recorded.is_some()).peekable();
    for disk in listed {
        while let Some(item) = items.next_if(|item| item.name < &disk.name[..]) {
            pairs.push(Pair { disk: None, item: Some(item) });
        }
        let item = items.next_if(|item| item.name == &disk.name[..]);
        pairs.push(Pair { disk: Some(disk), item });
    }
    pairs.extend(items.map(|item| Pair { disk: None, item: Some(item) }));
    pairs
}

fn known_of(path: &[u8], node: ObjectId, pairs: &[Pair<'_>], found: &[Found]) -> Known {
    let mut counts = Counts::default();
    for one in found {
        counts.files += u64::from(one.leaf);
        counts.ignored += u64::from(one.ignored);
        counts.hashed += u64::from(one.hashed_bytes.is_some());
        counts.hashed_bytes += one.hashed_bytes.unwrap_or(0);
    }
    let suspects = pairs.iter().zip(found).filter(|(_, found)| found.suspect).map(|(pair, _)| pair.name().to_vec());
    Known { path: path.to_vec(), node, whole: false, counts, suspects: suspects.collect() }
}

fn combine(mut own: Known, below: Vec<Outcome>) -> Outcome {
    let is_whole = |outcome: &Outcome| outcome.own.as_ref().is_some_and(|own| own.whole);
    own.whole = own.suspects.is_empty() && below.iter().all(is_whole);
    if !own.whole {
        return Outcome { own: Some(own), below: below.into_iter().flat_map(Outcome::into_known).collect() };
    }
    for Known { counts, .. } in below.into_iter().filter_map(|outcome| outcome.own) {
        own.counts.files += counts.files;
        own.counts.ignored += counts.ignored;
        own.counts.hashed += counts.hashed;
        own.counts.hashed_bytes += counts.hashed_bytes;
    }
    Outcome { own: Some(own), below: Vec::new() }
}

fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}
