//! Names of objects: an object id is the BLAKE3 of the object's bytes, a link is an id and how the bytes are read. Shown as
//! CIDv1 in base32.

use super::failure::{FormatError, Result, demand, refuse};
use super::hash::blake3;

/// How the bytes of an object are read: as they are, or decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    Raw,
    DagCbor,
}

pub type ObjectId = [u8; 32];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link {
    pub codec: Codec,
    pub id: ObjectId,
}

impl Codec {
    pub fn number(self) -> u8 {
        match self {
            Codec::Raw => 0x55,
            Codec::DagCbor => 0x71,
        }
    }

    pub fn of(number: u8) -> Option<Codec> {
        match number {
            0x55 => Some(Codec::Raw),
            0x71 => Some(Codec::DagCbor),
            _ => None,
        }
    }
}

impl Link {
    pub fn raw(id: ObjectId) -> Link {
        Link { codec: Codec::Raw, id }
    }

    pub fn dag(id: ObjectId) -> Link {
        Link { codec: Codec::DagCbor, id }
    }
}

pub fn object_id(bytes: &[u8]) -> ObjectId {
    blake3(bytes)
}

/// The link as text: `b` and the base32 of 01, codec, 1e (BLAKE3), 20 (32 bytes), digest.
pub fn cid_text(link: &Link) -> String {
    let mut bytes = vec![0x01, link.codec.number(), 0x1e, 0x20];
    bytes.extend_from_slice(&link.id);
    format!("b{}", base32(&bytes))
}

pub fn parse_cid(text: &str) -> Result<Link> {
    let Some(digits) = text.strip_prefix('b') else { return refuse("a CID here starts with \"b\"") };
    let bytes = parse_base32(digits)?;
    let wrong = || FormatError::new("not a CIDv1 of a raw or dag-cbor block named by BLAKE3-256");
    if bytes.len() != 36 || bytes[0] != 0x01 || bytes[2] != 0x1e || bytes[3] != 0x20 {
        return Err(wrong());
    }
    let codec = Codec::of(bytes[1]).ok_or_else(wrong)?;
    Ok(Link { codec, id: bytes[4..].try_into().map_err(|_| wrong())? })
}

const BASE32_DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// RFC 4648 base32 in lower case, without padding.
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity((bytes.len() * 8).div_ceil(5));
    let mut pending: u32 = 0;
    let mut bits = 0;
    for byte in bytes {
        pending = (pending << 8 | u32::from(*byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32_DIGITS[(pending >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(BASE32_DIGITS[(pending << (5 - bits) & 31) as usize]));
    }
    text
}

/// Refuses foreign digits, wrong lengths and trailing bits that are not zero.
pub fn parse_base32(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let mut pending: u32 = 0;
    let mut bits = 0;
    for character in text.bytes() {
        let digit = match character {
            b'a'..=b'z' => character - b'a',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return refuse("not a base32 digit"),
        };
        pending = (pending << 5 | u32::from(digit)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((pending >> bits & 0xff) as u8);
        }
    }
    demand(bits < 5 && pending & ((1 << bits) - 1) == 0, "base32 text of a wrong length")?;
    Ok(bytes)
}
