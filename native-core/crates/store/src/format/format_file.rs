//! `.runtime/format`: what makes a folder a root folder, and what a program must know to open it.

use super::constants::{FORMAT_FILE_BYTES_MAX, FORMAT_NAME_BYTES_MAX, INTEGER_MAX};
use super::failure::{FormatError, Result, demand};
use super::frame::LogId;
use super::hash::{hex, parse_hex};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatFile {
    pub format: u64,
    /// Names of what a program must know to open the folder at all; sorted.
    pub requires: Vec<String>,
    /// Names of what a program must know to write to the folder; sorted.
    pub options: Vec<String>,
    /// What new segments and the origin carry.
    pub log_id: LogId,
    /// The ids that older segments carry, oldest first: of what this folder is a copy.
    pub earlier: Vec<LogId>,
}

/// One line of JSON with a newline; this is the only spelling.
pub fn encode_format_file(file: &FormatFile) -> Vec<u8> {
    let names = |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",");
    let earlier: Vec<String> = file.earlier.iter().map(|id| hex(id)).collect();
    let earlier = if earlier.is_empty() { String::new() } else { format!(",\"earlier\":[{}]", names(&earlier)) };
    format!(
        "{{\"format\":{},\"requires\":[{}],\"options\":[{}],\"logId\":\"{}\"{earlier}}}\n",
        file.format,
        names(&file.requires),
        names(&file.options),
        hex(&file.log_id),
    )
    .into_bytes()
}

/// Also reads files of later versions as long as they keep these keys.
pub fn decode_format_file(bytes: &[u8]) -> Result<FormatFile> {
    let wrong = || FormatError::new("not a format file");
    demand(bytes.len() as u64 <= FORMAT_FILE_BYTES_MAX, "not a format file")?;
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let rest = text.strip_prefix("{\"format\":").ok_or_else(wrong)?;
    let (format, rest) = rest.split_once(",\"requires\":[").ok_or_else(wrong)?;
    let (requires, rest) = rest.split_once("],\"options\":[").ok_or_else(wrong)?;
    let (options, rest) = rest.split_once("],\"logId\":").ok_or_else(wrong)?;
    let ids = rest.strip_suffix("}\n").ok_or_else(wrong)?;
    let (log_id, earlier) = match ids.split_once(",\"earlier\":[") {
        Some((log_id, earlier)) => (log_id, earlier.strip_suffix(']').ok_or_else(wrong)?),
        None => (ids, ""),
    };
    let file = FormatFile {
        format: format.parse().ok().filter(|format| (1..=INTEGER_MAX).contains(format)).ok_or_else(wrong)?,
        requires: parse_names(requires)?,
        options: parse_names(options)?,
        log_id: parse_log_id(log_id)?,
        earlier: parse_list(earlier)?.into_iter().map(parse_log_id).collect::<Result<_>>()?,
    };
    demand(encode_format_file(&file) == bytes, "a format file spelled otherwise")?;
    Ok(file)
}

fn parse_list(text: &str) -> Result<Vec<&str>> {
    Ok(if text.is_empty() { Vec::new() } else { text.split(',').collect() })
}

fn parse_names(text: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for quoted in parse_list(text)? {
        let name = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|name| is_name(name));
        let name = name.filter(|name| names.last().is_none_or(|last| last.as_str() < *name));
        let name = name.ok_or_else(|| FormatError::new("names of a format file are not unique, sorted words"))?;
        names.push(name.to_owned());
    }
    Ok(names)
}

fn is_name(name: &str) -> bool {
    name.len() as u64 <= FORMAT_NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn parse_log_id(quoted: &str) -> Result<LogId> {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.and_then(parse_hex).and_then(|id| id.try_into().ok()).ok_or_else(|| FormatError::new("a log id has 16 bytes"))
}
