//! Where the journal ends: what the marks say is on disk, and what of the tail behind it is sound. A broken tail is torn
//! unless something says that it was once on disk; then it is damage.

use super::frames::{Found, Next, Segment, for_each_frame, list_segments, open_segment, place_text, search};
use super::root::RootFolder;
use crate::error::Result;
use crate::format::frame::{Frame, SEGMENT_HEADER_BYTES};
use crate::format::hash::Hash;
use crate::format::marks::{Marks, MarksFile};
use crate::format::merkle::leaf_hash;
use crate::format::record::ZERO_HASH;

/// Why the journal is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalDamage {
    pub place: String,
    pub reason: String,
    pub seq: Option<u64>,
}

#[derive(Debug, Clone)]
pub struct JournalEnd {
    pub segments: Vec<u64>,
    /// The segment of the last record, and where the next would begin in it.
    pub last_segment: u64,
    pub last_bytes: u64,
    /// Records.
    pub size: u64,
    pub damage: Option<JournalDamage>,
}

struct Boundary {
    segment: u64,
    /// 0: the segment is not looked at yet.
    bytes: u64,
    size: u64,
    leaf: Hash,
}

struct Break {
    segment: u64,
    bytes: u64,
    seq: u64,
    reason: String,
}

/// `checkpoint_size` is what the stored checkpoint covers, 0 for none.
pub fn find_end(root: &RootFolder<'_>, marks: Option<&MarksFile>, checkpoint_size: u64) -> Result<JournalEnd> {
    let segments = list_segments(root)?;
    let newest = marks.and_then(|marks| marks.newest);
    let mut end = JournalEnd { segments, last_segment: 0, last_bytes: 0, size: 0, damage: None };
    let mut boundary = Boundary { segment: 0, bytes: 0, size: 0, leaf: ZERO_HASH };
    if let Some(marks) = &newest {
        if let Err(damage) = check_boundary(root, &end.segments, marks)? {
            (end.last_segment, end.last_bytes) = (marks.segment_first_seq, marks.segment_flushed_bytes);
            (end.size, end.damage) = (marks.next_seq, Some(damage));
            return Ok(end);
        }
        boundary = Boundary {
            segment: marks.segment_first_seq,
            bytes: marks.segment_flushed_bytes,
            size: marks.next_seq,
            leaf: marks.last_leaf,
        };
    } else if end.segments.is_empty() {
        end.damage = (checkpoint_size > 0).then(|| JournalDamage {
            place: ".runtime/journal".to_owned(),
            reason: format!("the journal is empty, its checkpoint has {checkpoint_size} records"),
            seq: Some(0),
        });
        return Ok(end);
    }
    let broken = follow_tail(root, &end.segments, &mut boundary)?;
    if let Some(broken) = broken {
        end.damage = damage_of(root, &end.segments, &broken, checkpoint_size)?;
    }
    (end.last_segment, end.last_bytes, end.size) = (boundary.segment, boundary.bytes, boundary.size);
    if end.damage.is_none() && checkpoint_size > end.size {
        let reason = format!("the journal has {} records, its checkpoint {checkpoint_size}", end.size);
        end.damage =
            Some(JournalDamage { place: place_text(end.last_segment, end.last_bytes), reason, seq: Some(end.size) });
    }
    Ok(end)
}

/// Checks what the marks say of the last record, reading its segment alone.
fn check_boundary(
    root: &RootFolder<'_>,
    segments: &[u64],
    marks: &Marks,
) -> Result<std::result::Result<(), JournalDamage>> {
    let (first, bytes) = (marks.segment_first_seq, marks.segment_flushed_bytes);
    let damage = |reason: String| {
        Ok(Err(JournalDamage { place: place_text(first, bytes), reason, seq: marks.next_seq.checked_sub(1) }))
    };
    let segment = open_segment(root, first)?;
    if let Some(fault) = segment.fault {
        return damage(fault);
    }
    if segment.size < bytes {
        return damage("the segment is shorter than what was flushed".to_owned());
    }
    let Some(last_seq) = marks.next_seq.checked_sub(1) else { return Ok(Ok(())) };
    let (segment, end) = if bytes > SEGMENT_HEADER_BYTES {
        (segment, bytes)
    } else {
        let Some(before) = segments.iter().rev().find(|before| **before < first) else {
            return damage("the segment before is missing".to_owned());
        };
        let segment = open_segment(root, *before)?;
        let size = segment.size;
        (segment, size)
    };
    match last_frame(root, &segment, end) {
        Err(reason) => damage(reason),
        Ok((seq, _)) if seq != last_seq => damage(format!("the last record is {seq}")),
        Ok((_, leaf)) if leaf != marks.last_leaf => {
            damage("the last record is not the one that was flushed".to_owned())
        }
        Ok(_) => Ok(Ok(())),
    }
}

/// Seq and leaf hash of the frame that ends at `end`, found by its trailing length.
fn last_frame(root: &RootFolder<'_>, segment: &Segment, end: u64) -> std::result::Result<(u64, Hash), String> {
    let start = segment.frame_start_before(root, end).ok_or("the trailing length is wrong")?;
    let mut answer = Err("there is no record".to_owned());
    let look = |frame: &Frame<'_>, _: &_| leaf_hash(frame.envelope);
    for_each_frame(root, segment, (start, end), look, |found| {
        answer = match found {
            Found::Frame { offset, bytes, envelope, looked } if offset + bytes == end => Ok((envelope.seq, looked)),
            Found::Frame { .. } => Err("the trailing length is wrong".to_owned()),
            Found::Bad { reason, .. } => Err(reason),
            Found::End { .. } => Err("there is no record".to_owned()),
        };
        Next::Stop
    });
    answer
}

/// Follows the chain of records from a boundary to the end of the files; moves the boundary along.
fn follow_tail(root: &RootFolder<'_>, segments: &[u64], boundary: &mut Boundary) -> Result<Option<Break>> {
    let stop = |segment, bytes, seq, reason: String| Ok(Some(Break { segment, bytes, seq, reason }));
    loop {
        let first = boundary.segment;
        if boundary.bytes == 0 {
            if !segments.contains(&first) {
                return stop(first, 0, boundary.size, "the segment is missing".to_owned());
            }
            if let Some(fault) = open_segment(root, first)?.fault {
                return stop(first, 0, boundary.size, fault);
            }
            boundary.bytes = SEGMENT_HEADER_BYTES;
        }
        let segment = open_segment(root, first)?;
        if let Some(reason) = follow_segment(root, &segment, boundary) {
            return stop(first, boundary.bytes, boundary.size, reason);
        }
        let Some(later) = segments.iter().find(|later| **later > first) else { return Ok(None) };
        if *later != boundary.size {
            let reason = format!("record {} is missing before this segment", boundary.size);
            return stop(*later, 0, boundary.size, reason);
        }
        (boundary.segment, boundary.bytes) = (*later, 0);
    }
}

/// What is wrong where it ends before the file does.
fn follow_segment(root: &RootFolder<'_>, segment: &Segment, boundary: &mut Boundary) -> Option<String> {
    let mut reason = None;
    let look = |frame: &Frame<'_>, _: &_| leaf_hash(frame.envelope);
    for_each_frame(root, segment, (boundary.bytes, segment.size), look, |found| {
        reason = match found {
            Found::Frame { envelope, .. } if envelope.seq != boundary.size => {
                Some(format!("record {} stands where {} belongs", envelope.seq, boundary.size))
            }
            Found::Frame { envelope, .. } if envelope.prev != boundary.leaf => {
                Some("the record does not follow the one before".to_owned())
            }
            Found::Frame { offset, bytes, looked, .. } => {
                (boundary.bytes, boundary.leaf) = (offset + bytes, looked);
                boundary.size += 1;
                return Next::On;
            }
            Found::Bad { reason, .. } => Some(reason),
            Found::End { .. } => None,
        };
        Next::Stop
    });
    reason
}

/// Why a broken tail is damage; none when it is torn.
fn damage_of(
    root: &RootFolder<'_>,
    segments: &[u64],
    broken: &Break,
    checkpoint_size: u64,
) -> Result<Option<JournalDamage>> {
    let damage = |reason: String| {
        Ok(Some(JournalDamage { place: place_text(broken.segment, broken.bytes), reason, seq: Some(broken.seq) }))
    };
    if checkpoint_size > broken.seq {
        return damage(format!("{}; a checkpoint covers the record", broken.reason));
    }
    for first in segments.iter().filter(|first| **first >= broken.segment) {
        let segment = open_segment(root, *first)?;
        let same = *first == broken.segment;
        let from = if same { broken.bytes } else { 0 };
        let accept = |frame: &Frame<'_>| !same || u64::from(frame.base) > broken.bytes;
        if search(root, &segment, (from, segment.size), accept).is_some() {
            return damage(format!("{}; something was written after it", broken.reason));
        }
    }
    Ok(None)
}
