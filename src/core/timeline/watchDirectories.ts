// The system's notifications for a whole tree: one watch for each directory that is not ignored, kept up as directories
// come and go. A watch holds its directory open, so that one made anew under the same name is told from the old one.

import { isSentientError } from '../errors.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat, Files } from '../host/host.ts'
import { createSlicer, type Slicer } from '../progress.ts'
import { ancestorsOf, joinPath, topmost } from '../worktree/paths.ts'
import { isOutsideFiles } from '../worktree/reserved.ts'
import { openBelow } from '../worktree/walk.ts'
import type { TimelineContext } from './context.ts'
import type { GovernedPath } from './model.ts'

/** Directories watched at most. */
const watchesMax = 16_384
/** Given up again when the system has no more to give: others need some too. */
const watchesSpared = 64

export interface WatchedDirectories {
  count(): number
  /**
   * Watches the paths that are directories, and all directories below them; lets go of those below that are none any
   * more. False when there are too many for the system.
   */
  renew(paths: readonly GovernedPath[], signal: AbortSignal): Promise<boolean>
  /** False when the root folder was moved, removed or replaced. */
  rootIsThere(): boolean
  close(): void
}

/** True when the path is one of these or lies below one; '' covers everything, and so do none. */
export function coveredBy(tops: readonly GovernedPath[]): (path: GovernedPath) => boolean {
  const known = new Set(tops)
  if (tops.length === 0 || known.has('')) return () => true
  return path => known.has(path) || ancestorsOf(path).some(ancestor => known.has(ancestor))
}

/** Calls `changed` with each path that something happened to; with '' when anything may have happened. */
export function watchDirectories(
  context: TimelineContext,
  files: Files,
  changed: (path: GovernedPath) => void,
): WatchedDirectories {
  const open = new Map<GovernedPath, { readonly directory: Directory; close(): void }>()
  const root = context.worktree.root.selfStat()
  let limit = watchesMax

  const drop = (path: GovernedPath): void => {
    open.get(path)?.close()
    open.delete(path)
  }

  /** The directory at the path, watched; undefined when there is none to watch. */
  const watchOne = (path: GovernedPath): Directory | undefined => {
    let directory: Directory | undefined
    try {
      directory = openBelow(context.worktree.root, path)
      if (directory === undefined) return undefined
      const held = open.get(path)?.directory.selfStat()
      if (held !== undefined && isSameDirectory(held, directory.selfStat()) && held.links > 0) return directory
      drop(path)
      const report: Parameters<Files['watch']>[1] = ({ name, overflow }) => {
        if (path === '' && name !== undefined && isOutsideFiles(name)) return
        changed(overflow ? '' : name === undefined ? path : joinPath(path, name))
      }
      open.set(path, watchClone(files, directory, report))
      return directory
    } catch (error) {
      directory?.close()
      if (isHostError(error, 'TOO_MANY_OPEN')) throw error
      if (isHostError(error) || isSentientError(error)) return undefined
      throw error
    }
  }

  const directoriesIn = async (path: GovernedPath, directory: Directory, slicer: Slicer): Promise<GovernedPath[]> => {
    const { ignore, gitignore } = context.settings()
    const below: GovernedPath[] = []
    for (const part of directory.listInParts()) {
      for (const { name, kind } of part) {
        if (kind !== 'dir' || (path === '' && isOutsideFiles(name))) continue
        const child = joinPath(path, name)
        if (context.worktree.isIgnored(child, true, { ignore, gitignore }) === undefined) below.push(child)
      }
      if (slicer.due()) await slicer.pause()
    }
    return below
  }

  const addTree = async (top: GovernedPath, signal: AbortSignal): Promise<boolean> => {
    const slicer = createSlicer(context.clock, signal)
    const stack = [top]
    for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
      if (path !== '' && kindAt(context, path) !== 'dir') continue
      if (open.size >= limit && !open.has(path)) return false
      const directory = watchOne(path)
      if (directory === undefined) continue
      try {
        for (const below of await directoriesIn(path, directory, slicer)) stack.push(below)
      } finally {
        directory.close()
      }
      if (slicer.due()) await slicer.pause()
    }
    return true
  }

  return {
    count: () => open.size,
    async renew(paths, signal) {
      const isCovered = coveredBy(paths)
      for (const path of [...open.keys()]) {
        if (path !== '' && isCovered(path) && kindAt(context, path) !== 'dir') drop(path)
      }
      let complete = true
      try {
        for (const path of paths.includes('') ? [''] : topmost(paths)) {
          if (!(await addTree(path, signal))) complete = false
        }
      } catch (error) {
        if (!isHostError(error, 'TOO_MANY_OPEN')) throw error
        limit = Math.max(1, open.size - watchesSpared)
        for (const path of [...open.keys()].slice(limit)) drop(path)
        complete = false
      }
      return complete
    },
    rootIsThere() {
      const now = files.openDirectory(context.worktree.root.path)
      const there = now !== undefined && isSameDirectory(now.selfStat(), root)
      now?.close()
      return there
    },
    close() {
      for (const path of [...open.keys()]) drop(path)
    },
  }
}

function watchClone(files: Files, directory: Directory, changed: Parameters<Files['watch']>[1]) {
  const watched = directory.clone()
  try {
    const watcher = files.watch(watched, changed)
    return {
      directory: watched,
      close() {
        watcher.close()
        watched.close()
      },
    }
  } catch (error) {
    watched.close()
    throw error
  }
}

const isSameDirectory = (a: FileStat, b: FileStat): boolean => a.inode === b.inode && a.dev === b.dev

function kindAt(context: TimelineContext, path: ByteString): FileStat['kind'] | undefined {
  try {
    return context.worktree.stat(path)?.kind
  } catch (error) {
    if (isHostError(error) && error.code !== 'TOO_MANY_OPEN') return undefined
    throw error
  }
}
