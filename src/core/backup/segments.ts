// Writing records into the segments of a folder that receives them: appended where the last run ended, or written anew
// without the bodies that were forgotten.
import { isSentientError, SentientError } from '../errors.ts'
import { isFormatError } from '../format/formatError.ts'
import {
  decodeFrameAt,
  decodeSegmentHeader,
  encodeFrame,
  encodeSegmentHeader,
  fitsSegment,
  frameBytes,
  frameContentBytesMax,
  frameOverheadBytes,
  frameSeed,
  type GoodFrame,
  parseSegmentFileName,
  segmentFileName,
  segmentHeaderBytes,
} from '../format/frame.ts'
import type { Directory, OpenFile } from '../host/host.ts'
import type { Frame } from './chain.ts'
import { readFully, writeWhole } from './files.ts'

/** A place in the journal: a byte of the segment whose first record this is; 0 bytes: it is still to be made. */
export interface Position {
  readonly segment: number
  readonly bytes: number
}

export interface SegmentWriter {
  readonly position: Position
  readonly written: number
  /** A new segment, for the record of this number. */
  begin(seq: number): void
  /** The next record; `seq` is its number. */
  append(seq: number, frame: Frame): void
  /** Makes everything durable but the directory. */
  finish(): void
  close(): void
}

const bufferBytes = 1 << 20

/** Goes on at a position; what lies behind it was written by a run that did not come to its end, and goes. */
export function createSegmentWriter(
  journal: Directory,
  options: { readonly start: Position; readonly logId: Uint8Array },
): SegmentWriter {
  const { logId } = options
  const seed = frameSeed(logId)
  let { segment, bytes } = options.start
  let base = Math.max(bytes, segmentHeaderBytes)
  let file: OpenFile | undefined
  let written = 0
  const pieces: Uint8Array[] = []
  let held = 0
  cutBack(journal, options.start)

  const drain = (): void => {
    if (held === 0) return
    file!.write(Buffer.concat(pieces), bytes - held)
    written += held
    pieces.length = 0
    held = 0
  }
  const rest = (): void => {
    drain()
    file?.flush()
    file?.close()
    file = undefined
  }
  const begin = (seq: number): void => {
    rest()
    segment = seq
    file = journal.open(segmentFileName(seq), 'create', 0o600)
    pieces.push(encodeSegmentHeader({ firstSeq: seq, logId }))
    held = bytes = base = segmentHeaderBytes
  }
  const needFile = (seq: number, length: number): void => {
    if (bytes === 0 || !fitsSegment(bytes, length) || (file === undefined && !carriesLog())) begin(seq)
    file ??= journal.open(segmentFileName(segment), 'modify')
  }
  // A folder that became a copy begins a segment under its new id.
  const carriesLog = (): boolean => {
    const found = journal.open(segmentFileName(segment), 'read')
    try {
      return Buffer.compare(readHeader(found).logId, logId) === 0
    } finally {
      found.close()
    }
  }
  return {
    get position() {
      return { segment, bytes }
    },
    get written() {
      return written
    },
    begin,
    append(seq, { envelopeBytes, salt, bodyBytes }) {
      const length = frameBytes(envelopeBytes.length, bodyBytes?.length ?? null)
      needFile(seq, length)
      const body = salt === null || bodyBytes === null ? null : { salt, bodyBytes }
      pieces.push(encodeFrame({ envelopeBytes, body, base }, seed))
      held += length
      bytes += length
      if (held >= bufferBytes) drain()
    },
    finish: rest,
    close() {
      file?.close()
      file = undefined
    },
  }
}

/** Removes what was written behind a position, and does not count. */
export function cutBack(journal: Directory, { segment, bytes }: Position): void {
  for (const { name } of journal.list()) {
    const first = parseSegmentFileName(name)
    if ((first === undefined && !name.endsWith('.new')) || (first !== undefined && first < segment)) continue
    if (first === segment && bytes > 0) {
      const file = journal.open(name, 'modify')
      try {
        if (file.stat().size > bytes) {
          file.truncate(bytes)
          file.flush()
        }
      } finally {
        file.close()
      }
    } else journal.removeFile(name)
  }
}

/** First records of all segments, ascending. */
export function segmentsOf(journal: Directory): number[] {
  return journal
    .list()
    .flatMap(({ name }) => parseSegmentFileName(name) ?? [])
    .sort((a, b) => a - b)
}

export interface Bytes {
  read(target: Uint8Array, offset: number, length: number, position: number): number
}

function readHeader(file: Bytes): ReturnType<typeof decodeSegmentHeader> {
  const bytes = new Uint8Array(segmentHeaderBytes)
  readFully(file, bytes, 0)
  try {
    return decodeSegmentHeader(bytes)
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError('DAMAGED', { what: 'A segment is damaged', found: error.reason })
  }
}

const windowBytes = frameContentBytesMax + frameOverheadBytes

/** The frames of a segment from front to end, each a view that the next step overwrites; throws DAMAGED where one is bad. */
export function* framesIn(
  file: Bytes,
  { size, where, first }: { readonly size: number; readonly where: string; readonly first: number },
): Generator<GoodFrame & { readonly offset: number }> {
  const { logId, firstSeq } = readHeader(file)
  if (firstSeq !== first)
    throw new SentientError('DAMAGED', { what: 'A segment is damaged', where, found: `its header says ${firstSeq}` })
  const seed = frameSeed(logId)
  const window = Buffer.allocUnsafeSlow(Math.min(windowBytes, size))
  let start = 0
  let length = 0
  for (let offset = segmentHeaderBytes; offset < size; ) {
    let found = decodeFrameAt(window.subarray(0, length), Math.min(offset - start, length), seed)
    if (found.state === 'short') {
      start = offset
      length = readFully(file, window.subarray(0, Math.min(window.length, size - start)), start)
      found = decodeFrameAt(window.subarray(0, length), 0, seed)
    }
    if (found.state !== 'ok') {
      throw new SentientError('DAMAGED', {
        what: 'A segment is damaged',
        where: `${where}, byte ${offset}`,
        found: found.reason,
      })
    }
    yield { ...found, offset }
    offset = start + found.nextOffset
  }
}

/** The same, with where each ends; simply ends where one is bad. */
export function* soundFramesIn(
  file: Bytes,
  { size, first }: { readonly size: number; readonly first: number },
): Generator<GoodFrame & { readonly end: number }> {
  try {
    for (const frame of framesIn(file, { size, first, where: '' })) {
      const length = frameBytes(frame.envelopeBytes.length, frame.bodyBytes?.length ?? null)
      yield { ...frame, end: frame.offset + length }
    }
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED')) throw error
  }
}

/** Writes a segment anew without some bodies; false when it has none of them. Durable but for the directory. */
export function forgetIn(journal: Directory, segment: number, isListed: (seq: number) => boolean): boolean {
  const name = segmentFileName(segment)
  const file = journal.open(name, 'read')
  try {
    const { size } = file.stat()
    const header = readHeader(file)
    const seed = frameSeed(header.logId)
    const frames = function* () {
      let seq = segment
      for (const frame of framesIn(file, { size, first: segment, where: name }))
        yield { ...frame, goes: isListed(seq++) }
    }
    let holdsListed = false
    for (const { goes, bodyBytes } of frames()) holdsListed ||= goes && bodyBytes !== null
    if (!holdsListed) return false
    writeWhole(journal, name, target => {
      let at = segmentHeaderBytes
      target.write(encodeSegmentHeader(header), 0)
      for (const { envelopeBytes, salt, bodyBytes, goes } of frames()) {
        const body = goes || salt === null || bodyBytes === null ? null : { salt, bodyBytes }
        const bytes = encodeFrame({ envelopeBytes, body, base: segmentHeaderBytes }, seed)
        target.write(bytes, at)
        at += bytes.length
      }
    })
    return true
  } finally {
    file.close()
  }
}
