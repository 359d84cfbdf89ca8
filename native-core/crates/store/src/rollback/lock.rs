//! The writer lock, on the bytes that an exclusive transaction of SQLite uses: open file description locks and the record
//! locks of other processes exclude each other.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::error::{Result, StoreError};
use crate::io::{File, OpenMode};
use crate::verify::RootFolder;

/// SQLite's pending, reserved and shared bytes.
const FIRST_BYTE: i64 = 0x4000_0000;
const BYTES: i64 = 512;
const WAIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
const NAME: &[u8] = b"lock";

/// Held until it is dropped.
pub struct WriterLock {
    _file: File,
}

/// LOCKED when somebody else holds it for five seconds.
pub fn take_lock(root: &RootFolder<'_>) -> Result<WriterLock> {
    if root.io.stat(&root.runtime, NAME)?.is_none() {
        root.io.open(&root.runtime, NAME, OpenMode::Create(0o600))?;
    }
    let file = root.io.open(&root.runtime, NAME, OpenMode::Modify)?;
    let deadline = Instant::now() + WAIT;
    while !try_lock(&file)? {
        if Instant::now() >= deadline {
            return Err(StoreError::new("LOCKED").at(".runtime/lock"));
        }
        std::thread::sleep(PAUSE);
    }
    // Somebody may have removed the file and made another: a lock on the old one excludes nobody.
    let named = root.io.stat(&root.runtime, NAME)?.map(|stat| stat.inode);
    if named != Some(root.io.file_stat(&file)?.inode) {
        return Err(StoreError::new("LOCKED").at(".runtime/lock").found("another file than the one that was locked"));
    }
    Ok(WriterLock { _file: file })
}

fn try_lock(file: &File) -> Result<bool> {
    let range = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: FIRST_BYTE,
        l_len: BYTES,
        l_pid: 0,
    };
    match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&range)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(StoreError::new("IO").at(".runtime/lock").found(error.to_string())),
    }
}
