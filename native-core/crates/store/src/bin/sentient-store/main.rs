//! The stand-alone command: verifies, lists and rolls back root folders without Node. It shares no code with the program
//! that wrote them, only the format.

mod arguments;
mod probe;
mod rollback;
mod show;
mod verify;

use std::process::ExitCode;

use sentient_store::error::StoreError;

const USAGE: &str = "\
sentient-store: reads and verifies SentientOS root folders on its own

  sentient-store verify DIR [--deep] [--journal] [--json]
      Checks the journal, its signatures, the packs and everything that kept records need. --deep also unpacks every
      object of every pack; --journal looks at the journal alone. Exit code 3 when something is damaged.
  sentient-store log DIR [--since SEQ]
      Every record, one a line, the oldest first. Times are UTC.
  sentient-store ls DIR [PATH] [--at STATE]
  sentient-store cat DIR PATH [--at STATE]
      What a state holds. STATE is the name of a snapshot, the number of a record, or now.
  sentient-store rollback DIR --to STATE [--dry-run]
      Everything back to a state, in one record, under the writer lock. Refuses, and changes nothing, where paths that
      have to change were changed outside, where the last writer did not finish in good order, and where contracts,
      boxes, services or metadata beyond permissions would have to change: sentctl does these. Signs no checkpoint.
  sentient-store probe KIND
      For differential tests: reads inputs (u32 LE length, bytes) and answers one byte each, 1 when KIND accepts it.
";

fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let outcome = match command.to_str() {
        Some("verify") => verify::run(rest),
        Some("log") => show::log(rest),
        Some("ls") => show::list(rest),
        Some("cat") => show::print(rest),
        Some("rollback") => rollback::run(rest),
        Some("probe") => probe::run(rest),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(StoreError::new("USAGE").found(command.to_string_lossy())),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("sentient-store: {error}");
        ExitCode::from(exit_code_of(error.code))
    })
}

/// As `src/core/errors.ts` has them.
fn exit_code_of(code: &str) -> u8 {
    match code {
        "USAGE" | "PATH_INVALID" => 2,
        "DAMAGED" | "OBJECT_MISSING" => 3,
        "LOCKED" => 5,
        "INTERNAL" => 70,
        _ => 1,
    }
}
