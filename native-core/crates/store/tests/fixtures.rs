//! The frozen root folders of `format/fixtures/v1`: verification finds in each what `expected.json` says, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use sentient_store::io::{Fault, ScriptedIo, SystemIo};
use sentient_store::verify::{Options, Report, Severity, verify};
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../format/fixtures/v1")
}

/// A folder of its own, removed when it is dropped.
struct Unpacked {
    folder: PathBuf,
}

impl Unpacked {
    fn new(archive: &str) -> Unpacked {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sentient-store-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let status = Command::new("tar").arg("-xf").arg(fixtures().join(archive)).arg("-C").arg(&folder).status();
        assert!(status.expect("tar is there").success());
        Unpacked { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.join("root")
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn deep(root: &Path) -> Report {
    verify(&SystemIo, root, &Options { deep: true, journal_only: false }).expect("a verification")
}

fn codes(report: &Report) -> BTreeSet<String> {
    let damage = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    damage.map(|finding| finding.code.to_owned()).collect()
}

#[test]
fn every_fixture() {
    let text = std::fs::read_to_string(fixtures().join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    for (archive, says) in expected["archives"].as_object().expect("archives") {
        let unpacked = Unpacked::new(archive);
        let report = deep(&unpacked.root());
        let wanted: BTreeSet<String> = says["codes"]
            .as_array()
            .expect("codes")
            .iter()
            .map(|code| code.as_str().expect("a code").to_owned())
            .collect();
        assert_eq!(codes(&report), wanted, "{archive}: {:?}", report.findings);
        let records = report.checks.iter().find(|check| check.name == "records").expect("a line on records").checked;
        let unreadable = u64::from(wanted.contains("record-damaged"));
        assert_eq!(Some(records + unreadable), says["records"].as_u64(), "{archive}");
        check_names(archive, says, &report);
    }
}

/// What a finding must name: a record, a path, or a file.
fn check_names(archive: &str, says: &Value, report: &Report) {
    for (key, value) in says["names"].as_object().expect("names") {
        let is_named = report.findings.iter().any(|finding| match key.as_str() {
            "seq" => finding.seq == value.as_u64(),
            "path" => finding.path.as_deref() == value.as_str().map(str::as_bytes),
            "where" => Some(finding.place.as_str()) == value.as_str(),
            _ => false,
        });
        assert!(is_named, "{archive}: no finding names {key} {value}");
    }
}

/// Truth files: a flipped bit in any of them must be found. Everything else may be anything.
fn truth_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [".runtime/journal", ".tree/packs", ".auth"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("a folder of truth") {
            let path = entry.expect("a file").path();
            if path.extension().is_none_or(|extension| extension != "idx") {
                files.push(path);
            }
        }
    }
    files.extend([".runtime/marks", ".runtime/checkpoint", ".runtime/format"].map(|name| root.join(name)));
    files.sort();
    files
}

#[test]
fn flipped_bits_are_found() {
    let unpacked = Unpacked::new("clean.tar");
    let root = unpacked.root();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for path in truth_files(&root) {
        let sound = std::fs::read(&path).expect("a file");
        for _ in 0..40 {
            // xorshift64: the same places in every run.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let mut damaged = sound.clone();
            let at = (seed % sound.len() as u64) as usize;
            let bit = (seed >> 32) % 8;
            damaged[at] ^= 1 << bit;
            std::fs::write(&path, &damaged).expect("a damaged file");
            let found = verify(&SystemIo, &root, &Options { deep: true, journal_only: false });
            let is_told = found.as_ref().map_or(true, |report| {
                let marks = path.ends_with("marks");
                report.findings.iter().any(|finding| marks || finding.severity == Severity::Damage)
            });
            assert!(is_told, "bit {bit} of byte {at} of {} is flipped and nothing tells", path.display());
        }
        std::fs::write(&path, &sound).expect("the sound file");
    }
    assert!(codes(&deep(&root)).is_empty());
}

/// What the disk refuses to read is told; the journal and the keys only when it refuses them a second time.
#[test]
fn failing_calls_are_told() {
    let unpacked = Unpacked::new("clean.tar");
    let root = unpacked.root();
    let options = Options { deep: true, journal_only: false };
    let counting = ScriptedIo::new(SystemIo);
    verify(&counting, &root, &options).expect("a verification");
    for number in 1..=counting.count() {
        let io = ScriptedIo::new(SystemIo);
        io.fail_at(number, Fault::Error("IO"));
        // Packs are read side by side: which call is the n-th one differs from run to run.
        io.record();
        let told = verify(&io, &root, &options).map_or(true, |report| !report.findings.is_empty());
        let log = io.log();
        let Some(operation) = log.get(number as usize - 1) else { continue };
        let path = String::from_utf8_lossy(&operation.path);
        let is_read_twice = path.contains("/.runtime") || path.contains("/.auth");
        // Without these every pack has to be sound as a whole.
        let is_lenience = path.ends_with("/poisoned") || path.ends_with("/shared");
        assert!(told || is_read_twice || is_lenience, "{} of {}, call {number}", operation.call, path);
    }
}
