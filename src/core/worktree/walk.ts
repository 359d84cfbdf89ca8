// Walking down a governed path part by part, without ever following a symlink: each part is opened relative to the
// directory before it, so a link planted in the middle is an error and never a way out of the tree.

import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat } from '../host/host.ts'
import { isListedAs, rootFolds } from './foldedNames.ts'
import { joinPath, nameOf, parentOf, partsOf } from './paths.ts'

/** Opens a directory below the root; undefined when a part is missing; SYMLINK_IN_PATH or NOT_A_DIRECTORY else. */
export function openBelow(root: Directory, path: ByteString): Directory | undefined {
  let directory = root.clone()
  let walked = ''
  for (const part of partsOf(path)) {
    walked = walked === '' ? part : `${walked}/${part}`
    let next: Directory | undefined
    try {
      next = childListedAs(root, directory, part)
    } catch (error) {
      if (!isHostError(error, 'SYMLINK', 'NOT_A_DIRECTORY')) throw error
      const isLink = directory.stat(part)?.kind === 'symlink'
      throw new SentientError(isLink ? 'SYMLINK_IN_PATH' : 'NOT_A_DIRECTORY', { where: displayBytes(walked) }, error)
    } finally {
      if (next === undefined) directory.close()
    }
    if (next === undefined) return undefined
    directory.close()
    directory = next
  }
  return directory
}

/** The deepest directory on the way to a path's last part, and its path; stops at what is no directory. */
export function openNearest(root: Directory, path: ByteString): { directory: Directory; path: ByteString } {
  let directory = root.clone()
  let walked = ''
  for (const part of partsOf(parentOf(path))) {
    let next: Directory | undefined
    try {
      next = childListedAs(root, directory, part)
    } catch (error) {
      if (!isHostError(error, 'SYMLINK', 'NOT_A_DIRECTORY', 'DENIED')) {
        directory.close()
        throw error
      }
    }
    if (next === undefined) break
    directory.close()
    directory = next
    walked = joinPath(walked, part)
  }
  return { directory, path: walked }
}

/** Asked of the root once: the look at each directory on the way is for file systems that fold. */
function childListedAs(root: Directory, directory: Directory, part: ByteString): Directory | undefined {
  if (rootFolds(root)) {
    const found = directory.stat(part)
    if (found !== undefined && !isListedAs(directory, part, found)) return undefined
  }
  return directory.child(part)
}

/** Runs `work` in the directory that holds the path's last part; undefined when that directory is not there. */
export function inParent<T>(root: Directory, path: ByteString, work: (parent: Directory, name: ByteString) => T) {
  const parent = openBelow(root, parentOf(path))
  if (parent === undefined) return undefined
  try {
    return work(parent, nameOf(path))
  } finally {
    parent.close()
  }
}

/** lstat of a governed path; undefined when it, or a directory above it, is missing or no directory. */
export function statBelow(root: Directory, path: ByteString): FileStat | undefined {
  if (path === '') return root.selfStat()
  try {
    return inParent(root, path, (parent, name) => {
      const found = parent.stat(name)
      return found === undefined || isListedAs(parent, name, found) ? found : undefined
    })
  } catch (error) {
    if (error instanceof SentientError && (error.code === 'NOT_A_DIRECTORY' || error.code === 'SYMLINK_IN_PATH')) {
      return undefined
    }
    throw error
  }
}

/** True when two looks at a path saw the same thing unchanged; undefined stands for nothing there. */
export function sameStat(a: FileStat | undefined, b: FileStat | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.kind !== b.kind || a.mode !== b.mode || a.inode !== b.inode || a.dev !== b.dev) return false
  // A directory's times and size move with its children, which are looked at on their own.
  if (a.kind === 'dir') return true
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}
