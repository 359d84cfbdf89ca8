//! An `Io` that tells how much was read and fails every call once the work was cancelled: so that work which knows nothing
//! of either can be watched and comes to its end soon.

use std::path::Path;

use super::{Directory, File, FileStat, Io, IoError, IoResult, Listed, OpenMode};
use crate::work::Control;

pub struct WatchedIo<'a> {
    inner: &'a dyn Io,
    control: &'a Control,
}

impl<'a> WatchedIo<'a> {
    pub fn new(inner: &'a dyn Io, control: &'a Control) -> Self {
        WatchedIo { inner, control }
    }

    fn unless_cancelled<T>(&self, call: &'static str, body: impl FnOnce(&dyn Io) -> IoResult<T>) -> IoResult<T> {
        if self.control.check().is_err() { Err(IoError::new("CANCELLED", call, b"")) } else { body(self.inner) }
    }
}

impl Io for WatchedIo<'_> {
    fn open_directory(&self, path: &Path) -> IoResult<Directory> {
        self.unless_cancelled("openDirectory", |io| io.open_directory(path))
    }

    fn child(&self, directory: &Directory, name: &[u8]) -> IoResult<Directory> {
        self.unless_cancelled("child", |io| io.child(directory, name))
    }

    fn child_self(&self, directory: &Directory) -> IoResult<Directory> {
        self.unless_cancelled("clone", |io| io.child_self(directory))
    }

    fn list(&self, directory: &Directory) -> IoResult<Vec<Listed>> {
        self.unless_cancelled("list", |io| io.list(directory))
    }

    fn stat(&self, directory: &Directory, name: &[u8]) -> IoResult<Option<FileStat>> {
        self.unless_cancelled("stat", |io| io.stat(directory, name))
    }

    fn self_stat(&self, directory: &Directory) -> IoResult<FileStat> {
        self.unless_cancelled("stat", |io| io.self_stat(directory))
    }

    fn read_link(&self, directory: &Directory, name: &[u8]) -> IoResult<Vec<u8>> {
        self.unless_cancelled("readLink", |io| io.read_link(directory, name))
    }

    fn open(&self, directory: &Directory, name: &[u8], mode: OpenMode) -> IoResult<File> {
        self.unless_cancelled("open", |io| io.open(directory, name, mode))
    }

    fn make_directory(&self, directory: &Directory, name: &[u8], mode: u16) -> IoResult<()> {
        self.unless_cancelled("makeDirectory", |io| io.make_directory(directory, name, mode))
    }

    fn make_symlink(&self, directory: &Directory, name: &[u8], target: &[u8]) -> IoResult<()> {
        self.unless_cancelled("makeSymlink", |io| io.make_symlink(directory, name, target))
    }

    fn rename(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        self.unless_cancelled("rename", |io| io.rename(from, name, to, to_name))
    }

    fn exchange(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        self.unless_cancelled("exchange", |io| io.exchange(from, name, to, to_name))
    }

    fn rename_new(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        self.unless_cancelled("rename", |io| io.rename_new(from, name, to, to_name))
    }

    fn remove_file(&self, directory: &Directory, name: &[u8]) -> IoResult<()> {
        self.unless_cancelled("removeFile", |io| io.remove_file(directory, name))
    }

    fn remove_directory(&self, directory: &Directory, name: &[u8]) -> IoResult<()> {
        self.unless_cancelled("removeDirectory", |io| io.remove_directory(directory, name))
    }

    fn set_mode(&self, directory: &Directory, name: &[u8], mode: u16) -> IoResult<()> {
        self.unless_cancelled("setMode", |io| io.set_mode(directory, name, mode))
    }

    fn flush_directory(&self, directory: &Directory) -> IoResult<()> {
        self.unless_cancelled("flushDirectory", |io| io.flush_directory(directory))
    }

    fn flush_file_system(&self, directory: &Directory) -> IoResult<()> {
        self.unless_cancelled("flushFileSystem", |io| io.flush_file_system(directory))
    }

    fn free_bytes(&self, directory: &Directory) -> IoResult<u64> {
        self.unless_cancelled("freeBytes", |io| io.free_bytes(directory))
    }

    fn read_at(&self, file: &File, into: &mut [u8], position: u64) -> IoResult<usize> {
        let count = self.unless_cancelled("read", |io| io.read_at(file, into, position))?;
        self.control.advance(count as u64);
        Ok(count)
    }

    fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> IoResult<()> {
        self.unless_cancelled("write", |io| io.write_at(file, bytes, position))
    }

    fn truncate(&self, file: &File, size: u64) -> IoResult<()> {
        self.unless_cancelled("truncate", |io| io.truncate(file, size))
    }

    fn flush(&self, file: &File) -> IoResult<()> {
        self.unless_cancelled("flush", |io| io.flush(file))
    }

    fn file_stat(&self, file: &File) -> IoResult<FileStat> {
        self.unless_cancelled("stat", |io| io.file_stat(file))
    }

    fn file_set_mode(&self, file: &File, mode: u16) -> IoResult<()> {
        self.unless_cancelled("setMode", |io| io.file_set_mode(file, mode))
    }
}
