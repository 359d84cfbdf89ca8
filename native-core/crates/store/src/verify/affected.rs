//! Which paths of a state need an object: the answer to "what is damaged, then?".

use super::objects::{ObjectTable, read_object};
use super::root::RootFolder;
use crate::format::content::decode_list;
use crate::format::id::{Codec, Link, ObjectId};
use crate::format::node::{DirectoryNode, EntryKind, decode_node};

const AFFECTED_MAX: usize = 100_000;

struct Place {
    link: Link,
    path: Vec<u8>,
    is_directory: bool,
}

/// Every path below `files` and wanted object that it needs.
pub fn affected_paths(
    root: &RootFolder<'_>,
    table: &ObjectTable,
    files: Link,
    is_wanted: impl Fn(&ObjectId) -> bool,
) -> Vec<(Vec<u8>, ObjectId)> {
    let mut affected = Vec::new();
    let mut stack = vec![Place { link: files, path: Vec::new(), is_directory: true }];
    while let Some(place) = stack.pop() {
        if is_wanted(&place.link.id) && affected.len() < AFFECTED_MAX {
            affected.push((place.path.clone(), place.link.id));
        }
        if place.link.codec == Codec::Raw {
            continue;
        }
        let Ok(bytes) = read_object(root, table, &place.link.id) else { continue };
        if place.is_directory {
            push_directory(&bytes, &place.path, &mut stack);
        } else if let Ok(node) = decode_list(&bytes) {
            let below = node.entries.iter().map(|entry| entry.link);
            stack.extend(below.map(|link| Place { link, path: place.path.clone(), is_directory: false }));
        }
    }
    affected
}

fn push_directory(bytes: &[u8], path: &[u8], stack: &mut Vec<Place>) {
    match decode_node(bytes) {
        Ok(DirectoryNode::Branch { slots, .. }) => {
            let below = slots.iter().flatten().map(|slot| slot.link);
            stack.extend(below.map(|link| Place { link, path: path.to_vec(), is_directory: true }));
        }
        Ok(DirectoryNode::Leaf(entries)) => {
            for entry in entries {
                let is_directory = entry.kind == EntryKind::Directory;
                stack.push(Place { link: entry.content, path: join_path(path, &entry.name), is_directory });
            }
        }
        Err(_) => {}
    }
}

pub fn join_path(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}
