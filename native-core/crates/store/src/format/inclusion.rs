//! Inclusion files: all that a stranger needs to check that a record is in the journal of a known key, in the text form of
//! C2SP tlog-proof. The record's envelope is the extra data.

use super::base64::parse_base64;
use super::checkpoint::{Checkpoint, parse_checkpoint, parse_decimal};
use super::constants::{INCLUSION_BYTES_MAX, INTEGER_MAX};
use super::failure::{FormatError, Result, demand, refuse};
use super::hash::Hash;
use super::merkle::{leaf_hash, verify_inclusion};
use super::note::{VerifierKey, parse_note, verify_note};
use super::record::{Envelope, decode_envelope};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^53 leaves is 53 levels high.
const PATH_LENGTH_MAX: usize = 53;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionFile {
    pub index: u64,
    pub envelope: Vec<u8>,
    /// From the leaf's sibling up.
    pub path: Vec<Hash>,
    /// The signed checkpoint, as it is stored.
    pub checkpoint_note: Vec<u8>,
}

/// Takes the file apart. Nothing is proven by that.
pub fn parse_inclusion(bytes: &[u8]) -> Result<InclusionFile> {
    demand(bytes.len() as u64 <= INCLUSION_BYTES_MAX, "not an inclusion file")?;
    let text = std::str::from_utf8(bytes).map_err(|_| FormatError::new("not an inclusion file"))?;
    let Some((head, note)) = text.split_once("\n\n") else { return refuse("an inclusion file without a checkpoint") };
    let wrong = || FormatError::new("an inclusion file begins with its version, extra and index");
    let mut lines = head.split('\n');
    demand(lines.next() == Some(FIRST_LINE), "an inclusion file begins with its version, extra and index")?;
    let extra = lines.next().and_then(|line| line.strip_prefix("extra ")).ok_or_else(wrong)?;
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or_else(wrong)?;
    let mut path = Vec::new();
    for line in lines {
        demand(path.len() < PATH_LENGTH_MAX, "an inclusion path that is too long")?;
        path.push(parse_base64(line)?.try_into().map_err(|_| FormatError::new("a hash has 32 bytes"))?);
    }
    let index = parse_decimal(index, INTEGER_MAX)?;
    Ok(InclusionFile { index, envelope: parse_base64(extra)?, path, checkpoint_note: note.as_bytes().to_vec() })
}

/// Checks an inclusion file with nothing but the file and the keys.
pub fn verify_inclusion_file(bytes: &[u8], keys: &[VerifierKey]) -> Result<(Envelope, Checkpoint)> {
    let file = parse_inclusion(bytes)?;
    let note = parse_note(&file.checkpoint_note)?;
    let checkpoint = parse_checkpoint(&note.text)?;
    let named: Vec<VerifierKey> = keys.iter().filter(|key| key.name == checkpoint.origin).cloned().collect();
    verify_note(&note, &named)?;
    let envelope = decode_envelope(&file.envelope)?;
    demand(envelope.seq == file.index, "the record has another seq than the index")?;
    let leaf = leaf_hash(&file.envelope);
    let included = verify_inclusion(&leaf, file.index, checkpoint.size, &file.path, &checkpoint.root);
    demand(included, "the path does not lead to the root of the checkpoint")?;
    Ok((envelope, checkpoint))
}
