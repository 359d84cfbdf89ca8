//! Counts what is allocated, to find inputs that make a parser take more memory than they can be worth.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on to the system's allocator as it came; beside that only two counters change.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How many bytes more than before `work` had at once.
pub fn peak_of(work: impl FnOnce()) -> usize {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    work();
    PEAK.load(Relaxed).saturating_sub(before)
}

/// Decoded values, what they are written as again and their JSON are each some times as long as the input; only what is
/// compressed may be more, by what it says it is.
pub fn allowed(kind: &str, data: &[u8]) -> usize {
    let unpacked = match kind {
        "zstd" => data.first_chunk().map_or(0, |length| u32::from_le_bytes(*length).min(16 << 20) as usize),
        "pack" => 16 << 20,
        _ => 0,
    };
    (1 << 20) + 256 * data.len() + 3 * unpacked
}
