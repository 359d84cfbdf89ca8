//! The heavy work on a disk that fails: at every single operation once. What was not finished leaves nothing behind, and
//! what somebody else wrote in the last moment is never lost.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sentient_store::io::{Directory, Fault, Io, ScriptedIo, SystemIo};
use sentient_store::work::adopt::{self, Adopted};
use sentient_store::work::ignore::Rules;
use sentient_store::work::packed::Reader;
use sentient_store::work::place::{self, Item, Outcome};
use sentient_store::work::{Control, WorkResult};

struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(label: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("sentient-work-{}-{label}", std::process::id()));
        fs::create_dir_all(&path).expect("a scratch directory");
        Scratch { path }
    }

    fn make(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(&path).expect("a directory");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn open(path: &Path) -> Directory {
    SystemIo.open_directory(path).expect("the directory opens")
}

fn names_in(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("a listing");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn run_adopt(io: &dyn Io, tree: &Path, stage: &Path) -> WorkResult<Adopted> {
    let (root, stage) = (open(tree), open(stage));
    let request = adopt::Request {
        root: &root,
        stage: &stage,
        rules: &Rules::default(),
        outside: &[],
        level: 3,
        seed: [7; 32],
        owner: 1,
        cache: None,
        threads: 1,
    };
    adopt::adopt(io, &Control::default(), &request)
}

fn small_tree(scratch: &Scratch) -> PathBuf {
    let tree = scratch.make("tree/a/b");
    fs::write(tree.join("one"), b"one").expect("written");
    fs::write(tree.join("large"), vec![1; 300_000]).expect("written");
    fs::write(scratch.path.join("tree/two"), b"two").expect("written");
    std::os::unix::fs::symlink("two", scratch.path.join("tree/link")).expect("a link");
    scratch.path.join("tree")
}

#[test]
fn a_keeping_that_fails_anywhere_says_so_or_names_the_path() {
    let scratch = Scratch::new("adopt");
    let (tree, stage) = (small_tree(&scratch), scratch.make("stage"));
    let counting = ScriptedIo::new(SystemIo);
    let whole = run_adopt(&counting, &tree, &stage).expect("nothing fails");
    assert!(whole.problems.is_empty() && names_in(&stage).len() == 2);
    for number in 1..=counting.count() {
        for fault in [Fault::Error("IO"), Fault::Error("DENIED"), Fault::ShortWrite("NO_SPACE", 10)] {
            fs::remove_dir_all(&stage).expect("removed");
            scratch.make("stage");
            let io = ScriptedIo::new(SystemIo);
            io.fail_at(number, fault);
            match run_adopt(&io, &tree, &stage) {
                Err(_) => assert_eq!(names_in(&stage), Vec::<String>::new(), "operation {number}, {fault:?}"),
                Ok(kept) => {
                    assert!(!kept.problems.is_empty() || kept == whole, "operation {number}, {fault:?}: {kept:?}");
                    assert_eq!(names_in(&stage).len(), 2 * kept.packs.len());
                }
            }
        }
    }
}

/// A request item as TypeScript writes it: a staged file, to replace what is there now.
fn replacing(index: u32, tree: &Path, path: &str) -> Item {
    let mut bytes = index.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(path.len() as u16).to_le_bytes());
    bytes.extend_from_slice(path.as_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 1]);
    let stat = fs::symlink_metadata(tree.join(path)).expect("a stat");
    bytes.extend_from_slice(&(stat.dev() as f64).to_le_bytes());
    bytes.extend_from_slice(&stat.ino().to_le_bytes());
    bytes.extend_from_slice(&(stat.size() as f64).to_le_bytes());
    bytes.extend_from_slice(&((stat.mode() & 0o7777) as u16).to_le_bytes());
    for (seconds, nanoseconds) in [(stat.mtime(), stat.mtime_nsec()), (stat.ctime(), stat.ctime_nsec())] {
        bytes.extend_from_slice(&(seconds * 1_000_000_000 + nanoseconds).to_le_bytes());
    }
    bytes.push(0);
    Item::read(&mut Reader::new(&bytes)).expect("an item")
}

fn run_place(io: &dyn Io, tree: &Path, stage: &Path, items: Vec<Item>) -> Vec<Outcome> {
    let (root, stage) = (open(tree), open(stage));
    let request = place::Request { root: &root, stage: &stage, prefix: b"s-", items, threads: 1 };
    place::place(io, &Control::default(), &request).expect("never fails as a whole")
}

#[test]
fn a_replacement_that_fails_anywhere_leaves_the_old_or_the_new() {
    let scratch = Scratch::new("place");
    let (tree, stage) = (scratch.make("tree/d"), scratch.make("stage"));
    let top = scratch.path.join("tree");
    let mut operations = 1;
    let mut number = 0;
    while number <= operations {
        fs::write(tree.join("file"), b"old").expect("written");
        fs::write(stage.join("s-5"), b"new").expect("written");
        let items = vec![replacing(5, &top, "d/file")];
        let io = ScriptedIo::new(SystemIo);
        io.fail_at(number, Fault::Error("IO"));
        let outcomes = run_place(&io, &top, &stage, items);
        operations = operations.max(io.count());
        let shown = fs::read(tree.join("file")).expect("there is always one");
        let expected: &[u8] = if outcomes == [Outcome::Done] { b"new" } else { b"old" };
        assert_eq!(shown, expected, "operation {number}: {outcomes:?}");
        let _ = fs::remove_file(stage.join("s-5"));
        number += 1;
    }
    assert!(operations > 4);
}

#[test]
fn what_came_in_the_last_moment_stays() {
    let scratch = Scratch::new("last");
    let (tree, stage) = (scratch.make("tree"), scratch.make("stage"));
    fs::write(tree.join("file"), b"old").expect("written");
    fs::write(stage.join("s-1"), b"new").expect("written");
    let item = replacing(1, &tree, "file");
    // Saved as editors do: a new file takes the name.
    fs::write(tree.join("file.tmp"), b"edited").expect("written");
    fs::rename(tree.join("file.tmp"), tree.join("file")).expect("renamed");
    assert_eq!(run_place(&SystemIo, &tree, &stage, vec![item.clone()]), [Outcome::Drifted]);
    assert_eq!(fs::read(tree.join("file")).expect("readable"), b"edited");
    fs::remove_file(tree.join("file")).expect("removed");
    assert_eq!(run_place(&SystemIo, &tree, &stage, vec![item]), [Outcome::Drifted]);
    assert_eq!(names_in(&tree), Vec::<String>::new());
}
