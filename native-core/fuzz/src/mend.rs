//! Puts the lengths and checksums of a mutated input right, as far as it still looks like what it was.

use crc32fast::Hasher;

const FRAME_MARKER: [u8; 4] = [0xc3, 0x53, 0x4a, 0x0a];
const ENTRY_MARKER: [u8; 8] = [0xf5, 0x53, 0x4e, 0x54, 0x4f, 0x42, 0x4a, 0x0a];
const SEGMENT_HEADER: usize = 32;

pub fn mend(kind: &str, bytes: &mut [u8]) {
    match kind {
        "frame" if bytes.len() >= 16 => {
            let (log_id, frame) = bytes.split_at_mut(16);
            mend_frame(log_id, frame);
        }
        "segment" if bytes.len() >= SEGMENT_HEADER => {
            let (header, frames) = bytes.split_at_mut(SEGMENT_HEADER);
            each_marked(frames, &FRAME_MARKER, |frame| mend_frame(&header[16..], frame));
        }
        "marks-slot" | "marks-file" => {
            put_crc(bytes, 0, 108);
            if bytes.len() >= 4096 {
                put_crc(&mut bytes[4096..], 0, 108);
            }
        }
        "pack-header" => put_crc(bytes, 0, 12),
        "pack" if bytes.len() >= 16 => {
            put_crc(bytes, 0, 12);
            each_marked(&mut bytes[16..], &ENTRY_MARKER, mend_entry);
        }
        "pack-index" if bytes.len() >= 32 => put_crc(bytes, 0, bytes.len() - 4),
        "recycle-trace" if bytes.len() >= 8 => mend_blocks(&mut bytes[8..]),
        "binding" => mend_binding(bytes),
        _ => (),
    }
}

fn crc(parts: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// The CRC over the bytes from `from` to `at`, put at `at`.
fn put_crc(bytes: &mut [u8], from: usize, at: usize) {
    if from < at && at + 4 <= bytes.len() {
        let sum = crc(&[&bytes[from..at]]);
        bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
    }
}

fn read_u32(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize
}

/// Hands on what lies between two markers, from the first of them on.
fn each_marked(bytes: &mut [u8], marker: &[u8], mut mend: impl FnMut(&mut [u8])) {
    let starts: Vec<usize> =
        bytes.windows(marker.len()).enumerate().filter(|(_, at)| *at == marker).map(|(at, _)| at).collect();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(bytes.len());
        mend(&mut bytes[*start..end]);
    }
}

/// A frame that fills its bytes.
fn mend_frame(log_id: &[u8], frame: &mut [u8]) {
    if frame.len() < 24 {
        return;
    }
    let length = (frame.len() as u32 - 20).to_le_bytes();
    let end = frame.len() - 4;
    frame[4..8].copy_from_slice(&length);
    frame[end..].copy_from_slice(&length);
    let sum = crc(&[&log_id[..16], &frame[4..8], &frame[12..end]]);
    frame[8..12].copy_from_slice(&sum.to_le_bytes());
}

/// An entry that fills its bytes; an object that is not compressed has its length.
fn mend_entry(entry: &mut [u8]) {
    if entry.len() < 56 {
        return;
    }
    let length = (entry.len() as u32 - 56).to_le_bytes();
    entry[8..12].copy_from_slice(&length);
    if entry[18] == 0 {
        entry[12..16].copy_from_slice(&length);
    }
    let sum = crc(&[&entry[8..52], &entry[56..]]);
    entry[52..56].copy_from_slice(&sum.to_le_bytes());
}

fn mend_blocks(bytes: &mut [u8]) {
    let mut at = 0;
    while at + 8 <= bytes.len() {
        let left = bytes.len() - at - 8;
        // A length that leads beyond the end is made to end there.
        let length = Some(read_u32(bytes, at)).filter(|length| *length <= left).unwrap_or(left);
        bytes[at..at + 4].copy_from_slice(&(length as u32).to_le_bytes());
        let sum = crc(&[&bytes[at..at + 4], &bytes[at + 8..at + 8 + length]]);
        bytes[at + 4..at + 8].copy_from_slice(&sum.to_le_bytes());
        at += 8 + length;
    }
}

fn mend_binding(bytes: &mut [u8]) {
    let name = b",\"crc32\":\"";
    let Some(at) = bytes.windows(name.len()).rposition(|window| window == name) else { return };
    if at + name.len() + 8 <= bytes.len() {
        let sum = format!("{:08x}", crc(&[&bytes[..at]]));
        bytes[at + name.len()..at + name.len() + 8].copy_from_slice(sum.as_bytes());
    }
}
