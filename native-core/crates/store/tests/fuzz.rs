//! Mutated inputs to every parser, and mutated root folders to the verifier: nothing panics, nothing hangs, and what is
//! accepted is written again byte for byte (`probe` asserts that). `SENTIENT_FUZZ_SECONDS` and `SENTIENT_FUZZ_SEED` make
//! longer and other runs; native-core/fuzz has its inputs led by coverage, `test/native/differentialFuzz.ts` asks both twins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sentient_store::format::frame::{decode_frame_at, frame_seed};
use sentient_store::format::hash::parse_hex;
use sentient_store::format::pack::{ENTRY_HEADER_BYTES, Packing, decode_entry_header};
use sentient_store::io::SystemIo;
use sentient_store::probe::{is_accepted, kinds};
use sentient_store::verify::{Options, unpack_zstd, verify};
use serde_json::Value;

const SECONDS: u64 = 3;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// xorshift64: the same numbers for the same seed.
struct Dice {
    state: u64,
}

impl Dice {
    fn new() -> Dice {
        Dice { state: from_environment("SENTIENT_FUZZ_SEED", 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % limit.max(1) as u64) as usize
    }
}

/// Heads of items at the borders of their forms, and bytes that text must escape.
const SNIPPETS: [&[u8]; 14] = [
    b"\x00",
    b"\xff",
    b"\x18\x17",
    b"\x19\x00\xff",
    b"\x1b\x00\x1f\xff\xff\xff\xff\xff\xff",
    b"\x1b\x00\x20\x00\x00\x00\x00\x00\x00",
    b"\xd8\x2a",
    b"\xf6",
    b"\xa0",
    b"\x9f",
    b"\n\n",
    b"\"",
    b"\\u0000",
    b"\xe2\x80\x94 ",
];

fn mutate(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = dice.below(256) as u8,
            2 => drop(bytes.splice(at..at, SNIPPETS[dice.below(SNIPPETS.len())].iter().copied())),
            3 => drop(bytes.drain(at..(at + 1 + dice.below(9)).min(bytes.len()))),
            4 => bytes.truncate(at),
            5 => {
                let piece = bytes[at..(at + dice.below(50)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes.extend_from_slice(SNIPPETS[dice.below(SNIPPETS.len())]),
        }
    }
    bytes
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

struct Unpacked {
    folder: PathBuf,
}

impl Unpacked {
    fn new(name: &str) -> Unpacked {
        let folder = std::env::temp_dir().join(format!("sentient-fuzz-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let archive = repository().join("format/fixtures/v1/clean.tar");
        let status = Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(&folder).status();
        assert!(status.expect("tar is there").success());
        Unpacked { folder }
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join("root").join(name)).expect(name)
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

type Corpus = BTreeMap<&'static str, Vec<Vec<u8>>>;

fn corpus() -> Corpus {
    let unpacked = Unpacked::new("corpus");
    let mut corpus = Corpus::new();
    let mut add = |kind: &'static str, bytes: Vec<u8>| corpus.entry(kind).or_default().push(bytes);
    let segment = unpacked.read(".runtime/journal/00000000000000000000.seg");
    add("segment-header", segment[..32].to_vec());
    add("segment", segment[..segment.len().min(8192)].to_vec());
    let log_id: [u8; 16] = segment[16..32].try_into().expect("16 bytes");
    let mut offset = 32;
    while let Ok(frame) = decode_frame_at(&segment, offset, frame_seed(&log_id)) {
        add("frame", [log_id.as_slice(), &segment[offset..frame.next_offset]].concat());
        add("envelope", frame.envelope.to_vec());
        frame.body.iter().for_each(|(_, body)| add("body", body.to_vec()));
        offset = frame.next_offset;
    }
    for number in 1..=3 {
        add_pack(&unpacked.read(&format!(".tree/packs/{number:012}.pack")), &mut add);
        add("pack-index", unpacked.read(&format!(".tree/packs/{number:012}.idx")));
    }
    let marks = unpacked.read(".runtime/marks");
    add("marks-slot", marks[..512].to_vec());
    add("marks-file", marks);
    for name in [".runtime/checkpoint", "recycle.lock"] {
        let note = unpacked.read(name);
        let text = note.windows(2).rposition(|pair| pair == b"\n\n").expect("a note");
        add(if name == "recycle.lock" { "recycle-lock" } else { "checkpoint" }, note[..=text].to_vec());
        add("note", note);
    }
    add("format", unpacked.read(".runtime/format"));
    add("recycle-trace", unpacked.read("recycle.trace"));
    add("verifier-key", unpacked.read(".auth/log-0.vkey").trim_ascii_end().to_vec());
    add("private-key", unpacked.read(".auth/log-0.pem"));
    add_vectors(&mut add);
    corpus
}

fn add_pack(pack: &[u8], add: &mut dyn FnMut(&'static str, Vec<u8>)) {
    add("pack-header", pack[..16].to_vec());
    add("pack", pack[..pack.len().min(8192)].to_vec());
    let mut offset = 16;
    while let Ok(fields) = decode_entry_header(&pack[offset..]) {
        let payload = &pack[offset + ENTRY_HEADER_BYTES..offset + fields.entry_bytes() as usize];
        add("pack-entry", pack[offset..offset + ENTRY_HEADER_BYTES].to_vec());
        let object = match fields.packing {
            Packing::Plain => payload.to_vec(),
            Packing::Zstd => {
                add("zstd", [&fields.object_bytes.to_le_bytes(), payload].concat());
                unpack_zstd(payload, fields.object_bytes as usize).expect("an object")
            }
        };
        for kind in ["cbor", "node", "list", "state", "changes"] {
            if object.len() < 8192 && is_accepted(kind, &object) {
                add(kind, object.clone());
            }
        }
        offset += fields.entry_bytes() as usize;
    }
}

fn add_vectors(add: &mut dyn FnMut(&'static str, Vec<u8>)) {
    let read = |name: &str| -> Value {
        let path = repository().join("format/vectors").join(name);
        serde_json::from_str(&std::fs::read_to_string(path).expect("vectors")).expect("JSON")
    };
    let text = |value: &Value| value.as_str().expect("a text").as_bytes().to_vec();
    let hex = |value: &Value| parse_hex(value.as_str().expect("hex")).expect("hex");
    add("list", hex(&read("contents.json")["twoChunks"]));
    add("changes", hex(&read("changes.json")["small"]));
    add("origin", text(&read("notes.json")["origin"]));
    add("inclusion", text(&read("notes.json")["inclusion"][3]));
    add("binding", text(&read("files.json")["binding"]));
    add("cid", text(&read("hashes.json")["objects"][0]["cid"]));
    add("displayed", b"a\\\\b \\n \\xFF".to_vec());
}

#[test]
fn parsers() {
    let corpus = corpus();
    for kind in kinds() {
        let pool = corpus.get(kind).unwrap_or_else(|| panic!("there is nothing of the kind {kind}"));
        assert!(pool.iter().any(|bytes| is_accepted(kind, bytes)), "nothing of the kind {kind} is accepted");
    }
    let mut dice = Dice::new();
    let end = Instant::now() + Duration::from_secs(from_environment("SENTIENT_FUZZ_SECONDS", SECONDS));
    let mut accepted = 0u64;
    while Instant::now() < end {
        for (kind, pool) in &corpus {
            for _ in 0..20 {
                let bytes = mutate(&pool[dice.below(pool.len())], &mut dice);
                accepted += u64::from(is_accepted(kind, &bytes));
            }
        }
    }
    assert!(accepted > 0);
}

#[test]
fn whole_folders() {
    let unpacked = Unpacked::new("folder");
    let root = unpacked.folder.join("root");
    let mut files = Vec::new();
    for folder in [".runtime/journal", ".tree/packs", ".auth"] {
        let listed = std::fs::read_dir(root.join(folder)).expect("a folder");
        files.extend(listed.map(|entry| entry.expect("a file").path()));
    }
    let single = [".runtime/marks", ".runtime/checkpoint", ".runtime/format", "recycle.lock", "recycle.trace"];
    files.extend(single.map(|name| root.join(name)));
    files.sort();
    let mut dice = Dice::new();
    let end = Instant::now() + Duration::from_secs(from_environment("SENTIENT_FUZZ_SECONDS", SECONDS));
    while Instant::now() < end {
        let file = &files[dice.below(files.len())];
        let sound = std::fs::read(file).expect("a file");
        std::fs::write(file, mutate(&sound, &mut dice)).expect("a mutated file");
        // What it says is for other tests: it must come to an end and say something.
        let _ = verify(&SystemIo, &root, &Options { deep: true, journal_only: false });
        std::fs::write(file, sound).expect("the sound file");
    }
    let report = verify(&SystemIo, &root, &Options { deep: true, journal_only: false }).expect("a verification");
    assert!(!report.is_damaged());
}
