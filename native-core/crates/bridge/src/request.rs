//! Reading requests: JSON in which every byte string is text with one char a byte, and bytes beside it. A request that is
//! not as it should be is a mistake of ours on the other side: INTERNAL.

use std::path::PathBuf;

use sentient_store::error::StoreError;
use sentient_store::io::{Directory, Io};
use sentient_store::work::ignore::{RuleSource, Rules};
use sentient_store::work::{WorkError, WorkResult};
use serde_json::Value;

pub struct Request<'a> {
    value: Value,
    /// What came beside the JSON.
    pub bytes: &'a [u8],
}

fn malformed(what: &str) -> WorkError {
    StoreError::new("INTERNAL").found(format!("a native call without {what}")).into()
}

impl<'a> Request<'a> {
    pub fn parse(text: &str, bytes: &'a [u8]) -> WorkResult<Self> {
        let value = serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
        Ok(Request { value, bytes })
    }

    pub fn number(&self, key: &str) -> WorkResult<u64> {
        self.value[key].as_u64().ok_or_else(|| malformed(key))
    }

    /// Text that is a number too large for JSON, such as nanoseconds.
    pub fn big_number(&self, key: &str) -> WorkResult<i64> {
        self.value[key].as_str().and_then(|text| text.parse().ok()).ok_or_else(|| malformed(key))
    }

    pub fn has(&self, key: &str) -> bool {
        !self.value[key].is_null()
    }

    pub fn name(&self, key: &str) -> WorkResult<Vec<u8>> {
        byte_string(&self.value[key]).ok_or_else(|| malformed(key))
    }

    pub fn names(&self, key: &str) -> WorkResult<Vec<Vec<u8>>> {
        let list = self.value[key].as_array().ok_or_else(|| malformed(key))?;
        list.iter().map(byte_string).collect::<Option<_>>().ok_or_else(|| malformed(key))
    }

    pub fn flag(&self, key: &str) -> WorkResult<bool> {
        self.value[key].as_bool().ok_or_else(|| malformed(key))
    }

    pub fn path(&self, key: &str) -> WorkResult<PathBuf> {
        self.value[key].as_str().map(PathBuf::from).ok_or_else(|| malformed(key))
    }

    /// A directory that Node holds open; the path is that of its descriptor.
    pub fn directory(&self, io: &dyn Io, key: &str) -> WorkResult<Directory> {
        Ok(io.open_directory(&self.path(key)?)?)
    }

    /// 32 bytes that name an object.
    pub fn id(&self, key: &str) -> WorkResult<[u8; 32]> {
        self.seed(key)
    }

    pub fn seed(&self, key: &str) -> WorkResult<[u8; 32]> {
        self.name(key)?.try_into().map_err(|_| malformed(key))
    }

    /// Declined when a rule can not be taken over.
    pub fn rules(&self) -> WorkResult<Rules> {
        let list = self.value["rules"].as_array().ok_or_else(|| malformed("rules"))?;
        let sources: Option<Vec<RuleSource>> = list.iter().map(rule).collect();
        let sources = sources.ok_or_else(|| malformed("a rule"))?;
        Rules::compile(&sources).ok_or(WorkError::Declined("an ignore pattern"))
    }
}

fn rule(value: &Value) -> Option<RuleSource> {
    Some(RuleSource {
        expression: byte_string(&value["expression"])?,
        negated: value["negated"].as_bool()?,
        directories_only: value["directoriesOnly"].as_bool()?,
    })
}

fn byte_string(value: &Value) -> Option<Vec<u8>> {
    value.as_str()?.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}

/// Bytes as text with one char a byte.
pub fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

pub fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
