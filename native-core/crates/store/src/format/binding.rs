//! The binding file: what a device remembers, outside the root folder, of a root folder that it may sign for.

use super::base64::{base64, parse_base64};
use super::bytes::{display_bytes, parse_displayed};
use super::checkpoint::parse_decimal;
use super::constants::{BINDING_BYTES_MAX, EPOCH_MAX, INTEGER_MAX};
use super::failure::{FormatError, Result, demand};
use super::frame::LogId;
use super::hash::{Hash, blake3, crc32, hex, parse_hex};
use super::json_text::{quote, unquote};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub log_id: LogId,
    pub epoch: u64,
    /// The real path of the root folder.
    pub path: Vec<u8>,
    /// Of the root folder; up to twenty digits.
    pub inode: u128,
    /// Records of the last checkpoint that was signed, and its Merkle root.
    pub size: u64,
    pub root: Hash,
}

/// The name of the binding of a root folder at this real path, in the device's state folder.
pub fn binding_file_name(path: &[u8]) -> String {
    format!("{}.binding", &hex(&blake3(path))[..32])
}

/// One line of JSON whose last field is the CRC-32 of the text before it.
pub fn encode_binding(binding: &Binding) -> Vec<u8> {
    spelled(binding, &display_bytes(&binding.path)).into_bytes()
}

fn spelled(binding: &Binding, shown_path: &str) -> String {
    let text = format!(
        "{{\"binding\":1,\"logId\":\"{}\",\"epoch\":{},\"path\":{},\"inode\":\"{}\",\"size\":{},\"root\":\"{}\"",
        hex(&binding.log_id),
        binding.epoch,
        quote(shown_path),
        binding.inode,
        binding.size,
        base64(&binding.root),
    );
    format!("{text},\"crc32\":\"{:08x}\"}}\n", crc32(text.as_bytes(), 0))
}

/// The path may be shown in any mixture of characters and escapes, all else has one spelling.
pub fn decode_binding(bytes: &[u8]) -> Result<Binding> {
    let wrong = || FormatError::new("not a binding file");
    demand(bytes.len() as u64 <= BINDING_BYTES_MAX, "not a binding file")?;
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let rest = text.strip_prefix("{\"binding\":1,\"logId\":\"").ok_or_else(wrong)?;
    let (log_id, rest) = rest.split_once("\",\"epoch\":").ok_or_else(wrong)?;
    let (epoch, rest) = rest.split_once(",\"path\":").ok_or_else(wrong)?;
    // What follows the path holds no such text again, and a path holds no bare quote.
    let (path, rest) = rest.rsplit_once(",\"inode\":\"").ok_or_else(wrong)?;
    let (inode, rest) = rest.split_once("\",\"size\":").ok_or_else(wrong)?;
    let (size, rest) = rest.split_once(",\"root\":\"").ok_or_else(wrong)?;
    let (root, _) = rest.split_once('"').ok_or_else(wrong)?;
    let shown_path = unquote(path)?;
    let binding = Binding {
        log_id: parse_hex(log_id).and_then(|id| id.try_into().ok()).ok_or_else(wrong)?,
        epoch: parse_decimal(epoch, EPOCH_MAX)?,
        path: parse_displayed(&shown_path)?,
        inode: inode.parse().ok().filter(|_| inode.len() <= 20).ok_or_else(wrong)?,
        size: parse_decimal(size, INTEGER_MAX)?,
        root: parse_base64(root)?.try_into().map_err(|_| wrong())?,
    };
    demand(spelled(&binding, &shown_path) == text, "a binding that was damaged")?;
    Ok(binding)
}
