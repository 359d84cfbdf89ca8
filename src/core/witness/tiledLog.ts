// A log in the layout of C2SP tlog-tiles, wherever its files come from: proofs are made here of the tiles that they
// need, a few small files whatever the size of the log.

import { SentientError } from '../errors.ts'
import { parseCheckpoint } from '../format/checkpoint.ts'
import { noteBytesMax, tileHashes } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { consistencyPath, type HashAt, rootAt } from '../format/merkle.ts'
import { parseNote } from '../format/note.ts'
import { hashInTile, type TilePlace, tileBytes, tileOf, tilePath } from '../format/tile.ts'
import type { LogPlace } from './places.ts'

/** The file at a path of the layout; undefined when it is not there. */
export type ReadPath = (path: string, bytesMax: number) => Promise<Uint8Array | undefined>

export function createTiledLog(name: string, read: ReadPath): Pick<LogPlace, 'checkpoint' | 'proof'> {
  const checkpoint = async (): Promise<Uint8Array> => {
    const bytes = await read('checkpoint', noteBytesMax)
    if (bytes === undefined) throw new SentientError('PATH_NOT_FOUND', { where: `${name}/checkpoint` })
    return bytes
  }
  return {
    checkpoint,
    async proof(from, to) {
      try {
        // Which partial tiles there are follows from the newest checkpoint, which may be larger than `to` by now.
        const { size } = parseCheckpoint(parseNote(await checkpoint()).text)
        if (size < to) return undefined
        const tiles = new Map<string, Uint8Array>()
        for (const place of tilesFor(from, to)) {
          const bytes = await readTile(read, place, size)
          if (bytes === undefined) return undefined
          tiles.set(tilePath(place), bytes)
        }
        const hashAt: HashAt = (level, index) => hashInTile(tiles.get(tilePath(tileOf(level, index)))!, level, index)
        return { path: consistencyPath(from, to, hashAt), found: rootAt(from, hashAt) }
      } catch (error) {
        // Tiles that are too short prove nothing, and neither does what is no checkpoint.
        if (isFormatError(error)) return undefined
        throw error
      }
    },
  }
}

/** The tiles that a proof needs: what it asks for does not depend on what the hashes are. */
function tilesFor(from: number, to: number): Iterable<TilePlace> {
  const places = new Map<string, TilePlace>()
  const nothing = new Uint8Array(32)
  const note: HashAt = (level, index) => {
    const place = tileOf(level, index)
    places.set(tilePath(place), place)
    return nothing
  }
  consistencyPath(from, to, note)
  rootAt(from, note)
  return places.values()
}

/** A tile as a log of this size has it: whole, or as far as it is filled. */
async function readTile(read: ReadPath, place: TilePlace, size: number): Promise<Uint8Array | undefined> {
  const path = `tile/${tilePath(place)}`
  const filled = Math.floor(size / tileHashes ** place.tileLevel) - place.tileIndex * tileHashes
  const partial = filled < tileHashes ? await read(`${path}.p/${filled}`, tileBytes) : undefined
  return partial ?? (await read(path, tileBytes))
}
