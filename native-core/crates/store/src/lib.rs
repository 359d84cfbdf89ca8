//! SentientOS root folders, read and written without Node: the codecs of the on-disk format, verification, and the work
//! that has to be fast. Twin of `src/core`: both give the same answers for the same bytes.

#![forbid(unsafe_code)]

pub mod error;
pub mod format;
pub mod history;
pub mod io;
pub mod probe;
pub mod rollback;
pub mod verify;
pub mod work;
