//! Standard base64 with padding, read only in the spelling that an encoder writes.

use super::failure::{Result, demand, refuse};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let word = part.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let digit = char::from(DIGITS[(word >> (18 - 6 * place) & 63) as usize]);
            text.push(if place <= part.len() { digit } else { '=' });
        }
    }
    text
}

pub fn parse_base64(text: &str) -> Result<Vec<u8>> {
    let bytes = text.as_bytes();
    demand(bytes.len().is_multiple_of(4), "not standard base64")?;
    let mut result = Vec::with_capacity(bytes.len() / 4 * 3);
    for (index, group) in bytes.chunks_exact(4).enumerate() {
        let last = (index + 1) * 4 == bytes.len();
        let padding = if last { group.iter().rev().take_while(|byte| **byte == b'=').count() } else { 0 };
        demand(padding <= 2, "not standard base64")?;
        let mut word: u32 = 0;
        for byte in &group[..4 - padding] {
            word = word << 6 | digit_of(*byte)?;
        }
        word <<= 6 * padding;
        let kept = 3 - padding;
        let spare = word & ((1 << (8 * padding)) - 1);
        demand(spare == 0, "not standard base64")?;
        result.extend_from_slice(&word.to_be_bytes()[1..1 + kept]);
    }
    Ok(result)
}

fn digit_of(byte: u8) -> Result<u32> {
    Ok(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return refuse("not standard base64"),
    }))
}
