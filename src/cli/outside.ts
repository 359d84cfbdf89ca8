// Files that the user names outside the governed tree, and standard input kept aside so that its size is known.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type ErrorCode, SentientError } from '../core/errors.ts'
import type { ByteSource } from '../core/system.ts'
import { safeText } from './style.ts'

export type ClosableSource = ByteSource & { close(): void }

/** Standard input up to this size stays in memory. */
export const inputBytesInMemoryMax = 8 * 1024 * 1024

const codes: Record<string, ErrorCode> = {
  ENOENT: 'PATH_NOT_FOUND',
  ENOTDIR: 'NOT_A_DIRECTORY',
  EISDIR: 'IS_A_DIRECTORY',
  EACCES: 'NOT_WRITABLE',
  EPERM: 'NOT_WRITABLE',
  EROFS: 'NOT_WRITABLE',
  ENOSPC: 'DISK_FULL',
}

function translated(error: unknown, where: string): SentientError {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException
  const details = {
    where: safeText(where),
    ...(codes[code] === undefined ? { found: message } : {}),
    ...(code === 'ENOENT' ? { what: 'No such file', hint: 'Check the spelling.' } : {}),
  }
  return new SentientError(codes[code] ?? 'IO', details, error)
}

export function openOutsideFile(file: string): ClosableSource {
  try {
    const fd = fs.openSync(file, 'r')
    const stat = fs.fstatSync(fd)
    if (!stat.isFile()) {
      fs.closeSync(fd)
      const code = stat.isDirectory() ? 'IS_A_DIRECTORY' : 'USAGE'
      throw new SentientError(code, {
        where: safeText(file),
        expected: 'a regular file',
        hint: 'Give - to read from a pipe.',
      })
    }
    return sourceOf(fd, stat.size, file)
  } catch (error) {
    throw error instanceof SentientError ? error : translated(error, file)
  }
}

function sourceOf(fd: number, size: number, where: string): ClosableSource {
  return {
    size,
    read(target, offset, length, position) {
      try {
        return fs.readSync(fd, target, offset, length, position)
      } catch (error) {
        throw translated(error, where)
      }
    },
    close: () => fs.closeSync(fd),
  }
}

/** Replaces the file by a rename, so that it is never half written. */
export function writeOutsideFile(file: string, contents: string): void {
  const temporary = `${file}.${process.pid}.new`
  try {
    fs.writeFileSync(temporary, contents)
    fs.renameSync(temporary, file)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw translated(error, file)
  }
}

/** Reads a stream to its end: in memory while it is small, else in a temporary file that has no name any more. */
export async function spooled(input: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ClosableSource> {
  let chunks: Uint8Array[] = []
  let size = 0
  let fd: number | undefined
  const cancelled = new Promise<never>((_, reject) => {
    const stop = () => reject(new SentientError('CANCELLED'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  cancelled.catch(() => {})
  const iterator = input[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await Promise.race([iterator.next(), cancelled])
      if (step.done === true) break
      chunks.push(step.value)
      size += step.value.length
      if (fd === undefined && size <= inputBytesInMemoryMax) continue
      fd ??= unnamedFile()
      for (const chunk of chunks) writeAll(fd, chunk)
      chunks = []
    }
  } catch (error) {
    if (fd !== undefined) fs.closeSync(fd)
    throw error instanceof SentientError ? error : translated(error, 'standard input')
  }
  return fd === undefined ? memorySource(Buffer.concat(chunks)) : sourceOf(fd, size, 'standard input')
}

function unnamedFile(): number {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sentctl-'))
  const fd = fs.openSync(path.join(directory, 'input'), 'wx+', 0o600)
  fs.rmSync(directory, { recursive: true })
  return fd
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at)
}

function memorySource(bytes: Uint8Array): ClosableSource {
  return {
    size: bytes.length,
    read(target, offset, length, position) {
      const part = bytes.subarray(position, position + length)
      target.set(part, offset)
      return part.length
    },
    close() {},
  }
}
