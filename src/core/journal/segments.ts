// The segment files of `.runtime/journal`: their names, their headers, and a few of them open at a time. A segment is
// named by the first record it holds, so the list of names is an index of the journal.

import { equalBytes } from '../format/bytes.ts'
import { isFormatError } from '../format/formatError.ts'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  frameSeed,
  parseSegmentFileName,
  type SegmentHeader,
  segmentFileName,
  segmentHeaderBytes,
} from '../format/frame.ts'
import { HostError, isHostError } from '../host/error.ts'
import type { Directory, OpenFile } from '../host/host.ts'

/** A place in the journal: a byte of one segment. */
export interface Position {
  /** First record of the segment. */
  readonly segment: number
  readonly bytes: number
}

export interface Segments {
  /** First records of all segments, ascending; as of the last `relist`. */
  list(): readonly number[]
  relist(): void
  /** The open file; throws NOT_FOUND. Valid until the next call here. */
  open(first: number): OpenFile
  /** What the CRC of the segment's frames begins with. */
  seed(first: number): number
  /** What is wrong with the segment's header; undefined when it is right. */
  fault(first: number): string | undefined
  /** Which log's id the segment carries, when its header is right. */
  logId(first: number): Uint8Array | undefined
  /** Forgets the open file: it may have been replaced. */
  drop(first?: number): void
  /** Forgets the open files in whose place another process has put others. */
  dropReplaced(): void
  /** Makes an empty segment, durably: header, flush, directory flush. */
  create(first: number): OpenFile
  /** Removes a segment, durably. */
  remove(first: number): void
  /** The directory, made when it is missing and the journal may write. */
  directory(): Directory | undefined
  close(): void
}

const directoryName = 'journal'

/** For messages: file and offset below `.runtime`. */
export function placeText(position: Position): string {
  return `journal/${segmentFileName(position.segment)} byte ${position.bytes}`
}

export interface SegmentsOptions {
  readonly runtime: Directory
  readonly writable: boolean
  /** Of new segments. */
  readonly logId: Uint8Array
  /** What older segments may carry besides: the folder was copied. */
  readonly earlierLogIds: readonly Uint8Array[]
  /** Asked for a segment of a log that is none of these. */
  readonly logIdsNow?: (() => readonly Uint8Array[]) | undefined
  readonly openMax: number
}

export function createSegments(options: SegmentsOptions): Segments {
  const { runtime, writable } = options
  const files = new Map<number, OpenFile>()
  const ids = new Map<number, Uint8Array>()
  let home: Directory | undefined
  let firsts: readonly number[] = []

  const directory = (): Directory | undefined => (home ??= runtime.child(directoryName))
  const needDirectory = (): Directory => {
    const known = directory()
    if (known !== undefined) return known
    runtime.makeDirectory(directoryName, 0o700)
    runtime.flush()
    home = runtime.child(directoryName)
    return home!
  }
  const drop = (first?: number): void => {
    const dropped = first === undefined ? [...files.keys()] : [first]
    for (const key of dropped) {
      const file = files.get(key)
      files.delete(key)
      ids.delete(key)
      file?.close()
    }
  }
  const keep = (first: number, file: OpenFile): OpenFile => {
    files.set(first, file)
    if (files.size > options.openMax) drop(files.keys().next().value)
    return file
  }
  const relist = (): void => {
    firsts = (directory()?.list() ?? []).flatMap(({ name }) => parseSegmentFileName(name) ?? []).sort((a, b) => a - b)
  }
  const open = (first: number): OpenFile => {
    const known = files.get(first)
    if (known === undefined) {
      const at = directory()
      if (at === undefined) throw new HostError('NOT_FOUND', 'open', `${runtime.path}/${directoryName}`)
      return keep(first, at.open(segmentFileName(first), writable ? 'modify' : 'read'))
    }
    files.delete(first)
    files.set(first, known)
    return known
  }
  const openIfThere = (first: number): OpenFile | undefined => {
    try {
      return open(first)
    } catch (error) {
      if (isHostError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }
  // The id in the header, or what is wrong with the header.
  const identify = (first: number): Uint8Array | string => {
    const known = ids.get(first)
    if (known !== undefined) return known
    const file = openIfThere(first)
    if (file === undefined) return 'the segment is missing'
    const header = readHeader(file)
    if (typeof header === 'string') return header
    if (header.firstSeq !== first) return `the header says record ${header.firstSeq}`
    const isThis = (candidate: Uint8Array): boolean => equalBytes(candidate, header.logId)
    const id = [options.logId, ...options.earlierLogIds].find(isThis) ?? options.logIdsNow?.().find(isThis)
    if (id === undefined) return 'the segment belongs to another log'
    ids.set(first, id)
    return id
  }
  const logId = (first: number): Uint8Array | undefined => {
    const id = identify(first)
    return typeof id === 'string' ? undefined : id
  }
  return {
    list: () => firsts,
    relist,
    directory: () => (writable ? needDirectory() : directory()),
    open,
    // A damaged header says nothing; the frames behind it are most likely this log's.
    seed: first => frameSeed(logId(first) ?? options.logId),
    fault(first) {
      const id = identify(first)
      return typeof id === 'string' ? id : undefined
    },
    logId,
    drop,
    dropReplaced() {
      const at = directory()
      for (const [first, file] of [...files]) {
        if (at?.stat(segmentFileName(first))?.inode !== file.stat().inode) drop(first)
      }
    },
    create(first) {
      const at = needDirectory()
      const name = segmentFileName(first)
      if (at.stat(name) !== undefined) throw new HostError('EXISTS', 'create', `${at.path}/${name}`)
      writeHeader(at, `${name}.new`, encodeSegmentHeader({ firstSeq: first, logId: options.logId }))
      at.rename(`${name}.new`, at, name)
      at.flush()
      relist()
      return open(first)
    },
    remove(first) {
      drop(first)
      const at = needDirectory()
      if (at.stat(segmentFileName(first)) !== undefined) at.removeFile(segmentFileName(first))
      at.flush()
      relist()
    },
    close() {
      drop()
      home?.close()
      home = undefined
    },
  }
}

function readHeader(file: OpenFile): SegmentHeader | string {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  if (readFully(file, bytes, 0) < bytes.length) return 'the header is cut short'
  try {
    return decodeSegmentHeader(bytes)
  } catch (error) {
    if (isFormatError(error)) return error.reason
    throw error
  }
}

// Under another name until it is whole and flushed, so that a segment never has half a header.
function writeHeader(at: Directory, name: string, bytes: Uint8Array): void {
  if (at.stat(name) !== undefined) at.removeFile(name)
  const file = at.open(name, 'create', 0o600)
  try {
    file.write(bytes, 0)
    file.flush()
  } finally {
    file.close()
  }
}

/** Reads until `target` is full or the file ends; returns how many bytes came. */
export function readFully(file: OpenFile, target: Uint8Array, position: number): number {
  let done = 0
  while (done < target.length) {
    const count = file.read(target, done, target.length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}
