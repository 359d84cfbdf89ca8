//! Cuts file contents into chunks where the contents say so (a gear hash with two masks), so that an insert changes only
//! the chunks around it. The rule and its constants are part of the format: all writers cut alike.

use super::constants::{CHUNK_BYTES_MAX, CHUNK_BYTES_MEAN, CHUNK_BYTES_MIN, GEAR_TABLE, MASK_LARGE, MASK_SMALL};

const MIN: usize = CHUNK_BYTES_MIN as usize;
const MEAN: usize = CHUNK_BYTES_MEAN as usize;
const MAX: usize = CHUNK_BYTES_MAX as usize;
/// Every step shifts the hash left by one: what a byte added is gone 32 bytes later.
const HASH_WINDOW: usize = 32;

/// The length of the first chunk of `bytes`; none when more bytes are needed. `at_end` says that the file ends with them.
pub fn next_cut(bytes: &[u8], at_end: bool) -> Option<usize> {
    let length = bytes.len();
    if length <= MIN {
        return at_end.then_some(length);
    }
    let first_test = MIN - 1;
    let mut hash = bytes[MIN - HASH_WINDOW..first_test].iter().fold(0, |hash, byte| step(hash, *byte));
    // A chunk of n bytes is tested after byte n: with the strict mask while n is below the mean, with the lenient from it on.
    let strict_end = length.min(MEAN - 1);
    if let Some(cut) = scan(&bytes[first_test..strict_end], &mut hash, MASK_SMALL) {
        return Some(first_test + cut);
    }
    let end = length.min(MAX);
    if let Some(cut) = scan(&bytes[strict_end..end], &mut hash, MASK_LARGE) {
        return Some(strict_end + cut);
    }
    (length >= MAX || at_end).then_some(end)
}

fn scan(bytes: &[u8], hash: &mut u32, mask: u32) -> Option<usize> {
    let mut current = *hash;
    for (index, byte) in bytes.iter().enumerate() {
        current = step(current, *byte);
        if current & mask == 0 {
            return Some(index + 1);
        }
    }
    *hash = current;
    None
}

fn step(hash: u32, byte: u8) -> u32 {
    (hash << 1).wrapping_add(GEAR_TABLE[usize::from(byte)])
}
