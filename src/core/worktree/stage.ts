// Where contents wait for their commit: in the stage below `.runtime`, or, when the target lies on another mount, under
// a name of ours beside it. Those names are noted in the stage, so that a kill leaves nothing lying about.

import { asBuffer, byteStringOf, bytesOf } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory } from '../host/host.ts'
import { joinPath, nameOf } from './paths.ts'
import { openNearest } from './walk.ts'

/** Names of ours outside the stage; every look leaves them out. */
export const stagePrefix = '.sentient-stage-'
const noteSuffix = '.beside'

export interface StagedFile {
  readonly directory: Directory
  readonly name: ByteString
}

/** Where the content of a path is staged; `name` is not used yet. The directory is the caller's to close by `removeStaged`. */
export function stagePlace(
  options: { readonly root: Directory; readonly stage: Directory },
  path: ByteString,
  name: ByteString,
): StagedFile {
  const { root, stage } = options
  const { directory, path: place } = openNearest(root, path)
  try {
    if (directory.selfStat().dev === stage.selfStat().dev) {
      directory.close()
      return { directory: stage, name }
    }
    noteOf(stage, name).write(joinPath(place, `${stagePrefix}${name}`))
    return { directory, name: `${stagePrefix}${name}` }
  } catch (error) {
    directory.close()
    throw error
  }
}

/** Whether `stagePlace` has its place in the stage itself for a path. */
export function isOnSameMount(
  options: { readonly root: Directory; readonly stage: Directory },
  path: ByteString,
): boolean {
  const { directory } = openNearest(options.root, path)
  try {
    return directory.selfStat().dev === options.stage.selfStat().dev
  } finally {
    directory.close()
  }
}

/** The note in the stage of a file outside it; it is written before that file is made. */
export function noteOf(stage: Directory, name: ByteString) {
  const noteName = `${name}${noteSuffix}`
  let made = false
  let length = 0
  return {
    write(path: ByteString): void {
      const file = stage.open(noteName, made ? 'modify' : 'create', 0o600)
      made = true
      try {
        // Cut behind the new text: a file that is emptied and filled again goes to the disk at once on some systems.
        file.write(bytesOf(path), 0)
        if (path.length < length) file.truncate(path.length)
        length = path.length
      } finally {
        file.close()
      }
    },
    remove(): void {
      if (made) removeQuietly(stage, noteName)
    },
  }
}

/** Removes what was staged, if it is still there, and the note of it. Stops after each name: it may be a whole tree. */
export function* removeStaged(stage: Directory, { directory, name }: StagedFile): Generator<undefined, void> {
  if (directory === stage) {
    yield* removeTreeQuietly(directory, name)
    return
  }
  removeQuietly(directory, name)
  removeQuietly(stage, `${name.slice(stagePrefix.length)}${noteSuffix}`)
  directory.close()
}

/** Written and removed by every look, also by readers who hold no lock: not what a transaction left. */
export const probePrefix = 'probe-'

/** Removes what killed transactions left, and cancelled ones. Only under the writer lock. Stops after each name. */
export function* emptyStage(root: Directory, stage: Directory): Generator<undefined, void> {
  for (const part of stage.listInParts()) {
    for (const { name, kind } of part) {
      yield
      if (name.startsWith(probePrefix)) continue
      if (name.endsWith(noteSuffix)) removeNoted(root, stage, name)
      if (kind === 'dir') yield* removeTreeQuietly(stage, name)
      else removeQuietly(stage, name)
    }
  }
}

/** Removes files that somebody began to write and that nobody touched for an hour. */
export function removeStale(directory: Directory, nowMicros: number, isOurs: (name: ByteString) => boolean): void {
  const limit = BigInt(nowMicros - staleMicros) * 1000n
  for (const { name, kind } of directory.list()) {
    if (kind !== 'file' || !isOurs(name)) continue
    const stat = directory.stat(name)
    if (stat !== undefined && stat.mtimeNs < limit) removeQuietly(directory, name)
  }
}

const staleMicros = 3_600_000_000

function removeNoted(root: Directory, stage: Directory, note: ByteString): void {
  const path = readNote(stage, note)
  if (path === undefined || !nameOf(path).startsWith(stagePrefix)) return
  const { directory } = openNearest(root, path)
  removeQuietly(directory, nameOf(path))
  directory.close()
}

function readNote(stage: Directory, name: ByteString): ByteString | undefined {
  try {
    const file = stage.open(name, 'read')
    try {
      const bytes = new Uint8Array(file.stat().size)
      return byteStringOf(asBuffer(bytes).subarray(0, file.read(bytes, 0, bytes.length, 0)))
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}

/** A file, or a directory of ours with everything in it, whatever its mode is. */
function* removeTreeQuietly(directory: Directory, name: ByteString): Generator<undefined, void> {
  try {
    if (directory.stat(name)?.kind !== 'dir') {
      directory.removeFile(name)
      return
    }
    directory.setMode(name, 0o700)
    const below = directory.child(name)
    try {
      const names = below === undefined ? [] : [...below.listInParts()].flat()
      for (const item of names) {
        yield
        if (below !== undefined) yield* removeTreeQuietly(below, item.name)
      }
    } finally {
      below?.close()
    }
    directory.removeDirectory(name)
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

export function removeQuietly(directory: Directory, name: ByteString): void {
  try {
    directory.removeFile(name)
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}
