//! What records say that they changed, held against the states before and after them: nothing more, nothing less, nothing
//! else, and in the one form that it has.

use super::diff::Differ;
use super::facts::Claim;
use super::objects::read_object;
use super::report::Finding;
use crate::error::Result;
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

/// How many changes there are, and what is untrue. Nothing where something can not be read: who walked the states has said
/// so.
pub fn check_changes(differ: &Differ<'_>, record: &Compared) -> (u64, Vec<Finding>) {
    if !record.has_body {
        return (0, Vec::new());
    }
    compare(differ, record).unwrap_or_default()
}

fn compare(differ: &Differ<'_>, record: &Compared) -> Result<(u64, Vec<Finding>)> {
    let Compared { seq, before, after, claim, .. } = record;
    let finding = |found: String| Finding::damage("changes-untrue", format!("record #{seq}"), found).seq(*seq);
    let mut findings = Vec::new();
    if claim.is_denied && *before != Some(*after) {
        findings.push(finding("another state, though it was denied".to_owned()));
    }
    let old = before.map(|root| state_files(differ, &root)).transpose()?;
    let real = differ.between(old, Some(state_files(differ, after)?))?;
    let said = said_by(differ, claim)?;
    for path in differing_paths(&said, &real) {
        if findings.len() >= TOLD_MAX {
            findings.push(finding("and more paths".to_owned()));
            break;
        }
        let found = format!("{} is not as the states have it", display_bytes(&path));
        findings.push(Finding { path: Some(path), ..finding(found) });
    }
    if findings.is_empty() && !real.is_empty() {
        let is_subject = matches!(real.as_slice(), [only] if Some(&only.path) == claim.subject.as_ref());
        if is_subject != claim.one_path.is_some() {
            findings.push(finding("one change of its subject, or a list: the other form".to_owned()));
        }
        if claim.changes.is_some_and(|link| form_of(&real) != Some(link)) {
            findings.push(finding("another form of its list of changes".to_owned()));
        }
    }
    Ok((real.len() as u64, findings))
}

/// What a record says that it changed, in the order in which it says it.
pub fn said_by(differ: &Differ<'_>, claim: &Claim) -> Result<Vec<Change>> {
    match (&claim.changes, &claim.one_path) {
        (Some(link), _) => differ.listed(link),
        (None, Some(change)) => Ok(vec![change.clone()]),
        (None, None) => Ok(Vec::new()),
    }
}

/// The directory that a state names.
pub fn state_files(differ: &Differ<'_>, root: &ObjectId) -> Result<Link> {
    let bytes = read_object(differ.root, differ.table, root)?;
    let state = decode_state(&bytes).map_err(|error| {
        crate::error::StoreError::new("DAMAGED").at(crate::format::hash::hex(root)).found(error.reason)
    })?;
    Ok(state.files)
}

/// Both are sorted, or what is said is wrong anyway.
fn differing_paths(said: &[Change], real: &[Change]) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let (mut one, mut other) = (0, 0);
    while one < said.len() || other < real.len() {
        let order = match (said.get(one), real.get(other)) {
            (Some(said), Some(real)) => said.path.cmp(&real.path),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        let is_same = order.is_eq() && said[one] == real[other];
        if !is_same {
            paths.push(if order.is_le() { said[one].path.clone() } else { real[other].path.clone() });
        }
        one += usize::from(order.is_le());
        other += usize::from(order.is_ge());
    }
    paths
}

/// The link of the one list that these changes have.
fn form_of(changes: &[Change]) -> Option<Link> {
    let mut builder = ChangesBuilder::default();
    let mut put = |node: Vec<u8>| object_id(&node);
    for change in changes {
        builder.push(change, &mut put).ok()?;
    }
    builder.finish(&mut put).ok()?
}
