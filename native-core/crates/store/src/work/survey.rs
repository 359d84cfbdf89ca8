//! Counts what a keeping would take: names and sizes only. Twin of `survey` in `src/core/timeline/init.ts`.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::control::{Control, on_threads};
use super::ignore::Rules;
use super::{WorkError, WorkResult};
use crate::io::{Directory, FileKind, Io, IoError, Listed};

pub struct Request<'a> {
    pub root: &'a Directory,
    pub rules: &'a Rules,
    /// Names at the top that are not counted.
    pub outside: &'a [Vec<u8>],
    pub threads: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub files: u64,
    pub bytes: u64,
}

/// The lists are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    pub found: Counted,
    pub directories: u64,
    pub symlinks: u64,
    /// What each rule leaves out, by its number.
    pub skips: Vec<(usize, Counted)>,
    pub nested_roots: Vec<Vec<u8>>,
    pub unreadable: Vec<Vec<u8>>,
    pub special: Vec<Vec<u8>>,
}

impl Survey {
    fn add(&mut self, other: Survey) {
        self.found.files += other.found.files;
        self.found.bytes += other.found.bytes;
        self.directories += other.directories;
        self.symlinks += other.symlinks;
        for (rule, counted) in other.skips {
            let skip = self.skip(rule);
            skip.files += counted.files;
            skip.bytes += counted.bytes;
        }
        self.nested_roots.extend(other.nested_roots);
        self.unreadable.extend(other.unreadable);
        self.special.extend(other.special);
    }

    fn skip(&mut self, rule: usize) -> &mut Counted {
        let at = self.skips.iter().position(|(number, _)| *number == rule);
        let at = at.unwrap_or_else(|| {
            self.skips.push((rule, Counted::default()));
            self.skips.len() - 1
        });
        &mut self.skips[at].1
    }
}

pub fn survey(io: &dyn Io, control: &Control, request: &Request<'_>) -> WorkResult<Survey> {
    on_threads(request.threads, || {
        let total = Mutex::new(Survey::default());
        let walk = Walk { io, control, request, total: &total };
        walk.directory(request.root, b"", None)?;
        let mut survey = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        for list in [&mut survey.nested_roots, &mut survey.unreadable, &mut survey.special] {
            list.sort_unstable();
        }
        survey.skips.sort_unstable_by_key(|(rule, _)| *rule);
        Ok(survey)
    })
}

struct Walk<'a> {
    io: &'a dyn Io,
    control: &'a Control,
    request: &'a Request<'a>,
    total: &'a Mutex<Survey>,
}

impl Walk<'_> {
    /// `skipped`: the rule that leaves all of the directory out.
    fn directory(&self, handle: &Directory, path: &[u8], skipped: Option<usize>) -> WorkResult<()> {
        self.control.check()?;
        let mut own = Survey::default();
        let mut below = Vec::new();
        for item in self.io.list(handle)? {
            if path.is_empty() && self.request.outside.contains(&item.name) {
                continue;
            }
            if !path.is_empty() && item.name == b".runtime" && self.is_root(handle)? {
                own.nested_roots.push(path.to_vec());
            }
            let full = if path.is_empty() { item.name.clone() } else { [path, b"/", &item.name].concat() };
            let is_directory = item.kind == FileKind::Directory;
            let rule = skipped.or_else(|| self.request.rules.matching(&full, is_directory));
            self.count(handle, &item, &full, rule, &mut own)?;
            if is_directory {
                below.push((item.name, full, rule));
            }
        }
        self.control.advance(own.found.files);
        self.add(own);
        below.into_par_iter().try_for_each(|(name, full, rule)| match self.io.child(handle, &name) {
            Ok(child) => self.directory(&child, &full, rule),
            Err(_) => {
                self.add(Survey { unreadable: vec![full], ..Survey::default() });
                Ok(())
            }
        })
    }

    fn add(&self, survey: Survey) {
        self.total.lock().unwrap_or_else(PoisonError::into_inner).add(survey);
    }

    fn count(
        &self,
        handle: &Directory,
        item: &Listed,
        full: &[u8],
        rule: Option<usize>,
        own: &mut Survey,
    ) -> WorkResult<()> {
        match (item.kind, rule) {
            (FileKind::File, rule) => {
                let bytes = self.io.stat(handle, &item.name)?.map_or(0, |stat| stat.size);
                let counted = match rule {
                    Some(rule) => own.skip(rule),
                    None => &mut own.found,
                };
                counted.files += 1;
                counted.bytes += bytes;
            }
            // Told, even when all that it leaves out is empty.
            (_, Some(rule)) => {
                own.skip(rule);
            }
            (FileKind::Directory, None) => own.directories += 1,
            (FileKind::Symlink, None) => own.symlinks += 1,
            (FileKind::Other, None) => own.special.push(full.to_vec()),
        }
        Ok(())
    }

    /// Whether the directory holds `.runtime/format`.
    fn is_root(&self, handle: &Directory) -> WorkResult<bool> {
        let unless_none = |error: IoError| {
            let none = error.is(&["NOT_FOUND", "DENIED", "NOT_A_DIRECTORY", "SYMLINK"]);
            if none { Ok(false) } else { Err(WorkError::Declined("a disk that fails")) }
        };
        match self.io.child(handle, b".runtime").and_then(|runtime| self.io.stat(&runtime, b"format")) {
            Ok(stat) => Ok(stat.is_some_and(|stat| stat.kind == FileKind::File)),
            Err(error) => unless_none(error),
        }
    }
}
