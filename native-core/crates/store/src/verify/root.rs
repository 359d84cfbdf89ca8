//! The directories of a root folder, opened once, and its small files: whole, bounded, and what is wrong with them is an
//! answer.

use std::path::Path;

use crate::error::{Result, StoreError};
use crate::format::constants::{FORMAT_FILE_BYTES_MAX, FORMAT_VERSION};
use crate::format::format_file::{FormatFile, decode_format_file};
use crate::io::{Directory, FileKind, Io, IoResult, OpenMode};

pub struct RootFolder<'a> {
    pub io: &'a dyn Io,
    pub top: Directory,
    pub runtime: Directory,
    /// None while there is none: these can be missing from a damaged folder.
    pub journal: Option<Directory>,
    pub tree: Option<Directory>,
    pub packs: Option<Directory>,
    pub auth: Option<Directory>,
    pub format: FormatFile,
}

pub enum SmallFile {
    Read(Vec<u8>),
    Missing,
    Unreadable(String),
}

/// ROOT_NOT_FOUND for what is none, DAMAGED when `.runtime/format` can not be read, FORMAT_UNKNOWN for later versions.
pub fn open_root<'a>(io: &'a dyn Io, path: &Path) -> Result<RootFolder<'a>> {
    let place = path.display().to_string();
    let top = io.open_directory(path).map_err(|_| StoreError::new("ROOT_NOT_FOUND").at(&place))?;
    let runtime = child(io, &top, b".runtime")?.ok_or_else(|| StoreError::new("ROOT_NOT_FOUND").at(&place))?;
    let damaged = |found: &str| StoreError::new("DAMAGED").at(".runtime/format").found(found);
    let format = match read_small(io, &runtime, b"format", FORMAT_FILE_BYTES_MAX) {
        SmallFile::Read(bytes) => decode_format_file(&bytes).map_err(|error| damaged(&error.reason))?,
        SmallFile::Missing => return Err(StoreError::new("ROOT_NOT_FOUND").at(place)),
        SmallFile::Unreadable(reason) => return Err(damaged(&reason)),
    };
    if format.format != FORMAT_VERSION || !format.requires.is_empty() {
        let found = format!("format {}, requires {}", format.format, format.requires.join(", "));
        return Err(StoreError::new("FORMAT_UNKNOWN").at(".runtime/format").found(found));
    }
    let journal = child(io, &runtime, b"journal")?;
    let tree = child(io, &top, b".tree")?;
    let packs = tree.as_ref().map_or(Ok(None), |tree| child(io, tree, b"packs"))?;
    let auth = child(io, &top, b".auth")?;
    Ok(RootFolder { io, top, runtime, journal, tree, packs, auth, format })
}

/// None when the name is missing.
pub fn child(io: &dyn Io, directory: &Directory, name: &[u8]) -> IoResult<Option<Directory>> {
    match io.child(directory, name) {
        Ok(child) => Ok(Some(child)),
        Err(error) if error.is(&["NOT_FOUND"]) => Ok(None),
        Err(error) => Err(error),
    }
}

pub fn read_small(io: &dyn Io, directory: &Directory, name: &[u8], bytes_max: u64) -> SmallFile {
    match try_read(io, directory, name, bytes_max) {
        Ok(file) => file,
        Err(error) if error.is(&["NOT_FOUND"]) => SmallFile::Missing,
        Err(error) => SmallFile::Unreadable(format!("the disk reports {}", error.code)),
    }
}

fn try_read(io: &dyn Io, directory: &Directory, name: &[u8], bytes_max: u64) -> IoResult<SmallFile> {
    let Some(stat) = io.stat(directory, name)? else { return Ok(SmallFile::Missing) };
    if stat.kind != FileKind::File {
        return Ok(SmallFile::Unreadable("no file stands there".to_owned()));
    }
    if stat.size > bytes_max {
        return Ok(SmallFile::Unreadable(format!("{} bytes are too many", stat.size)));
    }
    let file = io.open(directory, name, OpenMode::Read)?;
    let mut bytes = vec![0; stat.size as usize];
    let count = io.read_at(&file, &mut bytes, 0)?;
    bytes.truncate(count);
    Ok(SmallFile::Read(bytes))
}
