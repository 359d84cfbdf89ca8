//! The Merkle tree over the journal, as RFC 6962 and RFC 9162 define it: leaves are envelopes, a tree of n leaves splits at
//! the largest power of two below n.

use super::hash::{Hash, sha256};

/// SHA-256 of 00 and the envelope's bytes.
pub fn leaf_hash(envelope: &[u8]) -> Hash {
    sha256(&[&[0], envelope])
}

/// SHA-256 of 01 and the two hashes.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The tree of a growing log, as the roots of its complete subtrees from the largest to the smallest.
#[derive(Debug, Clone, Default)]
pub struct CompactRange {
    pub size: u64,
    stack: Vec<Hash>,
}

impl CompactRange {
    /// Appends a leaf hash. `completed` is told each complete subtree as it becomes complete, leaves (level 0) included:
    /// its level, its index there, its hash.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(u32, u64, &Hash)) {
        let (mut hash, mut index, mut level) = (leaf, self.size, 0);
        completed(level, index, &hash);
        while index % 2 == 1 {
            let Some(left) = self.stack.pop() else { break };
            hash = node_hash(&left, &hash);
            index /= 2;
            level += 1;
            completed(level, index, &hash);
        }
        self.stack.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let mut hashes = self.stack.iter().rev();
        let Some(first) = hashes.next() else { return empty_root() };
        hashes.fold(*first, |root, left| node_hash(left, &root))
    }
}

/// The root of the tree of these leaf hashes; for proofs and tests.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(split_point(leaves.len()));
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// The hashes that prove leaf `index`, from the leaf's sibling up.
pub fn inclusion_path(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let middle = split_point(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut path, other) = if index < middle {
        (inclusion_path(left, index), root_of(right))
    } else {
        (inclusion_path(right, index - middle), root_of(left))
    };
    path.push(other);
    path
}

/// Whether the path proves that the leaf hash is at `index` in a tree of `size` leaves with this root (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node.is_multiple_of(2) && node != 0 {
                node /= 2;
                last /= 2;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node /= 2;
        last /= 2;
    }
    last == 0 && hash == *root
}

/// Whether the path proves that the new tree begins with the old one (RFC 9162, 2.1.4.2).
pub fn verify_consistency(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return path.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node % 2 == 1 {
        node /= 2;
        last /= 2;
    }
    let mut rest = path.iter();
    let first = if node == 0 { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let (mut old_hash, mut new_hash) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            old_hash = node_hash(hash, &old_hash);
            new_hash = node_hash(hash, &new_hash);
            while node.is_multiple_of(2) && node != 0 {
                node /= 2;
                last /= 2;
            }
        } else {
            new_hash = node_hash(&new_hash, hash);
        }
        node /= 2;
        last /= 2;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// The largest power of two below n, for n of 2 and more.
fn split_point(n: usize) -> usize {
    let power = n.next_power_of_two();
    power / 2
}
