// Appends entries to a pack file through a buffer, so that a hundred thousand small objects cost some hundred writes.
// The file is opened, and perhaps made, only when the buffer goes to disk for the first time.
import { entryHeaderBytes } from '../format/pack.ts'
import type { OpenFile } from '../host/host.ts'
import { readFully } from './layout.ts'

/** Holds the largest chunk with its header; what is larger goes to the file directly. */
const bufferBytesMax = (1 << 20) + 4096

export interface PackWriter {
  /** Where the next entry will lie. */
  readonly end: number
  /** How much of the file is written; what lies behind is still in memory. */
  readonly written: number
  append(header: Uint8Array, payload: Uint8Array): void
  /** Appends whole entries that another writer made. */
  appendRaw(bytes: Uint8Array): void
  /** The payload of an entry that was appended. */
  payload(offset: number, storedBytes: number): Uint8Array
  /** Everything from the start on, when nothing was written to the file yet. */
  pending(): Uint8Array
  /** Writes what is in memory to the file. */
  write(): void
  /** Writes, then makes it durable. */
  flush(): void
  /** Where the file ends, provided that nobody else writes to it. */
  readonly fileEnd: number
  /** Whether the file may hold bytes of ours behind `end`. */
  dirtyBeyond(end: number): boolean
  /** Forgets what was appended from `end` on and cuts the file there when it is longer. Does not flush. */
  cutBack(end: number): void
  /** After a flush: lets the buffer and the file go; both come back when they are needed. */
  rest(): void
  close(): void
}

/**
 * `start` is where the first entry goes; `open` gives the file, whose first `start` bytes are its own matter, and is
 * told whether it gave it before.
 */
export function createPackWriter(start: number, open: (again: boolean) => OpenFile): PackWriter {
  let file: OpenFile | undefined
  let buffer = Buffer.alloc(0)
  let length = 0
  let written = start
  /** How far the file may hold bytes of ours: a write that failed may have left some. */
  let touched = start
  let opened = false

  const needFile = (): OpenFile => {
    file ??= open(opened)
    opened = true
    return file
  }

  const writeBytes = (bytes: Uint8Array): void => {
    const target = needFile()
    touched = Math.max(touched, written + bytes.length)
    target.write(bytes, written)
    written += bytes.length
  }

  const write = (): void => {
    if (length === 0) return
    writeBytes(buffer.subarray(0, length))
    length = 0
  }

  const append = (parts: readonly Uint8Array[]): void => {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    if (length + bytes > bufferBytesMax) write()
    if (bytes > bufferBytesMax) {
      writeBytes(Buffer.concat(parts))
      return
    }
    if (length + bytes > buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(bufferBytesMax, Math.max(16_384, (length + bytes) * 2)))
      buffer.copy(grown, 0, 0, length)
      buffer = grown
    }
    for (const part of parts) {
      buffer.set(part, length)
      length += part.length
    }
  }

  return {
    get end() {
      return written + length
    },
    get written() {
      return written
    },
    get fileEnd() {
      return touched
    },
    append: (header, payload) => append([header, payload]),
    appendRaw: bytes => append([bytes]),
    payload(offset, storedBytes) {
      const from = offset + entryHeaderBytes
      if (from >= written) return Uint8Array.from(buffer.subarray(from - written, from - written + storedBytes))
      return readFully(needFile(), from, storedBytes)
    },
    pending: () => buffer.subarray(0, length),
    write,
    flush() {
      write()
      if (file !== undefined) file.flush()
    },
    dirtyBeyond: end => touched > end,
    cutBack(end) {
      if (end >= written) length = end - written
      else {
        length = 0
        written = end
      }
      if (touched > written) {
        needFile().truncate(written)
        touched = written
      }
    },
    rest() {
      buffer = Buffer.alloc(0)
      file?.close()
      file = undefined
    },
    close() {
      file?.close()
      file = undefined
    },
  }
}
