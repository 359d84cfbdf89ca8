// The single calls on the real disk that need more than one system call or a choice between ways. Paths come ready from
// diskDirectory.ts; errors leave as node:fs throws them (the caller translates) unless a code has to be chosen here.

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  opendirSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs'
import { fileStatOf, kindOfStat, openDiskFile } from './diskFile.ts'
import { errnoOf } from './errno.ts'
import { HostError } from './error.ts'
import {
  type ByteString,
  createModeDefault,
  type FileStat,
  type ListedName,
  type OpenFile,
  type OpenMode,
} from './host.ts'
import { platformPath } from './names.ts'

type PlatformPath = string | Buffer

// Every descriptor of node:fs is closed on exec (libuv adds O_CLOEXEC).
export const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

// O_NONBLOCK: opening a fifo must not wait for its other end; on regular files it means nothing.
const fileFlags: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  modify: constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
}

// Linux's O_PATH, which node:fs does not name: a descriptor that only identifies, so it opens nothing, needs no
// permission on the file and may be a symlink itself. The same number on every architecture that Node runs on.
const identifyOnly = 0o10000000

export function openOrMissing(at: PlatformPath, flags: number): number | undefined {
  try {
    return openSync(at, flags)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

export function statOrMissing(at: PlatformPath): FileStat | undefined {
  const stat = lstatSync(at, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : fileStatOf(stat)
}

export interface OpenRequest {
  readonly at: PlatformPath
  /** For messages. */
  readonly path: string
  readonly how: OpenMode
  readonly mode: number | undefined
}

export function openRegularFile({ at, path, how, mode = createModeDefault }: OpenRequest): OpenFile {
  const fd = openSync(at, fileFlags[how], mode & 0o700)
  try {
    if (how === 'create') keepingOutcome(() => fchmodSync(fd, mode))
    else requireRegular(fd, path)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return openDiskFile(fd, path)
}

function requireRegular(fd: number, path: string): void {
  const kind = kindOfStat(fstatSync(fd))
  if (kind !== 'file') throw new HostError(kind === 'dir' ? 'IS_A_DIRECTORY' : 'UNSUPPORTED', 'open', path)
}

/**
 * Lists names with kinds. node:fs asks lstat itself where the file system tells no kinds, but by a wrong path when the
 * name is not ASCII, and fails when a name has just gone: then the kinds are asked here, one by one.
 */
export function listNames(at: PlatformPath): ListedName[] {
  try {
    const entries = readdirSync(at, { encoding: 'latin1', withFileTypes: true })
    return entries.map(entry => ({ name: entry.name, kind: kindOfStat(entry) }))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return listNamesByStat(at)
  }
}

/** So many names are a millisecond. */
const namesPerPart = 512

/** The same in parts. Kinds that had to be asked for come at the end, and each name once. */
export function* listNamesInParts(at: PlatformPath): Generator<readonly ListedName[], void> {
  const given: (readonly ListedName[])[] = []
  const directory = opendirSync(at, { encoding: 'latin1', bufferSize: namesPerPart })
  try {
    for (;;) {
      const part: ListedName[] = []
      while (part.length < namesPerPart) {
        const entry = directory.readSync()
        if (entry === null) break
        part.push({ name: entry.name, kind: kindOfStat(entry) })
      }
      if (part.length === 0) return
      given.push(part)
      yield part
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    const known = new Set(given.flatMap(part => part.map(({ name }) => name)))
    yield listNamesByStat(at).filter(({ name }) => !known.has(name))
  } finally {
    directory.closeSync()
  }
}

export function listNamesByStat(at: PlatformPath): ListedName[] {
  const prefix = typeof at === 'string' ? at : at.toString('latin1')
  const listed: ListedName[] = []
  for (const name of readdirSync(at, { encoding: 'latin1' })) {
    const stat = statOrMissing(platformPath(`${prefix}/${name}`))
    if (stat !== undefined) listed.push({ name, kind: stat.kind })
  }
  return listed
}

export function readLinkTarget(at: PlatformPath, path: string): ByteString {
  try {
    return readlinkSync(at, { encoding: 'latin1' })
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') throw new HostError('UNSUPPORTED', 'readLink', path, error)
    throw error
  }
}

export interface ModeRequest {
  readonly at: PlatformPath
  readonly path: string
  readonly mode: number
  readonly byDescriptor: boolean
}

export function makeDirectoryExactly(request: ModeRequest): void {
  mkdirSync(request.at, 0o700)
  keepingOutcome(() => setModeExactly(request, 'makeDirectory'))
}

/** Sets permission bits without following a symlink, which chmod alone would do. */
export function setModeExactly({ at, path, mode, byDescriptor }: ModeRequest, call = 'setMode'): void {
  if (!byDescriptor) {
    requireFileOrDirectory(kindOfStat(lstatSync(at)), call, path)
    chmodSync(at, mode)
    return
  }
  const fd = openSync(at, identifyOnly | constants.O_NOFOLLOW)
  try {
    requireFileOrDirectory(kindOfStat(fstatSync(fd)), call, path)
    chmodSync(`/proc/self/fd/${fd}`, mode)
  } finally {
    closeSync(fd)
  }
}

function requireFileOrDirectory(kind: FileStat['kind'], call: string, path: string): void {
  if (kind === 'symlink') throw new HostError('SYMLINK', call, path)
  if (kind === 'other') throw new HostError('UNSUPPORTED', call, path)
}

// What was just created is ours, so a refused chmod means a file system that keeps no modes (vfat, some Android
// storage). The file is as good as it gets there; who depends on its mode asks stat.
function keepingOutcome(setMode: () => void): void {
  try {
    setMode()
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error))) throw error
  }
}

/** Sets mtime and keeps atime, never following a symlink. node:fs takes seconds as a double: exact to a microsecond. */
export function setTimesExactly(at: PlatformPath, mtimeNs: bigint): void {
  const atimeNs = lstatSync(at, { bigint: true }).atimeNs
  lutimesSync(at, platformTime(atimeNs), platformTime(mtimeNs))
}

// A negative number means "now" to node:fs; a Date before 1970 is taken as it is, in milliseconds.
function platformTime(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns / 1_000_000n)) : Number(ns) / 1e9
}

export function flushDirectory(fd: number): void {
  try {
    fsyncSync(fd)
  } catch (error) {
    // Some file systems have nothing to flush in a directory and say so in these ways.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error))) throw error
  }
}

/**
 * syncfs, which node:fs lacks, through the program `sync`: `sync -f` flushes one file system and reports its errors;
 * where it does not know -f, a plain `sync` flushes all of them (and can report none). Throws UNSUPPORTED where there
 * is no such program. The directory goes to the child as a descriptor, so that no path has to fit.
 */
export function flushFileSystemOf(fd: number, path: string, byDescriptor: boolean): void {
  const run = (...options: string[]): boolean => {
    const done = spawnSync('sync', options, { stdio: [fd, 'ignore', 'ignore'] })
    if (done.error !== undefined) throw new HostError('UNSUPPORTED', 'flushFileSystem', path, done.error)
    return done.status === 0
  }
  if (run('-f', byDescriptor ? '/proc/self/fd/0' : path)) return
  // Failed or not understood: flushing the directory above all others tells which, as it has nothing that can fail.
  const understood = run('-f', byDescriptor ? '/proc' : '/dev')
  if (understood) throw new HostError('IO', 'flushFileSystem', path)
  if (!run()) throw new HostError('UNSUPPORTED', 'flushFileSystem', path)
  flushDirectory(fd)
}
