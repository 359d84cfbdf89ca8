//! The real disk, by the system's own calls relative to open directories.

use std::mem::MaybeUninit;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, RawDir, RawMode, RenameFlags, Stat};
use rustix::io::Errno;

use super::{Directory, File, FileKind, FileStat, Io, IoError, IoResult, Listed, OpenMode};

/// The system's calls as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIo;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// NONBLOCK: opening a pipe must not wait for its other end; on regular files it means nothing.
const REGULAR: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const CREATE: OFlags =
    OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

const LIST_BUFFER_BYTES: usize = 32 * 1024;

fn code_of(errno: Errno) -> &'static str {
    match errno {
        Errno::NOENT | Errno::STALE => "NOT_FOUND",
        Errno::EXIST => "EXISTS",
        Errno::NOTDIR => "NOT_A_DIRECTORY",
        Errno::ISDIR => "IS_A_DIRECTORY",
        Errno::NOTEMPTY => "NOT_EMPTY",
        Errno::LOOP => "SYMLINK",
        Errno::ACCESS | Errno::PERM => "DENIED",
        Errno::ROFS => "READ_ONLY",
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => "NO_SPACE",
        Errno::NAMETOOLONG => "NAME_TOO_LONG",
        Errno::XDEV => "CROSS_DEVICE",
        Errno::MFILE | Errno::NFILE | Errno::MLINK => "TOO_MANY_OPEN",
        Errno::IO | Errno::REMOTEIO | Errno::NODATA | Errno::UCLEAN => "IO",
        Errno::BUSY | Errno::AGAIN | Errno::TXTBSY => "BUSY",
        Errno::NXIO | Errno::NODEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL => "UNSUPPORTED",
        _ => "OTHER",
    }
}

/// Names the call and the path; the path is only put together when something failed.
trait Named<T> {
    fn at(self, call: &'static str, directory: &Directory, name: &[u8]) -> IoResult<T>;
    fn of(self, call: &'static str, path: &[u8]) -> IoResult<T>;
}

impl<T> Named<T> for Result<T, Errno> {
    fn at(self, call: &'static str, directory: &Directory, name: &[u8]) -> IoResult<T> {
        self.map_err(|errno| IoError::new(code_of(errno), call, &directory.path_of(name)))
    }

    fn of(self, call: &'static str, path: &[u8]) -> IoResult<T> {
        self.map_err(|errno| IoError::new(code_of(errno), call, path))
    }
}

fn retrying<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => continue,
            outcome => return outcome,
        }
    }
}

fn kind_of(file_type: FileType) -> FileKind {
    match file_type {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    }
}

fn stat_of(stat: &Stat) -> FileStat {
    FileStat {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode as RawMode)),
        mode: (stat.st_mode & 0o7777) as u16,
        size: stat.st_size as u64,
        mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
        ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
        dev: stat.st_dev,
        inode: stat.st_ino,
        links: stat.st_nlink,
    }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// One name, never a path.
fn check_name(call: &'static str, directory: &Directory, name: &[u8]) -> IoResult<()> {
    let is_path = name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') || name.contains(&0);
    if is_path { Err(IoError::new("OTHER", call, &directory.path_of(name))) } else { Ok(()) }
}

/// What was just created is ours, so a refused chmod means a file system that keeps no modes.
fn keeping_outcome(outcome: Result<(), Errno>) -> Result<(), Errno> {
    match outcome {
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        outcome => outcome,
    }
}

fn set_mode_below(directory: &Directory, name: &[u8], mode: u16) -> Result<(), Errno> {
    // chmod by name follows symlinks. A file that cannot be read is opened only to be identified.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = retrying(|| fs::openat(directory, name, flags, Mode::empty()))?;
    let kind = kind_of(FileType::from_raw_mode(fs::fstat(&held)?.st_mode as RawMode));
    match kind {
        FileKind::Symlink => return Err(Errno::LOOP),
        FileKind::Other => return Err(Errno::NXIO),
        _ => {}
    }
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&held));
    retrying(|| fs::chmodat(fs::CWD, &path, Mode::from_raw_mode(mode as RawMode), AtFlags::empty()))
}

fn list_names(directory: &Directory) -> Result<Vec<Listed>, Errno> {
    // A descriptor of its own: the position in a listing belongs to the open directory.
    let own = retrying(|| fs::openat(directory, ".", DIRECTORY, Mode::empty()))?;
    let mut buffer = [MaybeUninit::<u8>::uninit(); LIST_BUFFER_BYTES];
    let mut entries = RawDir::new(own, &mut buffer);
    let mut listed = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        match entry.file_type() {
            // Some file systems do not tell kinds.
            FileType::Unknown => match fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => {}
                stat => listed.push(Listed { name: name.to_vec(), kind: stat_of(&stat?).kind }),
            },
            file_type => listed.push(Listed { name: name.to_vec(), kind: kind_of(file_type) }),
        }
    }
    Ok(listed)
}

fn opened(directory: &Directory, name: &[u8], descriptor: OwnedFd) -> File {
    File { descriptor, path: directory.path_of(name) }
}

impl Io for SystemIo {
    fn open_directory(&self, path: &Path) -> IoResult<Directory> {
        let bytes = path.as_os_str().as_bytes();
        let descriptor = retrying(|| fs::openat(fs::CWD, path, DIRECTORY, Mode::empty())).of("openDirectory", bytes)?;
        Ok(Directory { descriptor, path: bytes.to_vec() })
    }

    fn child(&self, directory: &Directory, name: &[u8]) -> IoResult<Directory> {
        check_name("child", directory, name)?;
        let flags = DIRECTORY | OFlags::NOFOLLOW;
        let descriptor = retrying(|| fs::openat(directory, name, flags, Mode::empty())).at("child", directory, name)?;
        Ok(Directory { descriptor, path: directory.path_of(name) })
    }

    fn child_self(&self, directory: &Directory) -> IoResult<Directory> {
        let opened = retrying(|| fs::openat(directory, ".", DIRECTORY, Mode::empty()));
        Ok(Directory { descriptor: opened.of("clone", directory.path())?, path: directory.path().to_vec() })
    }

    fn list(&self, directory: &Directory) -> IoResult<Vec<Listed>> {
        list_names(directory).of("list", directory.path())
    }

    fn stat(&self, directory: &Directory, name: &[u8]) -> IoResult<Option<FileStat>> {
        match retrying(|| fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)) {
            Err(Errno::NOENT) => Ok(None),
            stat => stat.map(|stat| Some(stat_of(&stat))).at("stat", directory, name),
        }
    }

    fn self_stat(&self, directory: &Directory) -> IoResult<FileStat> {
        fs::fstat(directory).map(|stat| stat_of(&stat)).of("stat", directory.path())
    }

    fn read_link(&self, directory: &Directory, name: &[u8]) -> IoResult<Vec<u8>> {
        let target = retrying(|| fs::readlinkat(directory, name, Vec::new())).at("readLink", directory, name)?;
        Ok(target.into_bytes())
    }

    fn open(&self, directory: &Directory, name: &[u8], mode: OpenMode) -> IoResult<File> {
        check_name("open", directory, name)?;
        let flags = match mode {
            OpenMode::Read => OFlags::RDONLY | REGULAR,
            OpenMode::Modify => OFlags::RDWR | REGULAR,
            OpenMode::Create(_) => CREATE,
        };
        let bits = if let OpenMode::Create(bits) = mode { bits } else { 0 };
        let first = Mode::from_raw_mode((bits & 0o700) as RawMode);
        let descriptor = retrying(|| fs::openat(directory, name, flags, first)).at("open", directory, name)?;
        if let OpenMode::Create(bits) = mode {
            let wanted = Mode::from_raw_mode(bits as RawMode);
            keeping_outcome(fs::fchmod(&descriptor, wanted)).at("open", directory, name)?;
            return Ok(opened(directory, name, descriptor));
        }
        let kind = fs::fstat(&descriptor).map(|stat| stat_of(&stat).kind).at("open", directory, name)?;
        match kind {
            FileKind::File => Ok(opened(directory, name, descriptor)),
            FileKind::Directory => Err(IoError::new("IS_A_DIRECTORY", "open", &directory.path_of(name))),
            _ => Err(IoError::new("UNSUPPORTED", "open", &directory.path_of(name))),
        }
    }

    fn make_directory(&self, directory: &Directory, name: &[u8], mode: u16) -> IoResult<()> {
        check_name("makeDirectory", directory, name)?;
        let made = retrying(|| fs::mkdirat(directory, name, Mode::from_raw_mode(0o700)));
        made.and_then(|()| keeping_outcome(set_mode_below(directory, name, mode))).at("makeDirectory", directory, name)
    }

    fn make_symlink(&self, directory: &Directory, name: &[u8], target: &[u8]) -> IoResult<()> {
        check_name("makeSymlink", directory, name)?;
        retrying(|| fs::symlinkat(target, directory, name)).at("makeSymlink", directory, name)
    }

    fn rename(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        check_name("rename", from, name)?;
        check_name("rename", to, to_name)?;
        retrying(|| fs::renameat(from, name, to, to_name)).at("rename", from, name)
    }

    fn exchange(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        check_name("exchange", from, name)?;
        check_name("exchange", to, to_name)?;
        retrying(|| fs::renameat_with(from, name, to, to_name, RenameFlags::EXCHANGE)).at("exchange", from, name)
    }

    fn rename_new(&self, from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> IoResult<()> {
        check_name("rename", from, name)?;
        check_name("rename", to, to_name)?;
        retrying(|| fs::renameat_with(from, name, to, to_name, RenameFlags::NOREPLACE)).at("rename", from, name)
    }

    fn remove_file(&self, directory: &Directory, name: &[u8]) -> IoResult<()> {
        check_name("removeFile", directory, name)?;
        retrying(|| fs::unlinkat(directory, name, AtFlags::empty())).at("removeFile", directory, name)
    }

    fn remove_directory(&self, directory: &Directory, name: &[u8]) -> IoResult<()> {
        check_name("removeDirectory", directory, name)?;
        retrying(|| fs::unlinkat(directory, name, AtFlags::REMOVEDIR)).at("removeDirectory", directory, name)
    }

    fn set_mode(&self, directory: &Directory, name: &[u8], mode: u16) -> IoResult<()> {
        check_name("setMode", directory, name)?;
        set_mode_below(directory, name, mode).at("setMode", directory, name)
    }

    fn flush_directory(&self, directory: &Directory) -> IoResult<()> {
        match retrying(|| fs::fsync(directory)) {
            // Some file systems have nothing to flush in a directory and say so in these ways.
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            outcome => outcome.of("flushDirectory", directory.path()),
        }
    }

    fn flush_file_system(&self, directory: &Directory) -> IoResult<()> {
        retrying(|| fs::syncfs(directory)).of("flushFileSystem", directory.path())
    }

    fn spread_directories(&self, directory: &Directory) {
        // Only ext2 to ext4 know it.
        if let Ok(flags) = fs::ioctl_getflags(directory)
            && !flags.contains(fs::IFlags::TOPDIR)
        {
            let _ = fs::ioctl_setflags(directory, flags | fs::IFlags::TOPDIR);
        }
    }

    fn free_bytes(&self, directory: &Directory) -> IoResult<u64> {
        let space = fs::fstatvfs(directory).of("freeBytes", directory.path())?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn read_at(&self, file: &File, into: &mut [u8], position: u64) -> IoResult<usize> {
        let mut done = 0;
        while done < into.len() {
            let rest = &mut into[done..];
            match rustix::io::pread(file, rest, position + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno).of("read", file.path()),
            }
        }
        Ok(done)
    }

    fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> IoResult<()> {
        let mut done = 0;
        while done < bytes.len() {
            match rustix::io::pwrite(file, &bytes[done..], position + done as u64) {
                Ok(0) => return Err(IoError::new("IO", "write", file.path())),
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno).of("write", file.path()),
            }
        }
        Ok(())
    }

    fn truncate(&self, file: &File, size: u64) -> IoResult<()> {
        retrying(|| fs::ftruncate(file, size)).of("truncate", file.path())
    }

    fn start_writing(&self, file: &File, position: u64, length: u64) {
        // What is dirty stays in memory all the same until it is written. A hint: there is nothing that could fail.
        let _ = fs::fadvise(file, position, NonZeroU64::new(length), fs::Advice::DontNeed);
    }

    fn flush(&self, file: &File) -> IoResult<()> {
        retrying(|| fs::fdatasync(file)).of("flush", file.path())
    }

    fn file_stat(&self, file: &File) -> IoResult<FileStat> {
        fs::fstat(file).map(|stat| stat_of(&stat)).of("stat", file.path())
    }

    fn file_set_mode(&self, file: &File, mode: u16) -> IoResult<()> {
        retrying(|| fs::fchmod(file, Mode::from_raw_mode(mode as RawMode))).of("setMode", file.path())
    }
}
