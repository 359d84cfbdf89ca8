//! What a codec answers when bytes are not what the format allows: a short phrase. Whoever reads the bytes makes a finding
//! or an error of it.

use std::borrow::Cow;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    pub reason: Cow<'static, str>,
}

pub type Result<T> = std::result::Result<T, FormatError>;

impl FormatError {
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        FormatError { reason: reason.into() }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for FormatError {}

/// The refusal with that reason.
pub fn refuse<T>(reason: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(FormatError::new(reason))
}

/// Refuses unless the condition holds.
pub fn demand(condition: bool, reason: &'static str) -> Result<()> {
    if condition { Ok(()) } else { refuse(reason) }
}
