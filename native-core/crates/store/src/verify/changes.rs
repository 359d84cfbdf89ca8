//! What records say that they changed, held against the states before and after them: nothing more, nothing less, nothing
//! else, and in the one form that it has.

use super::diff::{Differ, Listed};
use super::facts::Claim;
use super::objects::read_object;
use super::report::Finding;
use crate::error::{Result, StoreError};
use crate::format::bytes::display_bytes;
use crate::format::changes::{Change, ChangesBuilder};
use crate::format::id::{Link, ObjectId, object_id};
use crate::format::state::decode_state;

/// So many paths of one record are told; the rest is one finding.
const TOLD_MAX: usize = 20;

/// A record and the states before and after it; none before the first record.
pub struct Compared {
    pub seq: u64,
    pub before: Option<ObjectId>,
    pub after: ObjectId,
    /// Empty when the body was forgotten.
    pub claim: Claim,
    pub has_body: bool,
}

/// How many changes there are, and what is untrue. Nothing where an object is damaged or missing: who walked the states has
/// said so. Errors are those of the disk.
pub fn check_changes(differ: &Differ<'_>, record: &Compared) -> Result<(u64, Vec<Finding>)> {
    if !record.has_body {
        return Ok((0, Vec::new()));
    }
    match compare(differ, record) {
        Err(error) if is_told(&error) => Ok((0, Vec::new())),
        compared => compared,
    }
}

/// The walk of the states finds these, too.
pub fn is_told(error: &StoreError) -> bool {
    matches!(error.code, "DAMAGED" | "OBJECT_MISSING")
}

fn compare(differ: &Differ<'_>, record: &Compared) -> Result<(u64, Vec<Finding>)> {
    let Compared { seq, before, after, claim, .. } = record;
    let finding = |found: String| Finding::damage("changes-untrue", format!("record #{seq}"), found).seq(*seq);
    let mut comparison = Comparison::begin(differ, claim)?;
    let old = before.map(|root| state_files(differ, &root)).transpose()?;
    let new = state_files(differ, after)?;
    differ.for_each(old, Some(new), &mut |real| comparison.real(real))?;
    comparison.rest()?;
    let mut findings = Vec::new();
    if claim.is_denied && *before != Some(*after) {
        findings.push(finding("another state, though it was denied".to_owned()));
    }
    let Comparison { differing, differing_count, count, only, form, .. } = comparison;
    for path in differing {
        let found = format!("{} is not as the states have it", display_bytes(&path));
        findings.push(Finding { path: Some(path), ..finding(found) });
    }
    if differing_count > TOLD_MAX {
        findings.push(finding("and more paths".to_owned()));
    }
    if findings.is_empty() && count > 0 {
        let is_subject = count == 1 && only == claim.subject;
        if is_subject != claim.one_path.is_some() {
            findings.push(finding("one change of its subject, or a list: the other form".to_owned()));
        }
        let link = form.map(|form| form.finish(&mut |node| object_id(&node)).ok().flatten());
        if link.is_some_and(|link| link != claim.changes) {
            findings.push(finding("another form of its list of changes".to_owned()));
        }
    }
    Ok((count, findings))
}

/// What a record says beside what is so, both in the order of paths.
struct Comparison<'a> {
    said: Listed<'a>,
    next: Option<Change>,
    /// The first of them.
    differing: Vec<Vec<u8>>,
    differing_count: usize,
    count: u64,
    /// The path of the last real change.
    only: Option<Vec<u8>>,
    /// Writes a list of several nodes again: where they end is laid down too.
    form: Option<ChangesBuilder>,
}

impl<'a> Comparison<'a> {
    fn begin(differ: &'a Differ<'a>, claim: &Claim) -> Result<Comparison<'a>> {
        let mut said = said_by(differ, claim)?;
        let form = said.is_tree.then(ChangesBuilder::default);
        let next = said.next().transpose()?;
        Ok(Comparison { said, next, differing: Vec::new(), differing_count: 0, count: 0, only: None, form })
    }

    fn differs(&mut self, path: Vec<u8>) {
        self.differing_count += 1;
        if self.differing.len() < TOLD_MAX {
            self.differing.push(path);
        }
    }

    /// Takes the next real change.
    fn real(&mut self, real: Change) -> Result<()> {
        self.count += 1;
        while let Some(said) = self.next.take_if(|said| said.path < real.path) {
            self.differs(said.path);
            self.next = self.said.next().transpose()?;
        }
        if let Some(form) = &mut self.form {
            // What can not be in a list is told as a difference.
            let _ = form.push(&real, &mut |node| object_id(&node));
        }
        self.only = Some(real.path.clone());
        match self.next.take_if(|said| said.path == real.path) {
            Some(said) => {
                self.next = self.said.next().transpose()?;
                if said != real {
                    self.differs(real.path);
                }
            }
            None => self.differs(real.path),
        }
        Ok(())
    }

    /// There are no more real changes.
    fn rest(&mut self) -> Result<()> {
        while let Some(said) = self.next.take() {
            self.differs(said.path);
            self.next = self.said.next().transpose()?;
        }
        Ok(())
    }
}

/// What a record says that it changed, in the order in which it says it.
pub fn said_by<'a>(differ: &'a Differ<'a>, claim: &Claim) -> Result<Listed<'a>> {
    Listed::open(differ, claim.changes.as_ref(), claim.one_path.clone())
}

/// The directory that a state names.
pub fn state_files(differ: &Differ<'_>, root: &ObjectId) -> Result<Link> {
    let bytes = read_object(differ.root, differ.table, root)?;
    let state = decode_state(&bytes)
        .map_err(|error| StoreError::new("DAMAGED").at(crate::format::hash::hex(root)).found(error.reason))?;
    Ok(state.files)
}
