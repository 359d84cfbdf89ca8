//! What a verification gathers: lines of what was checked, and findings, of which only so many are kept.

use std::collections::HashMap;

/// So many are kept.
pub const FINDINGS_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Damage,
    Note,
}

/// One thing that is not as it should be. Codes are those of `sentctl verify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: &'static str,
    pub severity: Severity,
    /// File and offset, or the name of an object.
    pub place: String,
    pub path: Option<Vec<u8>>,
    pub seq: Option<u64>,
    pub expected: Option<String>,
    pub found: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub checked: u64,
    /// One line for people.
    pub text: String,
    /// Notes do not count.
    pub findings: u64,
}

#[derive(Debug, Default)]
pub struct Report {
    pub checks: Vec<Check>,
    /// The first of them; the checks count all.
    pub findings: Vec<Finding>,
    counts: HashMap<&'static str, u64>,
}

impl Finding {
    pub fn damage(code: &'static str, place: impl Into<String>, found: impl Into<String>) -> Finding {
        let (place, found) = (place.into(), found.into());
        Finding { code, severity: Severity::Damage, place, path: None, seq: None, expected: None, found }
    }

    pub fn note(code: &'static str, place: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding { severity: Severity::Note, ..Finding::damage(code, place, found) }
    }

    pub fn seq(self, seq: u64) -> Finding {
        Finding { seq: Some(seq), ..self }
    }

    pub fn expected(self, expected: impl Into<String>) -> Finding {
        Finding { expected: Some(expected.into()), ..self }
    }
}

impl Report {
    /// A check's line.
    pub fn line(&mut self, name: &'static str, checked: u64, text: impl Into<String>) {
        let findings = self.counts.get(name).copied().unwrap_or(0);
        self.checks.push(Check { name, checked, text: text.into(), findings });
    }

    /// A finding of the check of that name.
    pub fn found(&mut self, check: &'static str, finding: Finding) {
        if finding.severity == Severity::Damage {
            *self.counts.entry(check).or_default() += 1;
            if let Some(line) = self.checks.iter_mut().find(|line| line.name == check) {
                line.findings += 1;
            }
        }
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    pub fn is_damaged(&self) -> bool {
        self.counts.values().any(|count| *count > 0)
    }
}

/// `1 record`, `2 records`.
pub fn many(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural}")
}
