//! The journal's part of a verification: frames, chain, bodies, order, times, the Merkle tree against tiles and checkpoint,
//! and what the marks name as the last record.

use std::collections::{BTreeMap, HashSet};

use super::end::JournalEnd;
use super::facts::{BodyFacts, Event, Facts, facts_of};
use super::frames::{Found, Next, Segment, for_each_frame, open_segment, place_text};
use super::report::{FINDINGS_MAX, Finding, Severity};
use super::root::{RootFolder, SmallFile, read_small};
use super::snapshots::replay;
use crate::error::Result;
use crate::format::constants::TILE_HASHES;
use crate::format::frame::SEGMENT_HEADER_BYTES;
use crate::format::hash::{Hash, hex};
use crate::format::id::ObjectId;
use crate::format::marks::{MarksFile, Slot};
use crate::format::merkle::CompactRange;
use crate::format::record::{Envelope, ZERO_HASH};
use crate::format::recycle_lock::ListedSnapshot;
use crate::format::tile::{TILE_BYTES, TILE_HEIGHT, tile_path};

pub struct Expected<'a> {
    pub end: &'a JournalEnd,
    pub marks: Option<&'a MarksFile>,
    /// Size and root of the stored checkpoint.
    pub checkpoint: Option<(u64, Hash)>,
    /// How many records `recycle.lock` stands for.
    pub listed_size: u64,
    /// The snapshots as of the first `known_size` records, where a signed list says so: some of these may be lost.
    pub known: Vec<ListedSnapshot>,
    pub known_size: u64,
}

/// What the records say, and what is wrong with them.
pub struct Journal {
    pub findings: Vec<(&'static str, Finding)>,
    pub records: u64,
    pub segments: u64,
    pub bytes: u64,
    pub tiles: u64,
    pub forgotten: u64,
    pub doubtful: u64,
    /// All snapshots, and the list as of the record up to which `recycle.lock` stands.
    pub snapshots: Vec<ListedSnapshot>,
    pub listed: Vec<ListedSnapshot>,
    pub gc_horizon: u64,
    pub forgotten_objects: HashSet<ObjectId>,
    pub lost_objects: Vec<ObjectId>,
    pub lost_records: Vec<(u64, u64)>,
    /// Seq and state root of the last record that can be read.
    pub last: Option<(u64, ObjectId)>,
}

struct Walk<'a> {
    root: &'a RootFolder<'a>,
    expected: &'a Expected<'a>,
    journal: Journal,
    /// The record that comes next.
    seq: u64,
    /// What was searched for behind damage comes next.
    is_resuming: bool,
    /// Leaf of the record before; none behind a gap.
    prev: Option<Hash>,
    time: u64,
    /// The Merkle tree so far; none once a leaf is unknown.
    range: Option<CompactRange>,
    tiles: Tiles,
    /// Records without a body, and where they are.
    without_body: BTreeMap<u64, String>,
    allowed: Vec<(u64, u64)>,
}

pub fn verify_journal(root: &RootFolder<'_>, expected: &Expected<'_>) -> Result<Journal> {
    let journal = Journal {
        findings: Vec::new(),
        records: 0,
        segments: 0,
        bytes: 0,
        tiles: 0,
        forgotten: 0,
        doubtful: 0,
        snapshots: expected.known.clone(),
        listed: Vec::new(),
        gc_horizon: 0,
        forgotten_objects: HashSet::new(),
        lost_objects: Vec::new(),
        lost_records: Vec::new(),
        last: None,
    };
    let mut walk = Walk {
        root,
        expected,
        journal,
        seq: 0,
        is_resuming: false,
        prev: Some(ZERO_HASH),
        time: 0,
        range: Some(CompactRange::default()),
        tiles: Tiles::default(),
        without_body: BTreeMap::new(),
        allowed: Vec::new(),
    };
    if expected.checkpoint.is_some_and(|(size, _)| size == 0) {
        walk.check_root();
    }
    walk.all_segments()?;
    walk.check_size();
    walk.check_forgotten();
    Ok(walk.journal)
}

impl Walk<'_> {
    fn found(&mut self, check: &'static str, finding: Finding) {
        if self.journal.findings.len() < FINDINGS_MAX {
            self.journal.findings.push((check, finding));
        }
    }

    fn all_segments(&mut self) -> Result<()> {
        let end = self.expected.end;
        while self.seq < end.size {
            let at = end.segments.partition_point(|first| *first <= self.seq);
            let later = end.segments.get(at).copied();
            let end_seq = end.size.min(later.unwrap_or(end.size));
            match at.checked_sub(1) {
                Some(before) => self.one_segment(end.segments[before], end_seq)?,
                None => {
                    let place = ".runtime/journal".to_owned();
                    self.gap(end_seq, ("segments", "segment-damaged"), place, "the segment is missing");
                }
            }
        }
        Ok(())
    }

    fn one_segment(&mut self, first: u64, end_seq: u64) -> Result<()> {
        let segment = open_segment(self.root, first)?;
        if let Some(fault) = &segment.fault {
            let finding = Finding::damage("segment-damaged", place_text(first, 0), fault).seq(first);
            self.found("segments", finding);
        }
        let end = self.expected.end;
        let end_bytes = if first == end.last_segment { end.last_bytes } else { segment.size };
        self.journal.segments += 1;
        self.is_resuming = false;
        let mut stopped_at = SEGMENT_HEADER_BYTES;
        let root = self.root;
        for_each_frame(root, &segment, (SEGMENT_HEADER_BYTES, end_bytes), facts_of, |found| {
            if self.seq >= end_seq {
                if let Found::Frame { offset, .. } | Found::Bad { offset, .. } = found {
                    stopped_at = offset;
                }
                return Next::Stop;
            }
            self.one_frame(&segment, found, end_seq, &mut stopped_at)
        });
        if self.seq < end_seq {
            // The search behind damage found nothing more.
            self.seq_lost(end_seq);
        }
        if end_seq < end.size && stopped_at < end_bytes {
            let reason = "there are bytes behind the last record";
            let finding = Finding::damage("record-damaged", place_text(first, stopped_at), reason).seq(end_seq);
            self.found("records", finding);
        }
        Ok(())
    }

    fn one_frame(&mut self, segment: &Segment, found: Found<Facts>, end_seq: u64, stopped_at: &mut u64) -> Next {
        let place = |offset: u64| place_text(segment.first_seq, offset);
        if let (true, Found::Frame { envelope, .. }) = (std::mem::take(&mut self.is_resuming), &found) {
            self.seq_lost(envelope.seq);
        }
        let (offset, codes, reason) = match found {
            Found::Frame { offset, bytes, envelope, looked } if envelope.seq == self.seq => {
                *stopped_at = offset + bytes;
                self.record(&envelope, looked, bytes, &|| place(offset));
                return Next::On;
            }
            Found::Frame { offset, envelope, .. } => {
                (offset, ("records", "record-missing"), format!("record {} stands here", envelope.seq))
            }
            Found::Bad { offset, reason } => (offset, ("records", "record-damaged"), reason),
            Found::End { offset } => (offset, ("records", "record-damaged"), "the segment ends here".to_owned()),
        };
        *stopped_at = u64::MAX;
        self.is_resuming = true;
        let (check, code) = codes;
        self.found(check, Finding::damage(code, place(offset), reason).seq(self.seq));
        Next::Search { offset, from: self.seq, to: end_seq }
    }

    /// Records [seq, next) can not be read.
    fn gap(&mut self, next: u64, (check, code): (&'static str, &'static str), place: String, reason: &str) {
        self.found(check, Finding::damage(code, place, reason).seq(self.seq));
        self.seq_lost(next);
    }

    fn seq_lost(&mut self, next: u64) {
        let count = next - self.seq;
        if count > 0 {
            self.prev = None;
        }
        if count > 1 {
            self.range = None;
        }
        self.seq = next;
    }

    fn record(&mut self, envelope: &Envelope, facts: Facts, bytes: u64, place: &dyn Fn() -> String) {
        let seq = envelope.seq;
        // A single lost record: the one behind it holds its leaf hash.
        if self.range.as_ref().is_some_and(|range| range.size + 1 == seq) {
            self.push_leaf(envelope.prev);
        }
        if let Some(prev) = self.prev.filter(|prev| *prev != envelope.prev) {
            let finding = Finding::damage("chain-broken", place(), "it does not follow the record before").seq(seq);
            self.found("chain", finding.expected(hex(&prev)));
        }
        let is_whole = self.body(envelope, facts.body, place);
        if is_whole {
            self.compare_with_marks(seq, &facts.leaf);
        }
        self.prev = Some(facts.leaf);
        self.time = envelope.time;
        self.journal.records += 1;
        self.journal.bytes += bytes;
        self.journal.last = Some((seq, envelope.root));
        self.push_leaf(facts.leaf);
        self.seq = seq + 1;
    }

    /// True unless the body is damaged.
    fn body(&mut self, envelope: &Envelope, body: BodyFacts, place: &dyn Fn() -> String) -> bool {
        let seq = envelope.seq;
        match body {
            BodyFacts::Missing => {
                self.without_body.insert(seq, place());
            }
            BodyFacts::Bad(reason) => {
                self.found("bodies", Finding::damage("body-damaged", place(), reason).seq(seq));
                return false;
            }
            BodyFacts::Good { doubtful, fault, event } => {
                if let Some(fault) = fault {
                    let finding = Finding::damage("body-untrue", format!("record #{seq}"), fault).seq(seq);
                    self.found("bodies", finding);
                }
                self.journal.doubtful += u64::from(doubtful);
                if envelope.time < self.time && !doubtful {
                    let reason = "it is earlier than the record before and not marked doubtful";
                    self.found("records", Finding::damage("time-disordered", place(), reason).seq(seq));
                }
                if let Some(event) = event {
                    self.event(*event, envelope);
                }
            }
        }
        true
    }

    fn event(&mut self, event: Event, envelope: &Envelope) {
        let journal = &mut self.journal;
        match event {
            Event::Forget { records, objects } => {
                self.allowed.extend(records);
                journal.forgotten_objects.extend(objects);
            }
            Event::Gc { horizon } => journal.gc_horizon = journal.gc_horizon.max(horizon),
            Event::Lost { objects, records } => {
                journal.lost_objects.extend(objects);
                journal.lost_records.extend(records);
            }
            Event::Snapshot { name, what } => {
                let at = (envelope.seq, envelope.time);
                if envelope.seq >= self.expected.known_size {
                    replay(&mut journal.snapshots, &name, &what, at);
                }
                if envelope.seq < self.expected.listed_size {
                    replay(&mut journal.listed, &name, &what, at);
                }
            }
        }
    }

    fn compare_with_marks(&mut self, seq: u64, leaf: &Hash) {
        let Some(marks) = self.expected.marks else { return };
        for (index, slot) in marks.slots.iter().enumerate() {
            let Slot::Good(slot) = slot else { continue };
            if slot.next_seq == seq + 1 && slot.last_leaf != *leaf {
                let place = format!(".runtime/marks slot {index}");
                let finding = Finding::damage("marks-damaged", place, "it names another last record").seq(seq);
                self.found("marks", finding);
            }
        }
    }

    fn push_leaf(&mut self, leaf: Hash) {
        let Some(range) = &mut self.range else { return };
        let tiles = &mut self.tiles;
        let mut full = Vec::new();
        range.push(leaf, |level, index, hash| {
            if let Some(tile) = tiles.add(level, index, hash) {
                full.push(tile);
            }
        });
        let size = range.size;
        for (level, index, bytes) in full {
            self.check_tile(level, index, &bytes);
        }
        if self.expected.checkpoint.is_some_and(|(covered, _)| covered == size) {
            self.check_root();
        }
    }

    fn check_tile(&mut self, level: u32, index: u64, bytes: &[u8]) {
        let covered = self.expected.checkpoint.map_or(0, |(size, _)| size);
        let width = TILE_HASHES.checked_pow(level + 1).and_then(|width| width.checked_mul(index + 1));
        if width.is_none_or(|width| width > covered) {
            return;
        }
        self.journal.tiles += 1;
        let path = tile_path(level, index);
        let stored = read_tile(self.root, &path);
        if stored.as_deref() == Some(bytes) {
            return;
        }
        let reason =
            if stored.is_none() { "the tile is missing" } else { "the tile does not hold the hashes of the records" };
        self.found("tiles", Finding::damage("tile-damaged", format!(".runtime/tile/{path}"), reason));
    }

    fn check_root(&mut self) {
        let (Some((size, root)), Some(range)) = (self.expected.checkpoint, &self.range) else { return };
        let found = range.root();
        if found != root {
            let reason = format!("the first {size} records have the root {}", hex(&found));
            let finding = Finding::damage("checkpoint-mismatch", ".runtime/checkpoint", reason);
            self.found("checkpoint", finding.expected(hex(&root)));
        }
    }

    fn check_size(&mut self) {
        let size = self.expected.end.size;
        if let Some((covered, _)) = self.expected.checkpoint.filter(|(covered, _)| *covered > size) {
            let reason = format!("the journal has {size} records, its checkpoint {covered}");
            let finding = Finding::damage("checkpoint-mismatch", ".runtime/checkpoint", reason).seq(size);
            self.found("checkpoint", finding);
        }
    }

    fn check_forgotten(&mut self) {
        let without_body = std::mem::take(&mut self.without_body);
        for (seq, place) in without_body {
            if self.allowed.iter().any(|(from, to)| seq >= *from && seq < *to) {
                self.journal.forgotten += 1;
                continue;
            }
            let reason = "the body is missing and no record says that it was removed";
            self.found("bodies", Finding::damage("body-missing", place, reason).seq(seq));
        }
    }
}

/// Records that are known to be lost are no new damage.
pub fn mark_known_losses(journal: &mut Journal) {
    for (_, finding) in &mut journal.findings {
        let known = finding.code == "record-damaged"
            && finding.seq.is_some_and(|seq| journal.lost_records.iter().any(|(from, to)| seq >= *from && seq < *to));
        if known {
            finding.severity = Severity::Note;
            finding.found.push_str(" (known to be lost)");
        }
    }
}

fn read_tile(root: &RootFolder<'_>, path: &str) -> Option<Vec<u8>> {
    let mut home = root.io.child(&root.runtime, b"tile").ok()?;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_some() {
            home = root.io.child(&home, part.as_bytes()).ok()?;
            continue;
        }
        return match read_small(root.io, &home, part.as_bytes(), TILE_BYTES as u64) {
            SmallFile::Read(bytes) if bytes.len() == TILE_BYTES => Some(bytes),
            _ => None,
        };
    }
    None
}

/// Tiles that are being filled, one a level.
#[derive(Default)]
struct Tiles {
    open: Vec<Vec<u8>>,
}

impl Tiles {
    /// Takes a hash of the tree in; answers the tile that it fills.
    fn add(&mut self, level: u32, index: u64, hash: &Hash) -> Option<(u32, u64, Vec<u8>)> {
        if !level.is_multiple_of(TILE_HEIGHT) {
            return None;
        }
        let tile_level = level / TILE_HEIGHT;
        let place = tile_level as usize;
        if self.open.len() <= place {
            self.open.push(Vec::with_capacity(TILE_BYTES));
        }
        let tile = &mut self.open[place];
        tile.extend_from_slice(hash);
        (tile.len() == TILE_BYTES).then(|| (tile_level, index / TILE_HASHES, std::mem::take(tile)))
    }
}
