//! What verification keeps of one record: its leaf hash, whether its body is as it should be, and the few things that some
//! actions say about the rest of the history.

use crate::format::cbor::Value;
use crate::format::changes::Change;
use crate::format::constants::{ACTION_BYTES_MAX, SNAPSHOT_LABEL_BYTES_MAX};
use crate::format::frame::Frame;
use crate::format::hash::Hash;
use crate::format::id::{Codec, Link, ObjectId};
use crate::format::merkle::leaf_hash;
use crate::format::note::parse_verifier_key;
use crate::format::record::{Body, Envelope, body_hash, decode_body};
use crate::format::recycle_lock::is_snapshot_name;

pub struct Facts {
    pub leaf: Hash,
    pub body: BodyFacts,
}

pub enum BodyFacts {
    /// The body was forgotten.
    Missing,
    Bad(String),
    Good {
        doubtful: bool,
        /// What its fields lack that its action needs.
        fault: Option<&'static str>,
        event: Option<Box<Event>>,
    },
}

/// What a link of a body is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkUse {
    State,
    Changes,
    Other,
}

/// What a record keeps, and what it says that it changed.
#[derive(Default)]
pub struct Says {
    pub links: Vec<(Link, LinkUse)>,
    /// None when the body was forgotten.
    pub claim: Option<Claim>,
}

#[derive(Default)]
pub struct Claim {
    pub is_denied: bool,
    /// The path that it is about, where it is about one.
    pub subject: Option<Vec<u8>>,
    pub one_path: Option<Change>,
    pub changes: Option<Link>,
}

/// What a record says of others, or of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Bodies of records [from, to), and objects, were removed.
    Forget {
        records: Vec<(u64, u64)>,
        objects: Vec<ObjectId>,
    },
    /// From this record on every state is whole.
    Gc {
        horizon: u64,
    },
    Snapshot {
        name: String,
        what: SnapshotEvent,
    },
    /// Objects and records [from, to) that are known to be gone.
    Lost {
        objects: Vec<ObjectId>,
        records: Vec<(u64, u64)>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotEvent {
    Made { root: ObjectId, label: String, kind: String, dropped: Vec<String> },
    Label(String),
    Pin,
    Unpin,
    Remove,
}

/// Looks at one record.
pub fn facts_of(frame: &Frame<'_>, envelope: &Envelope) -> Facts {
    Facts { leaf: leaf_hash(frame.envelope), body: body_of(frame, envelope) }
}

fn body_of(frame: &Frame<'_>, envelope: &Envelope) -> BodyFacts {
    let Some((salt, bytes)) = frame.body else { return BodyFacts::Missing };
    if body_hash(salt, bytes) != envelope.body_hash {
        return BodyFacts::Bad("the body does not have its hash".to_owned());
    }
    match decode_body(bytes, &mut |_| ()) {
        Ok(body) => BodyFacts::Good {
            doubtful: body.doubtful,
            fault: fault_of_fields(&body, envelope.seq),
            event: event_of(&body, envelope.seq).map(Box::new),
        },
        Err(error) => BodyFacts::Bad(format!("the body is wrong: {}", error.reason)),
    }
}

/// What a record keeps and says; nothing where its body is damaged, which was told before.
pub fn says_of(frame: &Frame<'_>, envelope: &Envelope) -> Says {
    let mut links = Vec::new();
    // A body that is not the one of the envelope says nothing, however well it reads.
    let named = frame.body.filter(|(salt, bytes)| body_hash(salt, bytes) == envelope.body_hash);
    let Some(body) = named.and_then(|(_, bytes)| decode_body(bytes, &mut |link| links.push(link)).ok()) else {
        return Says::default();
    };
    let field_link = |name: &str| body.field(name).and_then(|value| value.link());
    let named_state = match body.action {
        "snapshot" => field_link("root"),
        "restore" | "rollback" => field_link("to"),
        _ => None,
    };
    let states = [named_state, field_link("kept")];
    let lists = [body.changes, field_link("overwrote"), field_link("shown")];
    let use_of = |link: Link| match Some(link) {
        _ if link.codec == Codec::Raw => LinkUse::Other,
        named if lists.contains(&named) => LinkUse::Changes,
        named if states.contains(&named) => LinkUse::State,
        _ => LinkUse::Other,
    };
    let links = links.iter().map(|link| (*link, use_of(*link))).collect();
    let path = || body.subject_id.to_vec();
    let claim = Claim {
        is_denied: !body.permitted,
        subject: (body.subject_kind == "file").then(path),
        one_path: body.one_path.clone().map(|(before, after)| Change { path: path(), before, after }),
        changes: body.changes,
    };
    Says { links, claim: Some(claim) }
}

/// What a record must say for itself so that others can be checked by it.
fn fault_of_fields(body: &Body<'_>, seq: u64) -> Option<&'static str> {
    if (seq == 0) != (body.action == "init") {
        return Some("record 0, and no other, is init");
    }
    let count = |name: &str| body.field(name).and_then(|value| value.integer()).and_then(|n| u64::try_from(n).ok());
    match body.action {
        "init" => key_fault(body),
        "denied" if body.permitted => Some("it was denied, and its decision permits"),
        "denied" => {
            let wanted = body.field("wanted").and_then(|value| value.text());
            let is_action = wanted.is_some_and(|text| !text.is_empty() && text.len() as u64 <= ACTION_BYTES_MAX);
            (!is_action).then_some("it does not say what was wanted")
        }
        "gc" => {
            let fits = count("horizon").is_some_and(|horizon| horizon <= seq);
            (!fits).then_some("its horizon is no record up to itself")
        }
        "snapshot" => new_snapshot_fault(body).or_else(|| snapshot_fault(body)),
        "snapshot-label" | "snapshot-pin" | "snapshot-unpin" | "snapshot-remove" => snapshot_fault(body),
        "forget" => forget_fault(body, seq),
        "new-epoch" => {
            let has_origin = body.field("origin").and_then(|value| value.text()).is_some();
            if !has_origin || count("size").is_none_or(|size| size > seq) {
                return Some("it goes on from no checkpoint");
            }
            let has_root = body.field("root").and_then(|value| value.bytes()).is_some_and(|root| root.len() == 32);
            if has_root { key_fault(body) } else { Some("it goes on from no root") }
        }
        _ => None,
    }
}

fn forget_fault(body: &Body<'_>, seq: u64) -> Option<&'static str> {
    let records = body.field("records");
    let is_before = |item: &Value<'_>| is_range(item) && ranges(&Value::List(vec![item.clone()]))[0].1 <= seq;
    if !records.as_ref().and_then(Value::list).is_some_and(|items| items.iter().all(is_before)) {
        return Some("it lists no records before it");
    }
    let is_list_of_ids = match body.field("objects") {
        None => true,
        Some(Value::List(items)) => items.iter().all(|item| item.bytes().is_some_and(|id| id.len() == 32)),
        Some(_) => false,
    };
    (!is_list_of_ids).then_some("it lists what is no id of an object")
}

fn key_fault(body: &Body<'_>) -> Option<&'static str> {
    let key = body.field("key").and_then(|value| value.text());
    key.is_none_or(|key| parse_verifier_key(key).is_err()).then_some("it names no verifier key")
}

fn new_snapshot_fault(body: &Body<'_>) -> Option<&'static str> {
    let kind = body.field("kind").and_then(|value| value.text());
    if !kind.is_some_and(|kind| ["manual", "auto", "protect", "init"].contains(&kind)) {
        return Some("a snapshot of no known kind");
    }
    let root = body.field("root").and_then(|value| value.link());
    if root.is_none_or(|root| root.codec != Codec::DagCbor) {
        return Some("a snapshot of no state");
    }
    let is_list = match body.field("dropped") {
        None => true,
        Some(Value::List(names)) => names.iter().all(|name| name.text().is_some()),
        Some(_) => false,
    };
    (!is_list).then_some("what it dropped is no list of names")
}

fn snapshot_fault(body: &Body<'_>) -> Option<&'static str> {
    let is_named = std::str::from_utf8(body.subject_id).is_ok_and(is_snapshot_name);
    if body.subject_kind != "snapshot" || !is_named {
        return Some("its subject is no name of a snapshot");
    }
    let is_label = match body.field("label") {
        None => true,
        Some(Value::Text(label)) => label.len() as u64 <= SNAPSHOT_LABEL_BYTES_MAX,
        Some(_) => false,
    };
    (!is_label).then_some("its label is no text, or too long")
}

fn is_range(item: &Value<'_>) -> bool {
    let is_count = |value: &Value<'_>| value.integer().is_some_and(|number| number >= 0);
    match item {
        Value::List(pair) if pair.len() == 2 => pair.iter().all(is_count) && pair[0].integer() < pair[1].integer(),
        single => is_count(single),
    }
}

/// What a record says of others or of snapshots; none when its body can not be read.
pub fn event_in(frame: &Frame<'_>, envelope: &Envelope) -> Option<Event> {
    let (_, bytes) = frame.body?;
    event_of(&decode_body(bytes, &mut |_| ()).ok()?, envelope.seq)
}

fn event_of(body: &Body<'_>, seq: u64) -> Option<Event> {
    match (body.action, body.subject_kind) {
        ("forget", "journal") => {
            let records = ranges(&body.field("records")?);
            let objects = body.field("objects").as_ref().map(ids).unwrap_or_default();
            Some(Event::Forget { records, objects })
        }
        ("gc", _) => {
            let horizon = u64::try_from(body.field("horizon")?.integer()?).ok()?;
            (horizon <= seq).then_some(Event::Gc { horizon })
        }
        ("repair", _) => {
            let lost = body.field("lost")?;
            let objects = lost.get("objects").map(ids).unwrap_or_default();
            Some(Event::Lost { objects, records: lost.get("records").map(ranges).unwrap_or_default() })
        }
        (_, "snapshot") => {
            let name = String::from_utf8_lossy(body.subject_id).into_owned();
            Some(Event::Snapshot { name, what: snapshot_event(body)? })
        }
        _ => None,
    }
}

/// Of a list of byte strings those that are ids.
fn ids(value: &Value<'_>) -> Vec<ObjectId> {
    let items = value.list().unwrap_or_default();
    items.iter().filter_map(|id| id.bytes()?.try_into().ok()).collect()
}

/// A list of seqs and of pairs [from, to).
fn ranges(value: &Value<'_>) -> Vec<(u64, u64)> {
    let number = |value: &Value<'_>| value.integer().and_then(|number| u64::try_from(number).ok());
    let range = |item: &Value<'_>| match item {
        Value::List(pair) if pair.len() == 2 => Some((number(&pair[0])?, number(&pair[1])?)),
        single => number(single).map(|seq| (seq, seq + 1)),
    };
    value.list().unwrap_or_default().iter().filter_map(range).collect()
}

fn snapshot_event(body: &Body<'_>) -> Option<SnapshotEvent> {
    let field_text = |name: &str| match body.field(name) {
        Some(Value::Text(text)) => Some(text.to_owned()),
        _ => None,
    };
    let label = field_text("label").unwrap_or_default();
    Some(match body.action {
        "snapshot" => {
            let root = body.field("root")?.link().filter(|link| link.codec == Codec::DagCbor)?.id;
            let dropped = match body.field("dropped") {
                Some(Value::List(names)) => names.iter().filter_map(|name| name.text().map(str::to_owned)).collect(),
                _ => Vec::new(),
            };
            let kind = field_text("kind").unwrap_or_else(|| "manual".to_owned());
            SnapshotEvent::Made { root, label, kind, dropped }
        }
        "snapshot-label" => SnapshotEvent::Label(label),
        "snapshot-pin" => SnapshotEvent::Pin,
        "snapshot-unpin" => SnapshotEvent::Unpin,
        "snapshot-remove" => SnapshotEvent::Remove,
        _ => return None,
    })
}
