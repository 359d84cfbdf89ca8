//! Records: the envelope that the Merkle tree commits to and that a witness may see, and the body behind a salted hash that
//! holds who did what to which path, and that can be forgotten without breaking any proof.

use super::cbor::{Reader, Value, Writer};
use super::changes::last_name;
use super::constants::{
    ACTION_BYTES_MAX, ACTOR_BYTES_MAX, BODY_BYTES_MAX, ENVELOPE_BYTES_MAX, FORMAT_VERSION, RULE_BYTES_MAX,
    SUBJECT_BYTES_MAX,
};
use super::failure::{Result, demand, refuse};
use super::hash::{Hash, blake3_parts};
use super::id::{Codec, Link, ObjectId};
use super::node::{Entry, read_entry};

pub const ZERO_HASH: Hash = [0; 32];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// From 0 on, without gaps.
    pub seq: u64,
    /// Microseconds since 1970; order is `seq`, never time.
    pub time: u64,
    /// The state after the record.
    pub root: ObjectId,
    /// The leaf hash of the record before; zero for record 0.
    pub prev: Hash,
    pub body_hash: Hash,
}

/// What verification and listing need of a body. Texts are views of the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<'a> {
    pub actor: &'a str,
    pub action: &'a str,
    pub subject_kind: &'a str,
    /// Of a file its path; of others their name.
    pub subject_id: &'a [u8],
    pub permitted: bool,
    pub bundle: Option<Hash>,
    pub rule: &'a str,
    /// Of an operation on one path: its entry before and after.
    pub one_path: Option<(Option<Entry>, Option<Entry>)>,
    /// Of an operation on more than one path: the list of changes.
    pub changes: Option<Link>,
    /// The record that led to this one.
    pub cause: Option<u64>,
    pub doubtful: bool,
    /// The encoding of `fields`, where there are any.
    pub fields: Option<&'a [u8]>,
}

impl<'a> Body<'a> {
    /// The value of one field; none when it is absent.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        let value = super::cbor::decode(self.fields?).ok()?;
        if let Value::Map(pairs) = value {
            return pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value);
        }
        None
    }
}

pub fn encode_envelope(envelope: &Envelope) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.map(6);
    writer.text("v");
    writer.unsigned(FORMAT_VERSION);
    writer.text("seq");
    writer.unsigned(envelope.seq);
    writer.text("body");
    writer.bytes(&envelope.body_hash);
    writer.text("prev");
    writer.bytes(&envelope.prev);
    writer.text("root");
    writer.link(&Link::dag(envelope.root));
    writer.text("time");
    writer.unsigned(envelope.time);
    writer.bytes
}

pub fn decode_envelope(bytes: &[u8]) -> Result<Envelope> {
    demand(bytes.len() as u64 <= ENVELOPE_BYTES_MAX, "an envelope over its limit")?;
    let mut reader = Reader::new(bytes);
    demand(reader.map()? == 6, "an envelope has six keys")?;
    reader.key("v")?;
    demand(reader.unsigned()? == FORMAT_VERSION, "an envelope of an unknown version")?;
    reader.key("seq")?;
    let seq = reader.unsigned()?;
    reader.key("body")?;
    let body_hash = reader.bytes_of()?;
    reader.key("prev")?;
    let prev = reader.bytes_of()?;
    reader.key("root")?;
    let root = reader.link()?;
    demand(root.codec == Codec::DagCbor, "a state root is a dag-cbor link")?;
    reader.key("time")?;
    let time = reader.unsigned()?;
    reader.end()?;
    demand(seq != 0 || prev == ZERO_HASH, "the first record has no record before it")?;
    Ok(Envelope { seq, time, root: root.id, prev, body_hash })
}

/// What the envelope holds of the body: BLAKE3 of the salt and the body's bytes.
pub fn body_hash(salt: &[u8], body: &[u8]) -> Hash {
    blake3_parts(&[salt, body])
}

/// Reads a body; every link anywhere in it goes to `found`, keys of later versions included.
pub fn decode_body<'a>(bytes: &'a [u8], found: &mut dyn FnMut(Link)) -> Result<Body<'a>> {
    demand(bytes.len() as u64 <= BODY_BYTES_MAX, "a body over its limit")?;
    let mut parts = Parts::default();
    let mut reader = Reader::new(bytes);
    reader.pairs(|reader, key| parts.read(reader, key, found))?;
    reader.end()?;
    parts.finish()
}

#[derive(Default)]
struct Parts<'a> {
    actor: Option<&'a str>,
    action: Option<&'a str>,
    subject: Option<(&'a str, &'a [u8])>,
    decision: Option<(bool, Option<Hash>, &'a str)>,
    before: Option<Option<Entry>>,
    after: Option<Option<Entry>>,
    changes: Option<Link>,
    cause: Option<u64>,
    doubtful: bool,
    fields: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn read(&mut self, reader: &mut Reader<'a>, key: &str, found: &mut dyn FnMut(Link)) -> Result<()> {
        match key {
            "actor" => self.actor = Some(limited(reader.text()?, ACTOR_BYTES_MAX)?),
            "action" => self.action = Some(limited(reader.text()?, ACTION_BYTES_MAX)?),
            "subject" => self.subject = Some(read_subject(reader)?),
            "decision" => self.decision = Some(read_decision(reader)?),
            "before" => self.before = Some(read_one(reader, found)?),
            "after" => self.after = Some(read_one(reader, found)?),
            "changes" => {
                let link = reader.link()?;
                demand(link.codec == Codec::DagCbor, "changes is a dag-cbor link")?;
                found(link);
                self.changes = Some(link);
            }
            "cause" => self.cause = Some(reader.unsigned()?),
            "doubtful" => {
                demand(reader.boolean()?, "doubtful is true or left out")?;
                self.doubtful = true;
            }
            "fields" => {
                demand(reader.peek()? == 5, "fields is a map")?;
                let start = reader.offset;
                reader.skip(1, found)?;
                self.fields = Some(reader.since(start));
            }
            _ => reader.skip(1, found)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Body<'a>> {
        let (Some(actor), Some(action)) = (self.actor, self.action) else {
            return refuse("a body without actor or action");
        };
        let Some((subject_kind, subject_id)) = self.subject else { return refuse("a body without a subject") };
        let Some((permitted, bundle, rule)) = self.decision else { return refuse("a body without a decision") };
        let one_path = match (self.before, self.after) {
            (Some(before), Some(after)) => Some((before, after)),
            (None, None) => None,
            _ => return refuse("before and after come together"),
        };
        demand(self.changes.is_none() || one_path.is_none(), "changes and before exclude each other")?;
        if let Some((before, after)) = &one_path {
            let name = last_name(subject_id);
            let fits = [before, after].into_iter().flatten().all(|entry| entry.name == name);
            demand(fits, "an entry of another name than its subject")?;
        }
        let Parts { changes, cause, doubtful, fields, .. } = self;
        Ok(Body {
            actor,
            action,
            subject_kind,
            subject_id,
            permitted,
            bundle,
            rule,
            one_path,
            changes,
            cause,
            doubtful,
            fields,
        })
    }
}

fn limited(text: &str, limit: u64) -> Result<&str> {
    if text.is_empty() || text.len() as u64 > limit {
        return refuse(format!("a text of 1 to {limit} bytes was expected"));
    }
    Ok(text)
}

fn read_subject<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, &'a [u8])> {
    demand(reader.list()? == 2, "a subject is a kind and an id")?;
    let kind = limited(reader.text()?, ACTION_BYTES_MAX)?;
    let id = reader.bytes()?;
    demand(id.len() as u64 <= SUBJECT_BYTES_MAX, "a subject over its limit")?;
    Ok((kind, id))
}

fn read_decision<'a>(reader: &mut Reader<'a>) -> Result<(bool, Option<Hash>, &'a str)> {
    demand(reader.list()? == 3, "a decision is effect, bundle and rule")?;
    let permitted = match reader.text()? {
        "permit" => true,
        "deny" => false,
        _ => return refuse("an effect is permit or deny"),
    };
    let bundle = if reader.is_null() { None } else { Some(reader.bytes_of()?) };
    let rule = reader.text()?;
    demand(rule.len() as u64 <= RULE_BYTES_MAX, "a rule over its limit")?;
    Ok((permitted, bundle, rule))
}

fn read_one(reader: &mut Reader<'_>, found: &mut dyn FnMut(Link)) -> Result<Option<Entry>> {
    if reader.is_null() {
        return Ok(None);
    }
    let entry = read_entry(reader)?;
    found(entry.content);
    Ok(Some(entry))
}

/// What a body to be written is made of: the rest is as in every record that the owner's own tools make.
pub struct NewBody<'a> {
    pub actor: &'a str,
    pub action: &'a str,
    pub subject_kind: &'a str,
    pub subject_id: &'a [u8],
    pub changes: Option<Link>,
    pub doubtful: bool,
    pub fields: Vec<(&'a str, Value<'a>)>,
}

/// Refuses a body that breaks a rule or is over its limit.
pub fn encode_body(body: &NewBody<'_>) -> Result<Vec<u8>> {
    let mut pairs = vec![
        ("actor", Value::Text(body.actor)),
        ("action", Value::Text(body.action)),
        ("subject", Value::List(vec![Value::Text(body.subject_kind), Value::Bytes(body.subject_id)])),
        ("decision", Value::List(vec![Value::Text("permit"), Value::Null, Value::Text("")])),
        ("fields", Value::Map(body.fields.clone())),
    ];
    if let Some(link) = body.changes {
        pairs.push(("changes", Value::Link(link)));
    }
    if body.doubtful {
        pairs.push(("doubtful", Value::Boolean(true)));
    }
    let bytes = super::cbor::encode(&Value::Map(pairs))?;
    decode_body(&bytes, &mut |_| ())?;
    Ok(bytes)
}
