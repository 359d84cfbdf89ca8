//! What can be called: each verb takes its request apart, does the work and puts the answer together.

use sentient_store::error::StoreError;
use sentient_store::io::{Io, WatchedIo};
use sentient_store::verify;
use sentient_store::work::adopt::{self, CacheRequest, Reason};
use sentient_store::work::look;
use sentient_store::work::packed::Reader;
use sentient_store::work::source::Source;
use sentient_store::work::stage_tree::Top;
use sentient_store::work::stat_cache::StatCache;
use sentient_store::work::{Control, WorkResult};
use sentient_store::work::{count, place, sound_pack, stage, stage_tree, survey};
use serde_json::{Value, json};

use crate::Outcome;
use crate::request::{Request, hex_of, text_of};

pub fn run(io: &dyn Io, name: &str, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    match name {
        "adopt" => adopt(io, request, control),
        "countFiles" => count_files(io, request, control),
        "survey" => survey(io, request, control),
        "look" => look(io, request, control),
        "verify" => verify(io, request, control),
        "soundPack" => sound_pack(io, request, control),
        "stage" => stage(io, request, control),
        "stageTrees" => stage_trees(io, request, control),
        "place" => place(io, request, control),
        "flushDirectories" => {
            let paths = items_of(request, text_in)?;
            place::flush_directories(io, &request.directory(io, "root")?, &paths)?;
            Ok(Value::Null.into())
        }
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
        "keptFiles": adopted.kept_files,
        "keptBytes": adopted.kept_bytes,
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
    let (root, packs, rules) = (request.directory(io, "root")?, request.directory(io, "packs")?, request.rules()?);
    let cache = if request.has("cacheName") {
        StatCache::load(io, &request.directory(io, "derived")?, &request.name("cacheName")?)
    } else {
        None
    };
    let looked = look::look(
        io,
        control,
        &look::Request {
            root: &root,
            files: request.id("files")?,
            source: &Source::new(io, &packs),
            cache: &cache.unwrap_or_else(StatCache::empty),
            settled_below_ns: request.big_number("settledBelow")?,
            rules: &rules,
            outside: &request.names("outside")?,
            threads: request.number("threads")? as usize,
        },
    )?;
    let mut bytes = Vec::new();
    for one in &looked.known {
        bytes.extend_from_slice(&(one.path.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&one.path);
        bytes.extend_from_slice(&one.node);
        bytes.push(one.whole.into());
        for count in [one.counts.files, one.counts.ignored, one.counts.hashed, one.suspects.len() as u64] {
            bytes.extend_from_slice(&(count as u32).to_le_bytes());
        }
        bytes.extend_from_slice(&(one.counts.hashed_bytes as f64).to_le_bytes());
        for name in &one.suspects {
            bytes.push(name.len() as u8);
            bytes.extend_from_slice(name);
        }
    }
    let blocks_at = bytes.len();
    bytes.extend_from_slice(&looked.blocks);
    Ok(Outcome { text: json!({ "blocksAt": blocks_at }), bytes })
}

/// The items that came beside the request, to the last byte.
fn items_of<T>(request: &Request<'_>, read: impl Fn(&mut Reader<'_>) -> Option<T>) -> WorkResult<Vec<T>> {
    let mut reader = Reader::new(request.bytes);
    let mut items = Vec::new();
    while reader.peek().is_some() {
        let malformed = || StoreError::new("INTERNAL").found("a native call with malformed items");
        items.push(read(&mut reader).ok_or_else(malformed)?);
    }
    Ok(items)
}

fn stage(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let (stage, packs) = (request.directory(io, "stage")?, request.directory(io, "packs")?);
    let (prefix, items) = (request.name("prefix")?, items_of(request, stage::Item::read)?);
    let threads = request.number("threads")? as usize;
    let left =
        stage::stage(io, control, &stage::Request { stage: &stage, packs: &packs, prefix: &prefix, items, threads })?;
    Ok(Outcome { text: Value::Null, bytes: left.iter().flat_map(|index| index.to_le_bytes()).collect() })
}

fn count_files(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let packs = request.directory(io, "packs")?;
    let source = Source::new(io, &packs);
    let threads = request.number("threads")? as usize;
    let counted = count::count_files(control, &source, &request.id("files")?, threads)?;
    Ok(json!({ "files": counted.files, "bytes": counted.bytes }).into())
}

fn stage_trees(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let (stage, packs) = (request.directory(io, "stage")?, request.directory(io, "packs")?);
    let top = |reader: &mut Reader<'_>| {
        let (name, path) = (text_in(reader)?, text_in(reader)?);
        Some(Top { name, path, node: reader.fixed()? })
    };
    let tops = items_of(request, top)?;
    let source = Source::new(io, &packs);
    let threads = request.number("threads")? as usize;
    let work = stage_tree::Request { stage: &stage, source: &source, tops: &tops, threads };
    let Some(staged) = stage_tree::stage_trees(io, control, &work)? else { return Ok(Value::Null.into()) };
    let counts = staged.counts.iter().map(|counts| json!([counts.paths, counts.bytes]));
    let latest = staged.counts.iter().map(|counts| counts.latest_ns).max().unwrap_or(0);
    let text = json!({ "counts": counts.collect::<Value>(), "latestNs": latest.to_string() });
    Ok(Outcome { text, bytes: staged.blocks })
}

/// u16 bytes | these.
fn text_in(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let length = u16::from_le_bytes(reader.fixed()?);
    Some(reader.take(length.into())?.to_vec())
}

fn place(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let (root, stage) = (request.directory(io, "root")?, request.directory(io, "stage")?);
    let (prefix, items) = (request.name("prefix")?, items_of(request, place::Item::read)?);
    let threads = request.number("threads")? as usize;
    let outcomes =
        place::place(io, control, &place::Request { root: &root, stage: &stage, prefix: &prefix, items, threads })?;
    Ok(Outcome { text: Value::Null, bytes: outcomes.into_iter().map(|outcome| outcome as u8).collect() })
}

fn sound_pack(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let packs = request.directory(io, "packs")?;
    let (number, threads) = (request.number("pack")?, request.number("threads")? as usize);
    let sound = sound_pack::sound_pack(io, control, &packs, number, threads)?;
    let told =
        |sound: sound_pack::Sound| json!({ "entries": sound.entries, "bytes": sound.bytes, "indexed": sound.indexed });
    Ok(sound.map_or(Value::Null, told).into())
}

/// The lines of a verification that finds nothing at all; null when it finds anything, or ends early: then TypeScript
/// looks itself, and tells what it is.
fn verify(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let options = verify::Options { deep: request.flag("deep")?, ..verify::Options::default() };
    let verified = verify::verify(&WatchedIo::new(io, control), &request.path("root")?, &options);
    control.check()?;
    let Ok(report) = verified else { return Ok(Value::Null.into()) };
    if !report.findings.is_empty() || report.checks.iter().any(|check| check.findings > 0) {
        return Ok(Value::Null.into());
    }
    let line = |check: &verify::Check| json!({ "name": check.name, "checked": check.checked, "text": check.text });
    Ok(report.checks.iter().map(line).collect::<Value>().into())
}

fn survey(io: &dyn Io, request: &Request<'_>, control: &Control) -> WorkResult<Outcome> {
    let (root, rules, outside) = (request.directory(io, "root")?, request.rules()?, request.names("outside")?);
    let threads = request.number("threads")? as usize;
    let survey =
        survey::survey(io, control, &survey::Request { root: &root, rules: &rules, outside: &outside, threads })?;
    let texts = |paths: &[Vec<u8>]| -> Value { paths.iter().map(|path| text_of(path)).collect() };
    let skip = |(rule, counted): &(usize, survey::Counted)| json!([rule, counted.files, counted.bytes]);
    Ok(json!({
        "files": survey.found.files,
        "bytes": survey.found.bytes,
        "directories": survey.directories,
        "symlinks": survey.symlinks,
        "skips": survey.skips.iter().map(skip).collect::<Value>(),
        "nestedRoots": texts(&survey.nested_roots),
        "unreadable": texts(&survey.unreadable),
        "special": texts(&survey.special),
    })
    .into())
}
