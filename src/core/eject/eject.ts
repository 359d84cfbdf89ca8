// `sentctl eject`: the history goes, the files stay. Only what SentientOS has made is removed, by name; `.runtime/format`,
// by which the folder is one, goes last, so that an eject that was ended can be run again.
import { SentientError } from '../errors.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, Locks } from '../host/host.ts'
import { unfinishedName } from '../worktree/reserved.ts'

const sessionsHome = '.intent'
const madeBySessions = 'sessions'
/** In the order in which they go: first what nobody needs, then the keys. */
const derivedNames: readonly ByteString[] = ['.db', 'recycle.lock', 'recycle.trace', 'recycle.redis']
const truthNames: readonly ByteString[] = ['.tree', '.auth']
const runtimeName = '.runtime'
const formatName = 'format'
const lockName = 'lock'

export interface EjectSurvey {
  /** What would go, at the top of the root folder. */
  readonly names: readonly ByteString[]
  readonly bytes: number
  /** Paths that the disk could not take are in the history alone. */
  readonly hasUnapplied: boolean
}

/** What an eject would remove. */
export function surveyEject(root: Directory): EjectSurvey {
  const names = [...derivedNames, ...truthNames, runtimeName].filter(name => root.stat(name) !== undefined)
  const sessions = bytesBelow(root, sessionsHome, madeBySessions)
  if (sessions !== undefined) names.push(sessionsHome)
  const runtime = root.child(runtimeName)
  const hasUnapplied = runtime?.stat('unapplied') !== undefined
  runtime?.close()
  const bytes = names.reduce((sum, name) => sum + (name === sessionsHome ? (sessions ?? 0) : bytesOf(root, name)), 0)
  return { names: names.sort(), bytes, hasUnapplied }
}

function bytesBelow(root: Directory, parent: ByteString, name: ByteString): number | undefined {
  if (root.stat(parent)?.kind !== 'dir') return undefined
  const directory = root.child(parent)
  try {
    return directory?.stat(name) === undefined ? undefined : bytesOf(directory, name)
  } finally {
    directory?.close()
  }
}

function bytesOf(parent: Directory, name: ByteString): number {
  const stat = parent.stat(name)
  if (stat?.kind !== 'dir') return stat?.size ?? 0
  const directory = parent.child(name)
  try {
    return (directory?.list() ?? []).reduce((sum, item) => sum + bytesOf(directory!, item.name), 0)
  } finally {
    directory?.close()
  }
}

/** Removes it all; throws LOCKED while another process writes. What it can not remove it names, and leaves the rest. */
export function eject(root: Directory, locks: Locks): void {
  const runtime = root.child(runtimeName)
  if (runtime === undefined) throw new SentientError('ROOT_NOT_FOUND', { where: root.path })
  const lock = locks.open(runtime, lockName)
  try {
    if (!lock.tryAcquire()) throw new SentientError('LOCKED', { where: root.path })
    for (const name of derivedNames) removeTree(root, name)
    removeSessions(root)
    for (const name of truthNames) removeTree(root, name)
    for (const { name } of runtime.list()) if (name !== formatName && name !== lockName) removeTree(runtime, name)
    runtime.open(unfinishedName, 'create', 0o600).close()
    runtime.flush()
    root.flush()
    runtime.removeFile(formatName)
    // From here on this is no root folder; what is left of it is in nobody's way.
    runtime.flush()
    lock.close()
    for (const { name } of runtime.list()) if (name !== unfinishedName) removeTree(runtime, name)
    runtime.removeFile(unfinishedName)
    removeTree(root, runtimeName)
    root.flush()
  } finally {
    lock.close()
    runtime.close()
  }
}

/** The directory is not ours alone: only what sessions left in it goes, and it with that when nothing else is there. */
function removeSessions(root: Directory): void {
  const home = root.stat(sessionsHome)?.kind === 'dir' ? root.child(sessionsHome) : undefined
  if (home === undefined) return
  try {
    removeTree(home, madeBySessions)
    if (home.list().length === 0) root.removeDirectory(sessionsHome)
  } finally {
    home.close()
  }
}

/** Follows no links. A name that is gone already is no error. */
function removeTree(parent: Directory, name: ByteString): void {
  const stat = parent.stat(name)
  try {
    if (stat?.kind === 'dir') {
      const directory = parent.child(name)
      try {
        for (const item of directory?.list() ?? []) removeTree(directory!, item.name)
      } finally {
        directory?.close()
      }
      parent.removeDirectory(name)
    } else if (stat !== undefined) parent.removeFile(name)
  } catch (error) {
    if (!isHostError(error, 'NOT_FOUND')) throw error
  }
}
