//! Everything back to a state, without Node: under the writer lock and by the rule of commit, one record first, then the
//! disk. It does the plain case and refuses the others, which need the whole program:
//!
//! - READ_ONLY: the folder has options, a poisoned file, a journal that was not closed in good order, or records that are not
//!   on disk in the tree yet (`sentctl` settles these when it opens the folder);
//! - DRIFT: a path that has to change is not on disk as the last record has it, or is in the way of what comes back;
//! - STATE_PRUNED, OBJECT_MISSING, DAMAGED: the state, or a content, is not whole;
//! - LIMIT: contracts, boxes, services or metadata beyond permissions would have to change.
//!
//! Nothing was changed when it refuses. New files that are in nobody's way stay, as does drift elsewhere. No checkpoint is
//! signed: the next `sentctl` does that.

mod append;
mod disk;
mod lock;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use append::{NewRecord, append, need, write_marks, write_pack};
use disk::{Disk, Seen};
use lock::take_lock;

use crate::error::{Result, StoreError};
use crate::format::cbor::{Value, Writer};
use crate::format::changes::{Change, ChangesBuilder};
use crate::format::id::{Link, object_id};
use crate::format::marks::{Marks, Slot};
use crate::format::node::{Entry, EntryKind};
use crate::format::record::{NewBody, encode_body};
use crate::format::state::State;
use crate::history::{History, Point};
use crate::io::{Io, OpenMode};
use crate::verify::{SmallFile, decode_unapplied, open_segment, read_object, read_small};

const SETTINGS: &[u8] = b"sentient.yaml";
const SMALL_BYTES_MAX: u64 = 64 << 20;

/// What a rollback did, or would do.
pub struct Outcome {
    /// The record that says so; none when there was nothing to do, or it was only tried.
    pub seq: Option<u64>,
    pub changes: Vec<Change>,
    /// Paths that became something else in the last moment and were left alone.
    pub skipped: Vec<Vec<u8>>,
    /// Paths that the disk did not take: the next writer tries again.
    pub unapplied: Vec<Vec<u8>>,
}

/// `to` is the name of a snapshot or the number of a record. With `is_trial` nothing is written.
pub fn rollback(io: &dyn Io, path: &Path, to: &str, is_trial: bool) -> Result<Outcome> {
    let root = crate::verify::open_root(io, path)?;
    let _lock = take_lock(&root)?;
    let history = History::open(io, path)?;
    let marks = settled_marks(&history)?;
    let point = history.resolve(to)?;
    let plan = Plan::make(&history, &point)?;
    let mut outcome = Outcome { seq: None, changes: plan.changes.clone(), skipped: Vec::new(), unapplied: Vec::new() };
    if (plan.changes.is_empty() && plan.settings.is_none()) || is_trial {
        return Ok(outcome);
    }
    plan.run(&history, &marks, &point, to, &mut outcome)?;
    Ok(outcome)
}

fn refuse<T>(place: &str, found: &str) -> Result<T> {
    Err(StoreError::new("READ_ONLY").at(place).found(format!("{found}; sentctl settles this when it opens the folder")))
}

/// The newest marks, when they say that nothing is left to be settled.
fn settled_marks(history: &History<'_>) -> Result<Marks> {
    let root = &history.root;
    if let [option, ..] = root.format.options.as_slice() {
        return Err(StoreError::new("READ_ONLY").at(".runtime/format").found(format!("the option {option}")));
    }
    let is_there = |directory: &crate::io::Directory, name: &[u8]| {
        Ok::<bool, StoreError>(root.io.stat(directory, name)?.is_some())
    };
    if is_there(&root.runtime, b"poisoned")?
        || root.tree.as_ref().map_or(Ok(false), |tree| is_there(tree, b"poisoned"))?
    {
        return refuse(".runtime/poisoned", "a flush failed");
    }
    if is_there(&root.runtime, b"forgetting")? {
        return refuse(".runtime/forgetting", "a forget is not carried out yet");
    }
    if let SmallFile::Read(bytes) = read_small(root.io, &root.runtime, b"unapplied", SMALL_BYTES_MAX)
        && decode_unapplied(&bytes).is_ok_and(|paths| !paths.is_empty())
    {
        return refuse(".runtime/unapplied", "paths could not be set before");
    }
    let is_whole = history
        .marks
        .as_ref()
        .is_some_and(|marks| marks.rest_is_zero && marks.slots.iter().all(|slot| matches!(slot, Slot::Good(_))));
    let Some(marks) = history.marks.as_ref().and_then(|marks| marks.newest).filter(|_| is_whole) else {
        return refuse(".runtime/marks", "the marks are not whole");
    };
    let segment = open_segment(root, marks.segment_first_seq)?;
    let is_exact = segment.size == marks.segment_flushed_bytes && history.end.size == marks.next_seq;
    if !marks.clean || !is_exact || history.checkpoint_size > marks.next_seq {
        return refuse(".runtime/marks", "the last writer did not finish in good order");
    }
    if marks.applied != marks.next_seq {
        return refuse(".runtime/marks", "records are not applied to the tree yet");
    }
    if history.last.is_none_or(|last| last.seq + 1 != marks.next_seq) {
        return Err(StoreError::new("DAMAGED").at("the last record").found("it can not be read"));
    }
    Ok(marks)
}

struct Plan {
    changes: Vec<Change>,
    seen: Vec<Seen>,
    /// The settings that come back into force.
    settings: Option<Link>,
    /// `sentient.yaml` holds those in force, and so follows.
    settings_follow: bool,
}

impl Plan {
    /// Compares the states, and the disk with the one in force.
    fn make(history: &History<'_>, point: &Point) -> Result<Plan> {
        let now = history.state(&history.resolve("now")?)?;
        let target = history.state(point)?;
        check_domains(&now, &target)?;
        let changes = history.differ().between(Some(now.files), Some(target.files))?;
        let going: BTreeSet<&[u8]> =
            changes.iter().filter(|change| change.before.is_some()).map(|change| change.path.as_slice()).collect();
        let disk = Disk { history };
        let is_going = |path: &[u8]| going.contains(path);
        let seen = changes.iter().map(|change| disk.check(change, &is_going)).collect::<Result<Vec<_>>>()?;
        let settings = target.settings.filter(|_| target.settings != now.settings);
        let settings_follow = settings.is_some() && holds_settings(history, now.settings.as_ref())?;
        Ok(Plan { changes, seen, settings, settings_follow })
    }

    fn run(&self, history: &History<'_>, marks: &Marks, point: &Point, to: &str, outcome: &mut Outcome) -> Result<()> {
        let root = &history.root;
        let disk = Disk { history };
        let stage = need(root, &root.runtime, b"stage")?;
        for (number, change) in self.changes.iter().enumerate() {
            if let Some(entry) = change.after.as_ref().filter(|after| needs_staging(change, after)) {
                disk.stage(&stage, number, entry)?;
            }
        }
        let settings = if self.settings_follow { self.settings } else { None };
        let settings_entry = settings.map(|content| settings_entry(history, content)).transpose()?;
        if let Some(entry) = &settings_entry {
            disk.stage(&stage, self.changes.len(), entry)?;
        }
        let mut nodes = Vec::new();
        let list = list_of(&self.changes, &mut nodes)?;
        write_pack(root, &nodes)?;
        // The commit point.
        let after = append(root, marks, &new_record(history, point, to, list)?)?;
        outcome.seq = Some(after.next_seq - 1);
        write_marks(root, &after, false)?;
        self.apply(&disk, &stage, outcome);
        if let Some(entry) = settings_entry {
            let change = Change { path: SETTINGS.to_vec(), before: Some(entry.clone()), after: Some(entry) };
            let seen = disk.see(SETTINGS)?;
            if !disk.apply(&stage, self.changes.len(), &change, &seen).unwrap_or(false) {
                outcome.skipped.push(SETTINGS.to_vec());
            }
        }
        root.io.flush_file_system(&root.top)?;
        write_unapplied(history, &outcome.unapplied)?;
        let generation = after.generation + 1;
        write_marks(root, &Marks { generation, applied: after.next_seq, clean: true, ..after }, true)
    }

    /// What goes first, from the deepest up; then what comes, from the top down.
    fn apply(&self, disk: &Disk<'_>, stage: &crate::io::Directory, outcome: &mut Outcome) {
        let numbered = || self.changes.iter().enumerate();
        let going = numbered().rev().filter(|(_, change)| change.after.is_none());
        // Where something stands for a directory that goes, it comes when that is empty.
        let (later, coming): (Vec<_>, Vec<_>) =
            numbered().filter(|(_, change)| change.after.is_some()).partition(|(_, change)| replaces_directory(change));
        for (number, change) in going.chain(later.into_iter().rev()).chain(coming) {
            match disk.apply(stage, number, change, &self.seen[number]) {
                Ok(true) => {}
                Ok(false) => outcome.skipped.push(change.path.clone()),
                Err(_) => outcome.unapplied.push(change.path.clone()),
            }
        }
        for (_, change) in numbered().rev() {
            if disk.set_directory_mode(change).is_err() {
                outcome.unapplied.push(change.path.clone());
            }
        }
        outcome.unapplied.sort();
        outcome.unapplied.dedup();
    }
}

fn replaces_directory(change: &Change) -> bool {
    let is_directory = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.kind == EntryKind::Directory);
    is_directory(&change.before) && !is_directory(&change.after)
}

fn needs_staging(change: &Change, after: &Entry) -> bool {
    after.kind != EntryKind::Directory || change.before.is_none()
}

fn check_domains(now: &State, target: &State) -> Result<()> {
    let limit = |found: &str| Err(StoreError::new("LIMIT").found(format!("{found}: this needs sentctl")));
    if (now.contracts, now.boxes, now.services) != (target.contracts, target.boxes, target.services) {
        return limit("contracts, boxes or services differ");
    }
    if now.has_owner || now.has_xattrs || target.has_owner || target.has_xattrs {
        return limit("entries carry owners or attributes");
    }
    if target.settings.is_none() && now.settings.is_some() {
        return limit("the state has no settings");
    }
    Ok(())
}

fn holds_settings(history: &History<'_>, in_force: Option<&Link>) -> Result<bool> {
    let Some(in_force) = in_force else { return Ok(false) };
    match read_small(history.root.io, &history.root.top, SETTINGS, SMALL_BYTES_MAX) {
        SmallFile::Read(bytes) => Ok(object_id(&bytes) == in_force.id),
        SmallFile::Missing => Ok(false),
        SmallFile::Unreadable(reason) => Err(StoreError::new("IO").at("sentient.yaml").found(reason)),
    }
}

fn settings_entry(history: &History<'_>, content: Link) -> Result<Entry> {
    let size = read_object(&history.root, &history.table, &content.id)?.len() as u64;
    let stat = history.root.io.stat(&history.root.top, SETTINGS)?;
    let mode = stat.map_or(0o644, |stat| u32::from(stat.mode));
    Ok(Entry { name: SETTINGS.to_vec(), kind: EntryKind::File, mode, size, content, meta: None })
}

fn list_of(changes: &[Change], nodes: &mut Vec<Vec<u8>>) -> Result<Option<Link>> {
    let mut builder = ChangesBuilder::default();
    let mut put = |node: Vec<u8>| {
        let id = object_id(&node);
        nodes.push(node);
        id
    };
    let built = changes.iter().try_for_each(|change| builder.push(change, &mut put));
    let list = built.and_then(|()| builder.finish(&mut put));
    list.map_err(|error| StoreError::new("LIMIT").found(error.reason))
}

fn new_record(history: &History<'_>, point: &Point, to: &str, changes: Option<Link>) -> Result<NewRecord> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = elapsed.as_micros() as u64;
    let body = NewBody {
        actor: "owner",
        action: "rollback",
        subject_kind: "snapshot",
        subject_id: point.snapshot.as_deref().unwrap_or("").as_bytes(),
        changes,
        doubtful: history.last.is_some_and(|last| time < last.time),
        fields: vec![
            ("to", Value::Link(Link::dag(point.root))),
            ("seq", Value::Integer(point.seq as i64)),
            ("state", Value::Text(to)),
        ],
    };
    let body = encode_body(&body).map_err(|error| StoreError::new("LIMIT").found(error.reason))?;
    Ok(NewRecord { time, root: point.root, body })
}

/// A list of paths as bytes, sorted; replaced by rename.
fn write_unapplied(history: &History<'_>, paths: &[Vec<u8>]) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let (io, runtime) = (history.root.io, &history.root.runtime);
    let mut writer = Writer::default();
    writer.list(paths.len());
    paths.iter().for_each(|path| writer.bytes(path));
    if io.stat(runtime, b"unapplied.new")?.is_some() {
        io.remove_file(runtime, b"unapplied.new")?;
    }
    let file = io.open(runtime, b"unapplied.new", OpenMode::Create(0o600))?;
    io.write_at(&file, &writer.bytes, 0)?;
    io.flush(&file)?;
    io.rename(runtime, b"unapplied.new", runtime, b"unapplied")?;
    Ok(io.flush_directory(runtime)?)
}
