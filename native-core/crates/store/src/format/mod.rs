//! The codecs of the on-disk format, one file a thing, strict: each value has one encoding and every other is refused.
//! `format/README.md` is what they follow, `format/vectors` what they are checked against.

pub mod base64;
pub mod binding;
pub mod bytes;
pub mod cbor;
pub mod changes;
pub mod checkpoint;
pub mod chunker;
#[rustfmt::skip]
pub mod constants;
pub mod content;
pub mod failure;
pub mod format_file;
pub mod frame;
pub mod hash;
pub mod id;
pub mod inclusion;
pub mod json_text;
pub mod key;
pub mod marks;
pub mod merkle;
pub mod node;
pub mod note;
pub mod pack;
pub mod pack_index;
pub mod record;
pub mod recycle_lock;
pub mod recycle_trace;
pub mod state;
pub mod tile;
