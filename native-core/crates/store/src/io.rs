//! Every call to the system goes through one trait, `Io`, so that a test can put a failing disk in its place. Twin of the
//! ports in `src/core/host`: the same calls, the same error codes, the same operation numbers (`scripted.rs`).
//!
//! Names are bytes and stand for one name in one open directory; no symlink is ever followed below the first path.

mod scripted;
mod system;
mod watched;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

pub use scripted::{Fault, Operation, Scripted, ScriptedIo};
pub use system::SystemIo;
pub use watched::WatchedIo;

use crate::error::StoreError;

/// What failed. `code` is one of `HostErrorCode` in `src/core/host/error.ts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoError {
    pub code: &'static str,
    pub call: &'static str,
    pub path: String,
}

pub type IoResult<T> = std::result::Result<T, IoError>;

impl IoError {
    pub fn new(code: &'static str, call: &'static str, path: &[u8]) -> Self {
        IoError { code, call, path: String::from_utf8_lossy(path).into_owned() }
    }

    pub fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code)
    }
}

impl std::fmt::Display for IoError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}: {}", self.call, self.path, self.code)
    }
}

impl std::error::Error for IoError {}

impl From<IoError> for StoreError {
    fn from(error: IoError) -> Self {
        let code = match error.code {
            "NO_SPACE" => "DISK_FULL",
            "DENIED" | "READ_ONLY" => "NOT_WRITABLE",
            _ => "IO",
        };
        StoreError::new(code).at(error.path).found(format!("{}: {}", error.call, error.code))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    File,
    Directory,
    Symlink,
    Other,
}

/// What lstat says; times in nanoseconds since 1970, `mode` the permission bits only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    pub kind: FileKind,
    pub mode: u16,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub dev: u64,
    pub inode: u64,
    pub links: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: Vec<u8>,
    pub kind: FileKind,
}

/// `Create` fails when the name exists, the others when it is missing. Only regular files are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    Read,
    Modify,
    /// With exactly these permission bits.
    Create(u16),
}

/// An open directory; the path is for messages.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    path: Vec<u8>,
}

/// An open regular file. Positions are absolute; there is no cursor.
#[derive(Debug)]
pub struct File {
    descriptor: OwnedFd,
    path: Vec<u8>,
}

impl Directory {
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The path of a name in it, for messages.
    pub fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path.clone();
        path.push(b'/');
        path.extend_from_slice(name);
        path
    }
}

impl File {
    pub fn path(&self) -> &[u8] {
        &self.path
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// The calls. Several threads may use one `Io` at a time.
pub trait Io: Send + Sync {
    /// Opens a directory by its path; symlinks in it are followed, once, here.
    fn open_directory(&self, path: &Path) -> IoResult<Directory>;
    /// NOT_FOUND when the name is missing, NOT_A_DIRECTORY or SYMLINK for what is none.
    fn child(&self, directory: &Directory, name: &[u8]) -> IoResult<Directory>;
    /// Another handle on the same directory.
    fn child_self(&self, directory: &Directory) -> IoResult<Directory>;
    /// All names but `.` and `..`, in no particular order.
    fn list(&self, directory: &Directory) -> IoResult<Vec<Listed>>;
    /// None when the name is missing.
    fn stat(&self, directory: &Directory, name: &[u8]) -> IoResult<Option<FileStat>>;
    fn self_stat(&self, directory: &Directory) -> IoResult<FileStat>;
    fn read_link(&self, directory: &Directory, name: &[u8]) -> IoResult<Vec<u8>>;
    fn open(&self, directory: &Directory, name: &[u8], mode: OpenMode) -> IoResult<File>;
    fn make_directory(&self, directory: &Directory, name: &[u8], mode: u16) -> IoResult<()>;
    fn make_symlink(&self, directory: &Directory, name: &[u8], target: &[u8]) -> IoResult<()>;
    /// Replaces what is at the target.
    fn rename(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()>;
    /// Exchanges two names that are both there; UNSUPPORTED where the file system can not.
    fn exchange(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()>;
    /// Renames unless something is at the target: then EXISTS; UNSUPPORTED where the file system can not.
    fn rename_new(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()>;
    fn remove_file(&self, directory: &Directory, name: &[u8]) -> IoResult<()>;
    fn remove_directory(&self, directory: &Directory, name: &[u8]) -> IoResult<()>;
    /// Of a file or directory, never of a symlink.
    fn set_mode(&self, directory: &Directory, name: &[u8], mode: u16) -> IoResult<()>;
    /// Makes the directory's names durable.
    fn flush_directory(&self, directory: &Directory) -> IoResult<()>;
    /// Makes the whole file system that holds the directory durable.
    fn flush_file_system(&self, directory: &Directory) -> IoResult<()>;
    /// Asks the file system to put directories that are made in this one far apart, where it can; a hint alone.
    fn spread_directories(&self, _directory: &Directory) {}
    fn free_bytes(&self, directory: &Directory) -> IoResult<u64>;

    /// Reads until the buffer is full or the file ends; says how many bytes came.
    fn read_at(&self, file: &File, into: &mut [u8], position: u64) -> IoResult<usize>;
    /// Writes all of it.
    fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> IoResult<()>;
    fn truncate(&self, file: &File, size: u64) -> IoResult<()>;
    /// Asks that these bytes, just written, begin to go to the disk, so that a flush later has less to wait for.
    fn start_writing(&self, _file: &File, _position: u64, _length: u64) {}
    /// Makes data and size durable (fdatasync).
    fn flush(&self, file: &File) -> IoResult<()>;
    fn file_stat(&self, file: &File) -> IoResult<FileStat>;
    fn file_set_mode(&self, file: &File, mode: u16) -> IoResult<()>;
}

/// The whole file, of at most `limit` bytes; None when it is missing. A longer one is an `IO` error.
pub fn read_whole(io: &dyn Io, directory: &Directory, name: &[u8], limit: u64) -> IoResult<Option<Vec<u8>>> {
    let file = match io.open(directory, name, OpenMode::Read) {
        Err(error) if error.code == "NOT_FOUND" => return Ok(None),
        opened => opened?,
    };
    let size = io.file_stat(&file)?.size;
    if size > limit {
        return Err(IoError::new("IO", "read", file.path()));
    }
    let mut bytes = vec![0; size as usize];
    let count = io.read_at(&file, &mut bytes, 0)?;
    bytes.truncate(count);
    Ok(Some(bytes))
}
