//! The list of snapshots as a replay of their records, and whether `recycle.lock` says the same.

use super::facts::SnapshotEvent;
use super::report::{Finding, Report, many};
use super::root::{RootFolder, SmallFile, read_small};
use crate::format::note::{VerifierKey, verify_note};
use crate::format::recycle_lock::{ListedSnapshot, SnapshotList, parse_snapshot_list, parse_snapshot_note};

const NAME: &str = "recycle.lock";
const BYTES_MAX: u64 = 16 << 20;

/// Applies one record to the list; `at` is its seq and time.
pub fn replay(list: &mut Vec<ListedSnapshot>, name: &str, what: &SnapshotEvent, at: (u64, u64)) {
    let place = list.iter().position(|snapshot| snapshot.name == name);
    let found = place.map(|index| &mut list[index]);
    match (what, found) {
        (SnapshotEvent::Made { root, label, kind, dropped }, _) => {
            list.push(ListedSnapshot {
                name: name.to_owned(),
                seq: at.0,
                root: *root,
                time: at.1,
                kind: kind.clone(),
                pinned: false,
                label: label.clone(),
            });
            for gone in dropped {
                remove(list, gone);
            }
        }
        (SnapshotEvent::Label(label), Some(snapshot)) => snapshot.label.clone_from(label),
        (SnapshotEvent::Pin, Some(snapshot)) => snapshot.pinned = true,
        (SnapshotEvent::Unpin, Some(snapshot)) => snapshot.pinned = false,
        (SnapshotEvent::Remove, _) => remove(list, name),
        (_, None) => {}
    }
}

fn remove(list: &mut Vec<ListedSnapshot>, name: &str) {
    if let Some(index) = list.iter().position(|snapshot| snapshot.name == name) {
        list.remove(index);
    }
}

/// `recycle.lock` as it lies there, read before the records are.
pub struct StoredList {
    file: SmallFile,
    list: Option<SnapshotList>,
}

impl StoredList {
    pub fn read(root: &RootFolder<'_>) -> StoredList {
        let file = read_small(root.io, &root.top, NAME.as_bytes(), BYTES_MAX);
        let list = match &file {
            SmallFile::Read(bytes) => parse_snapshot_note(bytes).and_then(|note| parse_snapshot_list(&note.text)).ok(),
            _ => None,
        };
        StoredList { file, list }
    }

    /// How many records the list stands for; 0 when it can not be read.
    pub fn journal_size(&self) -> u64 {
        self.list.as_ref().map_or(0, |list| list.journal_size)
    }

    /// The list and its size, when it is signed and does not stand for more records than there are.
    pub fn trusted(&self, key: Result<&VerifierKey, &str>, journal_size: u64) -> (Vec<ListedSnapshot>, u64) {
        match &self.list {
            Some(list) if self.fault(key, journal_size, None).is_ok() => (list.snapshots.clone(), list.journal_size),
            _ => (Vec::new(), 0),
        }
    }

    /// Signature and form and, where the replayed records are given, that it says the same.
    pub fn check(
        &self,
        report: &mut Report,
        key: Result<&VerifierKey, &str>,
        journal_size: u64,
        replayed: Option<&[ListedSnapshot]>,
    ) {
        if let SmallFile::Missing = self.file {
            report.line(NAME, 0, "no recycle.lock; the snapshots are read from their records");
            return;
        }
        if let Err(wrong) = self.fault(key, journal_size, replayed) {
            report.found(NAME, Finding::damage("snapshot-list-damaged", NAME, wrong));
        }
        let count = self.list.as_ref().map_or(0, |list| list.snapshots.len() as u64);
        report.line(NAME, count, format!("recycle.lock: {}, signature", many(count, "snapshot")));
    }

    fn fault(
        &self,
        key: Result<&VerifierKey, &str>,
        journal_size: u64,
        replayed: Option<&[ListedSnapshot]>,
    ) -> Result<(), String> {
        let bytes = match &self.file {
            SmallFile::Read(bytes) => bytes,
            SmallFile::Unreadable(reason) => return Err(reason.clone()),
            SmallFile::Missing => return Ok(()),
        };
        let told = |error: crate::format::failure::FormatError| error.reason.into_owned();
        let note = parse_snapshot_note(bytes).map_err(told)?;
        let list = parse_snapshot_list(&note.text).map_err(told)?;
        let key = key.map_err(str::to_owned)?;
        verify_note(&note, std::slice::from_ref(key)).map_err(told)?;
        if list.origin != key.name {
            return Err(format!("it is of {}", list.origin));
        }
        if list.journal_size > journal_size {
            return Err(format!("it stands for {} records, the journal has fewer", list.journal_size));
        }
        if replayed.is_some_and(|replayed| replayed != list.snapshots.as_slice()) {
            return Err("it lists other snapshots than the records".to_owned());
        }
        Ok(())
    }
}
