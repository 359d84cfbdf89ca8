//! `sentient-store log`, `ls` and `cat`: what the journal says and what a state holds.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use sentient_store::error::{Result, StoreError};
use sentient_store::format::bytes::display_bytes;
use sentient_store::format::frame::Frame;
use sentient_store::format::node::{Entry, EntryKind};
use sentient_store::format::record::{Envelope, decode_body};
use sentient_store::history::History;
use sentient_store::io::SystemIo;

use crate::arguments::Arguments;

fn broken(error: std::io::Error) -> StoreError {
    StoreError::new("IO").found(error.to_string())
}

/// Every record, one a line, the oldest first.
pub fn log(arguments: &[OsString]) -> Result<ExitCode> {
    let arguments = Arguments::parse(arguments, &[], &["--since"])?;
    arguments.expect_words(1, 1)?;
    let since = arguments.value("--since").map(|text| text.to_string_lossy().parse());
    let since = since.unwrap_or(Ok(0)).map_err(|_| StoreError::new("USAGE").found("--since needs a number"))?;
    let history = History::open(&SystemIo, Path::new(&arguments.words[0]))?;
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    history.for_each_record(since, line_of, |_, line| {
        if let Err(error) = writeln!(output, "{line}") {
            failed.get_or_insert(error);
        }
    })?;
    output.flush().map_err(broken)?;
    failed.map_or(Ok(ExitCode::SUCCESS), |error| Err(broken(error)))
}

fn line_of(frame: &Frame<'_>, envelope: &Envelope) -> String {
    let head = format!("#{} {}", envelope.seq, utc(envelope.time));
    let Some((_, bytes)) = frame.body else { return format!("{head} (forgotten)") };
    match decode_body(bytes, &mut |_| ()) {
        Err(error) => format!("{head} (damaged: {})", error.reason),
        Ok(body) => {
            let denied = if body.permitted { "" } else { " denied" };
            let subject = display_bytes(body.subject_id);
            format!("{head} {} {}{denied} {} {subject}", body.actor, body.action, body.subject_kind)
        }
    }
}

/// Microseconds since 1970 as a time of day in UTC (the calendar is Howard Hinnant's `civil_from_days`).
fn utc(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (second / 3600, second % 3600 / 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

/// The words DIR and PATH, and the state that `--at` names.
fn opened(arguments: &[OsString], least: usize) -> Result<(History<'static>, Arguments)> {
    let arguments = Arguments::parse(arguments, &[], &["--at"])?;
    arguments.expect_words(least, 2)?;
    Ok((History::open(&SystemIo, Path::new(&arguments.words[0]))?, arguments))
}

fn path_of(arguments: &Arguments) -> &[u8] {
    arguments.words.get(1).map_or(&[], |word| word.as_bytes())
}

fn files_at(history: &History<'_>, arguments: &Arguments) -> Result<sentient_store::format::id::Link> {
    let text = arguments.value("--at").map_or("now".into(), |at| at.to_string_lossy());
    Ok(history.state(&history.resolve(&text)?)?.files)
}

pub fn list(arguments: &[OsString]) -> Result<ExitCode> {
    let (history, arguments) = opened(arguments, 1)?;
    let files = files_at(&history, &arguments)?;
    let entries = match history.find(files, path_of(&arguments))? {
        None => history.entries(files)?,
        Some(entry) if entry.kind == EntryKind::Directory => history.entries(entry.content)?,
        Some(entry) => vec![entry],
    };
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for entry in entries {
        writeln!(output, "{}", entry_line(&entry)).map_err(broken)?;
    }
    output.flush().map_err(broken)?;
    Ok(ExitCode::SUCCESS)
}

fn entry_line(entry: &Entry) -> String {
    let kind = match entry.kind {
        EntryKind::File => '-',
        EntryKind::Directory => 'd',
        EntryKind::Symlink => 'l',
    };
    format!("{kind} {:04o} {:>12} {}", entry.mode, entry.size, display_bytes(&entry.name))
}

/// The bytes of a file, or the target of a symlink.
pub fn print(arguments: &[OsString]) -> Result<ExitCode> {
    let (history, arguments) = opened(arguments, 2)?;
    let files = files_at(&history, &arguments)?;
    let path = String::from_utf8_lossy(path_of(&arguments)).into_owned();
    let entry = history.find(files, path_of(&arguments))?;
    let Some(entry) = entry.filter(|entry| entry.kind != EntryKind::Directory) else {
        return Err(StoreError::new("IS_A_DIRECTORY").at(path));
    };
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    history.content(&entry.content, &mut |bytes| output.write_all(bytes).map_err(broken))?;
    output.flush().map_err(broken)?;
    Ok(ExitCode::SUCCESS)
}
