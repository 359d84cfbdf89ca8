//! Verification of whole root folders, as `format/README.md` says it step by step. What is wrong is data; nothing is
//! repaired. Memory is bounded by the number of objects, never by their bytes; both packs and records are read in parallel.

mod affected;
mod changes;
mod diff;
mod end;
mod facts;
mod frames;
mod inspect;
mod journal;
mod objects;
mod packs;
mod reach;
mod report;
mod root;
mod snapshots;
mod statements;
mod trace;

pub use affected::join_path;
pub use diff::Differ;
pub use end::{JournalEnd, find_end};
pub use facts::{Event, SnapshotEvent, event_in};
pub use frames::{Found, Next, Segment, for_each_frame, open_segment};
pub use inspect::{Options, verify};
pub use objects::{ObjectTable, load_objects, read_object, unpack_zstd};
pub use report::{Check, Finding, Report, Severity};
pub use root::{RootFolder, SmallFile, child, open_root, read_small};
pub use snapshots::replay;
pub use statements::{StoredCheckpoint, decode_unapplied, read_marks, read_verifier};
