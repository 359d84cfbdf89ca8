//! The one encoding of structured data: a deterministic subset of DAG-CBOR. Every value has exactly one encoding, and the
//! reader refuses every other.

use super::constants::{CBOR_DEPTH_MAX, INTEGER_MAX};
use super::failure::{FormatError, Result, demand, refuse};
use super::id::{Codec, Link};

pub const LINK_BYTES: usize = 41;

const MAJOR_UNSIGNED: u8 = 0;
const MAJOR_NEGATIVE: u8 = 1;
const MAJOR_BYTES: u8 = 2;
const MAJOR_TEXT: u8 = 3;
const MAJOR_LIST: u8 = 4;
const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;
const DEPTH_MAX: usize = CBOR_DEPTH_MAX as usize;

/// What the encoding can hold. Texts and byte strings are views of what was decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Link(Link),
    List(Vec<Value<'a>>),
    /// Sorted as encoded: by length of the key, then by its bytes.
    Map(Vec<(&'a str, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// The value of a key of a map; none for absent keys and for what is no map.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        match self {
            Value::Map(pairs) => pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Value<'a>]> {
        if let Value::List(items) = self { Some(items) } else { None }
    }

    pub fn integer(&self) -> Option<i64> {
        if let Value::Integer(number) = self { Some(*number) } else { None }
    }

    pub fn text(&self) -> Option<&'a str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    pub fn bytes(&self) -> Option<&'a [u8]> {
        if let Value::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub fn link(&self) -> Option<Link> {
        if let Value::Link(link) = self { Some(*link) } else { None }
    }
}

/// The value of an encoding.
pub fn decode(bytes: &[u8]) -> Result<Value<'_>> {
    let mut reader = Reader::new(bytes);
    let value = reader.value(0)?;
    reader.end()?;
    Ok(value)
}

/// Checks an encoding and hands every link in it to `found`, in the order they are written.
pub fn links_in(bytes: &[u8], found: &mut dyn FnMut(Link)) -> Result<()> {
    let mut reader = Reader::new(bytes);
    reader.skip(0, found)?;
    reader.end()
}

/// The encoding of a value; refuses what is nested too deeply.
pub fn encode(value: &Value<'_>) -> Result<Vec<u8>> {
    let mut writer = Writer::default();
    writer.value(value, 0)?;
    Ok(writer.bytes)
}

/// Reads values one after the other and refuses the first that is not what was asked for.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    pub offset: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, offset: 0 }
    }

    /// All bytes were read, or it is refused.
    pub fn end(&self) -> Result<()> {
        demand(self.offset == self.bytes.len(), "bytes after the end")
    }

    /// What was read since `start`.
    pub fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.offset]
    }

    fn rest(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// The major type of the next value, without reading it.
    pub fn peek(&self) -> Result<u8> {
        match self.bytes.get(self.offset) {
            Some(byte) => Ok(byte >> 5),
            None => refuse("cut short"),
        }
    }

    /// True, and read, when the next value is null.
    pub fn is_null(&mut self) -> bool {
        let found = self.bytes.get(self.offset) == Some(&0xf6);
        if found {
            self.offset += 1;
        }
        found
    }

    pub fn boolean(&mut self) -> Result<bool> {
        match self.bytes.get(self.offset) {
            Some(&byte @ (0xf4 | 0xf5)) => {
                self.offset += 1;
                Ok(byte == 0xf5)
            }
            _ => refuse("a boolean was expected"),
        }
    }

    /// An integer from 0 on.
    pub fn unsigned(&mut self) -> Result<u64> {
        match self.head()? {
            (MAJOR_UNSIGNED, value) => Ok(value),
            _ => refuse("an integer from 0 on was expected"),
        }
    }

    pub fn integer(&mut self) -> Result<i64> {
        match self.head()? {
            (MAJOR_UNSIGNED, value) => Ok(value as i64),
            (MAJOR_NEGATIVE, value) if value < INTEGER_MAX => Ok(-1 - value as i64),
            _ => refuse("an integer was expected"),
        }
    }

    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        self.payload(MAJOR_BYTES, "bytes were expected")
    }

    pub fn bytes_of<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|_| FormatError::new(format!("{N} bytes were expected")))
    }

    pub fn text(&mut self) -> Result<&'a str> {
        let bytes = self.payload(MAJOR_TEXT, "text was expected")?;
        std::str::from_utf8(bytes).map_err(|_| FormatError::new("text that is not UTF-8"))
    }

    pub fn list(&mut self) -> Result<usize> {
        self.count(MAJOR_LIST, "a list was expected")
    }

    pub fn map(&mut self) -> Result<usize> {
        self.count(MAJOR_MAP, "a map was expected")
    }

    fn count(&mut self, major: u8, expected: &'static str) -> Result<usize> {
        let (found, count) = self.head()?;
        demand(found == major, expected)?;
        demand(count <= self.rest() as u64, "cut short")?;
        Ok(count as usize)
    }

    /// A text that must be this one (shorter than 24): how codecs of fixed maps read their keys.
    pub fn key(&mut self, expected: &'static str) -> Result<()> {
        if self.has_key(expected) { Ok(()) } else { refuse(format!("the key {expected} was expected")) }
    }

    /// Like `key`, but answers false and reads nothing when something else is there.
    pub fn has_key(&mut self, expected: &str) -> bool {
        let length = expected.len();
        let end = self.offset + 1 + length;
        let same = self.bytes.get(self.offset) == Some(&(MAJOR_TEXT << 5 | length as u8))
            && self.bytes.get(self.offset + 1..end) == Some(expected.as_bytes());
        if same {
            self.offset = end;
        }
        same
    }

    pub fn link(&mut self) -> Result<Link> {
        let wrong = || FormatError::new("a link to a raw or dag-cbor object named by BLAKE3-256 was expected");
        let bytes = self.bytes.get(self.offset..self.offset + LINK_BYTES).ok_or_else(wrong)?;
        let fixed = bytes[..6] == [0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01] && bytes[7..9] == [0x1e, 0x20];
        let codec = Codec::of(bytes[6]).filter(|_| fixed).ok_or_else(wrong)?;
        self.offset += LINK_BYTES;
        Ok(Link { codec, id: bytes[9..].try_into().map_err(|_| wrong())? })
    }

    pub fn value(&mut self, depth: usize) -> Result<Value<'a>> {
        Ok(match self.peek()? {
            MAJOR_UNSIGNED | MAJOR_NEGATIVE => Value::Integer(self.integer()?),
            MAJOR_BYTES => Value::Bytes(self.bytes()?),
            MAJOR_TEXT => Value::Text(self.text()?),
            MAJOR_LIST => {
                demand(depth < DEPTH_MAX, "nested too deeply")?;
                let count = self.list()?;
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(self.value(depth + 1)?);
                }
                Value::List(items)
            }
            MAJOR_MAP => {
                demand(depth < DEPTH_MAX, "nested too deeply")?;
                let mut pairs = Vec::new();
                self.pairs(|reader, key| {
                    pairs.push((key, reader.value(depth + 1)?));
                    Ok(())
                })?;
                Value::Map(pairs)
            }
            MAJOR_TAG => Value::Link(self.link()?),
            _ if self.is_null() => Value::Null,
            _ => Value::Boolean(self.boolean()?),
        })
    }

    /// Reads a map: `each` reads the value of a key. Keys must be unique and sorted.
    pub fn pairs(&mut self, mut each: impl FnMut(&mut Self, &'a str) -> Result<()>) -> Result<()> {
        let count = self.map()?;
        let mut last: &[u8] = &[];
        let (mut has_codec, mut has_id) = (false, false);
        for index in 0..count {
            let start = self.offset;
            let key = self.text()?;
            // Keys are compared as encoded: the head grows with the length, so this is the order by length, then bytes.
            let encoded = self.since(start);
            demand(index == 0 || last < encoded, "map keys are not unique and sorted")?;
            last = encoded;
            has_codec |= key == "codec";
            has_id |= key == "id";
            each(self, key)?;
        }
        demand(!(has_codec && has_id), "a map with both keys codec and id is not allowed")
    }

    /// Reads a value for its links alone.
    pub fn skip(&mut self, depth: usize, found: &mut dyn FnMut(Link)) -> Result<()> {
        match self.peek()? {
            MAJOR_UNSIGNED | MAJOR_NEGATIVE => self.integer().map(drop),
            MAJOR_BYTES => self.bytes().map(drop),
            MAJOR_TEXT => self.text().map(drop),
            MAJOR_LIST => {
                demand(depth < DEPTH_MAX, "nested too deeply")?;
                for _ in 0..self.list()? {
                    self.skip(depth + 1, found)?;
                }
                Ok(())
            }
            MAJOR_MAP => {
                demand(depth < DEPTH_MAX, "nested too deeply")?;
                self.pairs(|reader, _| reader.skip(depth + 1, found))
            }
            MAJOR_TAG => {
                found(self.link()?);
                Ok(())
            }
            _ if self.is_null() => Ok(()),
            _ => self.boolean().map(drop),
        }
    }

    /// Reads a head in its shortest form: major type and argument.
    fn head(&mut self) -> Result<(u8, u64)> {
        let Some(&first) = self.bytes.get(self.offset) else { return refuse("cut short") };
        let info = first & 31;
        if info < 24 {
            self.offset += 1;
            return Ok((first >> 5, u64::from(info)));
        }
        demand(info <= 27, "indefinite or reserved length")?;
        let size = 1usize << (info - 24);
        let Some(bytes) = self.bytes.get(self.offset + 1..self.offset + 1 + size) else { return refuse("cut short") };
        let argument = bytes.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let least = [24, 0x100, 0x1_0000, 0x1_0000_0000][usize::from(info - 24)];
        demand(argument >= least, "not the shortest form of an integer")?;
        demand(argument <= INTEGER_MAX, "an integer above 2^53-1")?;
        self.offset += 1 + size;
        Ok((first >> 5, argument))
    }

    fn payload(&mut self, major: u8, expected: &'static str) -> Result<&'a [u8]> {
        let (found, length) = self.head()?;
        demand(found == major, expected)?;
        demand(length <= self.rest() as u64, "cut short")?;
        let start = self.offset;
        self.offset += length as usize;
        Ok(self.since(start))
    }
}

/// Writes values one after the other. The caller sees to it that what it writes piece by piece is canonical.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    fn head(&mut self, major: u8, argument: u64) {
        let first = major << 5;
        match argument {
            0..24 => self.bytes.push(first | argument as u8),
            24..0x100 => self.bytes.extend_from_slice(&[first | 24, argument as u8]),
            0x100..0x1_0000 => {
                self.bytes.push(first | 25);
                self.bytes.extend_from_slice(&(argument as u16).to_be_bytes());
            }
            0x1_0000..0x1_0000_0000 => {
                self.bytes.push(first | 26);
                self.bytes.extend_from_slice(&(argument as u32).to_be_bytes());
            }
            _ => {
                self.bytes.push(first | 27);
                self.bytes.extend_from_slice(&argument.to_be_bytes());
            }
        }
    }

    pub fn unsigned(&mut self, value: u64) {
        self.head(MAJOR_UNSIGNED, value);
    }

    pub fn integer(&mut self, value: i64) {
        if value < 0 { self.head(MAJOR_NEGATIVE, (-1 - value) as u64) } else { self.head(MAJOR_UNSIGNED, value as u64) }
    }

    pub fn null(&mut self) {
        self.bytes.push(0xf6);
    }

    pub fn boolean(&mut self, value: bool) {
        self.bytes.push(if value { 0xf5 } else { 0xf4 });
    }

    pub fn bytes(&mut self, value: &[u8]) {
        self.head(MAJOR_BYTES, value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    pub fn text(&mut self, value: &str) {
        self.head(MAJOR_TEXT, value.len() as u64);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    pub fn list(&mut self, count: usize) {
        self.head(MAJOR_LIST, count as u64);
    }

    pub fn map(&mut self, count: usize) {
        self.head(MAJOR_MAP, count as u64);
    }

    pub fn link(&mut self, link: &Link) {
        self.bytes.extend_from_slice(&[0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, link.codec.number(), 0x1e, 0x20]);
        self.bytes.extend_from_slice(&link.id);
    }

    /// Bytes that are an encoding already.
    pub fn append(&mut self, encoded: &[u8]) {
        self.bytes.extend_from_slice(encoded);
    }

    pub fn value(&mut self, value: &Value<'_>, depth: usize) -> Result<()> {
        match value {
            Value::Null => self.null(),
            Value::Boolean(boolean) => self.boolean(*boolean),
            Value::Integer(number) => {
                demand(number.unsigned_abs() <= INTEGER_MAX, "only integers up to 2^53-1 can be encoded")?;
                self.integer(*number);
            }
            Value::Text(text) => self.text(text),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::Link(link) => self.link(link),
            Value::List(items) => {
                demand(depth < DEPTH_MAX, "nested too deeply")?;
                self.list(items.len());
                for item in items {
                    self.value(item, depth + 1)?;
                }
            }
            Value::Map(pairs) => {
                demand(depth < DEPTH_MAX, "nested too deeply")?;
                let mut sorted: Vec<&(&str, Value<'_>)> = pairs.iter().collect();
                sorted.sort_by_key(|(key, _)| (key.len(), *key));
                demand(sorted.windows(2).all(|pair| pair[0].0 != pair[1].0), "a key twice in a map")?;
                self.map(sorted.len());
                for (key, value) in sorted {
                    self.text(key);
                    self.value(value, depth + 1)?;
                }
            }
        }
        Ok(())
    }
}
