//! The hot paths: whole trees and whole packs in one call, on all processors. Each stands behind a function of the same
//! name in TypeScript, writes the same objects and gives the same answers; what it cannot do it leaves to that one.

pub mod adopt;
pub mod changes;
pub mod content;
pub mod control;
pub mod count;
pub mod ignore;
pub mod look;
pub mod nodes;
pub mod pack_sink;
pub mod packed;
pub mod packing;
pub mod place;
pub mod sound_pack;
pub mod source;
pub mod stage;
pub mod stage_tree;
pub mod stat_cache;
pub mod survey;

pub use control::{Control, WorkError, WorkResult};
