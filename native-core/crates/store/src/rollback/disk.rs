//! The governed tree as a rollback meets it: whether the disk holds what the record says, path by path and name by name,
//! without following a symlink; and putting the new in place by renames.

use crate::error::{Result, StoreError};
use crate::format::bytes::display_bytes;
use crate::format::changes::{Change, last_name};
use crate::format::chunker::next_cut;
use crate::format::constants::CHUNK_BYTES_MAX;
use crate::format::content::ContentBuilder;
use crate::format::id::{Link, object_id};
use crate::format::node::{Entry, EntryKind};
use crate::history::History;
use crate::io::{Directory, FileKind, FileStat, IoError, OpenMode};
use crate::verify::child;

const STAGE_MODE: u16 = 0o600;
const STAGE_DIRECTORY_MODE: u16 = 0o700;

/// What was seen where a change goes; just before it is made, it must still be so.
pub struct Seen {
    stat: Option<FileStat>,
}

/// The directory that holds a path's last name.
enum Parent<'a> {
    Top(&'a Directory),
    Below(Directory),
}

impl Parent<'_> {
    fn get(&self) -> &Directory {
        match self {
            Parent::Top(directory) => directory,
            Parent::Below(directory) => directory,
        }
    }
}

pub struct Disk<'a> {
    pub history: &'a History<'a>,
}

fn error_at(code: &'static str, path: &[u8], found: impl Into<String>) -> StoreError {
    StoreError::new(code).at(display_bytes(path)).found(found)
}

impl Disk<'_> {
    /// The directory that holds the last name of a path; none when it is not there.
    fn parent(&self, path: &[u8]) -> Result<Option<Parent<'_>>> {
        let root = &self.history.root;
        let mut at = Parent::Top(&root.top);
        let mut names = path.split(|byte| *byte == b'/').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                break;
            }
            match child(root.io, at.get(), name) {
                Ok(Some(below)) => at = Parent::Below(below),
                Ok(None) => return Ok(None),
                Err(error) if error.is(&["SYMLINK"]) => {
                    return Err(error_at("SYMLINK_IN_PATH", path, "a symlink stands in the middle of the path"));
                }
                Err(error) if error.is(&["NOT_A_DIRECTORY"]) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(at))
    }

    /// The same while changes are made: a symlink that came into the way is another tree.
    fn parent_or_io(&self, path: &[u8]) -> std::result::Result<Option<Parent<'_>>, IoError> {
        match self.parent(path) {
            Ok(parent) => Ok(parent),
            Err(error) if error.code == "SYMLINK_IN_PATH" => Ok(None),
            Err(error) => Err(IoError::new(error.code, "open", path)),
        }
    }

    /// DRIFT unless the disk holds what the state in force has at the path of a change.
    pub fn check(&self, change: &Change, is_kept_below: &dyn Fn(&[u8]) -> bool) -> Result<Seen> {
        let root = &self.history.root;
        let drift = |found: &str| Err(error_at("DRIFT", &change.path, found));
        let parent = self.parent(&change.path)?;
        let name = last_name(&change.path);
        let stat = parent.as_ref().map(|parent| root.io.stat(parent.get(), name)).transpose()?.flatten();
        let (entry, parent, stat) = match (&change.before, parent, stat) {
            (None, _, None) => return Ok(Seen { stat: None }),
            (None, _, Some(_)) => return drift("something that no record knows stands there"),
            (Some(_), _, None) | (Some(_), None, _) => return drift("it is gone from the disk"),
            (Some(entry), Some(parent), Some(stat)) => (entry, parent, stat),
        };
        let parent = parent.get();
        let kind = match entry.kind {
            EntryKind::File => FileKind::File,
            EntryKind::Directory => FileKind::Directory,
            EntryKind::Symlink => FileKind::Symlink,
        };
        if stat.kind != kind || stat.dev != root.io.self_stat(&root.top)?.dev {
            return drift("something of another kind, or of another file system, stands there");
        }
        if kind != FileKind::Symlink && u32::from(stat.mode) != entry.mode {
            return drift("it has other permissions");
        }
        let is_same = match entry.kind {
            EntryKind::File => stat.size == entry.size && self.content_link(parent, name)? == entry.content,
            EntryKind::Symlink => Link::raw(object_id(&root.io.read_link(parent, name)?)) == entry.content,
            EntryKind::Directory => {
                let goes = change.after.as_ref().is_none_or(|after| after.kind != EntryKind::Directory);
                !goes || self.holds_nothing_else(parent, change, is_kept_below)?
            }
        };
        if is_same { Ok(Seen { stat: Some(stat) }) } else { drift("it was changed outside") }
    }

    /// What stands at a path of the top now.
    pub fn see(&self, path: &[u8]) -> Result<Seen> {
        let root = &self.history.root;
        Ok(Seen { stat: root.io.stat(&root.top, path)? })
    }

    /// A directory that goes must hold only what goes with it.
    fn holds_nothing_else(
        &self,
        parent: &Directory,
        change: &Change,
        is_going: &dyn Fn(&[u8]) -> bool,
    ) -> Result<bool> {
        let io = self.history.root.io;
        let directory = io.child(parent, last_name(&change.path))?;
        let below = |name: &[u8]| [change.path.as_slice(), b"/", name].concat();
        Ok(io.list(&directory)?.iter().all(|listed| is_going(&below(&listed.name))))
    }

    /// The content link of a file on disk.
    fn content_link(&self, parent: &Directory, name: &[u8]) -> Result<Link> {
        let io = self.history.root.io;
        let file = io.open(parent, name, OpenMode::Read)?;
        let mut builder = ContentBuilder::default();
        let mut put = |node: Vec<u8>| object_id(&node);
        let (mut buffer, mut position, mut is_first) = (Vec::new(), 0, true);
        loop {
            let held = buffer.len();
            buffer.resize(2 * CHUNK_BYTES_MAX as usize, 0);
            let count = io.read_at(&file, &mut buffer[held..], position)?;
            position += count as u64;
            let at_end = held + count < buffer.len();
            buffer.truncate(held + count);
            if buffer.is_empty() && !is_first {
                break;
            }
            while let Some(cut) = next_cut(&buffer, at_end).filter(|cut| is_first || *cut > 0) {
                let pushed = builder.push(object_id(&buffer[..cut]), cut as u64, &mut put);
                pushed.map_err(|error| StoreError::new("LIMIT").found(error.reason))?;
                buffer.drain(..cut);
                is_first = false;
            }
            if at_end && buffer.is_empty() {
                break;
            }
        }
        builder.finish(&mut put).map_err(|error| StoreError::new("LIMIT").found(error.reason))
    }

    /// Writes what a path shall hold beside the tree, durably; directories and what goes need nothing.
    pub fn stage(&self, stage: &Directory, number: usize, entry: &Entry) -> Result<()> {
        let io = self.history.root.io;
        let name = stage_name(number);
        match entry.kind {
            EntryKind::Directory => Ok(()),
            EntryKind::Symlink => {
                let mut target = Vec::new();
                self.history.content(&entry.content, &mut |bytes| {
                    target.extend_from_slice(bytes);
                    Ok(())
                })?;
                Ok(io.make_symlink(stage, &name, &target)?)
            }
            EntryKind::File => {
                let file = io.open(stage, &name, OpenMode::Create(STAGE_MODE))?;
                let mut position = 0;
                self.history.content(&entry.content, &mut |bytes| {
                    io.write_at(&file, bytes, position)?;
                    position += bytes.len() as u64;
                    Ok(())
                })?;
                if position != entry.size {
                    return Err(StoreError::new("DAMAGED").at("a content").found("another size than its entry says"));
                }
                io.file_set_mode(&file, entry.mode as u16)?;
                Ok(io.flush(&file)?)
            }
        }
    }

    /// Makes one change; false when the path is no longer what was seen, which is then left alone.
    pub fn apply(
        &self,
        stage: &Directory,
        number: usize,
        change: &Change,
        seen: &Seen,
    ) -> std::result::Result<bool, IoError> {
        let root = &self.history.root;
        let io = root.io;
        let Some(parent) = self.parent_or_io(&change.path)? else { return Ok(false) };
        let parent = parent.get();
        let name = last_name(&change.path);
        if !is_as_seen(io.stat(parent, name)?, seen, change) {
            return Ok(false);
        }
        let was_directory = change.before.as_ref().is_some_and(|entry| entry.kind == EntryKind::Directory);
        match &change.after {
            None if was_directory => io.remove_directory(parent, name)?,
            None => io.remove_file(parent, name)?,
            Some(entry) if entry.kind == EntryKind::Directory => {
                if change.before.is_some() && !was_directory {
                    io.remove_file(parent, name)?;
                }
                if !was_directory {
                    io.make_directory(parent, name, STAGE_DIRECTORY_MODE)?;
                }
            }
            Some(_) => {
                if was_directory {
                    io.remove_directory(parent, name)?;
                }
                io.rename(stage, &stage_name(number), parent, name)?;
            }
        }
        Ok(true)
    }

    /// Permissions of directories come last: some can not be written to with theirs.
    pub fn set_directory_mode(&self, change: &Change) -> std::result::Result<(), IoError> {
        let Some(entry) = change.after.as_ref().filter(|entry| entry.kind == EntryKind::Directory) else {
            return Ok(());
        };
        let Some(parent) = self.parent_or_io(&change.path)? else { return Ok(()) };
        self.history.root.io.set_mode(parent.get(), last_name(&change.path), entry.mode as u16)
    }
}

fn stage_name(number: usize) -> Vec<u8> {
    format!("rollback-{}-{number}", std::process::id()).into_bytes()
}

/// What goes into and out of a directory changes its times: of these only the inode counts.
fn is_as_seen(now: Option<FileStat>, seen: &Seen, change: &Change) -> bool {
    match (now, seen.stat) {
        (None, None) => true,
        (Some(now), Some(then)) if change.before.as_ref().is_some_and(|entry| entry.kind == EntryKind::Directory) => {
            now.kind == then.kind && now.inode == then.inode && now.dev == then.dev
        }
        (Some(now), Some(then)) => now == then,
        _ => false,
    }
}
