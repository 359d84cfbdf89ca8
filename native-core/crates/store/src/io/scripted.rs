//! An `Io` that fails on command: the n-th operation with an error, a short write, or the end of everything. Counts as
//! `src/core/host/failing.ts` does: all that reads or changes the disk, from 1 on; closing is never counted.

use std::path::Path;
use std::sync::Mutex;

use super::{Directory, File, FileStat, Io, IoError, IoResult, Listed, OpenMode};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub number: u64,
    pub call: &'static str,
    pub path: Vec<u8>,
}

/// What shall happen instead of an operation. Codes are those of `IoError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect.
    Error(&'static str),
    /// A write does its first bytes, then fails; other operations have no effect.
    ShortWrite(&'static str, usize),
    /// From here on nothing has an effect: what a killed process would have done. With bytes a write still does these.
    Crash(Option<usize>),
}

/// A fault, and which operations it befalls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scripted {
    pub first: u64,
    pub last: u64,
    /// Of these kinds alone; of any kind when there is none.
    pub calls: Vec<String>,
    pub fault: Fault,
}

impl Scripted {
    fn fits(&self, number: u64, call: &str) -> bool {
        let fits = self.calls.is_empty() || self.calls.iter().any(|one| one == call);
        fits && (self.first..=self.last).contains(&number)
    }
}

#[derive(Debug, Default)]
struct Script {
    count: u64,
    crashed: bool,
    faults: Vec<Scripted>,
    log: Option<Vec<Operation>>,
}

/// Wraps another `Io`.
#[derive(Debug)]
pub struct ScriptedIo<I: Io> {
    inner: I,
    script: Mutex<Script>,
}

const CRASHED: &str = "CRASHED";

impl<I: Io> ScriptedIo<I> {
    pub fn new(inner: I) -> Self {
        ScriptedIo { inner, script: Mutex::default() }
    }

    pub fn fail_at(&self, number: u64, fault: Fault) {
        self.fail_when(Scripted { first: number, last: number, calls: Vec::new(), fault });
    }

    pub fn fail_when(&self, scripted: Scripted) {
        self.script().faults.push(scripted);
    }

    /// Goes on counting from here: somebody else has counted so many operations already.
    pub fn count_from(&self, count: u64) {
        self.script().count = count;
    }

    /// How many operations there were.
    pub fn count(&self) -> u64 {
        self.script().count
    }

    pub fn crashed(&self) -> bool {
        self.script().crashed
    }

    pub fn record(&self) {
        self.script().log = Some(Vec::new());
    }

    pub fn log(&self) -> Vec<Operation> {
        self.script().log.clone().unwrap_or_default()
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts the operation; what was scripted for it, if anything.
    fn next(&self, call: &'static str, path: &[u8]) -> Option<Fault> {
        let mut script = self.script();
        if script.crashed {
            return Some(Fault::Crash(None));
        }
        script.count += 1;
        let number = script.count;
        if let Some(log) = &mut script.log {
            log.push(Operation { number, call, path: path.to_vec() });
        }
        let fault = script.faults.iter().find(|scripted| scripted.fits(number, call)).map(|scripted| scripted.fault);
        script.crashed = matches!(fault, Some(Fault::Crash(_)));
        fault
    }

    fn run<T>(&self, call: &'static str, path: &[u8], whole: impl FnOnce() -> IoResult<T>) -> IoResult<T> {
        match self.next(call, path) {
            None => whole(),
            Some(Fault::Error(code) | Fault::ShortWrite(code, _)) => Err(IoError::new(code, call, path)),
            Some(Fault::Crash(_)) => Err(IoError::new(CRASHED, call, path)),
        }
    }

    fn on<T>(
        &self,
        call: &'static str,
        (directory, name): (&Directory, &[u8]),
        whole: impl FnOnce() -> IoResult<T>,
    ) -> IoResult<T> {
        self.run(call, &directory.path_of(name), whole)
    }
}

impl<I: Io> Io for ScriptedIo<I> {
    fn open_directory(&self, path: &Path) -> IoResult<Directory> {
        self.run("openDirectory", path.as_os_str().as_encoded_bytes(), || self.inner.open_directory(path))
    }

    fn child(&self, directory: &Directory, name: &[u8]) -> IoResult<Directory> {
        self.on("child", (directory, name), || self.inner.child(directory, name))
    }

    fn child_self(&self, directory: &Directory) -> IoResult<Directory> {
        // Not counted, as `clone` is not in failing.ts.
        self.inner.child_self(directory)
    }

    fn list(&self, directory: &Directory) -> IoResult<Vec<Listed>> {
        self.run("list", directory.path(), || self.inner.list(directory))
    }

    fn stat(&self, directory: &Directory, name: &[u8]) -> IoResult<Option<FileStat>> {
        self.on("stat", (directory, name), || self.inner.stat(directory, name))
    }

    fn self_stat(&self, directory: &Directory) -> IoResult<FileStat> {
        self.run("stat", directory.path(), || self.inner.self_stat(directory))
    }

    fn read_link(&self, directory: &Directory, name: &[u8]) -> IoResult<Vec<u8>> {
        self.on("readLink", (directory, name), || self.inner.read_link(directory, name))
    }

    fn open(&self, directory: &Directory, name: &[u8], mode: OpenMode) -> IoResult<File> {
        let call = if matches!(mode, OpenMode::Create(_)) { "create" } else { "open" };
        self.on(call, (directory, name), || self.inner.open(directory, name, mode))
    }

    fn make_directory(&self, directory: &Directory, name: &[u8], mode: u16) -> IoResult<()> {
        self.on("makeDirectory", (directory, name), || self.inner.make_directory(directory, name, mode))
    }

    fn make_symlink(&self, directory: &Directory, name: &[u8], target: &[u8]) -> IoResult<()> {
        self.on("makeSymlink", (directory, name), || self.inner.make_symlink(directory, name, target))
    }

    fn rename(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        self.on("rename", (from, name), || self.inner.rename(from, name, to, to_name))
    }

    fn exchange(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        self.on("exchange", (from, name), || self.inner.exchange(from, name, to, to_name))
    }

    fn rename_new(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        self.on("rename", (from, name), || self.inner.rename_new(from, name, to, to_name))
    }

    fn remove_file(&self, directory: &Directory, name: &[u8]) -> IoResult<()> {
        self.on("removeFile", (directory, name), || self.inner.remove_file(directory, name))
    }

    fn remove_directory(&self, directory: &Directory, name: &[u8]) -> IoResult<()> {
        self.on("removeDirectory", (directory, name), || self.inner.remove_directory(directory, name))
    }

    fn set_mode(&self, directory: &Directory, name: &[u8], mode: u16) -> IoResult<()> {
        self.on("setMode", (directory, name), || self.inner.set_mode(directory, name, mode))
    }

    fn flush_directory(&self, directory: &Directory) -> IoResult<()> {
        self.run("flushDirectory", directory.path(), || self.inner.flush_directory(directory))
    }

    fn flush_file_system(&self, directory: &Directory) -> IoResult<()> {
        self.run("flushFileSystem", directory.path(), || self.inner.flush_file_system(directory))
    }

    fn free_bytes(&self, directory: &Directory) -> IoResult<u64> {
        self.run("freeBytes", directory.path(), || self.inner.free_bytes(directory))
    }

    fn read_at(&self, file: &File, into: &mut [u8], position: u64) -> IoResult<usize> {
        self.run("read", file.path(), || self.inner.read_at(file, into, position))
    }

    fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> IoResult<()> {
        let (code, count) = match self.next("write", file.path()) {
            None => return self.inner.write_at(file, bytes, position),
            Some(Fault::Error(code)) => (code, 0),
            Some(Fault::ShortWrite(code, count)) => (code, count),
            Some(Fault::Crash(count)) => (CRASHED, count.unwrap_or(0)),
        };
        self.inner.write_at(file, &bytes[..count.min(bytes.len())], position)?;
        Err(IoError::new(code, "write", file.path()))
    }

    fn truncate(&self, file: &File, size: u64) -> IoResult<()> {
        self.run("truncate", file.path(), || self.inner.truncate(file, size))
    }

    fn flush(&self, file: &File) -> IoResult<()> {
        self.run("flush", file.path(), || self.inner.flush(file))
    }

    fn file_stat(&self, file: &File) -> IoResult<FileStat> {
        self.run("stat", file.path(), || self.inner.file_stat(file))
    }

    fn file_set_mode(&self, file: &File, mode: u16) -> IoResult<()> {
        self.run("setMode", file.path(), || self.inner.file_set_mode(file, mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::SystemIo;

    fn scratch(label: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("sentient-io-{}-{label}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a scratch directory");
        path
    }

    #[test]
    fn counts_and_fails_the_nth_operation() {
        let path = scratch("nth");
        let io = ScriptedIo::new(SystemIo);
        io.record();
        io.fail_at(4, Fault::ShortWrite("NO_SPACE", 2));
        let directory = io.open_directory(&path).expect("the directory opens");
        let file = io.open(&directory, b"a", OpenMode::Create(0o640)).expect("the file is made");
        io.write_at(&file, b"whole", 0).expect("the first write");
        let error = io.write_at(&file, b"short", 5).expect_err("the fourth operation fails");
        assert_eq!((error.code, error.call), ("NO_SPACE", "write"));
        assert_eq!(std::fs::read(path.join("a")).expect("readable"), b"wholesh");
        assert_eq!(io.file_stat(&file).expect("a stat").mode, 0o640);
        let calls: Vec<_> = io.log().into_iter().map(|operation| operation.call).collect();
        assert_eq!(calls, ["openDirectory", "create", "write", "write", "stat"]);
        std::fs::remove_dir_all(path).expect("removed");
    }

    #[test]
    fn after_a_crash_nothing_has_an_effect() {
        let path = scratch("crash");
        let io = ScriptedIo::new(SystemIo);
        io.fail_at(2, Fault::Crash(None));
        let directory = io.open_directory(&path).expect("the directory opens");
        assert!(io.make_directory(&directory, b"a", 0o700).is_err());
        assert!(io.make_directory(&directory, b"b", 0o700).is_err());
        assert_eq!(std::fs::read_dir(&path).expect("listed").count(), 0);
        std::fs::remove_dir_all(path).expect("removed");
    }

    #[test]
    fn symlinks_are_not_followed_and_exchange_keeps_both() {
        let path = scratch("links");
        let io = SystemIo;
        let directory = io.open_directory(&path).expect("the directory opens");
        io.make_symlink(&directory, b"link", b"/etc").expect("a link");
        assert!(io.child(&directory, b"link").expect_err("a link").is(&["SYMLINK", "NOT_A_DIRECTORY"]));
        assert_eq!(io.open(&directory, b"link", OpenMode::Read).expect_err("a link").code, "SYMLINK");
        assert_eq!(io.set_mode(&directory, b"link", 0o600).expect_err("a link").code, "SYMLINK");
        assert_eq!(io.read_link(&directory, b"link").expect("its target"), b"/etc");
        io.open(&directory, b"file", OpenMode::Create(0o600)).expect("a file");
        io.exchange(&directory, b"file", &directory, b"link").expect("both change places");
        assert_eq!(io.read_link(&directory, b"file").expect("its target"), b"/etc");
        assert_eq!(io.rename_new(&directory, b"file", &directory, b"link").expect_err("there").code, "EXISTS");
        std::fs::remove_dir_all(path).expect("removed");
    }
}
