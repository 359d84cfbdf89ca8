// Tiles: the hashes of the Merkle tree in files of 256, so that a proof or a root of a large journal needs a few small
// reads. Paths and contents follow C2SP tlog-tiles; only full tiles are stored.

import { asBuffer } from './bytes.ts'
import { tileHashes } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { nodeHash } from './merkle.ts'

export const tileBytes = tileHashes * 32
/** Tree levels that one tile spans: its hashes are those of every eighth level. */
export const tileHeight = 8

export interface TilePlace {
  /** Of the tile: its hashes lie at tree level `tileHeight * tileLevel`. */
  readonly tileLevel: number
  readonly tileIndex: number
}

/** The tile's path below `.runtime/tile/`: level, then the index in groups of three digits, all but the last with "x". */
export function tilePath({ tileLevel, tileIndex }: TilePlace): string {
  const count = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
  if (!count(tileLevel) || tileLevel > 63 || !count(tileIndex)) throw new FormatError('no such tile')
  const groups: string[] = []
  for (let rest = tileIndex; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000)) {
    const digits = (rest % 1000).toString().padStart(3, '0')
    groups.unshift(groups.length === 0 ? digits : `x${digits}`)
  }
  return `${tileLevel}/${groups.join('/')}`
}

/** The inverse of `tilePath`; undefined for any other text. */
export function parseTilePath(path: string): TilePlace | undefined {
  const match = /^(0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})$/.exec(path)
  if (match === null) return undefined
  const place = { tileLevel: Number(match[1]), tileIndex: Number(match[2]!.replace(/[x/]/g, '')) }
  return place.tileLevel <= 63 && Number.isSafeInteger(place.tileIndex) && tilePath(place) === path ? place : undefined
}

/** The tile that the hash of a complete subtree is in, or can be computed from. */
export function tileOf(level: number, index: number): TilePlace {
  const tileLevel = Math.floor(level / tileHeight)
  const widthInTile = tileHashes / 2 ** (level % tileHeight)
  return { tileLevel, tileIndex: Math.floor(index / widthInTile) }
}

/** The hash of a complete subtree from its tile (see `tileOf`), which may be partial. */
export function hashInTile(tile: Uint8Array, level: number, index: number): Uint8Array {
  const width = 2 ** (level % tileHeight)
  const first = (index % (tileHashes / width)) * width
  if (tile.length > tileBytes || tile.length % 32 !== 0) throw new FormatError('a tile has up to 256 hashes')
  if (tile.length < (first + width) * 32) throw new FormatError('a tile that ends before the hash')
  return foldHashes(tile, first, width)
}

/** The root of `count` (a power of two) hashes of a tile from the hash number `first` on. */
function foldHashes(tile: Uint8Array, first: number, count: number): Uint8Array {
  if (count === 1) return Uint8Array.from(asBuffer(tile).subarray(first * 32, first * 32 + 32))
  const half = count / 2
  return nodeHash(foldHashes(tile, first, half), foldHashes(tile, first + half, half))
}
