//! Packs: files that objects are appended to. Every entry can be found again behind damage by its marker and checked on its
//! own by its CRC and its id.

use super::constants::{CHUNK_BYTES_MAX, MAGIC_PACK, MARKER_PACK_ENTRY, OBJECT_BYTES_MAX, PACK_NUMBER_MAX};
use super::failure::{FormatError, Result, demand, refuse};
use super::frame::read_u32;
use super::hash::crc32;
use super::id::{Codec, ObjectId};

pub const PACK_HEADER_BYTES: u64 = 16;
pub const ENTRY_HEADER_BYTES: usize = 56;

pub type PackId = [u8; 8];

/// What an object is, for tools that list packs; nothing relies on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ObjectKind {
    Unknown = 0,
    Chunk = 1,
    List = 2,
    Node = 3,
    State = 4,
    Changes = 5,
    Other = 6,
}

/// How the payload holds the object's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Packing {
    Plain = 0,
    Zstd = 1,
}

/// What both the header of an entry and a line of an index say of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryFields {
    pub id: ObjectId,
    pub codec: Codec,
    pub kind: ObjectKind,
    pub packing: Packing,
    /// Bytes of the payload.
    pub stored_bytes: u32,
    /// Bytes of the object.
    pub object_bytes: u32,
}

impl EntryFields {
    /// Of header and payload.
    pub fn entry_bytes(&self) -> u64 {
        ENTRY_HEADER_BYTES as u64 + u64::from(self.stored_bytes)
    }
}

impl ObjectKind {
    pub fn of(number: u8) -> Option<ObjectKind> {
        Some(match number {
            0 => ObjectKind::Unknown,
            1 => ObjectKind::Chunk,
            2 => ObjectKind::List,
            3 => ObjectKind::Node,
            4 => ObjectKind::State,
            5 => ObjectKind::Changes,
            6 => ObjectKind::Other,
            _ => return None,
        })
    }
}

/// `000000000001.pack`, or `.idx` for the index.
pub fn pack_file_name(number: u64, extension: &str) -> String {
    format!("{number:012}.{extension}")
}

/// The number in a pack's file name (`extension` without the dot); none for any other name.
pub fn parse_pack_file_name(name: &[u8], extension: &str) -> Option<u64> {
    let text = std::str::from_utf8(name).ok()?;
    let digits = text.strip_suffix(extension)?.strip_suffix('.')?;
    let plain = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && (1..=PACK_NUMBER_MAX).contains(number))
}

/// The 16 bytes at the start of a new pack.
pub fn encode_pack_header(random: [u8; 4]) -> [u8; PACK_HEADER_BYTES as usize] {
    let mut header = [0; PACK_HEADER_BYTES as usize];
    header[..8].copy_from_slice(MAGIC_PACK);
    header[8..12].copy_from_slice(&random);
    let crc = crc32(&header[..12], 0);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// The pack id: the last eight bytes of the header, of which the second half is a CRC that makes the header check itself.
pub fn decode_pack_header(bytes: &[u8]) -> Result<PackId> {
    demand(bytes.len() as u64 >= PACK_HEADER_BYTES, "a pack that is cut short in its header")?;
    demand(bytes[..8] == *MAGIC_PACK, "not a pack")?;
    demand(read_u32(bytes, 12) == crc32(&bytes[..12], 0), "a pack header with a wrong CRC")?;
    let mut id = [0; 8];
    id.copy_from_slice(&bytes[8..16]);
    Ok(id)
}

/// The 56 bytes before a payload.
pub fn encode_entry_header(fields: &EntryFields, payload: &[u8]) -> Result<[u8; ENTRY_HEADER_BYTES]> {
    check_fields(fields)?;
    demand(payload.len() == fields.stored_bytes as usize, "a payload of another length than its header says")?;
    let mut header = [0; ENTRY_HEADER_BYTES];
    header[..8].copy_from_slice(&MARKER_PACK_ENTRY);
    header[8..12].copy_from_slice(&fields.stored_bytes.to_le_bytes());
    header[12..16].copy_from_slice(&fields.object_bytes.to_le_bytes());
    header[16] = fields.kind as u8;
    header[17] = fields.codec.number();
    header[18] = fields.packing as u8;
    header[20..52].copy_from_slice(&fields.id);
    let crc = crc32(payload, crc32(&header[8..52], 0));
    header[52..].copy_from_slice(&crc.to_le_bytes());
    Ok(header)
}

/// The header at the start of `bytes`. Not yet checked: whether the payload is there, and the CRC (`entry_crc_fits`).
pub fn decode_entry_header(bytes: &[u8]) -> Result<EntryFields> {
    demand(bytes.len() >= ENTRY_HEADER_BYTES, "an entry that is cut short in its header")?;
    demand(bytes[..8] == MARKER_PACK_ENTRY, "no entry here")?;
    let mut id = [0; 32];
    id.copy_from_slice(&bytes[20..52]);
    decode_fields(id, read_u32(bytes, 8), read_u32(bytes, 12), [bytes[16], bytes[17], bytes[18], bytes[19]])
}

/// The fields from their numbers: kind, codec, packing and a zero in `numbers`.
pub fn decode_fields(id: ObjectId, stored_bytes: u32, object_bytes: u32, numbers: [u8; 4]) -> Result<EntryFields> {
    let unknown = || FormatError::new("an entry with unknown fields");
    let [kind, codec, packing, zero] = numbers;
    let codec = Codec::of(codec).filter(|_| zero == 0).ok_or_else(unknown)?;
    let Some(kind) = ObjectKind::of(kind) else { return refuse("an object of an unknown kind") };
    let packing = match packing {
        0 => Packing::Plain,
        1 => Packing::Zstd,
        _ => return refuse("an unknown packing"),
    };
    let fields = EntryFields { id, codec, kind, packing, stored_bytes, object_bytes };
    check_fields(&fields)?;
    Ok(fields)
}

/// Whether the CRC of an entry fits: `entry` is header and payload.
pub fn entry_crc_fits(entry: &[u8]) -> bool {
    let (header, payload) = entry.split_at(ENTRY_HEADER_BYTES);
    crc32(payload, crc32(&header[8..52], 0)) == read_u32(header, 52)
}

fn check_fields(fields: &EntryFields) -> Result<()> {
    let limit = if fields.kind == ObjectKind::Chunk { CHUNK_BYTES_MAX } else { OBJECT_BYTES_MAX };
    demand(u64::from(fields.object_bytes) <= limit, "an object over its limit")?;
    let fits = match fields.packing {
        Packing::Plain => fields.stored_bytes == fields.object_bytes,
        Packing::Zstd => fields.stored_bytes > 0 && fields.stored_bytes < fields.object_bytes,
    };
    demand(fits, "a payload of an impossible length")?;
    let codec_fits = match fields.kind {
        ObjectKind::Unknown | ObjectKind::Other => true,
        ObjectKind::Chunk => fields.codec == Codec::Raw,
        _ => fields.codec == Codec::DagCbor,
    };
    demand(codec_fits, "an object of a kind that has another codec")
}
