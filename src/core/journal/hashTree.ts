// The Merkle tree over the journal's leaves: hashes of complete subtrees from the stored tiles, and behind the stored
// checkpoint from the records themselves. Nothing here grows with the journal.

import { tileHashes } from '../format/constants.generated.ts'
import { nodeHash } from '../format/merkle.ts'
import { hashInTile, type TilePlace, tileBytes, tileHeight, tileOf } from '../format/tile.ts'
import type { TileFiles } from './tiles.ts'

export interface HashTree {
  /** The hash of a complete subtree; the caller sees to it that its leaves exist. */
  hashAt(level: number, index: number): Uint8Array
  /** The writer tells each new leaf, so that it need not be read back. */
  appended(seq: number, leaf: Uint8Array): void
  /** True when so many full tiles wait in memory that they should be stored before the next checkpoint. */
  crowded(): boolean
  /** Under the lock: stores, durably, every full tile of the first `size` leaves. */
  storeTiles(size: number): void
  /** Forgets what is in memory: records were taken back that had been counted. */
  reset(): void
  /** The stored tile as it is, for verification. */
  storedTile(place: TilePlace): Uint8Array | undefined
}

export interface HashTreeOptions {
  readonly files: TileFiles
  /** Flushed records. */
  readonly size: () => number
  /** Tiles wholly below this size were flushed before they were relied on. */
  readonly checkpointSize: () => number
  /** Leaf hashes from the records; throws DAMAGED. */
  readonly leaves: (from: number, to: number) => Uint8Array[]
}

const cachedTilesMax = 64
const cachedHashesMax = 2048
/** Tiles that wait in memory for the next checkpoint. */
const pendingTilesMax = 128

interface Tail {
  /** A multiple of 256. */
  readonly from: number
  readonly leaves: Uint8Array[]
}

export function createHashTree(options: HashTreeOptions): HashTree {
  const tiles = new Map<string, Uint8Array>()
  const hashes = new Map<string, Uint8Array>()
  const pending = new Map<number, Uint8Array>()
  let tail: Tail | undefined
  let storedByUs = 0

  const storedSize = (): number => Math.max(options.checkpointSize(), storedByUs)
  const leafAt = (seq: number): Uint8Array => {
    if (tail === undefined || seq < tail.from || seq >= tail.from + tail.leaves.length) {
      const from = seq - (seq % tileHashes)
      tail = { from, leaves: options.leaves(from, Math.min(from + tileHashes, options.size())) }
    }
    return tail.leaves[seq - tail.from]!
  }
  // A full tile, or undefined when the records do not fill it yet.
  const tileAt = (place: TilePlace): Uint8Array | undefined => {
    const { tileLevel, tileIndex } = place
    const width = tileHashes ** (tileLevel + 1)
    if ((tileIndex + 1) * width > options.size()) return undefined
    const key = `${tileLevel}/${tileIndex}`
    const known = tiles.get(key) ?? (tileLevel === 0 ? pending.get(tileIndex) : undefined)
    if (known !== undefined) return known
    const stored = (tileIndex + 1) * width <= storedSize() ? options.files.read(place) : undefined
    return remember(tiles, key, stored ?? computeTile(place), cachedTilesMax)
  }
  const computeTile = ({ tileLevel, tileIndex }: TilePlace): Uint8Array => {
    const first = tileIndex * tileHashes
    if (tileLevel === 0) return tileOfHashes(options.leaves(first, first + tileHashes))
    return tileOfHashes(Array.from({ length: tileHashes }, (_, i) => joined(tileLevel * tileHeight, first + i)))
  }
  // The hash of a subtree from its two halves: of the level below, which another tile holds.
  const joined = (level: number, index: number): Uint8Array => {
    const key = `${level}/${index}`
    const known = hashes.get(key)
    if (known !== undefined) return known
    const hash = nodeHash(hashAt(level - 1, index * 2), hashAt(level - 1, index * 2 + 1))
    return remember(hashes, key, hash, cachedHashesMax)
  }
  const hashAt = (level: number, index: number): Uint8Array => {
    const tile = tileAt(tileOf(level, index))
    if (tile !== undefined) return hashInTile(tile, level, index)
    return level === 0 ? leafAt(index) : joined(level, index)
  }
  function* missingTiles(size: number): Generator<{ place: TilePlace; bytes: Uint8Array }> {
    const from = storedSize()
    for (let tileLevel = 0, width = tileHashes; width <= size; tileLevel++, width *= tileHashes) {
      for (let tileIndex = Math.floor(from / width); (tileIndex + 1) * width <= size; tileIndex++) {
        const place = { tileLevel, tileIndex }
        yield { place, bytes: tileAt(place)! }
      }
    }
  }
  const storeTiles = (size: number): void => {
    options.files.store(missingTiles(size))
    storedByUs = Math.max(storedByUs, size)
    pending.clear()
  }
  return {
    hashAt,
    storeTiles,
    reset() {
      tiles.clear()
      hashes.clear()
      pending.clear()
      tail = undefined
      storedByUs = 0
    },
    crowded: () => pending.size >= pendingTilesMax,
    storedTile: place => options.files.read(place),
    appended(seq, leaf) {
      if (seq % tileHashes === 0) tail = { from: seq, leaves: [] }
      if (tail === undefined || tail.from + tail.leaves.length !== seq) return
      tail.leaves.push(leaf)
      if (tail.leaves.length < tileHashes) return
      pending.set(tail.from / tileHashes, tileOfHashes(tail.leaves))
      tail = undefined
      if (pending.size > 2 * pendingTilesMax) pending.delete(pending.keys().next().value!)
    },
  }
}

function tileOfHashes(hashes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(tileBytes)
  for (const [index, hash] of hashes.entries()) bytes.set(hash, index * 32)
  return bytes
}

function remember(cache: Map<string, Uint8Array>, key: string, value: Uint8Array, max: number): Uint8Array {
  cache.set(key, value)
  if (cache.size > max) cache.delete(cache.keys().next().value!)
  return value
}
