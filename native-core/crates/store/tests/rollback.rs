//! Rollbacks without Node, on the frozen root folder: what they do, what they refuse, and that no failing call of the system
//! leaves anything but the state before or the state after.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use sentient_store::format::id::{ObjectId, object_id};
use sentient_store::history::History;
use sentient_store::io::{Fault, Io, ScriptedIo, SystemIo};
use sentient_store::rollback::{Outcome, rollback};
use sentient_store::verify::{Options, Severity, verify};

struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sentient-rollback-{}-{count}", std::process::id()));
        let folder = Folder { path };
        folder.unpack();
        folder
    }

    fn unpack(&self) {
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../format/fixtures/v1/clean.tar");
        let _ = std::fs::remove_dir_all(&self.path);
        std::fs::create_dir_all(&self.path).expect("a temporary folder");
        let status = Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(&self.path).status();
        assert!(status.expect("tar is there").success());
    }

    fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    /// Every governed path with its mode and its content.
    fn tree(&self) -> BTreeMap<Vec<u8>, (u32, ObjectId)> {
        let mut tree = BTreeMap::new();
        gather(&self.root(), &self.root(), &mut tree);
        tree
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn gather(root: &Path, at: &Path, tree: &mut BTreeMap<Vec<u8>, (u32, ObjectId)>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(at).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.strip_prefix(root).expect("below the root").as_os_str().as_bytes().to_vec();
        if at == root && (name.starts_with(b".") || name.starts_with(b"recycle.")) {
            continue;
        }
        let stat = path.symlink_metadata().expect("a stat");
        let content = if stat.is_symlink() {
            std::fs::read_link(&path).expect("a target").as_os_str().as_bytes().to_vec()
        } else if stat.is_file() {
            std::fs::read(&path).expect("a file")
        } else {
            Vec::new()
        };
        tree.insert(name, (stat.permissions().mode(), object_id(&content)));
        if stat.is_dir() {
            gather(root, &path, tree);
        }
    }
}

fn damage(root: &Path) -> Vec<String> {
    let report = verify(&SystemIo, root, &Options { deep: true, journal_only: false }).expect("a verification");
    let damage = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    damage.map(|finding| format!("{} at {}: {}", finding.code, finding.place, finding.found)).collect()
}

fn records(root: &Path) -> u64 {
    History::open(&SystemIo, root).expect("a history").end.size
}

fn run(io: &dyn Io, folder: &Folder, to: &str) -> sentient_store::error::Result<Outcome> {
    rollback(io, &folder.root(), to, false)
}

#[test]
fn goes_back_and_forth() {
    let folder = Folder::new();
    let before = folder.tree();
    let outcome = run(&SystemIo, &folder, "3").expect("a rollback");
    assert_eq!(outcome.seq, Some(29));
    assert!(outcome.skipped.is_empty() && outcome.unapplied.is_empty());
    assert_ne!(folder.tree(), before);
    assert_eq!(damage(&folder.root()), Vec::<String>::new());
    // The record before it: everything as it was.
    run(&SystemIo, &folder, "#28").expect("a way back");
    assert_eq!(folder.tree(), before);
    assert_eq!(damage(&folder.root()), Vec::<String>::new());
    assert_eq!(records(&folder.root()), 31);
    assert_eq!(run(&SystemIo, &folder, "now").expect("nothing").seq, None);
    assert_eq!(records(&folder.root()), 31);
}

#[test]
fn tries_without_writing() {
    let folder = Folder::new();
    let before = folder.tree();
    let outcome = rollback(&SystemIo, &folder.root(), "with-the-big-file", true).expect("a trial");
    assert!(!outcome.changes.is_empty());
    assert_eq!((folder.tree(), records(&folder.root())), (before, 29));
}

#[test]
fn refuses_what_is_in_the_way() {
    let folder = Folder::new();
    let refused = |to: &str| {
        let before = folder.tree();
        let code = run(&SystemIo, &folder, to).err().map(|error| error.code);
        assert_eq!((folder.tree(), records(&folder.root())), (before, 29));
        code
    };
    assert_eq!(refused("no-such-snapshot"), Some("STATE_NOT_FOUND"));
    assert_eq!(refused("999"), Some("STATE_NOT_FOUND"));
    // Changed outside, and needed otherwise.
    std::fs::write(folder.root().join("notes/plan.md"), "mine\n").expect("a write");
    assert_eq!(refused("1"), Some("DRIFT"));
    folder.unpack();
    // New, where something comes back.
    std::fs::create_dir(folder.root().join("many")).expect("a directory");
    assert_eq!(refused("13"), Some("DRIFT"));
    folder.unpack();
    // In a directory that goes.
    std::fs::write(folder.root().join("data/new"), "mine\n").expect("a write");
    assert_eq!(refused("1"), Some("DRIFT"));
    folder.unpack();
    // A symlink in the middle.
    std::fs::rename(folder.root().join("notes"), folder.path.join("elsewhere")).expect("a rename");
    std::os::unix::fs::symlink(folder.path.join("elsewhere"), folder.root().join("notes")).expect("a symlink");
    assert_eq!(refused("3"), Some("DRIFT"));
    folder.unpack();
    std::fs::write(folder.root().join(".runtime/poisoned"), "0 32\n").expect("a write");
    assert_eq!(refused("1"), Some("READ_ONLY"));
}

#[test]
fn new_files_in_nobodys_way_stay() {
    let folder = Folder::new();
    std::fs::write(folder.root().join("notes/mine"), "mine\n").expect("a write");
    run(&SystemIo, &folder, "3").expect("a rollback");
    assert_eq!(std::fs::read(folder.root().join("notes/mine")).ok(), Some(b"mine\n".to_vec()));
}

/// Fails each call in turn, in each way: the folder is never damaged, and the tree is that before or that after, as far as
/// the record says so.
#[test]
fn survives_every_failing_call() {
    let folder = Folder::new();
    let before = folder.tree();
    let counting = ScriptedIo::new(SystemIo);
    run(&counting, &folder, "3").expect("a rollback");
    let after = folder.tree();
    let count = counting.count();
    assert!(count > 100);
    for number in 1..=count {
        // Most calls only read: every third of these will do.
        if number % 3 != 0 && number < count / 2 {
            continue;
        }
        let faults = [Fault::Error("IO"), Fault::ShortWrite("NO_SPACE", 7), Fault::Crash(Some(5)), Fault::Crash(None)];
        let fault = faults[number as usize % faults.len()];
        folder.unpack();
        let io = ScriptedIo::new(SystemIo);
        io.fail_at(number, fault);
        let outcome = run(&io, &folder, "3");
        let root = folder.root();
        assert_eq!(damage(&root), Vec::<String>::new(), "call {number}");
        let size = records(&root);
        match outcome {
            Ok(outcome) if outcome.skipped.is_empty() && outcome.unapplied.is_empty() => {
                assert_eq!((size, folder.tree() == after), (30, true), "call {number}");
            }
            Ok(_) => assert_eq!(size, 30, "call {number}"),
            Err(_) if size == 29 => assert_eq!(folder.tree(), before, "call {number}"),
            Err(_) => assert_eq!(size, 30, "call {number}"),
        }
    }
}
