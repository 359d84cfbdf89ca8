//! Tiles: the hashes of the Merkle tree in files of 256. Paths and contents follow C2SP tlog-tiles; only full tiles are
//! stored.

use super::constants::TILE_HASHES;

pub const TILE_BYTES: usize = TILE_HASHES as usize * 32;
/// Tree levels that one tile spans: its hashes are those of every eighth level.
pub const TILE_HEIGHT: u32 = 8;

/// The tile's path below `.runtime/tile/`: level, then the index in groups of three digits, all but the last with "x".
pub fn tile_path(tile_level: u32, tile_index: u64) -> String {
    let mut groups = vec![format!("{:03}", tile_index % 1000)];
    let mut rest = tile_index / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    groups.reverse();
    format!("{tile_level}/{}", groups.join("/"))
}
