// The names in `.tree/`, and its small files: whole on disk or not there, because they are renamed into place.

import { SentientError } from '../errors.ts'
import { asBuffer, hexOf } from '../format/bytes.ts'
import { isFormatError } from '../format/formatError.ts'
import { decodePackHeader, encodePackHeader } from '../format/pack.ts'
import { isHostError } from '../host/error.ts'
import type { Clock, Directory, OpenFile, Processes, Randomness } from '../host/host.ts'

/** What a store works with; the directory is `.tree`. */
export interface StoreOptions {
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Randomness
  readonly processes: Processes
  readonly access: 'read' | 'write'
  readonly zstdLevel?: number
  readonly memory?: 'low' | 'normal'
}

/** The directories below `.tree`. */
export type TreeFolder = 'packs' | 'stage' | 'dead' | 'torn'
/** The number of the pack that small ingests append to. Without it the next writer begins a new one. */
export const sharedFile = 'shared'
/** A random word, a new one after each gc and whenever bytes that another process may have seen were cut away. */
export const generationFile = 'generation'
/** Packs whose end could neither be flushed nor cut, with how much of each is good. */
export const poisonedFile = 'poisoned'

const folderMode = 0o700
const fileMode = 0o600
const smallFileBytesMax = 65_536

export interface Folders {
  /** The directory, or undefined while there is none. */
  find(folder: TreeFolder): Directory | undefined
  /** The directory, made when it is missing. */
  need(folder: TreeFolder): Directory
  close(): void
}

export function openFolders(tree: Directory): Folders {
  const open = new Map<TreeFolder, Directory>()
  const find = (folder: TreeFolder): Directory | undefined => {
    const known = open.get(folder)
    if (known !== undefined) return known
    const directory = tree.child(folder)
    if (directory !== undefined) open.set(folder, directory)
    return directory
  }
  return {
    find,
    need(folder) {
      const known = find(folder)
      if (known !== undefined) return known
      try {
        tree.makeDirectory(folder, folderMode)
        tree.flush()
      } catch (error) {
        if (!isHostError(error, 'EXISTS')) throw error
      }
      const made = find(folder)
      if (made === undefined)
        throw new SentientError('NOT_WRITABLE', { what: 'A directory of the store vanished', where: folder })
      return made
    },
    close() {
      for (const directory of open.values()) directory.close()
      open.clear()
    },
  }
}

/** The text of a small file; undefined when it is missing or absurdly long. */
export function readSmallFile(directory: Directory, name: string): string | undefined {
  if (directory.stat(name) === undefined) return undefined
  let file: OpenFile
  try {
    file = directory.open(name, 'read')
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND')) return undefined
    throw error
  }
  try {
    const bytes = readFully(file, 0, smallFileBytesMax + 1)
    return bytes.length > smallFileBytesMax ? undefined : asBuffer(bytes).toString('latin1')
  } finally {
    file.close()
  }
}

/** Replaces a small file by rename; `durable` flushes it and its directory. Only under the writer lock. */
export function writeSmallFile(directory: Directory, name: string, text: string, durable: boolean): void {
  replaceFile(directory, name, Buffer.from(text, 'latin1'), durable)
}

/** Writes beside the name, then renames over it, so that no reader ever sees half of it. */
export function replaceFile(
  directory: Directory,
  name: string,
  bytes: Uint8Array,
  durable: boolean,
  unique = '',
): void {
  const temporary = `${name}${unique}.new`
  if (unique === '') removeIfThere(directory, temporary)
  const file = directory.open(temporary, 'create', fileMode)
  try {
    file.write(bytes, 0)
    if (durable) file.flush()
  } catch (error) {
    file.close()
    ignoringHostErrors(() => directory.removeFile(temporary))
    throw error
  }
  file.close()
  directory.rename(temporary, directory, name)
  if (durable) directory.flush()
}

export function removeIfThere(directory: Directory, name: string): void {
  try {
    directory.removeFile(name)
  } catch (error) {
    if (!isHostError(error, 'NOT_FOUND')) throw error
  }
}

/** For what is derived or already failing: the first error is the one that counts. */
export function ignoringHostErrors(action: () => void): boolean {
  try {
    action()
    return true
  } catch (error) {
    if (!isHostError(error)) throw error
    return false
  }
}

/** Up to `length` bytes at a position; fewer only where the file ends. */
export function readFully(file: Pick<OpenFile, 'read'>, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  const count = readInto(file, bytes, 0, length, position)
  return count === length ? bytes : bytes.subarray(0, count)
}

export function readInto(
  file: Pick<OpenFile, 'read'>,
  target: Uint8Array,
  offset: number,
  length: number,
  position: number,
): number {
  let done = 0
  while (done < length) {
    const count = file.read(target, offset + done, length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

export const createNew = (directory: Directory, name: string): OpenFile => directory.open(name, 'create', fileMode)

/** A name that no other process makes; the process id tells a later gc whether its maker still lives. */
export function stageName(options: Pick<StoreOptions, 'processes' | 'random'>): string {
  return `${options.processes.id}-${hexOf(options.random.bytes(8))}`
}

const packIdRandomBytes = 4

export const newPackHeader = (random: Randomness): Uint8Array => encodePackHeader(random.bytes(packIdRandomBytes))

/** The pack id in a pack's header; undefined when the header is damaged. */
export function packIdOf(header: Uint8Array): Uint8Array | undefined {
  try {
    return decodePackHeader(header)
  } catch (error) {
    if (!isFormatError(error)) throw error
    return undefined
  }
}

/** Translates what a port threw into the one error class; other errors pass. */
export function storeError(error: unknown, what: string): unknown {
  if (!isHostError(error)) return error
  const details = { what, where: error.path, found: `${error.call}: ${error.code}` }
  if (error.code === 'NO_SPACE') return new SentientError('DISK_FULL', { what, where: error.path }, error)
  if (error.code === 'READ_ONLY' || error.code === 'DENIED') return new SentientError('NOT_WRITABLE', details, error)
  return new SentientError('IO', details, error)
}

export function asStoreErrors<T>(what: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw storeError(error, what)
  }
}
