//! How long work is watched and stopped from another thread, what it fails with, and on how many threads it runs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::StoreError;
use crate::io::IoError;

/// Shared between the work and who waits for it.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    done: AtomicU64,
}

impl Control {
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub fn advance(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
    }

    /// Called between two files.
    pub fn check(&self) -> WorkResult<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(WorkError::Cancelled) } else { Ok(()) }
    }
}

/// Why work ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkError {
    Io(IoError),
    Store(StoreError),
    Cancelled,
    /// Nothing is wrong: this is work that the other implementation does.
    Declined(&'static str),
}

pub type WorkResult<T> = Result<T, WorkError>;

impl From<IoError> for WorkError {
    fn from(error: IoError) -> Self {
        WorkError::Io(error)
    }
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        WorkError::Store(error)
    }
}

/// Directories within directories are looked at by recursion; the memory is only taken where it is used.
const STACK_BYTES: usize = 256 << 20;

/// Runs the work on its own threads: as many as asked for, or one a processor for 0.
pub fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> WorkResult<T> + Send) -> WorkResult<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_BYTES).build();
    let internal = |error: rayon::ThreadPoolBuildError| StoreError::new("INTERNAL").found(error.to_string());
    pool.map_err(internal)?.install(work)
}
