//! One look at everything that can be wrong, in the order of `format/README.md`: the journal first, then the packs, then
//! what the kept records need of them.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;

use super::affected::affected_paths;
use super::changes::{Compared, check_changes};
use super::diff::Differ;
use super::end::{JournalEnd, find_end};
use super::facts::{Says, says_of};
use super::frames::{Found, Next, for_each_frame, open_segment};
use super::journal::{Expected, Journal, mark_known_losses, verify_journal};
use super::objects::{ObjectTable, read_object};
use super::packs::check_packs;
use super::reach::{Reach, Trouble, TroubleKind};
use super::report::{FINDINGS_MAX, Finding, Report, Severity, many};
use super::root::{RootFolder, open_root};
use super::snapshots::StoredList;
use super::statements::{
    StoredCheckpoint, check_format, check_keys, check_marks, check_signature, check_unapplied, read_marks,
    read_verifier,
};
use super::trace::TraceCheck;
use crate::error::{Result, StoreError};
use crate::format::frame::{Frame, SEGMENT_HEADER_BYTES};
use crate::format::id::{ObjectId, cid_text};
use crate::format::marks::MarksFile;
use crate::format::record::Envelope;
use crate::format::state::decode_state;
use crate::io::Io;

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Also unpacks every object of every pack and compares it with its name.
    pub deep: bool,
    /// Only the journal and what is stated about it.
    pub journal_only: bool,
}

/// How long a finding must stand: another process may be in the middle of writing.
const SECOND_LOOK: std::time::Duration = std::time::Duration::from_millis(50);

/// Errors are ROOT_NOT_FOUND, FORMAT_UNKNOWN, DAMAGED (`.runtime/format` itself) and IO; all else is a finding.
pub fn verify(io: &dyn Io, path: &Path, options: &Options) -> Result<Report> {
    let root = open_root(io, path)?;
    let mut report = Report::default();
    let looked = look_twice(&root)?;
    let journal = report_journal(&root, &mut report, looked);
    if !options.journal_only {
        let marks = read_marks(&root).and_then(|marks| marks.newest);
        let table = check_packs(&root, &mut report, marks.as_ref(), options.deep)?;
        check_objects(&root, &mut report, &journal, &table, options.deep)?;
    }
    Ok(report)
}

struct Looked {
    marks: Option<MarksFile>,
    checkpoint: StoredCheckpoint,
    stored_list: StoredList,
    end: JournalEnd,
    journal: Journal,
}

fn look(root: &RootFolder<'_>) -> Result<Looked> {
    let marks = read_marks(root);
    let checkpoint = StoredCheckpoint::read(root);
    let stored_list = StoredList::read(root);
    let end = find_end(root, marks.as_ref(), checkpoint.size())?;
    let key = read_verifier(root);
    let verifier = key.as_ref().map(|(_, key)| key).map_err(String::as_str);
    let (known, known_size) = stored_list.trusted(verifier, end.size);
    let expected = Expected {
        end: &end,
        marks: marks.as_ref(),
        checkpoint: checkpoint.checkpoint().map(|checkpoint| (checkpoint.size, checkpoint.root)),
        listed_size: stored_list.journal_size(),
        known,
        known_size,
    };
    let mut journal = verify_journal(root, &expected)?;
    mark_known_losses(&mut journal);
    Ok(Looked { marks, checkpoint, stored_list, end, journal })
}

/// A finding counts when it is still there on a second look.
fn look_twice(root: &RootFolder<'_>) -> Result<Looked> {
    let first = look(root)?;
    if first.journal.findings.is_empty() {
        return Ok(first);
    }
    std::thread::sleep(SECOND_LOOK);
    let mut second = look(root)?;
    second.journal.findings.retain(|found| first.journal.findings.contains(found));
    Ok(second)
}

fn report_journal(root: &RootFolder<'_>, report: &mut Report, looked: Looked) -> Kept {
    let Looked { marks, checkpoint, stored_list, end, journal } = looked;
    let is_told = |damage: &super::end::JournalDamage| {
        let same =
            |finding: &Finding| finding.place == damage.place || (damage.seq.is_some() && finding.seq == damage.seq);
        journal.findings.iter().any(|(_, finding)| same(finding))
    };
    if let Some(damage) = end.damage.as_ref().filter(|damage| !is_told(damage)) {
        let finding = Finding::damage("journal-damaged", &damage.place, &damage.reason);
        report.found("records", Finding { seq: damage.seq, ..finding });
    }
    for (check, finding) in &journal.findings {
        report.found(check, finding.clone());
    }
    check_marks(report, marks.as_ref(), !end.segments.is_empty());
    describe(report, &journal);
    let key = read_verifier(root);
    let verifier = key.as_ref().map(|(_, key)| key).map_err(String::as_str);
    check_signature(report, &checkpoint, verifier);
    let is_whole = journal.records == end.size && end.size >= stored_list.journal_size();
    stored_list.check(report, verifier, end.size, is_whole.then_some(journal.listed.as_slice()));
    check_keys(report, root, key.as_ref().map_err(String::as_str));
    check_format(report, root, verifier);
    check_unapplied(report, root);
    Kept { journal, end }
}

/// What the later steps need of the journal.
struct Kept {
    journal: Journal,
    end: JournalEnd,
}

fn describe(report: &mut Report, journal: &Journal) {
    let records = many(journal.records, "record");
    report.line(
        "segments",
        journal.segments,
        format!("{} of the journal, {}", many(journal.segments, "segment"), many(journal.bytes, "byte")),
    );
    report.line("records", journal.records, format!("{records}: frames, CRC, order, times"));
    report.line("chain", journal.records, format!("{} of the chain", many(journal.records, "link")));
    let bodies = journal.records.saturating_sub(journal.forgotten);
    let removed = match journal.forgotten {
        0 => String::new(),
        forgotten => format!(", {forgotten} removed by a record that says so"),
    };
    let doubts = match journal.doubtful {
        0 => String::new(),
        doubtful => format!(", {}", many(doubtful, "doubtful time")),
    };
    report.line("bodies", bodies, format!("{bodies} bodies{removed}{doubts}"));
    report.line("tiles", journal.tiles, many(journal.tiles, "hash tile"));
    report.line("marks", 2, "2 marks of what is flushed");
}

fn check_objects(
    root: &RootFolder<'_>,
    report: &mut Report,
    kept: &Kept,
    table: &ObjectTable,
    deep: bool,
) -> Result<()> {
    // What gc has left whole: the states from the one before this record on.
    let horizon = kept.journal.gc_horizon;
    let mut reach = Reach::new(root, table, deep);
    // The state in force first, so that what it shares with older ones is told of it.
    if let Some((seq, state)) = kept.journal.last {
        reach.state(state, seq);
        reach.drain();
    }
    for snapshot in &kept.journal.snapshots {
        reach.state(snapshot.root, snapshot.seq);
    }
    reach.drain();
    let differ = Differ { root, table };
    let walked = walk_records(root, &kept.end, horizon, &mut reach, &differ, report)?;
    let links = walked.links;
    for finding in walked.untrue {
        report.found("changes", finding);
    }
    let compared = format!("{}: what each says against its states", many(walked.records, "record"));
    report.line("changes", walked.changes, format!("{} of {compared}", many(walked.changes, "change")));
    let from = horizon.saturating_sub(1);
    let range = if from > 0 { format!(" from #{from} on") } else { String::new() };
    let pruned = |from| format!("; {} before #{from}: signed, objects pruned", many(from, "record"));
    let before = if from > 0 { pruned(from) } else { String::new() };
    let text = format!("{}{range}, {} of records{before}", many(reach.states, "kept state"), many(links, "link"));
    report.line("states", reach.states, text);
    report.line("objects", reach.objects, format!("{} that they need, each looked up", many(reach.objects, "object")));
    let text = format!("{} read: content and canonical form", many(reach.nodes, "node"));
    report.line("directory nodes", reach.nodes, text);
    leave_out_forgotten(report, kept, &mut reach);
    report_troubles(root, report, kept, &mut reach, table);
    Ok(())
}

#[derive(Default)]
struct Walked {
    links: u64,
    /// Records that were compared with their states, and their changes.
    records: u64,
    changes: u64,
    untrue: Vec<Finding>,
    /// The disk did not let a record be compared.
    failure: Option<StoreError>,
    /// Of the record before.
    before: Option<(u64, ObjectId)>,
    waiting: Vec<Compared>,
}

/// Records that are compared at a time, in parallel.
const COMPARED_AT_ONCE: usize = 512;

/// The states and links of the kept records, and what these say that they changed.
fn walk_records(
    root: &RootFolder<'_>,
    end: &JournalEnd,
    horizon: u64,
    reach: &mut Reach<'_>,
    differ: &Differ<'_>,
    report: &mut Report,
) -> Result<Walked> {
    let mut walked = Walked::default();
    let mut trace = TraceCheck::open(root);
    for (number, segment) in end.segments.iter().enumerate() {
        let segment = open_segment(root, *segment)?;
        let end_bytes = if segment.first_seq == end.last_segment { end.last_bytes } else { segment.size };
        let to = end.segments.get(number + 1).map_or(end.size, |next| end.size.min(*next));
        // Only a record that stands where it belongs is one; behind damage the next that is there counts.
        let (mut expected, mut is_resuming) = (segment.first_seq, false);
        let look = |frame: &Frame<'_>, envelope: &Envelope| {
            if envelope.seq >= horizon { says_of(frame, envelope) } else { Says::default() }
        };
        for_each_frame(root, &segment, (SEGMENT_HEADER_BYTES, end_bytes), look, |found| match found {
            Found::Frame { .. } if expected >= to => Next::Stop,
            Found::Frame { envelope, looked, .. } if envelope.seq == expected || is_resuming => {
                (expected, is_resuming) = (envelope.seq + 1, false);
                walked.record(&envelope, looked, horizon, reach, &mut trace, differ);
                if walked.waiting.len() >= COMPARED_AT_ONCE {
                    walked.compare(differ);
                }
                Next::On
            }
            Found::Bad { offset, .. } | Found::Frame { offset, .. } if expected < to => {
                is_resuming = true;
                Next::Search { offset, from: expected, to }
            }
            _ => Next::Stop,
        });
    }
    reach.drain();
    walked.compare(differ);
    trace.finish(report, end.size);
    match walked.failure.take() {
        Some(error) => Err(error),
        None => Ok(walked),
    }
}

impl Walked {
    fn record(
        &mut self,
        envelope: &Envelope,
        says: Says,
        horizon: u64,
        reach: &mut Reach<'_>,
        trace: &mut TraceCheck<'_>,
        differ: &Differ<'_>,
    ) {
        let Envelope { seq, root, .. } = *envelope;
        let from = horizon.saturating_sub(1);
        let before = self.before.replace((seq, root));
        if seq < from {
            trace.record((seq, root), None, differ);
            return;
        }
        if before.is_none_or(|(_, before)| before != root) || seq == from {
            reach.state(root, seq);
        }
        self.links += says.links.len() as u64;
        for (link, use_as) in says.links {
            reach.link(link, use_as, seq);
        }
        let follows = if seq == 0 { true } else { before.is_some_and(|(before, _)| before + 1 == seq) };
        let (has_body, claim) = (says.claim.is_some(), says.claim.unwrap_or_default());
        let compared = Compared { seq, before: before.map(|(_, root)| root), after: root, claim, has_body };
        trace.record((seq, root), (seq >= horizon).then_some(&compared), differ);
        if follows && seq >= horizon {
            self.waiting.push(compared);
        }
    }

    fn compare(&mut self, differ: &Differ<'_>) {
        let waiting = std::mem::take(&mut self.waiting);
        let checked: Vec<Result<(u64, Vec<Finding>)>> =
            waiting.par_iter().with_min_len(4).map(|record| check_changes(differ, record)).collect();
        self.records += waiting.len() as u64;
        for compared in checked {
            let (changes, untrue) = match compared {
                Ok(compared) => compared,
                Err(error) => {
                    self.failure.get_or_insert(error);
                    continue;
                }
            };
            self.changes += changes;
            let room = FINDINGS_MAX.saturating_sub(self.untrue.len());
            self.untrue.extend(untrue.into_iter().take(room));
        }
    }
}

/// What a `forget` lists is missing as it should be.
fn leave_out_forgotten(report: &mut Report, kept: &Kept, reach: &mut Reach<'_>) {
    let forgotten = &kept.journal.forgotten_objects;
    let before = reach.troubles.len();
    reach.troubles.retain(|id, trouble| trouble.kind != TroubleKind::Missing || !forgotten.contains(id));
    let count = (before - reach.troubles.len()) as u64;
    if count > 0 {
        report.line("forgotten", count, format!("{} forgotten by a record that says so", many(count, "object")));
    }
}

fn report_troubles(
    root: &RootFolder<'_>,
    report: &mut Report,
    kept: &Kept,
    reach: &mut Reach<'_>,
    table: &ObjectTable,
) {
    // Damaged entries that have no other, sound copy, whether or not anything kept leads to them.
    let unreadable: Vec<&ObjectId> = table.damaged.keys().filter(|id| table.find(id).is_none()).collect();
    let wanted: HashSet<ObjectId> = reach.troubles.keys().copied().chain(unreadable.into_iter().copied()).collect();
    let paths = if wanted.is_empty() && table.damaged.is_empty() {
        HashMap::new()
    } else {
        paths_of(root, kept, table, &wanted)
    };
    let lost: HashSet<&ObjectId> = kept.journal.lost_objects.iter().collect();
    for (id, damaged) in &table.damaged {
        let is_readable = table.find(id).is_some();
        let known = !is_readable && lost.contains(id);
        let told = match (known, is_readable) {
            (true, _) => " (known to be lost)",
            (_, true) => "; the object can be read all the same",
            _ => "",
        };
        let found = format!("{}{told}", damaged.reason);
        let seq = reach.troubles.get(id).map(|trouble| trouble.seq);
        let finding = Finding::damage("pack-entry-damaged", &damaged.place, found);
        spread(report, "pack entries", Finding { seq, ..finding }, paths.get(id), known);
    }
    let mut troubles: Vec<&Trouble> = reach.troubles.values().filter(|trouble| trouble.place.is_none()).collect();
    troubles.sort_by_key(|trouble| (trouble.seq, trouble.link.id));
    for trouble in troubles {
        let (code, check) = match trouble.kind {
            TroubleKind::Missing => ("object-missing", "objects"),
            TroubleKind::Damaged => ("object-damaged", "objects"),
            TroubleKind::Malformed => ("node-not-canonical", "directory nodes"),
        };
        let known = lost.contains(&trouble.link.id);
        let found = format!("{}{}", trouble.found, if known { " (known to be lost)" } else { "" });
        let finding = Finding::damage(code, cid_text(&trouble.link), found).seq(trouble.seq);
        spread(report, check, finding, paths.get(&trouble.link.id), known);
    }
}

/// One finding for each path of the state in force; one alone for what only the history needs.
fn spread(report: &mut Report, check: &'static str, finding: Finding, paths: Option<&Vec<Vec<u8>>>, known: bool) {
    match paths {
        Some(paths) => {
            for path in paths {
                report.found(check, Finding { path: Some(path.clone()), ..finding.clone() });
            }
        }
        None => {
            let severity = if known { Severity::Note } else { finding.severity };
            report.found(check, Finding { severity, ..finding });
        }
    }
}

/// The paths of the state in force that need an object; the settings and the state itself stand for paths of their own.
fn paths_of(
    root: &RootFolder<'_>,
    kept: &Kept,
    table: &ObjectTable,
    wanted: &HashSet<ObjectId>,
) -> HashMap<ObjectId, Vec<Vec<u8>>> {
    let mut paths: HashMap<ObjectId, Vec<Vec<u8>>> = HashMap::new();
    let Some((_, state_root)) = kept.journal.last else { return paths };
    if wanted.contains(&state_root) {
        paths.entry(state_root).or_default().push(Vec::new());
    }
    let state = read_object(root, table, &state_root).ok().and_then(|bytes| decode_state(&bytes).ok());
    let Some(state) = state else { return paths };
    if let Some(settings) = state.settings.filter(|settings| wanted.contains(&settings.id)) {
        paths.entry(settings.id).or_default().push(b"sentient.yaml".to_vec());
    }
    for (path, id) in affected_paths(root, table, state.files, |id| wanted.contains(id)) {
        paths.entry(id).or_default().push(path);
    }
    paths
}
