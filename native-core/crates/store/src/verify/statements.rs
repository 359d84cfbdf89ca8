//! What is stated about the journal beside it: marks, the signed checkpoint, and the keys that sign.

use super::report::{Finding, Report};
use super::root::{RootFolder, SmallFile, read_small};
use crate::format::cbor::Reader;
use crate::format::checkpoint::{Checkpoint, parse_checkpoint, parse_origin};
use crate::format::constants::{MARKS_FILE_BYTES, NOTE_BYTES_MAX};
use crate::format::failure::demand;
use crate::format::hash::hex;
use crate::format::key::{LogKey, parse_private_key};
use crate::format::marks::{MarksFile, Slot, decode_marks_file};
use crate::format::note::{Note, VerifierKey, parse_note, parse_verifier_key, verify_note};

const KEY_BYTES_MAX: u64 = 4096;
const UNAPPLIED_BYTES_MAX: u64 = 64 << 20;
const PLACE: &str = ".runtime/checkpoint";

/// None when there are no marks.
pub fn read_marks(root: &RootFolder<'_>) -> Option<MarksFile> {
    match read_small(root.io, &root.runtime, b"marks", 2 * MARKS_FILE_BYTES) {
        SmallFile::Read(bytes) => Some(decode_marks_file(&bytes)),
        SmallFile::Missing => None,
        SmallFile::Unreadable(_) => Some(decode_marks_file(&[])),
    }
}

/// Slots that can not be read and bytes beside them; one bad slot beside a good one is what a write cut short leaves.
pub fn check_marks(report: &mut Report, marks: Option<&MarksFile>, has_segments: bool) {
    let place = ".runtime/marks";
    let Some(marks) = marks else {
        if has_segments {
            report.found("marks", Finding::damage("marks-damaged", place, "the marks are missing"));
        }
        return;
    };
    if !marks.rest_is_zero {
        report.found("marks", Finding::damage("marks-damaged", place, "there are bytes beside the slots"));
    }
    let bad = marks.slots.iter().filter(|slot| !matches!(slot, Slot::Good(_))).count();
    let is_torn = bad == 1 && marks.newest.is_some();
    for (index, slot) in marks.slots.iter().enumerate() {
        let reason = match slot {
            Slot::Good(_) => continue,
            Slot::Empty => "the slot is empty",
            Slot::Bad(reason) => reason,
        };
        let slot_place = format!("{place} slot {index}");
        let finding = if is_torn { Finding::note } else { Finding::damage };
        report.found("marks", finding("marks-damaged", slot_place, reason));
    }
}

/// The checkpoint as it is stored; nothing is said yet about who signed it.
pub enum StoredCheckpoint {
    Absent,
    Bad(String),
    Good(Checkpoint, Note),
}

impl StoredCheckpoint {
    pub fn read(root: &RootFolder<'_>) -> StoredCheckpoint {
        match read_small(root.io, &root.runtime, b"checkpoint", NOTE_BYTES_MAX) {
            SmallFile::Missing => StoredCheckpoint::Absent,
            SmallFile::Unreadable(reason) => StoredCheckpoint::Bad(reason),
            SmallFile::Read(bytes) => {
                let read = parse_note(&bytes).and_then(|note| Ok((parse_checkpoint(&note.text)?, note)));
                match read {
                    Ok((checkpoint, note)) => StoredCheckpoint::Good(checkpoint, note),
                    Err(error) => StoredCheckpoint::Bad(error.reason.into_owned()),
                }
            }
        }
    }

    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        if let StoredCheckpoint::Good(checkpoint, _) = self { Some(checkpoint) } else { None }
    }

    pub fn size(&self) -> u64 {
        self.checkpoint().map_or(0, |checkpoint| checkpoint.size)
    }
}

/// Whether our key signed it. Its root is compared where the records are read.
pub fn check_signature(report: &mut Report, stored: &StoredCheckpoint, key: Result<&VerifierKey, &str>) {
    let bad = |report: &mut Report, found: &str| {
        report.found("checkpoint", Finding::damage("checkpoint-signature", PLACE, found));
    };
    match stored {
        StoredCheckpoint::Absent => report.line("checkpoint", 0, "no checkpoint stored"),
        StoredCheckpoint::Bad(reason) => {
            report.found("checkpoint", Finding::damage("checkpoint-mismatch", PLACE, reason));
            bad(report, reason);
            report.line("checkpoint", 1, "the checkpoint");
        }
        StoredCheckpoint::Good(checkpoint, note) => {
            match key.map(|key| (key, verify_note(note, std::slice::from_ref(key)))) {
                Err(reason) => bad(report, reason),
                Ok((_, Err(error))) => bad(report, &error.reason),
                Ok((key, Ok(()))) if key.name != checkpoint.origin => bad(report, &checkpoint.origin),
                Ok(_) => {}
            }
            let text = format!("the checkpoint over {} records: Merkle root and signature", checkpoint.size);
            report.line("checkpoint", 1, text);
        }
    }
}

/// The verifier key of the newest epoch, or what is wrong with it.
pub fn read_verifier(root: &RootFolder<'_>) -> Result<(u64, VerifierKey), String> {
    let auth = root.auth.as_ref().ok_or("there is no log key")?;
    let names = root.io.list(auth).map_err(|error| format!("the disk reports {}", error.code))?;
    let epoch = names.iter().filter_map(|listed| epoch_of(&listed.name, ".vkey")).max().ok_or("there is no log key")?;
    let key = match read_small(root.io, auth, format!("log-{epoch}.vkey").as_bytes(), KEY_BYTES_MAX) {
        SmallFile::Read(bytes) => parse_public(&bytes),
        SmallFile::Missing => None,
        SmallFile::Unreadable(reason) => return Err(reason),
    };
    Ok((epoch, key.ok_or("the public key is damaged")?))
}

/// The private key of an epoch; `Ok(None)` when it is not there or may not be read.
pub fn read_signer(root: &RootFolder<'_>, epoch: u64) -> Result<Option<LogKey>, String> {
    let auth = root.auth.as_ref().ok_or("there is no log key")?;
    match read_small(root.io, auth, format!("log-{epoch}.pem").as_bytes(), KEY_BYTES_MAX) {
        SmallFile::Missing => Ok(None),
        SmallFile::Unreadable(reason) if reason.ends_with("DENIED") => Ok(None),
        SmallFile::Unreadable(reason) => Err(reason),
        SmallFile::Read(bytes) => {
            let text = std::str::from_utf8(&bytes).map_err(|_| "the private key can not be read")?;
            parse_private_key(text).map(Some).map_err(|error| error.reason.into_owned())
        }
    }
}

/// The public key as it was written, and a private key that belongs to it; other epochs' files as they are spelled.
pub fn check_keys(report: &mut Report, root: &RootFolder<'_>, key: Result<&(u64, VerifierKey), &str>) {
    let damaged = |report: &mut Report, found: &str| {
        report.found("keys", Finding::damage("key-damaged", ".auth", found));
    };
    report.line("keys", 1, "the key that signs");
    let (epoch, key) = match key {
        Ok(key) => key,
        Err(reason) => return damaged(report, reason),
    };
    match read_signer(root, *epoch) {
        Ok(None) => report.found("keys", Finding::note("key-missing", ".auth", "the private key is not there")),
        Ok(Some(signer)) if signer.public_key() != key.public_key => {
            damaged(report, "the private key does not belong to the public one");
        }
        Ok(Some(_)) => {}
        Err(reason) => damaged(report, &reason),
    }
    if !are_spelled_out(root) {
        damaged(report, "a key file is not spelled as it was written");
    }
}

/// The folder's log id is the one that its key signs for; else every segment would seem to be of another log.
pub fn check_format(report: &mut Report, root: &RootFolder<'_>, key: Result<&VerifierKey, &str>) {
    let place = ".runtime/format";
    // What is wrong with the key has been said.
    if let Ok(key) = key {
        match parse_origin(&key.name) {
            Err(error) => report.found("format", Finding::damage("format-damaged", place, error.reason)),
            Ok(origin) if origin.log_id != root.format.log_id => {
                let finding = Finding::damage("format-damaged", place, hex(&root.format.log_id));
                report.found("format", finding.expected(format!("the log id of the key, {}", hex(&origin.log_id))));
            }
            Ok(_) => {}
        }
    }
    report.line("format", 1, "the format file: version, log id");
}

/// The list of committed paths that the disk could not take, where there is one.
pub fn check_unapplied(report: &mut Report, root: &RootFolder<'_>) {
    let found = match read_small(root.io, &root.runtime, b"unapplied", UNAPPLIED_BYTES_MAX) {
        SmallFile::Missing => return,
        SmallFile::Unreadable(reason) => Some(reason),
        SmallFile::Read(bytes) => decode_unapplied(&bytes).err().map(|error| error.reason.into_owned()),
    };
    if let Some(found) = found {
        report.found("unapplied", Finding::damage("unapplied-damaged", ".runtime/unapplied", found));
    }
    report.line("unapplied", 1, "the list of paths that could not be applied");
}

/// A list of paths as bytes, sorted and unique.
pub fn decode_unapplied(bytes: &[u8]) -> crate::format::failure::Result<Vec<Vec<u8>>> {
    let mut reader = Reader::new(bytes);
    let mut paths: Vec<Vec<u8>> = Vec::new();
    for _ in 0..reader.list()? {
        let path = reader.bytes()?;
        let is_sorted = paths.last().is_none_or(|last| last.as_slice() < path);
        demand(is_sorted, "it is no sorted list of paths")?;
        paths.push(path.to_vec());
    }
    reader.end()?;
    Ok(paths)
}

fn are_spelled_out(root: &RootFolder<'_>) -> bool {
    let Some(auth) = &root.auth else { return false };
    let Ok(names) = root.io.list(auth) else { return false };
    names.iter().all(|listed| {
        let (public, private) = (listed.name.ends_with(b".vkey"), listed.name.ends_with(b".pem"));
        if !public && !private {
            return true;
        }
        match read_small(root.io, auth, &listed.name, KEY_BYTES_MAX) {
            SmallFile::Read(bytes) if public => parse_public(&bytes).is_some(),
            SmallFile::Read(bytes) => std::str::from_utf8(&bytes).is_ok_and(|text| parse_private_key(text).is_ok()),
            _ => true,
        }
    })
}

fn parse_public(bytes: &[u8]) -> Option<VerifierKey> {
    let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    parse_verifier_key(line).ok()
}

/// The epoch in `log-<epoch>.vkey` and the like.
fn epoch_of(name: &[u8], extension: &str) -> Option<u64> {
    let digits = std::str::from_utf8(name).ok()?.strip_prefix("log-")?.strip_suffix(extension)?;
    let plain = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}
