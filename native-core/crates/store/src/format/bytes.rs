//! Byte strings as text for people and back: valid UTF-8 as it is, what is invisible, confusing or no text escaped.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::failure::{FormatError, Result};

/// The bytes as text that is safe to show and can be typed in again.
pub fn display_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        for character in part.valid().chars() {
            if is_unsafe(character) {
                let mut buffer = [0; 4];
                character.encode_utf8(&mut buffer).bytes().for_each(|byte| escape(byte, &mut shown));
            } else {
                shown.push(character);
            }
        }
        part.invalid().iter().for_each(|byte| escape(*byte, &mut shown));
    }
    shown
}

/// The inverse of `display_bytes`; plain text stands for its UTF-8 bytes.
pub fn parse_displayed(text: &str) -> Result<Vec<u8>> {
    let wrong = || FormatError::new("unknown escape: write \\\\, \\n or \\xNN");
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'\\' {
            result.push(first);
            rest = after;
            continue;
        }
        let (byte, length) = match after {
            [b'\\', ..] => (b'\\', 1),
            [b'n', ..] => (b'\n', 1),
            [b'x', high, low, ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).ok_or_else(wrong);
                ((digit(high)? << 4 | digit(low)?) as u8, 3)
            }
            _ => return Err(wrong()),
        };
        result.push(byte);
        rest = &after[length..];
    }
    Ok(result)
}

fn escape(byte: u8, into: &mut String) {
    match byte {
        b'\\' => into.push_str("\\\\"),
        b'\n' => into.push_str("\\n"),
        _ => into.push_str(&format!("\\x{byte:02X}")),
    }
}

fn is_unsafe(character: char) -> bool {
    match character {
        '\\' => true,
        ' '..='~' => false,
        _ => is_invisible(character) || has_unsafe_category(character),
    }
}

fn has_unsafe_category(character: char) -> bool {
    matches!(
        character.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Unassigned
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
    )
}

/// The property Default_Ignorable_Code_Point: what renderers draw as nothing.
fn is_invisible(character: char) -> bool {
    matches!(u32::from(character),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfff8 | 0x1bca0..=0x1bca3
        | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}
