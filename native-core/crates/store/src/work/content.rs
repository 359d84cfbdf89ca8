//! File contents: cutting bytes into chunks where they say so, and the one tree of lists over the chunks. Twin of
//! `src/core/store/content.ts`. Holds two megabytes a thread, whatever the file's size.

use std::cell::RefCell;

use crate::format::chunker::next_cut;
use crate::format::constants::CHUNK_BYTES_MAX;
use crate::format::content::ContentBuilder;
use crate::format::id::{Link, ObjectId};

const MAX: usize = CHUNK_BYTES_MAX as usize;
const BUFFER_BYTES: usize = 2 * MAX;

/// What becomes of the pieces: stored, or only named.
pub trait PieceSink {
    type Error;
    fn chunk(&mut self, bytes: &[u8]) -> Result<ObjectId, Self::Error>;
    fn list(&mut self, bytes: &[u8]) -> Result<ObjectId, Self::Error>;
}

/// Hands finished lists to the sink; the builder itself knows of no failure, so it is kept here.
struct Putting<'a, S: PieceSink> {
    sink: &'a mut S,
    failed: Option<S::Error>,
}

impl<S: PieceSink> Putting<'_, S> {
    fn list(&mut self, node: &[u8]) -> ObjectId {
        if self.failed.is_none() {
            match self.sink.list(node) {
                Ok(id) => return id,
                Err(error) => self.failed = Some(error),
            }
        }
        [0; 32]
    }

    fn outcome<T>(self, built: T) -> Result<T, S::Error> {
        self.failed.map_or(Ok(built), Err)
    }
}

fn add_chunk<S: PieceSink>(
    sink: &mut S,
    lists: &mut ContentBuilder,
    (chunk, bytes): (ObjectId, u64),
) -> Result<(), S::Error> {
    let mut putting = Putting { sink, failed: None };
    lists.push(chunk, bytes, &mut |node| putting.list(&node)).expect("chunks have the lengths that they are cut to");
    putting.outcome(())
}

fn finish_lists<S: PieceSink>(sink: &mut S, lists: ContentBuilder) -> Result<Link, S::Error> {
    let mut putting = Putting { sink, failed: None };
    let link = lists.finish(&mut |node| putting.list(&node)).expect("chunks have the lengths that they are cut to");
    putting.outcome(link)
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
        let mut lists: Option<ContentBuilder> = None;
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
            let length = next_cut(&buffer[start..end], at_end).unwrap_or(end - start);
            let id = sink.chunk(&buffer[start..start + length])?;
            if at_end && start + length == end && lists.is_none() {
                return Ok((Link::raw(id), position));
            }
            add_chunk(sink, lists.get_or_insert_default(), (id, length as u64))?;
            start += length;
            if at_end && start == end {
                break;
            }
        }
        Ok((finish_lists(sink, lists.unwrap_or_default())?, position))
    })
}

/// Only names the pieces.
pub struct NamesOnly;

impl PieceSink for NamesOnly {
    type Error = crate::io::IoError;

    fn chunk(&mut self, bytes: &[u8]) -> Result<ObjectId, Self::Error> {
        Ok(blake3::hash(bytes).into())
    }

    fn list(&mut self, bytes: &[u8]) -> Result<ObjectId, Self::Error> {
        Ok(blake3::hash(bytes).into())
    }
}
