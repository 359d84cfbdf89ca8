//! `sentient-store rollback`: everything back to a state, or what that would change.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use sentient_store::error::{Result, StoreError};
use sentient_store::format::bytes::display_bytes;
use sentient_store::format::changes::Change;
use sentient_store::io::SystemIo;
use sentient_store::rollback::rollback;

use crate::arguments::Arguments;

pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let arguments = Arguments::parse(arguments, &["--dry-run"], &["--to"])?;
    arguments.expect_words(1, 1)?;
    let to = arguments.value("--to").ok_or_else(|| StoreError::new("USAGE").found("--to is missing"))?;
    let to = to.to_str().ok_or_else(|| StoreError::new("USAGE").found("--to is no text"))?;
    let is_trial = arguments.has("--dry-run");
    let outcome = rollback(&SystemIo, Path::new(&arguments.words[0]), to, is_trial)?;
    for change in &outcome.changes {
        println!("{} {}", sign(change), display_bytes(&change.path));
    }
    match outcome.seq {
        Some(seq) => println!("rolled back to {to}: record #{seq}, {} paths", outcome.changes.len()),
        None if is_trial => println!("nothing was written"),
        None => println!("everything is as it was at {to} already"),
    }
    for path in &outcome.skipped {
        println!("left alone, as it changed just now: {}", display_bytes(path));
    }
    for path in &outcome.unapplied {
        println!("the disk did not take it, sentctl tries again: {}", display_bytes(path));
    }
    let is_complete = outcome.skipped.is_empty() && outcome.unapplied.is_empty();
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sign(change: &Change) -> char {
    match (&change.before, &change.after) {
        (None, _) => '+',
        (_, None) => '-',
        _ => '~',
    }
}
