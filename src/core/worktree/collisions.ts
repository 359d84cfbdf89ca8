// Names that can not stand beside each other: before a change is committed, every name that it makes is compared with
// what its directory lists and with the other names that come, where the file system takes several names for one.

import { SentientError } from '../errors.ts'
import { asBuffer, displayBytes } from '../format/bytes.ts'
import type { ByteString, Directory, Randomness } from '../host/host.ts'
import type { PackedList } from '../store/packedList.ts'
import { foldedName, listedName, nameTraits } from './foldedNames.ts'
import { joinPath, nameOf, parentOf } from './paths.ts'
import { stagePrefix } from './stage.ts'
import type { Target } from './targets.ts'
import { openNearest } from './walk.ts'

interface Request {
  readonly root: Directory
  readonly random: Randomness
  readonly targets: PackedList<Target>
  /** Directories of the change in which names fold; they may not be there yet. */
  readonly parents: ReadonlySet<ByteString>
}

/** Throws NAME_COLLISION for a name that the disk would take for another one, or would not keep. Stops often. */
export function* checkNames({ root, random, targets, parents }: Request): Generator<undefined, void> {
  if (parents.size === 0) return
  const made = new Map<ByteString, ByteString[]>()
  for (const { path, after } of targets) {
    yield
    const parent = parentOf(path)
    if (after === null || !parents.has(parent)) continue
    const names = made.get(parent)
    if (names === undefined) made.set(parent, [nameOf(path)])
    else names.push(nameOf(path))
  }
  for (const [parent, names] of made) {
    const { directory, path: place } = openNearest(root, joinPath(parent, 'x'))
    try {
      const traits = nameTraits(directory, `${stagePrefix}${asBuffer(random.bytes(6)).toString('hex')}`)
      const present = place === parent ? directory : undefined
      const taken = new Map<string, ByteString>()
      for (const name of names) {
        yield
        const path = joinPath(parent, name)
        const kept = traits?.stored(name) ?? name
        if (kept !== name) throw collision(path, `this file system keeps it as ${displayBytes(kept)}`)
        const there = present === undefined ? undefined : listedName(present, name)
        if (there !== undefined && there !== name && targets.find(joinPath(parent, there))?.after !== null) {
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
