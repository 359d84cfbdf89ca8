//! The few forms of DAG-CBOR that the hot paths write, straight into bytes: an entry is encoded once and from then on
//! copied, into its directory's node and into the list of changes.

/// The name of an object.
pub type Id = [u8; 32];

/// How an object's bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    Raw,
    DagCbor,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub codec: Codec,
    pub id: Id,
}

const LINK_HEAD: [u8; 6] = [0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01];
const HASH_HEAD: [u8; 2] = [0x1e, 0x20];
pub const LINK_BYTES: usize = 6 + 1 + 2 + 32;
pub const NULL: u8 = 0xf6;

fn head(into: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    match value {
        0..24 => into.push(major | value as u8),
        24..0x100 => into.extend_from_slice(&[major | 24, value as u8]),
        0x100..0x1_0000 => {
            into.push(major | 25);
            into.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            into.push(major | 26);
            into.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            into.push(major | 27);
            into.extend_from_slice(&value.to_be_bytes());
        }
    }
}

pub fn integer(into: &mut Vec<u8>, value: u64) {
    head(into, 0, value);
}

pub fn bytes(into: &mut Vec<u8>, value: &[u8]) {
    head(into, 2, value.len() as u64);
    into.extend_from_slice(value);
}

pub fn text(into: &mut Vec<u8>, value: &str) {
    head(into, 3, value.len() as u64);
    into.extend_from_slice(value.as_bytes());
}

pub fn list(into: &mut Vec<u8>, length: usize) {
    head(into, 4, length as u64);
}

pub fn map(into: &mut Vec<u8>, length: usize) {
    head(into, 5, length as u64);
}

pub fn link(into: &mut Vec<u8>, link: &Link) {
    into.extend_from_slice(&LINK_HEAD);
    into.push(link.codec.number());
    into.extend_from_slice(&HASH_HEAD);
    into.extend_from_slice(&link.id);
}

/// Reads back what the functions above wrote; None for anything else. The bytes were checked against their name before.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    pub fn offset(&self) -> usize {
        self.at
    }

    pub fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    /// So many bytes, in forms that are no CBOR.
    pub fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn head(&mut self, major: u8) -> Option<u64> {
        let first = self.take(1)?[0];
        if first >> 5 != major {
            return None;
        }
        let width = match first & 31 {
            small @ 0..24 => return Some(small.into()),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        Some(self.take(width)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    pub fn integer(&mut self) -> Option<u64> {
        self.head(0)
    }

    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.head(2)?;
        self.take(usize::try_from(length).ok()?)
    }

    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.head(3)?;
        self.take(usize::try_from(length).ok()?)
    }

    pub fn list(&mut self) -> Option<u64> {
        self.head(4)
    }

    pub fn map(&mut self) -> Option<u64> {
        self.head(5)
    }

    pub fn link(&mut self) -> Option<Link> {
        let bytes = self.take(LINK_BYTES)?;
        let rest = bytes.strip_prefix(&LINK_HEAD)?;
        let id = rest[1..].strip_prefix(&HASH_HEAD)?;
        Some(Link { codec: Codec::of(rest[0])?, id: id.try_into().ok()? })
    }
}
