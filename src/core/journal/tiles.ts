// The tile files of `.runtime/tile`: full tiles of the Merkle tree in the layout of C2SP tlog-tiles. They are written
// and flushed before the checkpoint that covers them is stored, so a tile below a checkpoint can be relied on.

import { equalBytes } from '../format/bytes.ts'
import { type TilePlace, tileBytes, tilePath } from '../format/tile.ts'
import type { Directory } from '../host/host.ts'
import { readFully } from './segments.ts'

export interface TileFiles {
  /** The stored tile; undefined when it is missing or has another size. */
  read(place: TilePlace): Uint8Array | undefined
  /** Stores tiles durably; those that are there already are left alone. */
  store(tiles: Iterable<{ readonly place: TilePlace; readonly bytes: Uint8Array }>): void
}

const directoryName = 'tile'

export function createTileFiles(runtime: Directory): TileFiles {
  return {
    read: place => {
      const { parents, name } = partsOf(place)
      const home = walk(runtime, parents, false)
      try {
        return home === undefined ? undefined : readTile(home, name)
      } finally {
        home?.close()
      }
    },
    store(tiles) {
      for (const { place, bytes } of tiles) {
        const { parents, name } = partsOf(place)
        const home = walk(runtime, parents, true)!
        try {
          const stored = readTile(home, name)
          if (stored === undefined || !equalBytes(stored, bytes)) writeTile(home, name, bytes)
          else flushName(home, name)
          home.flush()
        } finally {
          home.close()
        }
      }
    },
  }
}

function partsOf(place: TilePlace): { parents: string[]; name: string } {
  const parents = [directoryName, ...tilePath(place).split('/')]
  return { name: parents.pop()!, parents }
}

function walk(from: Directory, names: readonly string[], make: boolean): Directory | undefined {
  let at = from.clone()
  for (const name of names) {
    try {
      let below = at.child(name)
      if (below === undefined && make) {
        at.makeDirectory(name, 0o700)
        at.flush()
        below = at.child(name)
      }
      at.close()
      if (below === undefined) return undefined
      at = below
    } catch (error) {
      at.close()
      throw error
    }
  }
  return at
}

function readTile(home: Directory, name: string): Uint8Array | undefined {
  const stat = home.stat(name)
  if (stat?.kind !== 'file' || stat.size !== tileBytes) return undefined
  const file = home.open(name, 'read')
  try {
    const bytes = new Uint8Array(tileBytes)
    return readFully(file, bytes, 0) === tileBytes ? bytes : undefined
  } finally {
    file.close()
  }
}

function writeTile(home: Directory, name: string, bytes: Uint8Array): void {
  const newName = `${name}.new`
  if (home.stat(newName) !== undefined) home.removeFile(newName)
  const file = home.open(newName, 'create', 0o600)
  try {
    file.write(bytes, 0)
    file.flush()
  } finally {
    file.close()
  }
  home.rename(newName, home, name)
}

// It may have been written by a process that ended before it could flush it.
function flushName(home: Directory, name: string): void {
  const file = home.open(name, 'modify')
  try {
    file.flush()
  } finally {
    file.close()
  }
}
