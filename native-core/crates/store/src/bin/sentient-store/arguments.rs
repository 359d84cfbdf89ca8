//! Command lines: plain words, flags without values, flags with one. What is not known is refused.

use std::ffi::{OsStr, OsString};

use sentient_store::error::{Result, StoreError};

pub struct Arguments {
    pub words: Vec<OsString>,
    flags: Vec<String>,
    values: Vec<(String, OsString)>,
}

impl Arguments {
    pub fn parse(arguments: &[OsString], flags: &[&str], with_value: &[&str]) -> Result<Arguments> {
        let mut parsed = Arguments { words: Vec::new(), flags: Vec::new(), values: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.to_str() {
                Some(flag) if flags.contains(&flag) => parsed.flags.push(flag.to_owned()),
                Some(flag) if with_value.contains(&flag) => {
                    let value = rest.next().ok_or_else(|| usage(&format!("{flag} needs a value")))?;
                    parsed.values.push((flag.to_owned(), value.clone()));
                }
                Some(flag) if flag.starts_with("--") => return Err(usage(flag)),
                _ => parsed.words.push(argument.clone()),
            }
        }
        Ok(parsed)
    }

    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }

    pub fn value(&self, flag: &str) -> Option<&OsStr> {
        self.values.iter().find(|(given, _)| given == flag).map(|(_, value)| value.as_os_str())
    }

    /// Exactly so many words, or USAGE.
    pub fn expect_words(&self, least: usize, most: usize) -> Result<()> {
        if (least..=most).contains(&self.words.len()) { Ok(()) } else { Err(usage("see sentient-store --help")) }
    }
}

fn usage(found: &str) -> StoreError {
    StoreError::new("USAGE").found(found)
}
