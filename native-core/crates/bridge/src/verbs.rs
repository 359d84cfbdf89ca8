//! What can be called: each verb takes its request apart, does the work and puts the answer together.

use sentient_store::error::StoreError;
use sentient_store::io::{Io, SystemIo};
use sentient_store::work::adopt::{self, CacheRequest, Reason};
use sentient_store::work::look;
use sentient_store::work::stat_cache::StatCache;
use sentient_store::work::{Control, WorkError, WorkResult};
use serde_json::{Value, json};

use crate::Outcome;
use crate::request::{Request, hex_of, text_of};

pub fn run(name: &str, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let io = &SystemIo;
    match name {
        "adopt" => adopt(io, request, control),
        "look" => look(io, request, control),
        "flushFileSystem" => {
            io.flush_file_system(&request.directory(io, "directory")?)?;
            Ok(Value::Null.into())
        }
        _ => Err(StoreError::new("INTERNAL").found(format!("no native call {name}")).into()),
    }
}

fn adopt(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let root = request.directory(io, "root")?;
    let stage = request.directory(io, "stage")?;
    let rules = request.rules()?;
    let outside = request.names("outside")?;
    let cached = request.has("cacheName");
    let derived = if cached { Some((request.directory(io, "derived")?, request.name("cacheName")?)) } else { None };
    let settled_below_ns = if cached { request.big_number("settledBelow")? } else { 0 };
    let cache = derived.as_ref().map(|(directory, name)| CacheRequest { directory, name, settled_below_ns });
    let adopted = adopt::adopt(
        io,
        control,
        &adopt::Request {
            root: &root,
            stage: &stage,
            rules: &rules,
            outside: &outside,
            level: request.number("level")? as i32,
            seed: request.seed("seed")?,
            owner: request.number("owner")? as u32,
            cache,
            threads: request.number("threads")? as usize,
        },
    )?;
    let problems: Vec<Value> =
        adopted.problems.iter().map(|(path, reason)| json!([text_of(path), reason_name(*reason)])).collect();
    let packs: Vec<Value> = adopted
        .packs
        .iter()
        .map(|pack| json!({ "name": pack.name, "bytes": pack.bytes, "objects": pack.objects }))
        .collect();
    let changes = adopted.changes.map(|(link, count)| json!({ "id": hex_of(&link.id), "count": count }));
    Ok(json!({
        "files": hex_of(&adopted.files.id),
        "count": adopted.count,
        "changes": changes,
        "problems": problems,
        "hardLinks": adopted.hard_links,
        "packs": packs,
        "bytesWritten": adopted.bytes_written,
    })
    .into())
}

fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::NotAFile => "other",
        Reason::Changes => "changes",
        Reason::Denied => "denied",
        Reason::Disk => "disk",
    }
}

fn look(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let root = request.directory(io, "root")?;
    let derived = request.directory(io, "derived")?;
    let cache = StatCache::load(io, &derived, &request.name("cacheName")?);
    let cache = cache.ok_or(WorkError::Declined("no stat cache"))?;
    if u64::from(cache.checksum()) != request.number("checksum")? {
        return Err(WorkError::Declined("another stat cache"));
    }
    let (rules, outside) = (request.rules()?, request.names("outside")?);
    let threads = request.number("threads")? as usize;
    let known = look::look(
        io,
        control,
        &look::Request { root: &root, cache: &cache, rules: &rules, outside: &outside, threads },
    )?;
    let mut bytes = Vec::new();
    for one in known {
        bytes.extend_from_slice(&(one.path.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&one.path);
        bytes.extend_from_slice(&one.node);
        bytes.push(one.whole.into());
        bytes.extend_from_slice(&(one.files as u32).to_le_bytes());
        bytes.extend_from_slice(&(one.ignored as u32).to_le_bytes());
    }
    Ok(Outcome { text: Value::Null, bytes })
}
