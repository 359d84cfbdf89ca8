//! `recycle.lock`: the snapshots as a signed list, for tools and people that do not read the journal. Derived: the snapshots
//! themselves are records.

use std::collections::HashSet;

use super::checkpoint::parse_decimal;
use super::constants::{
    INTEGER_MAX, SNAPSHOT_LABEL_BYTES_MAX, SNAPSHOT_LIST_BYTES_MAX, SNAPSHOT_NAME_BYTES_MAX, SNAPSHOTS_MAX,
};
use super::failure::{Result, demand, refuse};
use super::id::{Codec, Link, ObjectId, cid_text, parse_cid};
use super::json_text::{quote, unquote};
use super::note::{Note, parse_note_within};

const FIRST_LINE: &str = "sentientos recycle.lock v1";
const KINDS: [&str; 4] = ["manual", "auto", "protect", "init"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSnapshot {
    pub name: String,
    pub seq: u64,
    pub root: ObjectId,
    /// Microseconds since 1970.
    pub time: u64,
    /// `manual`, `auto`, `protect` or `init`.
    pub kind: String,
    pub pinned: bool,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotList {
    pub origin: String,
    /// Records of the journal that the list was made from.
    pub journal_size: u64,
    /// Oldest first.
    pub snapshots: Vec<ListedSnapshot>,
}

/// The note of a `recycle.lock`; its signature is checked with `verify_note`, its text read with `parse_snapshot_list`.
pub fn parse_snapshot_note(bytes: &[u8]) -> Result<Note> {
    parse_note_within(bytes, SNAPSHOT_LIST_BYTES_MAX)
}

pub fn format_snapshot_list(list: &SnapshotList) -> String {
    let mut text = format!("{FIRST_LINE}\n{}\n{}\n", list.origin, list.journal_size);
    for snapshot in &list.snapshots {
        let cid = cid_text(&Link::dag(snapshot.root));
        let pinned = u8::from(snapshot.pinned);
        let ListedSnapshot { name, seq, time, kind, label, .. } = snapshot;
        text.push_str(&format!("{name} {seq} {cid} {time} {kind} {pinned} {}\n", quote(label)));
    }
    text
}

pub fn parse_snapshot_list(text: &str) -> Result<SnapshotList> {
    let lines: Vec<&str> = text.split('\n').collect();
    let [FIRST_LINE, origin, size, snapshots @ .., ""] = lines.as_slice() else { return refuse("not a recycle.lock") };
    let journal_size = parse_decimal(size, INTEGER_MAX)?;
    let snapshots = snapshots.iter().map(|line| parse_line(line)).collect::<Result<Vec<_>>>()?;
    check_snapshots(&snapshots, journal_size)?;
    let list = SnapshotList { origin: (*origin).to_owned(), journal_size, snapshots };
    demand(format_snapshot_list(&list) == text, "a recycle.lock spelled otherwise")?;
    Ok(list)
}

fn parse_line(line: &str) -> Result<ListedSnapshot> {
    let parts: Vec<&str> = line.splitn(7, ' ').collect();
    let [name, seq, cid, time, kind, pinned, label] = parts.as_slice() else {
        return refuse("a bad line in recycle.lock");
    };
    let root = parse_cid(cid)?;
    let known = KINDS.contains(kind) && root.codec == Codec::DagCbor && matches!(*pinned, "0" | "1");
    demand(known, "a bad line in recycle.lock")?;
    Ok(ListedSnapshot {
        name: (*name).to_owned(),
        seq: parse_decimal(seq, INTEGER_MAX)?,
        root: root.id,
        time: parse_decimal(time, INTEGER_MAX)?,
        kind: (*kind).to_owned(),
        pinned: *pinned == "1",
        label: unquote(label)?,
    })
}

/// 1 to 64 ASCII letters, digits, ".", "_" or "-", not beginning with "-" or ".".
pub fn is_snapshot_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty()
        && name.len() as u64 <= SNAPSHOT_NAME_BYTES_MAX
        && name.bytes().all(is_inner)
        && !name.starts_with(['.', '-'])
}

fn check_snapshots(snapshots: &[ListedSnapshot], journal_size: u64) -> Result<()> {
    demand(snapshots.len() as u64 <= SNAPSHOTS_MAX, "more snapshots than a root folder can have")?;
    let mut names = HashSet::new();
    let mut last_seq = 0;
    for snapshot in snapshots {
        let name_fits = is_snapshot_name(&snapshot.name) && names.insert(&snapshot.name);
        demand(name_fits, "a bad or repeated name of a snapshot")?;
        demand(snapshot.seq >= last_seq && snapshot.seq < journal_size, "a bad seq of a snapshot")?;
        last_seq = snapshot.seq;
        demand(snapshot.label.len() as u64 <= SNAPSHOT_LABEL_BYTES_MAX, "a bad label")?;
    }
    Ok(())
}
