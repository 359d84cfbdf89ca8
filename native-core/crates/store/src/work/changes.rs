//! The list of changes of a first keeping: every path created, in the byte order of whole paths. Read back from the
//! finished nodes, so that memory grows with the largest directory and not with the tree. Twin of `createdIn` in
//! `src/core/timeline/adopt.ts` and of the builder in `src/core/format/changes.ts`.

use super::cbor::{self, Codec, Link};
use super::control::Control;
use super::nodes::{self, NodeParts, ReadEntry};
use super::pack_sink::{Kind, PackSink};
use super::{WorkError, WorkResult};
use crate::error::StoreError;
use crate::format::constants::{CHANGES_ENTRIES_MAX, CHANGES_NODE_BYTES_MAX, PATH_BYTES_MAX};

struct Part {
    first_path: Vec<u8>,
    link: Link,
    count: u64,
}

struct Builder<'a, 'b> {
    sink: &'a PackSink<'b>,
    items: Vec<u8>,
    count: u64,
    first_path: Vec<u8>,
    parts: Vec<Part>,
}

impl Builder<'_, '_> {
    fn push(&mut self, path: &[u8], entry: &[u8]) -> WorkResult<()> {
        let mut item = Vec::with_capacity(path.len() + entry.len() + 8);
        cbor::list(&mut item, 3);
        cbor::bytes(&mut item, path);
        item.push(cbor::NULL);
        item.extend_from_slice(entry);
        let full = self.count == CHANGES_ENTRIES_MAX || (self.items.len() + item.len()) as u64 > CHANGES_NODE_BYTES_MAX;
        if self.count > 0 && full {
            self.close()?;
        }
        if self.count == 0 {
            self.first_path = path.to_vec();
        }
        self.items.extend_from_slice(&item);
        self.count += 1;
        Ok(())
    }

    fn close(&mut self) -> WorkResult<()> {
        if self.parts.len() as u64 == CHANGES_ENTRIES_MAX {
            return Err(StoreError::new("LIMIT").found("more changes than a list can hold").into());
        }
        let mut node = Vec::with_capacity(self.items.len() + 32);
        cbor::map(&mut node, 3);
        cbor::text(&mut node, "e");
        cbor::list(&mut node, self.count as usize);
        node.extend_from_slice(&self.items);
        cbor::text(&mut node, "k");
        cbor::text(&mut node, "changes");
        cbor::text(&mut node, "n");
        cbor::integer(&mut node, self.count);
        let link = Link { codec: Codec::DagCbor, id: self.sink.put(Kind::Changes, &node)? };
        self.parts.push(Part { first_path: std::mem::take(&mut self.first_path), link, count: self.count });
        self.items.clear();
        self.count = 0;
        Ok(())
    }

    fn finish(mut self) -> WorkResult<Option<(Link, u64)>> {
        if self.count > 0 {
            self.close()?;
        }
        let total = self.parts.iter().map(|part| part.count).sum();
        match &self.parts[..] {
            [] => Ok(None),
            [only] => Ok(Some((only.link, total))),
            parts => {
                let node = encode_tree(parts, total);
                let link = Link { codec: Codec::DagCbor, id: self.sink.put(Kind::Changes, &node)? };
                Ok(Some((link, total)))
            }
        }
    }
}

fn encode_tree(parts: &[Part], total: u64) -> Vec<u8> {
    let mut node = Vec::new();
    cbor::map(&mut node, 3);
    cbor::text(&mut node, "e");
    cbor::list(&mut node, parts.len());
    for part in parts {
        cbor::list(&mut node, 3);
        cbor::bytes(&mut node, &part.first_path);
        cbor::link(&mut node, &part.link);
        cbor::integer(&mut node, part.count);
    }
    cbor::text(&mut node, "k");
    cbor::text(&mut node, "changes-tree");
    cbor::text(&mut node, "n");
    cbor::integer(&mut node, total);
    node
}

/// Writes the list of all that is below the directory; None when that is nothing.
pub fn put_created(sink: &PackSink<'_>, control: &Control, directory: Link) -> WorkResult<Option<(Link, u64)>> {
    let mut builder = Builder { sink, items: Vec::new(), count: 0, first_path: Vec::new(), parts: Vec::new() };
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
