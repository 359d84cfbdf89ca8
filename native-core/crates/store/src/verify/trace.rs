//! `recycle.trace`, block by block beside the records: each record's part says what the record says, so that its replay
//! leads to the states that the records name. Only the first thing that is wrong is told: the file is made anew as a whole.
//! Where a block is not whole the file ends, as one that was being written: that is a note, and no damage.

use super::changes::{Compared, is_told, said_by, state_files};
use super::diff::Differ;
use super::report::{Finding, Report, many};
use super::root::RootFolder;
use crate::error::{Result, StoreError};
use crate::format::changes::Change;
use crate::format::checkpoint::parse_origin;
use crate::format::constants::TRACE_ITEM_BYTES_MAX;
use crate::format::id::ObjectId;
use crate::format::recycle_trace::{NoBlock, TraceItem, decode_trace_header, decode_trace_item_at};
use crate::io::{File, OpenMode};

const NAME: &str = "recycle.trace";
const WINDOW_BYTES: u64 = 1 << 20;

/// What is wrong, and where in the file.
struct Wrong {
    offset: u64,
    seq: Option<u64>,
    found: String,
    /// The file is not whole, and says nothing wrong up to there.
    is_torn: bool,
}

/// What a record changed, change by change.
type Wanted<'a> = Box<dyn Iterator<Item = Result<Change>> + 'a>;

fn differing<'a>(differ: &Differ<'_>, before: &ObjectId, after: &ObjectId) -> Result<Wanted<'a>> {
    let old = state_files(differ, before)?;
    let changes = differ.between(Some(old), Some(state_files(differ, after)?))?;
    Ok(Box::new(changes.into_iter().map(Ok)))
}

pub struct TraceCheck<'a> {
    root: &'a RootFolder<'a>,
    file: Option<File>,
    size: u64,
    window: Vec<u8>,
    window_start: u64,
    /// Where the next item begins.
    offset: u64,
    /// The next item, when it was read before its record came.
    pending: Option<TraceItem>,
    base_seq: u64,
    /// The last record whose part was read, and the state that it led to.
    seq: u64,
    state: ObjectId,
    wrong: Option<Wrong>,
    is_at_end: bool,
    compared: u64,
    changes: u64,
}

impl<'a> TraceCheck<'a> {
    pub fn open(root: &'a RootFolder<'a>) -> TraceCheck<'a> {
        let opened = root.io.open(&root.top, NAME.as_bytes(), OpenMode::Read).and_then(|file| {
            let size = root.io.file_stat(&file)?.size;
            Ok((file, size))
        });
        let (file, size, refused) = match opened {
            Ok((file, size)) => (Some(file), size, None),
            Err(error) if error.is(&["NOT_FOUND"]) => (None, 0, None),
            Err(error) => (None, 0, Some(error)),
        };
        let mut check = TraceCheck {
            root,
            file,
            size,
            window: Vec::new(),
            window_start: 0,
            offset: 0,
            pending: None,
            base_seq: 0,
            seq: 0,
            state: [0; 32],
            wrong: None,
            is_at_end: false,
            compared: 0,
            changes: 0,
        };
        if let Some(error) = refused {
            check.fail(0, None, format!("the disk reports {}", error.code));
        }
        check.read_header();
        check
    }

    fn is_done(&self) -> bool {
        self.file.is_none() || self.wrong.is_some() || self.is_at_end
    }

    fn fail(&mut self, offset: u64, seq: Option<u64>, found: impl Into<String>) {
        let found = found.into();
        self.wrong.get_or_insert(Wrong { offset, seq, found, is_torn: false });
    }

    fn tear(&mut self, offset: u64, seq: Option<u64>, found: impl Into<String>) {
        let found = found.into();
        self.wrong.get_or_insert(Wrong { offset, seq, found, is_torn: true });
    }

    fn read_header(&mut self) {
        if self.file.is_none() {
            return;
        }
        self.fill(0, WINDOW_BYTES);
        match decode_trace_header(&self.window) {
            Ok((header, next)) => {
                (self.base_seq, self.seq, self.state) = (header.base_seq, header.base_seq, header.base_root);
                self.offset = next as u64;
                if let Err(error) = parse_origin(&header.origin) {
                    self.fail(8, None, error.reason);
                }
            }
            Err(NoBlock::Short) => self.tear(0, None, "it ends within its first block"),
            Err(NoBlock::Bad(error)) => self.tear(0, None, error.reason),
        }
    }

    fn fill(&mut self, offset: u64, bytes: u64) {
        self.window_start = offset;
        self.window.resize(bytes.min(self.size.saturating_sub(offset)) as usize, 0);
        let read = self.file.as_ref().map_or(Ok(0), |file| self.root.io.read_at(file, &mut self.window, offset));
        self.window.truncate(read.as_ref().copied().unwrap_or(0));
        if let Err(error) = read {
            self.fail(offset, None, format!("the disk reports {}", error.code));
        }
    }

    /// The next item; none behind the last whole block.
    fn next_item(&mut self) -> Option<TraceItem> {
        if let Some(item) = self.pending.take() {
            return Some(item);
        }
        for bytes in [0, WINDOW_BYTES, TRACE_ITEM_BYTES_MAX + 16] {
            if bytes > 0 {
                self.fill(self.offset, bytes);
            }
            let at = self.offset.checked_sub(self.window_start)? as usize;
            match decode_trace_item_at(&self.window, at) {
                Ok((item, next)) => {
                    self.offset = self.window_start + next as u64;
                    return Some(item);
                }
                Err(NoBlock::Bad(error)) => {
                    self.tear(self.offset, None, error.reason);
                    return None;
                }
                Err(NoBlock::Short) => {}
            }
        }
        self.is_at_end = true;
        None
    }

    /// Takes the next record that can be read, in order; all of them must come. `compared` is given where its changes count.
    pub fn record(&mut self, (seq, root): (u64, ObjectId), compared: Option<&Compared>, differ: &Differ<'_>) {
        if self.is_done() || seq < self.base_seq {
            return;
        }
        if seq == self.base_seq {
            if root != self.state {
                self.fail(8, Some(seq), "it begins with another state");
            }
            return;
        }
        let Some(first) = self.lost_parts(seq) else { return };
        if first.seq != seq {
            return self.fail(self.offset, Some(seq), "a record is left out");
        }
        if first.root != root {
            return self.fail(self.offset, Some(seq), "another state than the record has");
        }
        let before = self.state;
        let follows = self.seq + 1 == seq;
        (self.seq, self.state) = (seq, root);
        let wanted = compared.map(|compared| -> Result<Wanted<'_>> {
            if follows && compared.has_body {
                Ok(Box::new(said_by(differ, &compared.claim)?))
            } else {
                differing(differ, &before, &root)
            }
        });
        match wanted.transpose() {
            Ok(wanted) => self.compare_part(first, wanted),
            Err(error) => {
                self.unreadable(&error);
                self.compare_part(first, None);
            }
        }
    }

    /// Damage was told by others, not what the disk refuses.
    fn unreadable(&mut self, error: &StoreError) {
        if !is_told(error) {
            self.fail(self.offset, None, error.to_string());
        }
    }

    /// All items of one record against what they should be, where that is known.
    fn compare_part(&mut self, first: TraceItem, mut wanted: Option<Wanted<'_>>) {
        let (seq, root) = (first.seq, first.root);
        let mut next = Some(first);
        while let Some(item) = next.take() {
            if item.seq != seq || item.root != root {
                return self.fail(self.offset, Some(seq), "another record where more of one is said to follow");
            }
            for change in item.changes {
                match wanted.as_mut().map(Iterator::next) {
                    None => {}
                    Some(Some(Ok(right))) if right == change => self.changes += 1,
                    Some(Some(Err(error))) => {
                        self.unreadable(&error);
                        wanted = None;
                    }
                    Some(_) => return self.fail(self.offset, Some(seq), "it says other changes than the record"),
                }
            }
            if item.more {
                next = self.next_item();
                if next.is_none() && self.is_at_end {
                    self.tear(self.offset, Some(seq), "it ends within a record");
                }
                if next.is_none() {
                    return;
                }
            }
        }
        if let Some(mut wanted) = wanted {
            match wanted.next() {
                None => self.compared += 1,
                Some(Ok(_)) => self.fail(self.offset, Some(seq), "it lacks changes of the record"),
                Some(Err(error)) => self.unreadable(&error),
            }
        }
    }

    /// Passes over the parts of records before this one that can not be read; answers the first item behind them.
    fn lost_parts(&mut self, seq: u64) -> Option<TraceItem> {
        loop {
            let item = self.next_item()?;
            if item.seq >= seq {
                return Some(item);
            }
            if item.seq <= self.seq {
                self.fail(self.offset, Some(item.seq), format!("record {} after record {}", item.seq, self.seq));
                return None;
            }
            (self.seq, self.state) = (item.seq, item.root);
            self.compare_part(item, None);
            if self.is_done() {
                return None;
            }
        }
    }

    /// All records came; `size` is their number.
    pub fn finish(mut self, report: &mut Report, size: u64) {
        if self.file.is_none() && self.wrong.is_none() {
            report.line(NAME, 0, "no recycle.trace; it is written at the next snapshot");
            return;
        }
        if self.wrong.is_none() && self.base_seq >= size {
            self.fail(8, Some(self.base_seq), "there is no such record");
        }
        while !self.is_done() {
            let Some(item) = self.next_item() else { break };
            if item.seq >= size || item.seq <= self.seq {
                self.fail(self.offset, Some(item.seq), "there is no such record");
                break;
            }
            self.seq = item.seq;
            self.compare_part(item, None);
        }
        if let Some(Wrong { offset, seq, found, is_torn }) = self.wrong {
            let make = if is_torn { Finding::note } else { Finding::damage };
            let finding = make("trace-damaged", format!("{NAME}, offset {offset}"), found);
            report.found(NAME, Finding { seq, ..finding });
        }
        let text = format!("{} of {}", many(self.changes, "change"), many(self.compared, "record"));
        report.line(NAME, self.compared, format!("recycle.trace: {text}, as the records say"));
    }
}
