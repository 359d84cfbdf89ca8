//! Frames: how records lie in a journal segment. A frame can be found behind damage by its marker, checked by its CRC and
//! walked over in both directions; a frame without a body is a record whose body was forgotten.

use super::constants::{
    BODY_BYTES_MAX, ENVELOPE_BYTES_MAX, INTEGER_MAX, MAGIC_SEGMENT, MARKER_FRAME, SALT_BYTES, SEGMENT_BYTES_MAX,
};
use super::failure::{Result, demand};
use super::hash::crc32;

pub const SEGMENT_HEADER_BYTES: u64 = 32;
/// A frame is this much longer than its content: marker, length, CRC, base, and the length once more at the end.
pub const FRAME_OVERHEAD_BYTES: usize = 20;
pub const FRAME_CONTENT_BYTES_MAX: u64 = 2 + ENVELOPE_BYTES_MAX + SALT_BYTES + BODY_BYTES_MAX;

const CONTENT_OFFSET: usize = 16;
const EMPTY_CONTENT_BYTES: u64 = 2;
const SALT: usize = SALT_BYTES as usize;

pub type LogId = [u8; 16];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    pub first_seq: u64,
    pub log_id: LogId,
}

/// The parts of a valid frame, views of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub envelope: &'a [u8],
    /// Salt and body; none when the body was forgotten.
    pub body: Option<(&'a [u8], &'a [u8])>,
    /// How much of the segment was on disk when the frame was written.
    pub base: u32,
    /// Where the next frame begins.
    pub next_offset: usize,
}

/// Why there is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFrame {
    /// Right so far, but the buffer ends within the frame.
    Short(&'static str),
    Bad(&'static str),
}

impl NoFrame {
    pub fn reason(self) -> &'static str {
        match self {
            NoFrame::Short(reason) | NoFrame::Bad(reason) => reason,
        }
    }
}

/// `00000000000000000000.seg`: twenty digits of the first seq.
pub fn segment_file_name(first_seq: u64) -> String {
    format!("{first_seq:020}.seg")
}

/// The first seq in a segment's file name; none for any other name.
pub fn parse_segment_file_name(name: &[u8]) -> Option<u64> {
    let digits = name.strip_suffix(b".seg").filter(|digits| digits.len() == 20)?;
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok().filter(|first_seq| *first_seq <= INTEGER_MAX)
}

pub fn encode_segment_header(header: &SegmentHeader) -> [u8; SEGMENT_HEADER_BYTES as usize] {
    let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
    bytes[..8].copy_from_slice(MAGIC_SEGMENT);
    bytes[8..16].copy_from_slice(&header.first_seq.to_le_bytes());
    bytes[16..].copy_from_slice(&header.log_id);
    bytes
}

/// The caller compares the first seq with the file's name and the log id with `.runtime/format`.
pub fn decode_segment_header(bytes: &[u8]) -> Result<SegmentHeader> {
    demand(bytes.len() as u64 >= SEGMENT_HEADER_BYTES, "a segment that is cut short in its header")?;
    demand(bytes[..8] == *MAGIC_SEGMENT, "not a journal segment")?;
    let first_seq = read_u64(bytes, 8)?;
    let mut log_id = [0; 16];
    log_id.copy_from_slice(&bytes[16..32]);
    Ok(SegmentHeader { first_seq, log_id })
}

/// Refuses integers above 2^53-1, and what is cut short.
pub fn read_u64(bytes: &[u8], offset: usize) -> Result<u64> {
    let mut word = [0; 8];
    demand(offset + 8 <= bytes.len(), "cut short")?;
    word.copy_from_slice(&bytes[offset..offset + 8]);
    let value = u64::from_le_bytes(word);
    demand(value <= INTEGER_MAX, "an integer above 2^53-1")?;
    Ok(value)
}

/// The caller sees to it that four bytes are there.
pub fn read_u32(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes([bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]])
}

/// Bytes that a record takes in a segment.
pub fn frame_bytes(envelope_length: usize, body_length: Option<usize>) -> usize {
    FRAME_OVERHEAD_BYTES + 2 + envelope_length + body_length.map_or(0, |length| SALT + length)
}

/// What the CRC of every frame of a segment begins with: the log id in the segment's header.
pub fn frame_seed(log_id: &LogId) -> u32 {
    crc32(log_id, 0)
}

/// Refuses parts over their limits.
pub fn encode_frame(envelope: &[u8], body: Option<(&[u8], &[u8])>, base: u32, seed: u32) -> Result<Vec<u8>> {
    let envelope_fits = !envelope.is_empty() && envelope.len() as u64 <= ENVELOPE_BYTES_MAX;
    demand(envelope_fits, "an envelope over its limit")?;
    demand(is_base(base), "a base is a size of the segment")?;
    let length = frame_bytes(envelope.len(), body.map(|(_, body)| body.len())) - FRAME_OVERHEAD_BYTES;
    let mut frame = Vec::with_capacity(length + FRAME_OVERHEAD_BYTES);
    frame.extend_from_slice(&MARKER_FRAME);
    frame.extend_from_slice(&(length as u32).to_le_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&base.to_le_bytes());
    frame.extend_from_slice(&(envelope.len() as u16).to_le_bytes());
    frame.extend_from_slice(envelope);
    if let Some((salt, body)) = body {
        let fits = salt.len() == SALT && !body.is_empty() && body.len() as u64 <= BODY_BYTES_MAX;
        demand(fits, "a salt has 16 bytes, a body 1 byte to 1 MiB")?;
        frame.extend_from_slice(salt);
        frame.extend_from_slice(body);
    }
    let crc = frame_crc(&frame, 0, frame.len(), seed);
    frame[8..12].copy_from_slice(&crc.to_le_bytes());
    frame.extend_from_slice(&(length as u32).to_le_bytes());
    Ok(frame)
}

fn is_base(base: u32) -> bool {
    (SEGMENT_HEADER_BYTES..=SEGMENT_BYTES_MAX).contains(&u64::from(base))
}

/// Where the frame at an offset would end, by its head alone; nothing is checked but marker and limits.
pub fn frame_end(bytes: &[u8], offset: usize) -> std::result::Result<usize, NoFrame> {
    let left = &bytes[offset.min(bytes.len())..];
    let known = left.len().min(4);
    if left[..known] != MARKER_FRAME[..known] {
        return Err(NoFrame::Bad("no frame marker"));
    }
    if left.len() < 8 {
        return Err(NoFrame::Short("ends within the head of a frame"));
    }
    let length = u64::from(read_u32(left, 4));
    if length <= EMPTY_CONTENT_BYTES || length > FRAME_CONTENT_BYTES_MAX {
        return Err(NoFrame::Bad("impossible length"));
    }
    let end = offset + CONTENT_OFFSET + length as usize + 4;
    if end > bytes.len() { Err(NoFrame::Short("ends within a frame")) } else { Ok(end) }
}

/// The frame at an offset of a buffer; `seed` comes from `frame_seed`.
pub fn decode_frame_at(bytes: &[u8], offset: usize, seed: u32) -> std::result::Result<Frame<'_>, NoFrame> {
    let next_offset = frame_end(bytes, offset)?;
    let end = next_offset - 4;
    if read_u32(bytes, end) != read_u32(bytes, offset + 4) {
        return Err(NoFrame::Bad("the two lengths differ"));
    }
    if read_u32(bytes, offset + 8) != frame_crc(bytes, offset, end, seed) {
        return Err(NoFrame::Bad("wrong CRC"));
    }
    let base = read_u32(bytes, offset + 12);
    if !is_base(base) {
        return Err(NoFrame::Bad("impossible base"));
    }
    split_content(&bytes[offset + CONTENT_OFFSET..end], base, next_offset)
}

fn split_content(content: &[u8], base: u32, next_offset: usize) -> std::result::Result<Frame<'_>, NoFrame> {
    let envelope_length = usize::from(u16::from_le_bytes([content[0], content[1]]));
    let envelope_end = 2 + envelope_length;
    let fits = envelope_length > 0 && envelope_length as u64 <= ENVELOPE_BYTES_MAX && envelope_end <= content.len();
    if !fits {
        return Err(NoFrame::Bad("impossible length of the envelope"));
    }
    let (envelope, rest) = (&content[2..envelope_end], &content[envelope_end..]);
    if rest.is_empty() {
        return Ok(Frame { envelope, body: None, base, next_offset });
    }
    if rest.len() <= SALT || (rest.len() - SALT) as u64 > BODY_BYTES_MAX {
        return Err(NoFrame::Bad("impossible length of the body"));
    }
    Ok(Frame { envelope, body: Some(rest.split_at(SALT)), base, next_offset })
}

/// The offset of the next marker at or after `from`.
pub fn find_frame_marker(bytes: &[u8], from: usize) -> Option<usize> {
    let start = from.min(bytes.len());
    memchr::memmem::find(&bytes[start..], &MARKER_FRAME).map(|found| start + found)
}

/// CRC over the log id (in the seed), the length bytes, the base and the content.
fn frame_crc(bytes: &[u8], offset: usize, end: usize, seed: u32) -> u32 {
    crc32(&bytes[offset + 12..end], crc32(&bytes[offset + 4..offset + 8], seed))
}
