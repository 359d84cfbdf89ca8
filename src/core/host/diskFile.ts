// An open regular file on the real disk: a descriptor with absolute positions.

import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  readSync,
  writeSync,
} from 'node:fs'
import { errnoOf, hostErrorOf } from './errno.ts'
import type { FileKind, FileStat, OpenFile } from './host.ts'

/** Instead of a descriptor once it is closed, as the number may belong to another file by then. */
const closed = -1

export function kindOfStat(stat: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): FileKind {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'dir'
  return stat.isSymbolicLink() ? 'symlink' : 'other'
}

export function fileStatOf(stat: BigIntStats): FileStat {
  const mode = Number(stat.mode)
  return {
    kind: kindOfMode(mode),
    mode: mode & 0o7777,
    size: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    dev: Number(stat.dev),
    inode: stat.ino,
    links: Number(stat.nlink),
  }
}

function kindOfMode(mode: number): FileKind {
  const type = mode & constants.S_IFMT
  if (type === constants.S_IFREG) return 'file'
  if (type === constants.S_IFDIR) return 'dir'
  return type === constants.S_IFLNK ? 'symlink' : 'other'
}

/** Takes over the descriptor of a regular file; `path` is for messages. */
export function openDiskFile(descriptor: number, path: string): OpenFile {
  let fd = descriptor
  const run = <T>(call: string, body: () => T): T => {
    try {
      if (fd === closed) throw new Error('the file is closed')
      return body()
    } catch (error) {
      throw hostErrorOf(error, call, path)
    }
  }
  return {
    read: (target, offset, length, position) => run('read', () => readRetrying(fd, target, offset, length, position)),
    write: (bytes, position) => run('write', () => writeAll(fd, bytes, position)),
    truncate: size => run('truncate', () => ftruncateSync(fd, size)),
    flush: () => run('flush', () => fdatasyncSync(fd)),
    stat: () => run('stat', () => fileStatOf(fstatSync(fd, { bigint: true }))),
    setMode: mode => run('setMode', () => fchmodSync(fd, mode)),
    close: () => {
      if (fd === closed) return
      run('close', () => {
        const open = fd
        fd = closed
        closeSync(open)
      })
    },
  }
}

// node:fs retries interrupted calls, reads apart.
function readRetrying(fd: number, target: Uint8Array, offset: number, length: number, position: number): number {
  if (length === 0) return 0
  for (;;) {
    try {
      return readSync(fd, target, offset, length, position)
    } catch (error) {
      if (errnoOf(error) !== 'EINTR') throw error
    }
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done)
}
