//! Walks what kept states and records lead to, each object once, many at a time in parallel: every link must lead to an
//! object; nodes below a state must be canonical and be what their entries say.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use rayon::prelude::*;

use super::facts::LinkUse;
use super::objects::{ObjectTable, read_at};
use super::root::RootFolder;
use crate::format::cbor::links_in;
use crate::format::changes::{ChangesNode, decode_changes};
use crate::format::constants::LIST_ENTRIES_MAX;
use crate::format::content::decode_list;
use crate::format::failure::{Result, demand, refuse};
use crate::format::hash::blake3;
use crate::format::id::{Codec, Link, ObjectId};
use crate::format::node::{DirectoryNode, Entry, EntryKind, check_child, decode_node};
use crate::format::state::decode_state;

const BATCH: usize = 1024;
const TROUBLES_MAX: usize = 100_000;
const MET: u8 = 1;
const READ: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    Missing,
    Damaged,
    Malformed,
}

/// An object that is needed and is not there as it should be.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub link: Link,
    pub kind: TroubleKind,
    pub found: String,
    /// The place of a damaged copy.
    pub place: Option<String>,
    /// The first record whose state or body led to it, as far as is known.
    pub seq: u64,
}

/// What entries carry beyond the mode.
#[derive(Debug, Clone, Copy, Hash, PartialEq, Eq)]
struct Metadata {
    owner: bool,
    xattrs: bool,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq)]
enum Role {
    State,
    /// A directory's node: the slots from the directory's root down, and the entries that are claimed.
    Directory {
        slots: Vec<u8>,
        claimed: Option<u64>,
        metadata: Metadata,
    },
    /// A list of changes; a part of a tree names its first path and its count.
    Changes {
        part: Option<(Vec<u8>, u64)>,
    },
    /// A list node: its depth, none for the root of a content; the bytes that are claimed; whether it is the last of its
    /// level, which alone may be less than full.
    List {
        depth: Option<u64>,
        claimed: u64,
        is_last: bool,
    },
    /// Whatever it is: only its links count.
    Any,
}

struct Task {
    link: Link,
    role: Role,
    seq: u64,
}

/// What an object of a known size must have: the bytes of a chunk or of a symlink's target.
struct Sized {
    link: Link,
    bytes: u64,
}

#[derive(Default)]
struct Looked {
    tasks: Vec<(Link, Role)>,
    raw: Vec<Sized>,
    malformed: Option<String>,
}

pub struct Reach<'a> {
    root: &'a RootFolder<'a>,
    table: &'a ObjectTable,
    /// Whether bytes have to be compared with their names: not after all packs were read.
    is_checked: bool,
    flags: Vec<u8>,
    /// What was looked at in which role, as hashes under a key of this run.
    roles: HashSet<u64>,
    hasher: RandomState,
    stack: Vec<Task>,
    pub troubles: HashMap<ObjectId, Trouble>,
    pub objects: u64,
    pub states: u64,
    pub nodes: u64,
}

impl<'a> Reach<'a> {
    pub fn new(root: &'a RootFolder<'a>, table: &'a ObjectTable, is_checked: bool) -> Reach<'a> {
        Reach {
            root,
            table,
            is_checked,
            flags: vec![0; table.len()],
            roles: HashSet::new(),
            hasher: RandomState::new(),
            stack: Vec::new(),
            troubles: HashMap::new(),
            objects: 0,
            states: 0,
            nodes: 0,
        }
    }

    /// Walks a state, now or with the next ones.
    pub fn state(&mut self, root: ObjectId, seq: u64) {
        self.push(Task { link: Link::dag(root), role: Role::State, seq });
    }

    /// Walks what a link of a record leads to; by DAG-CBOR's own links alone where it is not known what it is.
    pub fn link(&mut self, link: Link, use_as: LinkUse, seq: u64) {
        let role = match use_as {
            LinkUse::State => Role::State,
            LinkUse::Changes => Role::Changes { part: None },
            LinkUse::Other => Role::Any,
        };
        self.push(Task { link, role, seq });
        if self.stack.len() >= BATCH {
            self.drain();
        }
    }

    /// Walks all that was asked for.
    pub fn drain(&mut self) {
        while !self.stack.is_empty() {
            let tasks = self.stack.split_off(self.stack.len().saturating_sub(BATCH));
            let looked: Vec<(Task, std::result::Result<Looked, Trouble>)> =
                tasks.into_par_iter().with_min_len(8).map(|task| self.look(task)).collect();
            for (task, looked) in looked {
                self.take(&task, looked);
            }
        }
    }

    fn take(&mut self, task: &Task, looked: std::result::Result<Looked, Trouble>) {
        let looked = match looked {
            Ok(looked) => looked,
            Err(trouble) => return self.note(trouble),
        };
        self.nodes += u64::from(matches!(task.role, Role::Directory { .. } | Role::List { .. }));
        self.states += u64::from(task.role == Role::State);
        for raw in &looked.raw {
            if !self.has_size(raw, task.seq) {
                let found = "a size that is not that of its content".to_owned();
                self.malformed(task, found);
            }
        }
        if let Some(found) = looked.malformed {
            self.malformed(task, found);
            // What it leads to must be there all the same.
            self.push(Task { link: task.link, role: Role::Any, seq: task.seq });
        }
        for (link, role) in looked.tasks {
            self.push(Task { link, role, seq: task.seq });
        }
    }

    fn malformed(&mut self, task: &Task, found: String) {
        self.note(Trouble { link: task.link, kind: TroubleKind::Malformed, found, place: None, seq: task.seq });
    }

    fn note(&mut self, trouble: Trouble) {
        if self.troubles.len() < TROUBLES_MAX {
            self.troubles.entry(trouble.link.id).or_insert(trouble);
        }
    }

    /// Takes note that something leads to the object; its ordinal, when it is there.
    fn meet(&mut self, link: &Link, seq: u64) -> Option<usize> {
        if let Some(ordinal) = self.table.find(&link.id) {
            self.objects += u64::from(self.flags[ordinal] & MET == 0);
            self.flags[ordinal] |= MET;
            return Some(ordinal);
        }
        let damaged = self.table.damaged.get(&link.id);
        let (kind, found, place) = match damaged {
            Some(damaged) => (TroubleKind::Damaged, damaged.reason.clone(), Some(damaged.place.clone())),
            None => (TroubleKind::Missing, "no pack holds it".to_owned(), None),
        };
        self.note(Trouble { link: *link, kind, found, place, seq });
        None
    }

    /// Meets a chunk or target; false when it has another size than is claimed.
    fn has_size(&mut self, raw: &Sized, seq: u64) -> bool {
        let place = self.meet(&raw.link, seq).map(|ordinal| self.table.place(ordinal));
        place.is_none_or(|place| u64::from(place.fields.object_bytes) == raw.bytes)
    }

    /// Meets an object and, unless it was looked at in that role before, puts it on the stack.
    fn push(&mut self, task: Task) {
        let Some(ordinal) = self.meet(&task.link, task.seq) else { return };
        if task.link.codec == Codec::Raw {
            return;
        }
        if task.role == Role::Any {
            if self.flags[ordinal] & READ != 0 {
                return;
            }
        } else {
            if !self.roles.insert(self.hasher.hash_one((ordinal, &task.role))) {
                return;
            }
        }
        // A malformed node is looked at once more for its links alone.
        if !self.troubles.get(&task.link.id).is_some_and(|trouble| trouble.kind == TroubleKind::Malformed) {
            self.flags[ordinal] |= READ;
        }
        self.stack.push(task);
    }

    fn look(&self, task: Task) -> (Task, std::result::Result<Looked, Trouble>) {
        let looked = self.read(&task).map(|bytes| {
            look_at(&task.role, &bytes)
                .unwrap_or_else(|error| Looked { malformed: Some(error.reason.into_owned()), ..Looked::default() })
        });
        (task, looked)
    }

    fn read(&self, task: &Task) -> std::result::Result<Vec<u8>, Trouble> {
        let damaged =
            |found: String| Trouble { link: task.link, kind: TroubleKind::Damaged, found, place: None, seq: task.seq };
        let ordinal = self.table.find(&task.link.id).ok_or_else(|| damaged("no pack holds it".to_owned()))?;
        let bytes = read_at(self.root, self.table, ordinal).map_err(|error| damaged(error.found))?;
        if !self.is_checked && blake3(&bytes) != task.link.id {
            return Err(damaged("the bytes are not what their name says".to_owned()));
        }
        Ok(bytes)
    }
}

fn look_at(role: &Role, bytes: &[u8]) -> Result<Looked> {
    match role {
        Role::State => look_at_state(bytes),
        Role::Directory { slots, claimed, metadata } => look_at_directory(bytes, slots, *claimed, *metadata),
        Role::Changes { part } => look_at_changes(bytes, part.as_ref()),
        Role::List { depth, claimed, is_last } => look_at_list(bytes, *depth, *claimed, *is_last),
        Role::Any => {
            let mut looked = Looked::default();
            links_in(bytes, &mut |link| looked.tasks.push((link, Role::Any)))?;
            Ok(looked)
        }
    }
}

fn look_at_state(bytes: &[u8]) -> Result<Looked> {
    let state = decode_state(bytes)?;
    let mut looked = Looked::default();
    for link in state.links().skip(1) {
        looked.tasks.push((link, Role::Any));
    }
    let metadata = Metadata { owner: state.has_owner, xattrs: state.has_xattrs };
    looked.tasks.push((state.files, Role::Directory { slots: Vec::new(), claimed: None, metadata }));
    Ok(looked)
}

fn look_at_directory(bytes: &[u8], slots: &[u8], claimed: Option<u64>, metadata: Metadata) -> Result<Looked> {
    let node = decode_node(bytes)?;
    match claimed {
        Some(claimed) if !slots.is_empty() => check_child(slots, claimed, &node)?,
        _ => {
            let fits = !matches!(node, DirectoryNode::Branch { depth, .. } if depth != 0);
            demand(fits, "a directory begins with a branch of depth 0")?;
            let count = node.entry_count();
            if claimed.is_some_and(|claimed| claimed != count) {
                return refuse(format!("{count} entries where its entry says another number"));
            }
        }
    }
    let mut looked = Looked::default();
    match node {
        DirectoryNode::Leaf(entries) => {
            for entry in &entries {
                check_metadata(entry, metadata)?;
                push_entry(entry, metadata, &mut looked);
            }
        }
        DirectoryNode::Branch { slots: below, .. } => {
            for (digit, slot) in below.iter().enumerate() {
                let Some(slot) = slot else { continue };
                let slots = [slots, &[digit as u8]].concat();
                looked.tasks.push((slot.link, Role::Directory { slots, claimed: Some(slot.count), metadata }));
            }
        }
    }
    Ok(looked)
}

fn check_metadata(entry: &Entry, metadata: Metadata) -> Result<()> {
    let has_owner = entry.meta.as_ref().is_some_and(|meta| meta.owner.is_some());
    let has_xattrs = entry.meta.as_ref().is_some_and(|meta| !meta.xattrs.is_empty());
    let fits = has_owner == metadata.owner && (metadata.xattrs || !has_xattrs);
    demand(fits, "an entry with other metadata than its state names")
}

/// The entries of changes are followed by their links alone: the states that they are of say what they must be.
fn look_at_changes(bytes: &[u8], part: Option<&(Vec<u8>, u64)>) -> Result<Looked> {
    let mut looked = Looked::default();
    match decode_changes(bytes)? {
        ChangesNode::Leaf(changes) => {
            let fits = part.is_none_or(|(first_path, count)| {
                *count == changes.len() as u64 && changes.first().is_some_and(|change| change.path == *first_path)
            });
            demand(fits, "a part of a list of changes that is another than its tree says")?;
            let entries = changes.iter().flat_map(|change| [&change.before, &change.after]).flatten();
            looked.tasks.extend(entries.map(|entry| (entry.content, Role::Any)));
        }
        ChangesNode::Tree { parts, .. } => {
            demand(part.is_none(), "a tree of changes within another")?;
            let parts = parts.into_iter();
            looked
                .tasks
                .extend(parts.map(|part| (part.link, Role::Changes { part: Some((part.first_path, part.count)) })));
        }
    }
    Ok(looked)
}

fn push_entry(entry: &Entry, metadata: Metadata, looked: &mut Looked) {
    let (link, size) = (entry.content, entry.size);
    if entry.kind == EntryKind::Directory {
        looked.tasks.push((link, Role::Directory { slots: Vec::new(), claimed: Some(size), metadata }));
    } else if link.codec == Codec::DagCbor {
        looked.tasks.push((link, Role::List { depth: None, claimed: size, is_last: true }));
    } else {
        looked.raw.push(Sized { link, bytes: size });
    }
}

fn look_at_list(bytes: &[u8], depth: Option<u64>, claimed: u64, is_last: bool) -> Result<Looked> {
    let node = decode_list(bytes)?;
    demand(node.bytes == claimed, "a list node of other bytes than are claimed")?;
    match depth {
        None => demand(node.entries.len() >= 2, "a content of one part needs no list")?,
        Some(depth) => demand(node.depth == depth, "a list node of another depth than its place")?,
    }
    let full = node.entries.len() as u64 == LIST_ENTRIES_MAX;
    demand(is_last || full, "a list node that is not full, with more behind it")?;
    let mut looked = Looked::default();
    let last = node.entries.len() - 1;
    for (index, entry) in node.entries.iter().enumerate() {
        if node.depth == 0 {
            looked.raw.push(Sized { link: entry.link, bytes: entry.bytes });
            continue;
        }
        let is_last = is_last && index == last;
        let role = Role::List { depth: Some(node.depth - 1), claimed: entry.bytes, is_last };
        looked.tasks.push((entry.link, role));
    }
    Ok(looked)
}
