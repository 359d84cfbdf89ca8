//! How many files a directory holds, with all below it, and how large they are. Twin of `countSteps` in
//! `src/core/lastState.ts`.

use rayon::prelude::*;

use super::control::{Control, on_threads};
use super::nodes::EntryKind;
use super::source::Source;
use super::{WorkError, WorkResult};
use crate::format::id::ObjectId;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub files: u64,
    pub bytes: u64,
}

/// Declined when a node of it is not found in the packs.
pub fn count_files(
    control: &Control,
    source: &Source<'_>,
    directory: &ObjectId,
    threads: usize,
) -> WorkResult<Counted> {
    on_threads(threads, || below(control, source, directory))
}

fn below(control: &Control, source: &Source<'_>, directory: &ObjectId) -> WorkResult<Counted> {
    control.check()?;
    let entries = source.entries(directory).ok_or(WorkError::Declined("a node that is not found here"))?;
    let mut counted = Counted::default();
    let mut directories = Vec::new();
    for entry in &entries {
        match entry.fields.kind {
            EntryKind::File => {
                counted.files += 1;
                counted.bytes += entry.fields.size;
            }
            EntryKind::Directory => directories.push(entry.fields.content.id),
            EntryKind::Symlink => {}
        }
    }
    control.advance(counted.files);
    let found: Vec<Counted> =
        directories.par_iter().map(|node| below(control, source, node)).collect::<Result<_, _>>()?;
    Ok(found.iter().fold(counted, |sum, one| Counted { files: sum.files + one.files, bytes: sum.bytes + one.bytes }))
}
