// The small files and directories of a folder that receives a history: read whole, replaced by rename, durable.
import { marksFileBytes } from '../format/constants.generated.ts'
import { encodeMarks, type Marks, marksOffset } from '../format/marks.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, OpenFile } from '../host/host.ts'

const directoryMode = 0o700
const fileMode = 0o600
const newSuffix = '.new'

/** The bytes of a file; undefined when it is missing or longer than `bytesMax`. */
export function readWhole(directory: Directory, name: ByteString, bytesMax: number): Uint8Array | undefined {
  if (directory.stat(name)?.kind !== 'file') return undefined
  let file: OpenFile
  try {
    file = directory.open(name, 'read')
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND')) return undefined
    throw error
  }
  try {
    const bytes = new Uint8Array(bytesMax + 1)
    const count = readFully(file, bytes, 0)
    return count > bytesMax ? undefined : bytes.slice(0, count)
  } finally {
    file.close()
  }
}

/** Reads until `target` is full or the file ends; how many bytes came. */
export function readFully(
  file: { read(target: Uint8Array, offset: number, length: number, position: number): number },
  target: Uint8Array,
  position: number,
): number {
  let done = 0
  while (done < target.length) {
    const count = file.read(target, done, target.length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** Fills a file under another name, flushes it, and gives it its name. The directory is the caller's to flush. */
export function writeWhole(directory: Directory, name: ByteString, fill: (file: OpenFile) => void): void {
  const file = beginNew(directory, name)
  try {
    fill(file)
    file.flush()
  } catch (error) {
    file.close()
    removeIfThere(directory, name + newSuffix)
    throw error
  }
  file.close()
  finishNew(directory, name)
}

export function beginNew(directory: Directory, name: ByteString): OpenFile {
  removeIfThere(directory, name + newSuffix)
  return directory.open(name + newSuffix, 'create', fileMode)
}

export const finishNew = (directory: Directory, name: ByteString): void =>
  directory.rename(name + newSuffix, directory, name)

export const abandonNew = (directory: Directory, name: ByteString): void => {
  try {
    removeIfThere(directory, name + newSuffix)
  } catch (error) {
    // What failed before is what counts.
    if (!isHostError(error)) throw error
  }
}

export function replaceFile(directory: Directory, name: ByteString, bytes: Uint8Array): void {
  writeWhole(directory, name, file => file.write(bytes, 0))
  directory.flush()
}

/** Replaces a file that says something else; true when it did. */
export function updateFile(directory: Directory, name: ByteString, bytes: Uint8Array): boolean {
  const known = readWhole(directory, name, bytes.length)
  if (known !== undefined && Buffer.compare(known, bytes) === 0) return false
  replaceFile(directory, name, bytes)
  return true
}

export function removeIfThere(directory: Directory, name: ByteString): void {
  try {
    directory.removeFile(name)
  } catch (error) {
    if (!isHostError(error, 'NOT_FOUND')) throw error
  }
}

/** The directory below, made when it is missing. */
export function needChild(parent: Directory, name: ByteString): Directory {
  if (parent.stat(name) === undefined) {
    parent.makeDirectory(name, directoryMode)
    parent.flush()
  }
  return parent.child(name)!
}

/** Both slots valid, the higher generation in its own; replaced by rename, so that there is always a whole one. */
export function replaceMarks(runtime: Directory, marks: Marks): void {
  const bytes = new Uint8Array(marksFileBytes)
  for (const generation of [marks.generation, marks.generation + 1])
    bytes.set(encodeMarks({ ...marks, generation }), marksOffset(generation))
  replaceFile(runtime, 'marks', bytes)
}

/** Removes a directory of ours with all that is in it, or a file; follows no links. */
export function removeTree(parent: Directory, name: ByteString): void {
  const kind = parent.stat(name)?.kind
  if (kind === undefined) return
  if (kind !== 'dir') {
    parent.removeFile(name)
    return
  }
  const directory = parent.child(name)
  try {
    for (const item of directory?.list() ?? []) removeTree(directory!, item.name)
  } finally {
    directory?.close()
  }
  parent.removeDirectory(name)
}
