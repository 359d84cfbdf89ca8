//! A root folder opened for looking into its history: where its journal ends, its snapshots, its objects, and what people
//! write for a state.

use std::path::Path;

use crate::error::{Result, StoreError};
use crate::format::frame::{Frame, SEGMENT_HEADER_BYTES};
use crate::format::id::{Link, ObjectId};
use crate::format::marks::MarksFile;
use crate::format::node::{Entry, EntryKind};
use crate::format::record::Envelope;
use crate::format::recycle_lock::ListedSnapshot;
use crate::format::state::{State, decode_state};
use crate::io::Io;
use crate::verify::{
    Differ, Event, Found, JournalEnd, Next, ObjectTable, RootFolder, StoredCheckpoint, event_in, find_end,
    for_each_frame, load_objects, open_root, open_segment, read_marks, read_object, replay,
};

pub struct History<'a> {
    pub root: RootFolder<'a>,
    pub marks: Option<MarksFile>,
    pub end: JournalEnd,
    pub checkpoint_size: u64,
    /// Kept ones, oldest first.
    pub snapshots: Vec<ListedSnapshot>,
    /// From the record before this one on every state is whole.
    pub horizon: u64,
    /// Of the last record.
    pub last: Option<Envelope>,
    pub table: ObjectTable,
}

/// A state that somebody asked for.
pub struct Point {
    pub seq: u64,
    pub root: ObjectId,
    /// Where it was asked for by name.
    pub snapshot: Option<String>,
}

impl<'a> History<'a> {
    /// DAMAGED when the journal does not end as its marks say; single records may be damaged all the same.
    pub fn open(io: &'a dyn Io, path: &Path) -> Result<History<'a>> {
        let root = open_root(io, path)?;
        let marks = read_marks(&root);
        let checkpoint_size = StoredCheckpoint::read(&root).size();
        let end = find_end(&root, marks.as_ref(), checkpoint_size)?;
        if let Some(damage) = &end.damage {
            return Err(StoreError::new("DAMAGED").at(&damage.place).found(&damage.reason));
        }
        let table = load_objects(&root)?;
        let (snapshots, horizon, last) = (Vec::new(), 0, None);
        let mut history = History { root, marks, end, checkpoint_size, snapshots, horizon, last, table };
        history.replay()?;
        Ok(history)
    }

    fn replay(&mut self) -> Result<()> {
        let (mut snapshots, mut horizon, mut last) = (Vec::new(), 0, None);
        self.for_each_record(0, event_in, |envelope, event| {
            match event {
                Some(Event::Snapshot { name, what }) => {
                    replay(&mut snapshots, &name, &what, (envelope.seq, envelope.time));
                }
                Some(Event::Gc { horizon: at }) => horizon = u64::max(horizon, at),
                _ => {}
            }
            last = Some(envelope);
        })?;
        (self.snapshots, self.horizon, self.last) = (snapshots, horizon, last);
        Ok(())
    }

    /// Goes through the records from one on; those that can not be read are passed over. `look` runs in parallel.
    pub fn for_each_record<T: Send>(
        &self,
        from: u64,
        look: impl Fn(&Frame<'_>, &Envelope) -> T + Sync,
        mut visit: impl FnMut(Envelope, T),
    ) -> Result<()> {
        let segments = &self.end.segments;
        let first = segments.partition_point(|first| *first <= from).saturating_sub(1);
        for segment in segments.get(first..).unwrap_or_default() {
            let segment = open_segment(&self.root, *segment)?;
            let is_last = segment.first_seq == self.end.last_segment;
            let end = if is_last { self.end.last_bytes } else { segment.size };
            for_each_frame(&self.root, &segment, (SEGMENT_HEADER_BYTES, end), &look, |found| match found {
                Found::Frame { envelope, looked, .. } => {
                    if envelope.seq >= from {
                        visit(envelope, looked);
                    }
                    Next::On
                }
                Found::Bad { offset, .. } => Next::Search { offset, from: 0, to: self.end.size },
                Found::End { .. } => Next::Stop,
            });
        }
        Ok(())
    }

    /// `now`, the name of a snapshot, or the number of a record, with or without `#`.
    pub fn resolve(&self, text: &str) -> Result<Point> {
        let unknown = || StoreError::new("STATE_NOT_FOUND").at(text);
        if let Some(snapshot) = self.snapshots.iter().find(|snapshot| snapshot.name == text) {
            let name = Some(snapshot.name.clone());
            return Ok(Point { seq: snapshot.seq, root: snapshot.root, snapshot: name });
        }
        let seq = match text {
            "now" => self.end.size.checked_sub(1).ok_or_else(unknown)?,
            _ => text.strip_prefix('#').unwrap_or(text).parse().map_err(|_| unknown())?,
        };
        let mut found = None;
        self.for_each_record(
            seq,
            |_, _| (),
            |envelope, ()| {
                if envelope.seq == seq {
                    found = Some(envelope.root);
                }
            },
        )?;
        Ok(Point { seq, root: found.ok_or_else(unknown)?, snapshot: None })
    }

    /// STATE_PRUNED when gc no longer keeps it.
    pub fn state(&self, point: &Point) -> Result<State> {
        let is_kept = point.seq + 1 >= self.horizon || self.snapshots.iter().any(|kept| kept.root == point.root);
        if !is_kept {
            return Err(StoreError::new("STATE_PRUNED").at(format!("#{}", point.seq)));
        }
        let bytes = read_object(&self.root, &self.table, &point.root)?;
        decode_state(&bytes)
            .map_err(|error| StoreError::new("DAMAGED").at(format!("the state of #{}", point.seq)).found(error.reason))
    }

    pub fn differ(&self) -> Differ<'_> {
        Differ { root: &self.root, table: &self.table }
    }

    /// All entries of a directory, sorted by name.
    pub fn entries(&self, directory: Link) -> Result<Vec<Entry>> {
        let differ = self.differ();
        let mut entries = Vec::new();
        differ.gather(Some(differ.node(&directory)?), &mut entries)?;
        entries.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    /// The entry at a path below a directory; none for the directory itself. PATH_NOT_FOUND when there is none.
    pub fn find(&self, files: Link, path: &[u8]) -> Result<Option<Entry>> {
        let mut directory = Some(files);
        let mut found = None;
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            let missing = || StoreError::new("PATH_NOT_FOUND").at(String::from_utf8_lossy(path));
            let entries = self.entries(directory.ok_or_else(missing)?)?;
            let entry = entries.into_iter().find(|entry| entry.name == name).ok_or_else(missing)?;
            directory = (entry.kind == EntryKind::Directory).then_some(entry.content);
            found = Some(entry);
        }
        Ok(found)
    }

    /// Hands the bytes of a content on, chunk by chunk.
    pub fn content(&self, content: &Link, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let bytes = read_object(&self.root, &self.table, &content.id)?;
        if content.codec == crate::format::id::Codec::Raw {
            return each(&bytes);
        }
        let node = crate::format::content::decode_list(&bytes)
            .map_err(|error| StoreError::new("DAMAGED").at("a list node").found(error.reason))?;
        node.entries.iter().try_for_each(|entry| self.content(&entry.link, each))
    }
}
