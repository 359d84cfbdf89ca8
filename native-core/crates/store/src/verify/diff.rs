//! What two states' files differ in, in the order of paths, as lists of changes have it. Nodes that both share are not read.

use super::affected::join_path;
use super::objects::{ObjectTable, read_object};
use super::root::RootFolder;
use crate::error::{Result, StoreError};
use crate::format::changes::{Change, ChangesNode, decode_changes};
use crate::format::failure::FormatError;
use crate::format::id::{Link, cid_text};
use crate::format::node::{DirectoryNode, Entry, EntryKind, decode_node};

/// Reads nodes for a comparison.
pub struct Differ<'a> {
    pub root: &'a RootFolder<'a>,
    pub table: &'a ObjectTable,
}

type Pair = (Option<Entry>, Option<Entry>);

impl Differ<'_> {
    /// Every path whose own entry differs, sorted; `None` stands for no files.
    pub fn between(&self, before: Option<Link>, after: Option<Link>) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        self.directories(&[], before, after, &mut changes)?;
        // Nearly sorted already: a stable sort finds the runs.
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(changes)
    }

    fn directories(
        &self,
        path: &[u8],
        before: Option<Link>,
        after: Option<Link>,
        into: &mut Vec<Change>,
    ) -> Result<()> {
        let mut pairs = Vec::new();
        self.nodes(before, after, &mut pairs)?;
        for (before, after) in pairs {
            let Some(name) = before.as_ref().or(after.as_ref()).map(|entry| entry.name.as_slice()) else { continue };
            let path = join_path(path, name);
            let content = |entry: &Option<Entry>| {
                entry.as_ref().filter(|entry| entry.kind == EntryKind::Directory).map(|entry| entry.content)
            };
            let (old, new) = (content(&before), content(&after));
            if !is_same_itself(before.as_ref(), after.as_ref()) {
                into.push(Change { path: path.clone(), before, after });
            }
            if old != new {
                self.directories(&path, old, new, into)?;
            }
        }
        Ok(())
    }

    /// The names of one directory whose entries differ.
    fn nodes(&self, before: Option<Link>, after: Option<Link>, into: &mut Vec<Pair>) -> Result<()> {
        if before == after {
            return Ok(());
        }
        let old = before.map(|link| self.node(&link)).transpose()?;
        let new = after.map(|link| self.node(&link)).transpose()?;
        if let (Some(DirectoryNode::Branch { slots: old, .. }), Some(DirectoryNode::Branch { slots: new, .. })) =
            (&old, &new)
        {
            for (old, new) in old.iter().zip(new.iter()) {
                self.nodes(old.map(|slot| slot.link), new.map(|slot| slot.link), into)?;
            }
            return Ok(());
        }
        let (mut olds, mut news) = (Vec::new(), Vec::new());
        self.gather(old, &mut olds)?;
        self.gather(new, &mut news)?;
        olds.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        news.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        merge(olds, news, into);
        Ok(())
    }

    /// All entries at and below a node, in no order.
    pub fn gather(&self, node: Option<DirectoryNode>, into: &mut Vec<Entry>) -> Result<()> {
        match node {
            None => {}
            Some(DirectoryNode::Leaf(entries)) => into.extend(entries),
            Some(DirectoryNode::Branch { slots, .. }) => {
                for slot in slots.iter().flatten() {
                    self.gather(Some(self.node(&slot.link)?), into)?;
                }
            }
        }
        Ok(())
    }

    pub fn node(&self, link: &Link) -> Result<DirectoryNode> {
        decode_node(&read_object(self.root, self.table, &link.id)?).map_err(|error| wrong(link, error))
    }

    /// All changes of a list, in the order in which they are written.
    pub fn listed(&self, link: &Link) -> Result<Vec<Change>> {
        match decode_changes(&read_object(self.root, self.table, &link.id)?).map_err(|error| wrong(link, error))? {
            ChangesNode::Leaf(changes) => Ok(changes),
            ChangesNode::Tree { parts, .. } => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.listed(&part.link)?);
                }
                Ok(all)
            }
        }
    }
}

fn wrong(link: &Link, error: FormatError) -> StoreError {
    StoreError::new("DAMAGED").at(cid_text(link)).found(error.reason)
}

/// A directory is not another one because something below it changed.
fn is_same_itself(before: Option<&Entry>, after: Option<&Entry>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    let is_below = before.kind == EntryKind::Directory && after.kind == EntryKind::Directory;
    let same = before.kind == after.kind && before.mode == after.mode && before.meta == after.meta;
    same && (is_below || (before.size == after.size && before.content == after.content))
}

fn merge(olds: Vec<Entry>, news: Vec<Entry>, into: &mut Vec<Pair>) {
    let (mut olds, mut news) = (olds.into_iter().peekable(), news.into_iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => old.name.cmp(&new.name),
        };
        let pair = match order {
            std::cmp::Ordering::Less => (olds.next(), None),
            std::cmp::Ordering::Greater => (None, news.next()),
            std::cmp::Ordering::Equal => (olds.next(), news.next()),
        };
        if pair.0 != pair.1 {
            into.push(pair);
        }
    }
}
