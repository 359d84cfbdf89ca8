// Names that can not stand beside each other: before a change is committed, every name that it makes is compared with
// what its directory lists and with the other names that come, where the file system takes several names for one.

import { SentientError } from '../errors.ts'
import { asBuffer, displayBytes } from '../format/bytes.ts'
import type { ByteString, Directory, Randomness } from '../host/host.ts'
import type { Target } from './apply.ts'
import { foldedName, listedName, nameTraits } from './foldedNames.ts'
import { joinPath, nameOf, parentOf } from './paths.ts'
import { stagePrefix } from './stage.ts'
import { openNearest } from './walk.ts'

interface Request {
  readonly root: Directory
  readonly random: Randomness
  readonly targets: readonly Target[]
  /** Directories of the change in which names fold; they may not be there yet. */
  readonly parents: ReadonlySet<ByteString>
}

/** Throws NAME_COLLISION for a name that the disk would take for another one, or would not keep. */
export function checkNames({ root, random, targets, parents }: Request): void {
  const removed = new Set(targets.filter(({ after }) => after === null).map(({ path }) => path))
  for (const parent of parents) {
    const made = targets.filter(({ path, after }) => after !== null && parentOf(path) === parent)
    if (made.length === 0) continue
    const { directory, path: place } = openNearest(root, joinPath(parent, 'x'))
    try {
      const traits = nameTraits(directory, `${stagePrefix}${asBuffer(random.bytes(6)).toString('hex')}`)
      const present = place === parent ? directory : undefined
      const taken = new Map<string, ByteString>()
      for (const { path } of made) {
        const name = nameOf(path)
        const kept = traits?.stored(name) ?? name
        if (kept !== name) throw collision(path, `this file system keeps it as ${displayBytes(kept)}`)
        const there = present === undefined ? undefined : listedName(present, name)
        if (there !== undefined && there !== name && !removed.has(joinPath(parent, there))) {
          throw collision(path, `${displayBytes(joinPath(parent, there))}, which is the same name to this file system`)
        }
        const other = taken.get(foldedName(name))
        if (other !== undefined) {
          throw collision(path, `${displayBytes(joinPath(parent, other))} beside it, the same name to this file system`)
        }
        taken.set(foldedName(name), name)
      }
    } finally {
      directory.close()
    }
  }
}

function collision(path: ByteString, found: string): SentientError {
  return new SentientError('NAME_COLLISION', { where: displayBytes(path), found })
}
