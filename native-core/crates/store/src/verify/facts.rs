//! What verification keeps of one record: its leaf hash, whether its body is as it should be, and the few things that some
//! actions say about the rest of the history.

use crate::format::cbor::Value;
use crate::format::frame::Frame;
use crate::format::hash::Hash;
use crate::format::id::{Codec, Link, ObjectId};
use crate::format::merkle::leaf_hash;
use crate::format::record::{Body, Envelope, body_hash, decode_body};

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
        event: Option<Box<Event>>,
    },
}

/// What a record says of others, or of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Bodies of records [from, to) were removed.
    Forget(Vec<(u64, u64)>),
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
        Ok(body) => BodyFacts::Good { doubtful: body.doubtful, event: event_of(&body, envelope.seq).map(Box::new) },
        Err(error) => BodyFacts::Bad(format!("the body is wrong: {}", error.reason)),
    }
}

/// Every link in the body of a record.
pub fn links_of(frame: &Frame<'_>) -> Vec<Link> {
    let mut links = Vec::new();
    if let Some((_, bytes)) = frame.body {
        // What is wrong with it was said before.
        let _ = decode_body(bytes, &mut |link| links.push(link));
    }
    links
}

fn event_of(body: &Body<'_>, seq: u64) -> Option<Event> {
    match (body.action, body.subject_kind) {
        ("forget", "journal") => Some(Event::Forget(ranges(&body.field("records")?))),
        ("gc", _) => {
            let horizon = u64::try_from(body.field("horizon")?.integer()?).ok()?;
            (horizon <= seq).then_some(Event::Gc { horizon })
        }
        ("repair", _) => {
            let lost = body.field("lost")?;
            let objects = lost.get("objects").and_then(Value::list).unwrap_or_default();
            let objects = objects.iter().filter_map(|id| id.bytes()?.try_into().ok()).collect();
            Some(Event::Lost { objects, records: lost.get("records").map(ranges).unwrap_or_default() })
        }
        (_, "snapshot") => {
            let name = String::from_utf8_lossy(body.subject_id).into_owned();
            Some(Event::Snapshot { name, what: snapshot_event(body)? })
        }
        _ => None,
    }
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
