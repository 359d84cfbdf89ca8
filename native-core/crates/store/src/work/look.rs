//! The look at a tree against the stat cache: which directories are to the last stat as they were found. TypeScript goes
//! through the others itself (`src/core/worktree/scan.ts`), so what differs is told in one place only.

use rayon::prelude::*;

use super::WorkResult;
use super::cbor::{Codec, Id, Link};
use super::control::{Control, on_threads};
use super::ignore::Rules;
use super::nodes::EntryKind;
use super::stat_cache::{CachedDirectory, CachedItem, StatCache};
use crate::io::{Directory, FileKind, Io, Listed};

const SYMLINK_SIZE_MAX: f64 = 4095.0;

pub struct Request<'a> {
    pub root: &'a Directory,
    pub cache: &'a StatCache,
    pub rules: &'a Rules,
    /// Names at the top that are no part of the files.
    pub outside: &'a [Vec<u8>],
    /// 0: one a processor.
    pub threads: usize,
}

/// A directory of which something is known. What is not told is either below one that is `whole`, or to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub path: Vec<u8>,
    /// The recorded node that it was compared with.
    pub node: Id,
    /// All below is so too; the counts then are of all of it.
    pub whole: bool,
    pub files: u64,
    pub ignored: u64,
}

/// Looks at everything that the cache knows.
pub fn look(io: &dyn Io, control: &Control, request: &Request<'_>) -> WorkResult<Vec<Known>> {
    on_threads(request.threads, || {
        let look = Look { io, control, request };
        let outcome = look.directory(request.root, b"")?;
        Ok(outcome.into_known())
    })
}

struct Look<'a> {
    io: &'a dyn Io,
    control: &'a Control,
    request: &'a Request<'a>,
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

/// A directory's own entries, compared.
struct Compared<'a> {
    clean: bool,
    files: u64,
    ignored: u64,
    /// Recorded and on disk, with their nodes.
    directories: Vec<(&'a [u8], Id)>,
}

impl Look<'_> {
    fn directory(&self, handle: &Directory, path: &[u8]) -> WorkResult<Outcome> {
        self.control.check()?;
        let Some(cached) = self.request.cache.directory(path) else { return Ok(Outcome::unknown()) };
        let (Some(node), Ok(listed)) = (cached.node, self.io.list(handle)) else { return Ok(Outcome::unknown()) };
        let compared = self.compare(handle, path, listed, &cached);
        self.control.advance(compared.files);
        let below = |(name, recorded): &(&[u8], Id)| self.below(handle, path, name, *recorded);
        let below: Vec<(bool, Outcome)> = compared.directories.par_iter().map(below).collect::<Result<_, _>>()?;
        Ok(combine(path, node, &compared, below))
    }

    /// Whether all below is as the directory above has it recorded.
    fn below(&self, handle: &Directory, path: &[u8], name: &[u8], recorded: Id) -> WorkResult<(bool, Outcome)> {
        let Ok(child) = self.io.child(handle, name) else { return Ok((false, Outcome::unknown())) };
        let full = if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
        let outcome = self.directory(&child, &full)?;
        let whole = outcome.own.as_ref().is_some_and(|own| own.whole && own.node == recorded);
        Ok((whole, outcome))
    }

    fn compare<'a>(
        &self,
        handle: &Directory,
        path: &[u8],
        mut listed: Vec<Listed>,
        cached: &CachedDirectory<'a>,
    ) -> Compared<'a> {
        if path.is_empty() {
            listed.retain(|item| !self.request.outside.contains(&item.name));
        }
        listed.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        let mut compared = Compared { clean: true, files: 0, ignored: 0, directories: Vec::new() };
        let mut items = cached.items.iter().peekable();
        for disk in &listed {
            while items.next_if(|item| item.name < &disk.name[..]).is_some() {
                compared.clean = false;
            }
            match items.next_if(|item| item.name == &disk.name[..]) {
                Some(item) => self.compare_item(handle, disk, item, &mut compared),
                None => self.compare_new(path, disk, &mut compared),
            }
        }
        compared.clean &= items.next().is_none();
        compared
    }

    fn compare_item<'a>(&self, handle: &Directory, disk: &Listed, item: &CachedItem<'a>, compared: &mut Compared<'a>) {
        let (Some(recorded), Ok(Some(stat))) = (item.recorded, self.io.stat(handle, &disk.name)) else {
            compared.clean = false;
            return;
        };
        compared.clean &= match stat.kind {
            FileKind::Directory if recorded.kind == EntryKind::Directory as u8 => {
                compared.directories.push((item.name, recorded.content.id));
                recorded.mode == stat.mode
            }
            FileKind::File if recorded.kind == EntryKind::File as u8 => {
                compared.files += 1;
                let known = item.disk.filter(|known| known.is(&stat));
                known.is_some_and(|known| known.content == recorded.content) && recorded.mode == stat.mode
            }
            FileKind::Symlink if recorded.kind == EntryKind::Symlink as u8 => {
                compared.files += 1;
                recorded.size <= SYMLINK_SIZE_MAX && self.target(handle, &disk.name) == Some(recorded.content)
            }
            _ => false,
        };
    }

    fn target(&self, handle: &Directory, name: &[u8]) -> Option<Link> {
        let target = self.io.read_link(handle, name).ok()?;
        Some(Link { codec: Codec::Raw, id: blake3::hash(&target).into() })
    }

    /// A name that is not recorded: nothing new, if it is left out.
    fn compare_new(&self, path: &[u8], disk: &Listed, compared: &mut Compared<'_>) {
        let full = if path.is_empty() { disk.name.clone() } else { [path, b"/", &disk.name].concat() };
        if self.request.rules.leave_out(&full, disk.kind == FileKind::Directory) {
            compared.ignored += 1;
        } else {
            compared.clean = false;
        }
    }
}

fn combine(path: &[u8], node: Id, compared: &Compared<'_>, below: Vec<(bool, Outcome)>) -> Outcome {
    let whole = compared.clean && below.iter().all(|(whole, _)| *whole);
    let (mut files, mut ignored) = (compared.files, compared.ignored);
    let mut told = Vec::new();
    for (_, outcome) in below {
        match &outcome.own {
            Some(own) if whole => {
                files += own.files;
                ignored += own.ignored;
            }
            _ => told.extend(outcome.into_known()),
        }
    }
    let own = compared.clean.then(|| Known { path: path.to_vec(), node, whole, files, ignored });
    Outcome { own, below: told }
}
