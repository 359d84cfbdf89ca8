//! Checkpoints: "the journal of this origin has n records and this Merkle root", as the text of a signed note in the form of
//! C2SP tlog-checkpoint.

use super::base64::{base64, parse_base64};
use super::constants::{EPOCH_MAX, INTEGER_MAX};
use super::failure::{FormatError, Result, demand, refuse};
use super::frame::LogId;
use super::hash::Hash;
use super::id::{base32, parse_base32};

/// Reserved for never being a domain (RFC 2606): an origin is a name, not an address.
const ORIGIN_DOMAIN: &str = "sentientos.invalid";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log, in which epoch; also the name of the key.
    pub origin: String,
    /// Records.
    pub size: u64,
    pub root: Hash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub log_id: LogId,
    pub epoch: u64,
}

pub fn format_origin(origin: &Origin) -> String {
    format!("{ORIGIN_DOMAIN}/{}/{}", base32(&origin.log_id), origin.epoch)
}

pub fn parse_origin(text: &str) -> Result<Origin> {
    let parts: Vec<&str> = text.split('/').collect();
    let [domain, id, epoch] = parts.as_slice() else { return refuse("not an origin of a root folder") };
    demand(*domain == ORIGIN_DOMAIN, "not an origin of a root folder")?;
    let log_id = parse_base32(id)?.try_into().map_err(|_| FormatError::new("a log id has 16 bytes"))?;
    Ok(Origin { log_id, epoch: parse_decimal(epoch, EPOCH_MAX)? })
}

/// The text of a checkpoint: origin, size and root, a line each.
pub fn format_checkpoint(checkpoint: &Checkpoint) -> String {
    format!("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, base64(&checkpoint.root))
}

/// Lines of extensions, which C2SP allows and we never write, are refused.
pub fn parse_checkpoint(text: &str) -> Result<Checkpoint> {
    let lines: Vec<&str> = text.split('\n').collect();
    let [origin, size, root, ""] = lines.as_slice() else { return refuse("a checkpoint has three lines") };
    demand(!origin.is_empty(), "a checkpoint has three lines")?;
    let root = parse_base64(root)?.try_into().map_err(|_| FormatError::new("a Merkle root has 32 bytes"))?;
    Ok(Checkpoint { origin: (*origin).to_owned(), size: parse_decimal(size, INTEGER_MAX)?, root })
}

/// A decimal without sign or leading zeros, up to `limit`.
pub fn parse_decimal(text: &str, limit: u64) -> Result<u64> {
    let wrong = || FormatError::new("a decimal number was expected");
    let is_plain = (1..=16).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|value| is_plain && *value <= limit).ok_or_else(wrong)
}
