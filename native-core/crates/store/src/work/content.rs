//! File contents: cutting bytes into chunks where they say so, and the one tree of lists over the chunks. Twin of
//! `src/core/store/content.ts`. Holds two megabytes a thread, whatever the file's size.

use std::cell::RefCell;

use super::cbor::{self, Codec, Id, Link};
use crate::format::constants::{
    CHUNK_BYTES_MAX, CHUNK_BYTES_MEAN, CHUNK_BYTES_MIN, GEAR_TABLE, LIST_ENTRIES_MAX, MASK_LARGE, MASK_SMALL,
};

const MIN: usize = CHUNK_BYTES_MIN as usize;
const MEAN: usize = CHUNK_BYTES_MEAN as usize;
const MAX: usize = CHUNK_BYTES_MAX as usize;
/// Every step shifts the hash left by one: what a byte added is gone 32 bytes later.
const WINDOW: usize = 32;
const BUFFER_BYTES: usize = 2 * MAX;

/// The length of the first chunk; None when more bytes are needed. `at_end`: the file ends with these bytes.
pub fn cut(bytes: &[u8], at_end: bool) -> Option<usize> {
    if bytes.len() <= MIN {
        return at_end.then_some(bytes.len());
    }
    let step = |hash: u32, byte: u8| (hash << 1).wrapping_add(GEAR_TABLE[byte as usize]);
    let mut hash = bytes[MIN - WINDOW..MIN - 1].iter().fold(0, |hash, byte| step(hash, *byte));
    let end = bytes.len().min(MAX);
    for (at, byte) in bytes.iter().enumerate().take(end).skip(MIN - 1) {
        hash = step(hash, *byte);
        let mask = if at + 1 < MEAN { MASK_SMALL } else { MASK_LARGE };
        if hash & mask == 0 {
            return Some(at + 1);
        }
    }
    if end == MAX {
        return Some(MAX);
    }
    at_end.then_some(end)
}

/// What becomes of the pieces: stored, or only named.
pub trait PieceSink {
    type Error;
    fn chunk(&mut self, bytes: &[u8]) -> Result<Id, Self::Error>;
    fn list(&mut self, bytes: &[u8]) -> Result<Id, Self::Error>;
}

struct ListEntry {
    link: Link,
    bytes: u64,
}

/// Levels of the tree of lists; nodes are closed from left to right when one more entry comes.
#[derive(Default)]
struct Lists {
    levels: Vec<Vec<ListEntry>>,
}

impl Lists {
    fn add<S: PieceSink>(&mut self, sink: &mut S, depth: usize, entry: ListEntry) -> Result<(), S::Error> {
        if self.levels.len() == depth {
            self.levels.push(Vec::new());
        }
        if self.levels[depth].len() as u64 == LIST_ENTRIES_MAX {
            self.close(sink, depth)?;
        }
        self.levels[depth].push(entry);
        Ok(())
    }

    fn close<S: PieceSink>(&mut self, sink: &mut S, depth: usize) -> Result<(), S::Error> {
        let entries = std::mem::take(&mut self.levels[depth]);
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        let id = sink.list(&encode_list(depth as u64, bytes, &entries))?;
        self.add(sink, depth + 1, ListEntry { link: Link { codec: Codec::DagCbor, id }, bytes })
    }

    fn finish<S: PieceSink>(mut self, sink: &mut S) -> Result<Link, S::Error> {
        for depth in 0.. {
            if depth + 1 == self.levels.len() && self.levels[depth].len() == 1 {
                return Ok(self.levels[depth][0].link);
            }
            self.close(sink, depth)?;
        }
        unreachable!("the loop has no end")
    }
}

fn encode_list(depth: u64, total: u64, entries: &[ListEntry]) -> Vec<u8> {
    let mut node = Vec::with_capacity(entries.len() * 48 + 32);
    cbor::map(&mut node, 4);
    cbor::text(&mut node, "c");
    cbor::list(&mut node, entries.len());
    for ListEntry { link, bytes } in entries {
        cbor::list(&mut node, 2);
        cbor::link(&mut node, link);
        cbor::integer(&mut node, *bytes);
    }
    cbor::text(&mut node, "d");
    cbor::integer(&mut node, depth);
    cbor::text(&mut node, "k");
    cbor::text(&mut node, "list");
    cbor::text(&mut node, "n");
    cbor::integer(&mut node, total);
    node
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
}

/// Cuts what `read` gives (at most its buffer's length at a position, less only at the end) into pieces. When `expected`
/// bytes came, the end is believed without a further read. Says the link and how many bytes there were.
pub fn cut_content<S: PieceSink>(
    sink: &mut S,
    expected: u64,
    mut read: impl FnMut(&mut [u8], u64) -> Result<usize, S::Error>,
) -> Result<(Link, u64), S::Error> {
    BUFFER.with(|cell| {
        let buffer = &mut *cell.borrow_mut();
        let mut lists = Lists::default();
        let (mut start, mut end, mut position, mut at_end) = (0, 0, 0, false);
        loop {
            while !at_end && end - start < MAX {
                if end + MAX > buffer.len() && start > 0 {
                    buffer.copy_within(start..end, 0);
                    end -= start;
                    start = 0;
                }
                let wanted = (buffer.len() - end).min(usize::try_from(expected - position).unwrap_or(usize::MAX));
                let count = read(&mut buffer[end..end + wanted], position)?;
                end += count;
                position += count as u64;
                at_end = count == 0 || position == expected;
            }
            if start == end && position > 0 {
                break;
            }
            let length = cut(&buffer[start..end], at_end).unwrap_or(end - start);
            let id = sink.chunk(&buffer[start..start + length])?;
            if at_end && start + length == end && lists.levels.is_empty() {
                return Ok((Link { codec: Codec::Raw, id }, position));
            }
            let entry = ListEntry { link: Link { codec: Codec::Raw, id }, bytes: length as u64 };
            lists.add(sink, 0, entry)?;
            start += length;
            if at_end && start == end {
                break;
            }
        }
        Ok((lists.finish(sink)?, position))
    })
}

/// Only names the pieces.
pub struct NamesOnly;

impl PieceSink for NamesOnly {
    type Error = crate::io::IoError;

    fn chunk(&mut self, bytes: &[u8]) -> Result<Id, Self::Error> {
        Ok(blake3::hash(bytes).into())
    }

    fn list(&mut self, bytes: &[u8]) -> Result<Id, Self::Error> {
        Ok(blake3::hash(bytes).into())
    }
}
