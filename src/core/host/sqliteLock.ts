// The lock among processes: an exclusive transaction on an SQLite file, because Node has no flock and node:sqlite's
// file locks are the only ones that every Node can take. Nothing is ever written: the file stays empty, the journal
// stays in memory, every transaction is rolled back.
//
// A process that closes any descriptor of a file loses its POSIX locks on it. So the file is opened once a process and
// shared by all handles, and nothing else may open it.

import type { DatabaseSync } from 'node:sqlite'
import { type DiskDirectory, isDiskDirectory } from './diskDirectory.ts'
import { HostError, type HostErrorCode, isHostError } from './error.ts'
import type { ByteString, Directory, Locks, WriterLock } from './host.ts'
import { joinPath } from './names.ts'
import { isDamage, loadSqlite, primaryResultOf, resultOf, sqliteResult } from './sqliteModule.ts'

/** SQLite's extended codes for "this file system has no locks". */
const sqliteLockErrors: readonly number[] = [10 | (9 << 8), 10 | (14 << 8), 10 | (15 << 8)]

const codeOfSqlite: Readonly<Record<number, HostErrorCode>> = {
  [sqliteResult.readOnly]: 'READ_ONLY',
  [sqliteResult.ioError]: 'IO',
  [sqliteResult.full]: 'NO_SPACE',
  [sqliteResult.cannotOpen]: 'DENIED',
}

interface SharedFile {
  readonly key: string
  readonly database: DatabaseSync
  handles: number
  /** The handle that holds the lock. */
  holder: object | undefined
}

// By device and inode, as one file may have several paths. Threads have a registry each, but share SQLite's own, which
// takes care of descriptors within a process.
const openFiles = new Map<string, SharedFile>()

export function createSqliteLocks(): Locks {
  return { open: openSqliteLock }
}

function openSqliteLock(directory: Directory, name: ByteString): WriterLock {
  if (!isDiskDirectory(directory)) throw new HostError('UNSUPPORTED', 'lock', joinPath(directory.path, name))
  const path = joinPath(directory.path, name)
  const home = directory.clone() as DiskDirectory
  const self = {}
  let shared: SharedFile | undefined
  let open = true
  try {
    shared = attach(home, name)
  } catch (error) {
    home.close()
    throw error
  }

  const release = (): void => {
    if (shared?.holder !== self) return
    shared.holder = undefined
    guarded(path, () => shared?.database.exec('ROLLBACK'))
  }
  const detachNow = (): void => {
    if (shared !== undefined) detach(shared)
    shared = undefined
  }
  return {
    tryAcquire: () => {
      if (!open) throw new HostError('OTHER', 'lock', path, new Error('the lock is closed'))
      // Somebody may have removed the file and made another: a lock on the old one excludes nobody.
      for (let attempt = 0; attempt < 2; attempt += 1) {
        shared ??= attach(home, name)
        if (shared.holder !== undefined) return false
        const outcome = begin(shared.database, path)
        if (outcome === 'busy') return false
        if (outcome === 'locked') {
          shared.holder = self
          if (keyOf(home, name) === shared.key) return true
          release()
        }
        const damaged = outcome === 'damaged'
        detachNow()
        if (damaged) emptyFile(home, name)
      }
      throw new HostError('IO', 'lock', path)
    },
    release,
    close: () => {
      if (!open) return
      open = false
      try {
        release()
      } finally {
        detachNow()
        home.close()
      }
    },
  }
}

type Outcome = 'locked' | 'busy' | 'damaged'

function begin(database: DatabaseSync, path: string): Outcome {
  try {
    // The journal in memory: no journal file beside the lock, not even for a moment. Looks at the file, so that it
    // fails as BEGIN does; once it worked, it stays and costs nothing.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    const result = primaryResultOf(error)
    if (result === sqliteResult.busy || result === sqliteResult.locked) return 'busy'
    if (isDamage(error)) return 'damaged'
    throw lockError(error, path)
  }
  try {
    // On a file that can only be read, BEGIN EXCLUSIVE quietly takes no lock; a change in memory shows that.
    database.exec('PRAGMA user_version = 1')
    return 'locked'
  } catch (error) {
    database.exec('ROLLBACK')
    throw lockError(error, path)
  }
}

function attach(directory: DiskDirectory, name: ByteString): SharedFile {
  createIfMissing(directory, name)
  const key = keyOf(directory, name)
  const known = openFiles.get(key)
  if (known !== undefined) {
    known.handles += 1
    return known
  }
  const path = joinPath(directory.path, name)
  const database = guarded(path, () => {
    const { DatabaseSync } = loadSqlite()
    return new DatabaseSync(directory.place(name), { timeout: 0 })
  })
  const file: SharedFile = { key, database, handles: 1, holder: undefined }
  openFiles.set(key, file)
  return file
}

function detach(file: SharedFile): void {
  file.handles -= 1
  if (file.handles > 0) return
  openFiles.delete(file.key)
  file.database.close()
}

function createIfMissing(directory: DiskDirectory, name: ByteString): void {
  const stat = directory.stat(name)
  if (stat === undefined) {
    try {
      directory.open(name, 'create', 0o600).close()
    } catch (error) {
      if (!isHostError(error, 'EXISTS')) throw error
    }
  } else if (stat.kind !== 'file') {
    throw new HostError(stat.kind === 'symlink' ? 'SYMLINK' : 'UNSUPPORTED', 'lock', joinPath(directory.path, name))
  }
}

function keyOf(directory: DiskDirectory, name: ByteString): string {
  const stat = directory.stat(name)
  return stat === undefined ? 'missing' : `${stat.dev}:${stat.inode}`
}

// Only after all handles of this process let the file go, see above. It holds nothing, so nothing is lost.
function emptyFile(directory: DiskDirectory, name: ByteString): void {
  const file = directory.open(name, 'modify')
  try {
    file.truncate(0)
  } finally {
    file.close()
  }
}

function lockError(error: unknown, path: string): HostError {
  if (error instanceof HostError) return error
  const code = sqliteLockErrors.includes(resultOf(error)) ? 'UNSUPPORTED' : codeOfSqlite[primaryResultOf(error)]
  return new HostError(code ?? 'OTHER', 'lock', path, error)
}

function guarded<T>(path: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw lockError(error, path)
  }
}
