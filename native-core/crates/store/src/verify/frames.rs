//! Goes through the frames of a segment in windows of bounded memory: the frames of a window are looked at in parallel, what
//! was found is handed on in order. Behind damage it goes on at the next valid frame.

use rayon::prelude::*;

use super::root::RootFolder;
use crate::error::{Result, StoreError};
use crate::format::constants::MARKER_FRAME;
use crate::format::frame::{
    FRAME_OVERHEAD_BYTES, Frame, LogId, NoFrame, SEGMENT_HEADER_BYTES, decode_frame_at, decode_segment_header,
    find_frame_marker, frame_end, frame_seed, parse_segment_file_name, segment_file_name,
};
use crate::format::record::{Envelope, decode_envelope};
use crate::io::{File, IoResult, OpenMode};

/// Larger than any frame.
const WINDOW_BYTES: u64 = 4 << 20;
const HEADER: usize = SEGMENT_HEADER_BYTES as usize;

pub struct Segment {
    pub first_seq: u64,
    file: Option<File>,
    /// Of the file.
    pub size: u64,
    pub seed: u32,
    /// What is wrong with the header.
    pub fault: Option<String>,
}

/// The first records of all segments, ascending.
pub fn list_segments(root: &RootFolder<'_>) -> Result<Vec<u64>> {
    let Some(journal) = &root.journal else { return Ok(Vec::new()) };
    let mut firsts: Vec<u64> =
        root.io.list(journal)?.iter().filter_map(|listed| parse_segment_file_name(&listed.name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// For messages: file and offset.
pub fn place_text(segment: u64, bytes: u64) -> String {
    format!(".runtime/journal/{} byte {bytes}", segment_file_name(segment))
}

pub fn open_segment(root: &RootFolder<'_>, first_seq: u64) -> Result<Segment> {
    let missing = || StoreError::new("DAMAGED").at(place_text(first_seq, 0)).found("the segment is missing");
    let journal = root.journal.as_ref().ok_or_else(missing)?;
    let opened = root.io.open(journal, segment_file_name(first_seq).as_bytes(), OpenMode::Read).and_then(|file| {
        let size = root.io.file_stat(&file)?.size;
        Ok((file, size))
    });
    // Frames behind a header that says nothing are most likely this log's.
    let mut segment = Segment { first_seq, file: None, size: 0, seed: frame_seed(&root.format.log_id), fault: None };
    match opened {
        Ok((file, size)) => {
            match identify(root, &file, first_seq) {
                Ok(log_id) => segment.seed = frame_seed(&log_id),
                Err(fault) => segment.fault = Some(fault),
            }
            segment.file = Some(file);
            segment.size = size;
        }
        Err(error) => segment.fault = Some(format!("the disk reports {}", error.code)),
    }
    Ok(segment)
}

fn identify(root: &RootFolder<'_>, file: &File, first_seq: u64) -> std::result::Result<LogId, String> {
    let mut bytes = [0; HEADER];
    let count = root.io.read_at(file, &mut bytes, 0).map_err(|error| format!("the disk reports {}", error.code))?;
    if count < bytes.len() {
        return Err("the header is cut short".to_owned());
    }
    let header = decode_segment_header(&bytes).map_err(|error| error.reason.into_owned())?;
    if header.first_seq != first_seq {
        return Err(format!("the header says record {}", header.first_seq));
    }
    let known = header.log_id == root.format.log_id || root.format.earlier.contains(&header.log_id);
    if known { Ok(header.log_id) } else { Err("the segment belongs to another log".to_owned()) }
}

impl Segment {
    /// Where the frame begins that ends at `end`, by its trailing length; the frame itself is not checked.
    pub fn frame_start_before(&self, root: &RootFolder<'_>, end: u64) -> Option<u64> {
        let mut length = Vec::new();
        self.read(root, &mut length, end.checked_sub(4)?, end);
        let length = u64::from(u32::from_le_bytes(length.try_into().ok()?));
        end.checked_sub(length + FRAME_OVERHEAD_BYTES as u64).filter(|start| *start >= SEGMENT_HEADER_BYTES)
    }

    fn read(&self, root: &RootFolder<'_>, buffer: &mut Vec<u8>, from: u64, to: u64) {
        buffer.resize(to.saturating_sub(from) as usize, 0);
        let read: IoResult<usize> = match &self.file {
            Some(file) => root.io.read_at(file, buffer, from),
            None => Ok(0),
        };
        // What the disk refuses to read is a bad frame.
        buffer.truncate(read.unwrap_or(0));
    }
}

/// What stands at an offset of a segment.
pub enum Found<T> {
    /// A valid frame whose envelope decodes; `bytes` is the size of the frame.
    Frame { offset: u64, bytes: u64, envelope: Envelope, looked: T },
    /// No such frame.
    Bad { offset: u64, reason: String },
    /// The bytes end here.
    End { offset: u64 },
}

/// What to do next.
pub enum Next {
    On,
    /// Go on at the first valid frame at or behind the offset whose record is at least `from` and below `to`.
    Search {
        offset: u64,
        from: u64,
        to: u64,
    },
    Stop,
}

/// Goes through the frames of a segment from an offset up to `end`; `look` runs in parallel. After a bad frame `visit` must
/// search or stop.
pub fn for_each_frame<T: Send>(
    root: &RootFolder<'_>,
    segment: &Segment,
    (start, end): (u64, u64),
    look: impl Fn(&Frame<'_>, &Envelope) -> T + Sync,
    mut visit: impl FnMut(Found<T>) -> Next,
) {
    let mut offset = start;
    let mut buffer = Vec::new();
    // Behind a piece that is gone, frames stand before where they stood: their base tells nothing any more.
    let mut is_shifted = false;
    loop {
        segment.read(root, &mut buffer, offset, end.min(offset + WINDOW_BYTES));
        let spans = spans_of(&buffer);
        let looked: Vec<Found<T>> = if spans.is_empty() {
            vec![nothing_at(&buffer, offset, end, segment.seed)]
        } else {
            let look_at = |span: &usize| look_at(&buffer, (offset, is_shifted), *span, segment.seed, &look);
            spans.par_iter().with_min_len(8).map(look_at).collect()
        };
        let mut next_offset = offset + spans.last().map_or(0, |last| span_end(&buffer, *last)) as u64;
        for found in looked {
            let is_bad = !matches!(found, Found::Frame { .. });
            match visit(found) {
                Next::On if is_bad => return,
                Next::On => {}
                Next::Stop => return,
                Next::Search { offset: at, from, to } => {
                    let accept = |envelope: &Envelope| envelope.seq >= from && envelope.seq < to;
                    match search(root, segment, (at, end), |frame| {
                        decode_envelope(frame.envelope).is_ok_and(|envelope| accept(&envelope))
                    }) {
                        Some(resumed) => next_offset = resumed,
                        None => return,
                    }
                    is_shifted = true;
                    break;
                }
            }
        }
        offset = next_offset;
    }
}

/// Where frames begin, going by their heads alone.
fn spans_of(buffer: &[u8]) -> Vec<usize> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Ok(end) = frame_end(buffer, at) {
        spans.push(at);
        at = end;
    }
    spans
}

fn span_end(buffer: &[u8], start: usize) -> usize {
    frame_end(buffer, start).unwrap_or(start)
}

fn look_at<T>(
    buffer: &[u8],
    (base, is_shifted): (u64, bool),
    start: usize,
    seed: u32,
    look: &(impl Fn(&Frame<'_>, &Envelope) -> T + Sync),
) -> Found<T> {
    let offset = base + start as u64;
    let frame = match decode_frame_at(buffer, start, seed) {
        Ok(frame) => frame,
        Err(no_frame) => return Found::Bad { offset, reason: no_frame.reason().to_owned() },
    };
    if u64::from(frame.base) > offset && !is_shifted {
        return Found::Bad { offset, reason: "a base behind the frame itself".to_owned() };
    }
    match decode_envelope(frame.envelope) {
        Ok(envelope) => {
            let bytes = (frame.next_offset - start) as u64;
            Found::Frame { offset, bytes, envelope, looked: look(&frame, &envelope) }
        }
        Err(error) => Found::Bad { offset, reason: format!("the envelope is {}", error.reason) },
    }
}

fn nothing_at<T>(buffer: &[u8], offset: u64, end: u64, seed: u32) -> Found<T> {
    if offset >= end {
        return Found::End { offset };
    }
    let short = end - offset < FRAME_OVERHEAD_BYTES as u64;
    let reason = match decode_frame_at(buffer, 0, seed) {
        _ if short => "the frame is cut short",
        Err(NoFrame::Short(_)) if buffer.len() < 8 => "the frame cannot be read",
        Err(NoFrame::Short(_)) => "the frame is cut short",
        Err(NoFrame::Bad(reason)) => reason,
        Ok(_) => "the frame cannot be read",
    };
    Found::Bad { offset, reason: reason.to_owned() }
}

/// The offset of the first valid frame at or behind `from` that `accept` takes.
pub fn search(
    root: &RootFolder<'_>,
    segment: &Segment,
    (from, end): (u64, u64),
    accept: impl Fn(&Frame<'_>) -> bool,
) -> Option<u64> {
    let mut base = from;
    let mut buffer = Vec::new();
    while base < end {
        segment.read(root, &mut buffer, base, end.min(base + WINDOW_BYTES));
        if buffer.is_empty() {
            return None;
        }
        // The file may be shorter than it should be.
        let is_last = (buffer.len() as u64) < WINDOW_BYTES;
        let mut at = 0;
        let mut resume = None;
        while let Some(found) = find_frame_marker(&buffer, at) {
            match decode_frame_at(&buffer, found, segment.seed) {
                Ok(frame) if accept(&frame) => return Some(base + found as u64),
                // The frame goes on behind the window.
                Err(NoFrame::Short(_)) if !is_last && found > 0 => {
                    resume = Some(found);
                    break;
                }
                _ => at = found + 1,
            }
        }
        if is_last {
            return None;
        }
        base += resume.unwrap_or(buffer.len() - (MARKER_FRAME.len() - 1)) as u64;
    }
    None
}
