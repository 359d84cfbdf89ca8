//! Signed notes as C2SP signed-note defines them: a text, an empty line, signature lines. Only Ed25519 signatures are checked
//! here; lines of unknown keys (witnesses, other algorithms) are passed over.

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

use super::base64::{base64, parse_base64};
use super::constants::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX};
use super::failure::{FormatError, Result, demand, refuse};
use super::hash::sha256;

const ED25519_TYPE: u8 = 0x01;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    pub name: String,
    pub key_id: u32,
    pub public_key: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    pub name: String,
    pub key_id: u32,
    pub signature: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed; ends with a newline.
    pub text: String,
    pub signatures: Vec<NoteSignature>,
}

/// The first four bytes of SHA-256(name, newline, 01, public key), most significant first.
pub fn note_key_id(name: &str, public_key: &[u8; 32]) -> Result<u32> {
    check_key_name(name)?;
    let hash = sha256(&[name.as_bytes(), b"\n", &[ED25519_TYPE], public_key]);
    Ok(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]))
}

/// `name+keyid+key`: what a verifier is given.
pub fn format_verifier_key(key: &VerifierKey) -> String {
    let typed = [&[ED25519_TYPE], key.public_key.as_slice()].concat();
    format!("{}+{:08x}+{}", key.name, key.key_id, base64(&typed))
}

pub fn parse_verifier_key(text: &str) -> Result<VerifierKey> {
    let wrong = || FormatError::new("a verifier key is name+keyid+key");
    let mut parts = text.splitn(3, '+');
    let (name, id, key) = (parts.next(), parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?);
    let name = name.filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    let is_hex = id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    demand(is_hex && !key.is_empty(), "a verifier key is name+keyid+key")?;
    let bytes = parse_base64(key)?;
    demand(bytes.len() == 33 && bytes[0] == ED25519_TYPE, "a verifier key that is not Ed25519")?;
    let mut public_key = [0; 32];
    public_key.copy_from_slice(&bytes[1..]);
    let key_id = note_key_id(name, &public_key)?;
    demand(format!("{key_id:08x}") == id, "a verifier key with a wrong id")?;
    Ok(VerifierKey { name: name.to_owned(), key_id, public_key })
}

/// The note of a text, signed by one key. `sign` gets the text's bytes.
pub fn sign_note(text: &str, key: &VerifierKey, sign: &dyn Fn(&[u8]) -> [u8; 64]) -> Result<Vec<u8>> {
    check_note_text(text)?;
    let signature = [key.key_id.to_be_bytes().as_slice(), &sign(text.as_bytes())].concat();
    Ok(format!("{text}\n\u{2014} {} {}\n", key.name, base64(&signature)).into_bytes())
}

pub fn parse_note(bytes: &[u8]) -> Result<Note> {
    parse_note_within(bytes, NOTE_BYTES_MAX)
}

/// Takes a note apart. No signature is checked.
pub fn parse_note_within(bytes: &[u8], bytes_max: u64) -> Result<Note> {
    demand(bytes.len() as u64 <= bytes_max, "a note over its limit")?;
    let all = std::str::from_utf8(bytes).map_err(|_| FormatError::new("a note that is not UTF-8"))?;
    let split = all.rfind("\n\n").filter(|_| all.ends_with('\n'));
    let Some(split) = split else { return refuse("a note without signatures") };
    let text = &all[..=split];
    check_note_text(text)?;
    let lines = all.get(split + 2..all.len() - 1).unwrap_or("");
    let lines: Vec<&str> = lines.split('\n').collect();
    demand(lines.len() as u64 <= NOTE_SIGNATURES_MAX, "a note with too many signatures")?;
    let signatures = lines.into_iter().map(parse_signature_line).collect::<Result<_>>()?;
    Ok(Note { text: text.to_owned(), signatures })
}

fn parse_signature_line(line: &str) -> Result<NoteSignature> {
    let wrong = || FormatError::new("a bad signature line in a note");
    let rest = line.strip_prefix("\u{2014} ").ok_or_else(wrong)?;
    let (name, encoded) = rest.split_once(' ').ok_or_else(wrong)?;
    check_key_name(name)?;
    demand(!encoded.is_empty(), "a bad signature line in a note")?;
    let bytes = parse_base64(encoded)?;
    demand(bytes.len() >= 5, "a signature that is cut short")?;
    let key_id = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Ok(NoteSignature { name: name.to_owned(), key_id, signature: bytes[4..].to_vec() })
}

/// Refuses unless at least one of the keys signed the note. A line that names one of the keys and does not verify makes the
/// whole note bad, as does a second line of one key.
pub fn verify_note(note: &Note, keys: &[VerifierKey]) -> Result<()> {
    let mut good: Vec<&VerifierKey> = Vec::new();
    for line in &note.signatures {
        let Some(key) = keys.iter().find(|key| key.name == line.name && key.key_id == line.key_id) else { continue };
        if good.contains(&key) {
            return refuse(format!("two signatures of {}", line.name));
        }
        if !signature_fits(&key.public_key, note.text.as_bytes(), &line.signature) {
            return refuse(format!("wrong signature of {}", line.name));
        }
        good.push(key);
    }
    demand(!good.is_empty(), "no signature of a known key")
}

/// Whether an Ed25519 signature of 64 bytes fits.
pub fn signature_fits(public_key: &[u8; 32], bytes: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(public_key), Signature::from_slice(signature)) else {
        return false;
    };
    key.verify(bytes, &signature).is_ok()
}

fn check_key_name(name: &str) -> Result<()> {
    let is_bad = |character: char| character == '+' || is_space(character) || character.is_control();
    demand(!name.is_empty() && !name.chars().any(is_bad), "a bad name of a key")
}

/// Unicode spaces, and the byte order mark, which is taken for one where keys are made.
fn is_space(character: char) -> bool {
    (character.is_whitespace() && character != '\u{85}') || character == '\u{feff}'
}

fn check_note_text(text: &str) -> Result<()> {
    let long_enough = text.ends_with('\n') && text.len() >= 2;
    demand(long_enough, "the text of a note ends with a newline")?;
    let has_control = text.bytes().any(|byte| byte < 0x20 && byte != b'\n');
    demand(!has_control, "a control character in a note")
}
