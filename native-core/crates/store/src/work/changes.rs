//! The list of changes of a first keeping: every path created, in the byte order of whole paths. Read back from the
//! finished nodes, so that memory grows with the largest directory and not with the tree. Twin of `createdIn` in
//! `src/core/timeline/adopt.ts` and of the builder in `src/core/format/changes.ts`.

use super::control::Control;
use super::nodes::{self, NodeParts, ReadEntry};
use super::pack_sink::PackSink;
use super::{WorkError, WorkResult};
use crate::error::StoreError;
use crate::format;
use crate::format::cbor::Writer;
use crate::format::changes::ChangesBuilder;
use crate::format::constants::PATH_BYTES_MAX;
use crate::format::id::{Link, ObjectId};
use crate::format::pack::ObjectKind;

struct Builder<'a, 'b> {
    sink: &'a PackSink<'b>,
    list: ChangesBuilder,
    count: u64,
    item: Writer,
}

impl Builder<'_, '_> {
    fn push(&mut self, path: &[u8], entry: &[u8]) -> WorkResult<()> {
        self.item.bytes.clear();
        self.item.list(3);
        self.item.bytes(path);
        self.item.null();
        self.item.append(entry);
        self.count += 1;
        let (sink, list, item) = (self.sink, &mut self.list, &self.item.bytes);
        putting(sink, |put| list.push_encoded(path, item, put))
    }

    fn finish(self) -> WorkResult<Option<(Link, u64)>> {
        let Builder { sink, list, count, .. } = self;
        Ok(putting(sink, |put| list.finish(put))?.map(|link| (link, count)))
    }
}

/// Runs a step of the builder, which knows of no failure: what fails when a node is put is told here.
fn putting<T>(
    sink: &PackSink<'_>,
    step: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> ObjectId) -> format::failure::Result<T>,
) -> WorkResult<T> {
    let mut failed = None;
    let stepped = step(&mut |node| match sink.put(ObjectKind::Changes, &node) {
        Ok(id) => id,
        Err(error) => {
            failed = Some(error);
            [0; 32]
        }
    });
    match failed {
        Some(error) => Err(error),
        None => stepped.map_err(|error| StoreError::new("LIMIT").found(error.reason).into()),
    }
}

/// Writes the list of all that is below the directory; None when that is nothing.
pub fn put_created(sink: &PackSink<'_>, control: &Control, directory: Link) -> WorkResult<Option<(Link, u64)>> {
    let mut builder = Builder { sink, list: ChangesBuilder::default(), count: 0, item: Writer::default() };
    created_in(&mut builder, control, directory, &mut Vec::new())?;
    builder.finish()
}

/// Names sort as whole paths do: "a", "a.b", then what is in "a/".
fn created_in(builder: &mut Builder<'_, '_>, control: &Control, directory: Link, path: &mut Vec<u8>) -> WorkResult<()> {
    control.check()?;
    let mut entries = Vec::new();
    gather(builder.sink, directory, &mut entries)?;
    let mut steps: Vec<(Vec<u8>, usize, Option<Link>)> = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        steps.push((entry.encoded.name.clone(), at, None));
        if let Some(link) = entry.directory() {
            steps.push(([&entry.encoded.name[..], b"/"].concat(), at, Some(link)));
        }
    }
    steps.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let length = path.len();
    for (_, at, below) in steps {
        let entry = &entries[at].encoded;
        if length > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(&entry.name);
        if path.len() as u64 > PATH_BYTES_MAX {
            return Err(StoreError::new("LIMIT").found("a path of more than 65535 bytes").into());
        }
        match below {
            Some(link) => created_in(builder, control, link, path)?,
            None => builder.push(path, &entry.bytes)?,
        }
        path.truncate(length);
    }
    Ok(())
}

fn gather(sink: &PackSink<'_>, node: Link, into: &mut Vec<ReadEntry>) -> WorkResult<()> {
    if node == nodes::empty_directory() {
        return Ok(());
    }
    let bytes = sink.get(&node.id)?;
    let lost = || WorkError::Store(StoreError::new("INTERNAL").found("a directory that was written reads otherwise"));
    match nodes::parts_of(&bytes).ok_or_else(lost)? {
        NodeParts::Leaf(entries) => into.extend(entries),
        NodeParts::Branch(links) => {
            for link in links {
                gather(sink, link, into)?;
            }
        }
    }
    Ok(())
}
