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
        self.for_each(before, after, &mut |change| {
            changes.push(change);
            Ok(())
        })?;
        Ok(changes)
    }

    /// The same one by one, holding one directory of each level.
    pub fn for_each(
        &self,
        before: Option<Link>,
        after: Option<Link>,
        each: &mut dyn FnMut(Change) -> Result<()>,
    ) -> Result<()> {
        self.directories(&[], before, after, each)
    }

    fn directories(
        &self,
        path: &[u8],
        before: Option<Link>,
        after: Option<Link>,
        each: &mut dyn FnMut(Change) -> Result<()>,
    ) -> Result<()> {
        let mut pairs = Vec::new();
        self.nodes(before, after, &mut pairs)?;
        for step in steps_of(&pairs) {
            let (before, after) = &pairs[step.pair];
            let path = join_path(path, name_of(&pairs[step.pair]));
            if step.is_below {
                self.directories(&path, directory_in(before), directory_in(after), each)?;
            } else {
                each(Change { path, before: before.clone(), after: after.clone() })?;
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
}

/// The changes of a list one by one, in the order in which they are written; holds one node of it.
pub struct Listed<'a> {
    differ: &'a Differ<'a>,
    waiting: std::vec::IntoIter<Link>,
    changes: std::vec::IntoIter<Change>,
    /// The list is a tree of several nodes.
    pub is_tree: bool,
}

impl<'a> Listed<'a> {
    /// Without a list there is the one change, or none.
    pub fn open(differ: &'a Differ<'a>, list: Option<&Link>, single: Option<Change>) -> Result<Listed<'a>> {
        let (changes, parts) = match list.map(|link| differ.changes(link)).transpose()? {
            None => (single.into_iter().collect(), Vec::new()),
            Some(ChangesNode::Leaf(changes)) => (changes, Vec::new()),
            Some(ChangesNode::Tree { parts, .. }) => (Vec::new(), parts.iter().map(|part| part.link).collect()),
        };
        let is_tree = !parts.is_empty();
        Ok(Listed { differ, waiting: parts.into_iter(), changes: changes.into_iter(), is_tree })
    }
}

impl Iterator for Listed<'_> {
    type Item = Result<Change>;

    fn next(&mut self) -> Option<Result<Change>> {
        loop {
            if let Some(change) = self.changes.next() {
                return Some(Ok(change));
            }
            let link = self.waiting.next()?;
            match self.differ.changes(&link) {
                Ok(ChangesNode::Leaf(changes)) => self.changes = changes.into_iter(),
                Ok(ChangesNode::Tree { .. }) => {
                    let error = FormatError::new("a tree of changes within another");
                    return Some(Err(wrong(&link, error)));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Differ<'_> {
    fn changes(&self, link: &Link) -> Result<ChangesNode> {
        decode_changes(&read_object(self.root, self.table, &link.id)?).map_err(|error| wrong(link, error))
    }
}

/// What comes next in a directory: a name itself, or what is below it.
struct Step {
    pair: usize,
    is_below: bool,
}

/// In the order of paths: what is below a name sorts as the name and a slash, behind names such as `name.x`.
fn steps_of(pairs: &[Pair]) -> Vec<Step> {
    let mut steps = Vec::with_capacity(pairs.len());
    for (pair, (before, after)) in pairs.iter().enumerate() {
        if !is_same_itself(before.as_ref(), after.as_ref()) {
            steps.push(Step { pair, is_below: false });
        }
        if directory_in(before) != directory_in(after) {
            steps.push(Step { pair, is_below: true });
        }
    }
    let slash = |step: &Step| if step.is_below { b"/".as_slice() } else { b"" };
    steps.sort_by(|left, right| {
        let (one, other) = (name_of(&pairs[left.pair]), name_of(&pairs[right.pair]));
        one.iter().chain(slash(left)).cmp(other.iter().chain(slash(right)))
    });
    steps
}

fn name_of(pair: &Pair) -> &[u8] {
    pair.0.as_ref().or(pair.1.as_ref()).map_or(&[], |entry| entry.name.as_slice())
}

fn directory_in(entry: &Option<Entry>) -> Option<Link> {
    entry.as_ref().filter(|entry| entry.kind == EntryKind::Directory).map(|entry| entry.content)
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
