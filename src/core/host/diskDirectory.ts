// A directory of the real disk: a descriptor, and names resolved below it through /proc/self/fd, which is the only
// openat that node:fs has. So nothing on the way can be exchanged for a symlink, and a moved directory stays usable.
//
// Where /proc/self/fd does not exist (`byDescriptor` false), names are resolved by path. Before each call the path is
// then checked to lead, without a symlink at its end, to the very directory that the descriptor holds; between that
// check and the call a window of microseconds stays in which another process can exchange a component of the path.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import {
  directoryFlags,
  flushDirectory,
  flushFileSystemOf,
  listNames,
  listNamesInParts,
  makeDirectoryExactly,
  openOrMissing,
  openRegularFile,
  readLinkTarget,
  setModeExactly,
  setTimesExactly,
  statOrMissing,
} from './diskCalls.ts'
import { fileStatOf } from './diskFile.ts'
import { hostErrorOf } from './errno.ts'
import { HostError } from './error.ts'
import type { ByteString, Directory } from './host.ts'
import { checkName, checkTarget, joinPath, platformPath, textOfBytes } from './names.ts'

export interface DiskDirectory extends Directory {
  /** The path by which this process reaches `name`, or the directory itself, now; for openers other than node:fs. */
  place(name?: ByteString): string | Buffer
}

interface DirectoryOptions {
  readonly path: string
  /** The bytes of `path`, which need not be UTF-8. */
  readonly pathBytes: ByteString
  readonly byDescriptor: boolean
}

/** Takes over the descriptor of a directory. */
export function openDiskDirectory(descriptor: number, options: DirectoryOptions): DiskDirectory {
  const { path, byDescriptor } = options
  const prefix = byDescriptor ? `/proc/self/fd/${descriptor}` : options.pathBytes
  let open = true

  const place = (name?: ByteString): string | Buffer => {
    if (!open) throw new HostError('OTHER', 'use', path, new Error('the directory is closed'))
    if (!byDescriptor) requireSameDirectory(descriptor, options)
    return platformPath(name === undefined ? prefix : `${prefix}/${name}`)
  }
  const on = <T>(call: string, name: ByteString, body: (at: string | Buffer) => T): T => {
    checkName(call, path, name)
    try {
      return body(place(name))
    } catch (error) {
      throw hostErrorOf(error, call, joinPath(path, name))
    }
  }
  const self = <T>(call: string, body: (at: string | Buffer) => T): T => {
    try {
      return body(place())
    } catch (error) {
      throw hostErrorOf(error, call, path)
    }
  }
  const full = (name: ByteString): string => joinPath(path, name)

  return {
    path,
    place,
    child: name =>
      on('child', name, at => {
        const fd = openOrMissing(at, directoryFlags)
        if (fd === undefined) return undefined
        return openDiskDirectory(fd, { path: full(name), pathBytes: `${options.pathBytes}/${name}`, byDescriptor })
      }),
    clone: () => self('clone', () => openDiskDirectory(openSync(place('.'), directoryFlags), options)),
    list: () => self('list', listNames),
    *listInParts() {
      const parts = self('list', listNamesInParts)
      try {
        for (let part = self('list', () => parts.next()); !part.done; part = self('list', () => parts.next()))
          yield part.value
      } finally {
        parts.return()
      }
    },
    stat: name => on('stat', name, statOrMissing),
    selfStat: () => self('stat', () => fileStatOf(fstatSync(descriptor, { bigint: true }))),
    readLink: name => on('readLink', name, at => readLinkTarget(at, full(name))),
    open: (name, how, mode) => on('open', name, at => openRegularFile({ at, path: full(name), how, mode })),
    makeDirectory: (name, mode) =>
      on('makeDirectory', name, at => makeDirectoryExactly({ at, path: full(name), mode, byDescriptor })),
    makeSymlink: (name, target) =>
      on('makeSymlink', name, at => {
        checkTarget('makeSymlink', full(name), target)
        symlinkSync(platformPath(target), at)
      }),
    rename: (name, to, toName) =>
      on('rename', name, at => {
        if (!isDiskDirectory(to)) throw new HostError('CROSS_DEVICE', 'rename', full(name))
        checkName('rename', to.path, toName)
        renameSync(at, to.place(toName))
      }),
    removeFile: name => on('removeFile', name, unlinkSync),
    removeDirectory: name => on('removeDirectory', name, at => rmdirSync(at)),
    setMode: (name, mode) => on('setMode', name, at => setModeExactly({ at, path: full(name), mode, byDescriptor })),
    setTimes: (name, mtimeNs) => on('setTimes', name, at => setTimesExactly(at, mtimeNs)),
    flush: () => self('flush', () => flushDirectory(descriptor)),
    flushFileSystem: () => self('flushFileSystem', () => flushFileSystemOf(descriptor, path, byDescriptor)),
    freeBytes: () =>
      self('freeBytes', at => {
        const space = statfsSync(at)
        return space.bavail * space.bsize
      }),
    close: () => {
      if (!open) return
      open = false
      try {
        closeSync(descriptor)
      } catch (error) {
        throw hostErrorOf(error, 'close', path)
      }
    },
  }
}

/** Opens a directory by path, following symlinks; undefined when it is missing. */
export function openDiskDirectoryByPath(path: string, byDescriptor: boolean): DiskDirectory | undefined {
  try {
    const fd = openOrMissing(path, constants.O_RDONLY | constants.O_DIRECTORY)
    if (fd === undefined) return undefined
    const pathBytes = byDescriptor
      ? readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' })
      : realpathSync(path, { encoding: 'latin1' })
    return openDiskDirectory(fd, { path: textOfBytes(pathBytes), pathBytes, byDescriptor })
  } catch (error) {
    throw hostErrorOf(error, 'openDirectory', path)
  }
}

/** Whether the directory came from this port, unwrapped. */
export function isDiskDirectory(directory: Directory): directory is DiskDirectory {
  return 'place' in directory
}

function requireSameDirectory(descriptor: number, { path, pathBytes }: DirectoryOptions): void {
  const found = lstatSync(platformPath(pathBytes), { bigint: true })
  const held = fstatSync(descriptor, { bigint: true })
  if (found.isSymbolicLink()) throw new HostError('SYMLINK', 'use', path)
  if (found.dev !== held.dev || found.ino !== held.ino) throw new HostError('NOT_FOUND', 'use', path)
}
