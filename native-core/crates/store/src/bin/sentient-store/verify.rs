//! `sentient-store verify`: what was checked, a line each, and what was found; as text or as `sentctl verify --json` has it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use sentient_store::error::Result;
use sentient_store::format::bytes::display_bytes;
use sentient_store::io::SystemIo;
use sentient_store::verify::{Finding, Options, Report, Severity, verify};
use serde_json::{Value, json};

use crate::arguments::Arguments;

const DAMAGED: u8 = 3;

pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let arguments = Arguments::parse(arguments, &["--deep", "--json", "--journal"], &[])?;
    arguments.expect_words(1, 1)?;
    let options = Options { deep: arguments.has("--deep"), journal_only: arguments.has("--journal") };
    let report = verify(&SystemIo, Path::new(&arguments.words[0]), &options)?;
    if arguments.has("--json") {
        println!("{}", as_json(&report));
    } else {
        print_text(&report);
    }
    Ok(if report.is_damaged() { ExitCode::from(DAMAGED) } else { ExitCode::SUCCESS })
}

fn as_json(report: &Report) -> Value {
    let checks: Vec<Value> = report
        .checks
        .iter()
        .map(|check| {
            let (name, text) = (check.name, &check.text);
            json!({ "name": name, "checked": check.checked, "findings": check.findings, "text": text })
        })
        .collect();
    let findings: Vec<Value> = report.findings.iter().map(finding_as_json).collect();
    json!({ "damaged": report.is_damaged(), "drifted": false, "checks": checks, "findings": findings })
}

fn finding_as_json(finding: &Finding) -> Value {
    let mut value = json!({
        "code": finding.code,
        "severity": severity(finding),
        "where": finding.place,
        "found": finding.found,
    });
    if let Some(path) = &finding.path {
        value["path"] = json!(display_bytes(path));
    }
    if let Some(seq) = finding.seq {
        value["seq"] = json!(seq);
    }
    if let Some(expected) = &finding.expected {
        value["expected"] = json!(expected);
    }
    value
}

fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Damage => "damage",
        Severity::Note => "note",
    }
}

fn print_text(report: &Report) {
    for check in &report.checks {
        let mark = if check.findings == 0 { "ok " } else { "BAD" };
        println!("{mark} {}", check.text);
    }
    for finding in &report.findings {
        let path = finding.path.as_ref().map(|path| format!(" {}", display_bytes(path))).unwrap_or_default();
        let seq = finding.seq.map(|seq| format!(" #{seq}")).unwrap_or_default();
        println!("{} {}{path}{seq} at {}: {}", severity(finding), finding.code, finding.place, finding.found);
    }
}
