//! The one error of this crate: a stable code of the table in `src/core/errors.ts`, the thing it is about, and what was
//! expected and found. Wording for people is made elsewhere.

use std::fmt;

/// What went wrong. `code` is what callers branch on; the rest is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// A code of the table in `src/core/errors.ts`, such as `OBJECT_DAMAGED`.
    pub code: &'static str,
    /// The file, record or object that it is about; empty when there is none.
    pub place: String,
    pub expected: String,
    pub found: String,
}

impl StoreError {
    pub fn new(code: &'static str) -> Self {
        StoreError { code, place: String::new(), expected: String::new(), found: String::new() }
    }

    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = found.into();
        self
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.code)?;
        for (label, text) in [(" at ", &self.place), (": expected ", &self.expected), (", found ", &self.found)] {
            if !text.is_empty() {
                write!(formatter, "{label}{text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for StoreError {}

pub type Result<T> = std::result::Result<T, StoreError>;
