// Where exports are written: outside of the root folder's own data, below a directory that the user names. Each file
// gets its name only when it is whole.

import { SentientError } from '../errors.ts'
import { byteStringOfText, displayBytes } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import { flushWritten } from '../host/flush.ts'
import type { ByteString, Directory, Files, OpenFile } from '../host/host.ts'

/** The directory that holds `path`, an absolute path without "." and "..", and the name of `path` in it. */
export function openParent(files: Files, path: string): { readonly parent: Directory; readonly name: ByteString } {
  const split = path.lastIndexOf('/')
  const parent = files.openDirectory(split <= 0 ? '/' : path.slice(0, split))
  if (parent === undefined) throw new SentientError('PATH_NOT_FOUND', { where: path.slice(0, split) })
  return { parent, name: byteStringOfText(path.slice(split + 1)) }
}

/** The directory at an absolute path; made, in a parent that exists, when it is missing. */
export function openOrMake(files: Files, path: string, mode: number): Directory {
  const there = files.openDirectory(path)
  if (there !== undefined) return there
  const { parent, name } = openParent(files, path)
  try {
    parent.makeDirectory(name, mode)
    parent.flush()
    return parent.child(name)!
  } finally {
    parent.close()
  }
}

export interface Publication {
  /** Writes a file at a path below the directory, over one that is there. Nothing is durable before `settle`. */
  write(path: string, bytes: Uint8Array): void
  /** The same for a file that others rely on: after a power cut there is the old one or the new one. Durable at once. */
  replace(path: string, bytes: Uint8Array): void
  /** Makes everything that was written durable. */
  settle(): void
  close(): void
}

interface Place {
  readonly path: string
  readonly directory: Directory
}

const newSuffix = '.new'

/** Publishes files of these modes below a directory, with the directories that they need. */
export function createPublication(
  directory: Directory,
  modes: { readonly file: number; readonly directory: number },
): Publication {
  const written = new Map<string, ByteString[]>()
  let place: Place | undefined

  const walk = (path: string): Directory => {
    let at = directory.clone()
    for (const name of path.split('/').filter(part => part !== '')) {
      try {
        if (at.stat(name) === undefined) {
          at.makeDirectory(name, modes.directory)
          at.flush()
        }
        const below = at.child(name)!
        at.close()
        at = below
      } catch (error) {
        at.close()
        throw error
      }
    }
    return at
  }
  const at = (path: string): Directory => {
    if (place?.path !== path) {
      place?.directory.close()
      place = undefined
      place = { path, directory: walk(path) }
    }
    return place.directory
  }
  return {
    write(path, bytes) {
      const split = path.lastIndexOf('/')
      const [folder, name] = [path.slice(0, Math.max(0, split)), path.slice(split + 1)]
      writeWhole(at(folder), name, modes.file, file => file.write(bytes, 0))
      const names = written.get(folder)
      if (names === undefined) written.set(folder, [name])
      else names.push(name)
    },
    replace(path, bytes) {
      const split = path.lastIndexOf('/')
      const home = at(path.slice(0, Math.max(0, split)))
      writeWhole(home, path.slice(split + 1), modes.file, file => {
        file.write(bytes, 0)
        file.flush()
      })
      home.flush()
    },
    settle() {
      flushWritten(directory, opened(written, at))
      written.clear()
    },
    close: () => place?.directory.close(),
  }
}

function* opened(
  written: ReadonlyMap<string, readonly ByteString[]>,
  at: (path: string) => Directory,
): Generator<{ directory: Directory; names: readonly ByteString[] }> {
  for (const [path, names] of written) yield { directory: at(path), names }
}

/** Fills a new file and gives it its name, in place of what has it. What was begun is removed when that fails. */
export function writeWhole(directory: Directory, name: ByteString, mode: number, fill: (file: OpenFile) => void): void {
  const begun = beginNew(directory, name, mode)
  try {
    fill(begun.file)
    begun.rename()
  } catch (error) {
    begun.abandon()
    throw error
  } finally {
    begun.file.close()
  }
}

export interface NewFile {
  /** To be closed by the caller, after all else. */
  readonly file: OpenFile
  /** Gives it its name. Throws LOCKED when somebody else has begun the same file meanwhile: then that one counts. */
  rename(): void
  /** Removes it, unless it is somebody else's by now. */
  abandon(): void
}

/** A new file beside the one that it will replace; left over from an earlier run, it is begun anew. */
export function beginNew(directory: Directory, name: ByteString, mode: number): NewFile {
  const temporary = name + newSuffix
  const remove = (): void => {
    try {
      directory.removeFile(temporary)
    } catch (error) {
      if (!isHostError(error, 'NOT_FOUND')) throw error
    }
  }
  remove()
  const file = directory.open(temporary, 'create', mode)
  // While it is open no other file has this number.
  const isOurs = (): boolean => directory.stat(temporary)?.inode === file.stat().inode
  return {
    file,
    rename() {
      if (!isOurs()) {
        throw new SentientError('LOCKED', {
          what: 'Another process writes the same file',
          where: `${directory.path}/${displayBytes(name)}`,
          hint: 'Wait for it, or name another file.',
        })
      }
      directory.rename(temporary, directory, name)
    },
    abandon() {
      try {
        if (isOurs()) remove()
      } catch (error) {
        // What failed before is what counts.
        if (!isHostError(error)) throw error
      }
    },
  }
}
