// The host of the real machine: node:fs, node:sqlite for the lock, the system's clock and randomness.

import { closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs'
import type { Native } from '../native/native.ts'
import { createSystemClock, createSystemProcesses, createSystemRandomness } from './clock.ts'
import { isDiskDirectory, openDiskDirectoryByPath } from './diskDirectory.ts'
import { watchDiskDirectory } from './diskWatch.ts'
import { hostErrorOf } from './errno.ts'
import { HostError, isHostError } from './error.ts'
import type { Directory, Files, Host } from './host.ts'
import { createNetwork, type Fetch } from './network.ts'
import { createSqliteDatabases } from './sqliteDatabase.ts'
import { createSqliteLocks } from './sqliteLock.ts'

export interface DiskHostOptions {
  /** What this process is called in lock notes: the verb it runs. */
  readonly label: string
  /** Made (0700, with its parents) when it is first asked for and missing. */
  readonly stateDirectoryPath?: string
  /** How to fetch; without it this host has no network. */
  readonly fetch?: Fetch
  /** See `Host`. */
  readonly builtMicros?: number | undefined
  readonly native?: Native | undefined
  readonly nativeText?: string | undefined
}

export function createDiskHost(options: DiskHostOptions): Host {
  const files = createDiskFiles()
  let state: Directory | undefined
  let asked = false
  return {
    files,
    locks: createSqliteLocks(),
    databases: createSqliteDatabases(),
    clock: createSystemClock(),
    random: createSystemRandomness(),
    processes: createSystemProcesses(options.label),
    ...(options.fetch === undefined ? {} : { network: createNetwork(options.fetch) }),
    builtMicros: options.builtMicros,
    native: options.native,
    nativeText: options.nativeText,
    // Opened at the first use: a verb that never needs it makes no folder in anybody's home.
    get stateDirectory() {
      if (!asked && options.stateDirectoryPath !== undefined)
        state = openStateDirectory(files, options.stateDirectoryPath)
      asked = true
      return state
    },
  }
}

/** The files of the real disk; `byDescriptor: false` forces the way without /proc, see diskDirectory.ts. */
export function createDiskFiles({ byDescriptor = hasDescriptorPaths() } = {}): Files {
  return {
    openDirectory: path => openDiskDirectoryByPath(path, byDescriptor),
    watch: (directory, changed) => {
      if (!isDiskDirectory(directory)) throw new HostError('UNSUPPORTED', 'watch', directory.path)
      return watchDiskDirectory(directory, changed)
    },
  }
}

// Undefined where no such directory can be made: a read-only home is an ordinary thing on a router.
function openStateDirectory(files: Files, path: string): Directory | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return files.openDirectory(path)
  } catch (error) {
    const failure = hostErrorOf(error, 'openDirectory', path)
    if (isHostError(failure, 'DENIED', 'READ_ONLY')) return undefined
    throw failure
  }
}

function hasDescriptorPaths(): boolean {
  const fd = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return statSync(`/proc/self/fd/${fd}/.`).ino === statSync('/').ino
  } catch {
    return false
  } finally {
    closeSync(fd)
  }
}
