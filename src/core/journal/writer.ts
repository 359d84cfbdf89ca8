// Appending under the lock: frames, one flush, then the mark. When a write or a flush fails, the journal is cut back to
// its last flushed byte before anybody else may write; when that fails too, the segment is given up as poisoned.

import { type ErrorCode, SentientError } from '../errors.ts'
import { equalBytes } from '../format/bytes.ts'
import { saltBytes } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { frameBytes, segmentHeaderBytes, writeFrame } from '../format/frame.ts'
import type { Marks } from '../format/marks.ts'
import { leafHash } from '../format/merkle.ts'
import { type Body, bodyHash, type Envelope, encodeBody, encodeEnvelope } from '../format/record.ts'
import { type HostErrorCode, isHostError } from '../host/error.ts'
import type { JournalContext } from './context.ts'
import type { AppendOptions, Head, JournalRecord, NewRecord, PackMark } from './model.ts'
import { notePoison } from './poison.ts'
import type { Position } from './segments.ts'

interface EncodedRecord {
  readonly record: JournalRecord
  readonly envelopeBytes: Uint8Array
  readonly salt: Uint8Array
  readonly bodyBytes: Uint8Array
}

/** Records that go into one segment. */
interface Part {
  readonly segment: number
  /** Where the first frame goes; 0 for a segment that is to be made. */
  readonly start: number
  readonly records: EncodedRecord[]
  bytes: number
}

const writeBytesMax = 1_048_576

export function appendRecords(
  context: JournalContext,
  records: readonly NewRecord[],
  pack: PackMark,
  options: AppendOptions = {},
): JournalRecord[] {
  requireLock(context, 'append')
  if (records.length === 0) return []
  const { state } = context
  const encoded = encodeRecords(context, records)
  const parts = planParts(context, encoded, options)
  const before = { end: state.end, head: state.head }
  if (state.marks?.clean !== false) guarded('write the marks', () => writeMarks(context, { clean: false }))
  checkSoleWriter(context, state.end)
  let offsets: number[][]
  try {
    offsets = parts.map(part => writePart(context, part))
  } catch (error) {
    cutBack(context, before.end, parts)
    throw writeError(error, 'append to the journal')
  }
  const { envelope, leaf } = encoded.at(-1)!.record
  const part = parts.at(-1)!
  checkSoleWriter(context, { segment: part.segment, bytes: endOf(part) })
  state.end = { segment: part.segment, bytes: endOf(part) }
  state.flushedSize = envelope.seq + 1
  state.head = { size: envelope.seq + 1, leaf, root: envelope.root, time: envelope.time, applied: before.head.applied }
  noteMarks(context, pack, before)
  noteDerived(context, parts, offsets, encoded)
  return encoded.map(({ record }) => record)
}

/** Under the lock: the first `size` records have been applied. */
export function noteApplied(context: JournalContext, size: number, { flush = false } = {}): void {
  requireLock(context, 'setApplied')
  const { head } = context.state
  if (!Number.isSafeInteger(size) || size < 0 || size > head.size) {
    throw new SentientError('INTERNAL', { what: 'Records cannot be applied that are not there', found: String(size) })
  }
  guarded('write the marks', () => {
    if (size !== head.applied) writeMarks(context, { applied: size, clean: false })
    context.state.head = { ...head, applied: size }
    if (flush && context.state.marksUnflushed) flushMarks(context)
  })
}

// A lock that was deleted by hand, or a file system whose locks do not reach other machines: two writers at once would
// overwrite each other's acknowledged records. Whoever notices stops and touches nothing more.
function checkSoleWriter(context: JournalContext, end: Position): void {
  const { state, segments, marks, lock } = context
  const alone =
    lock.intact() &&
    segments.open(end.segment).stat().size === end.bytes &&
    marks.read()?.newest?.generation === state.marks?.generation
  if (alone) return
  state.intruded = true
  state.marks = undefined
  state.wrote = false
  throw new SentientError('LOCKED', {
    what: 'Another process writes to the journal in spite of the lock',
    where: '.runtime/lock',
    hint: 'End the other process; never delete the lock file; use a file system whose locks work.',
  })
}

function endOf(part: Part): number {
  return Math.max(part.start, segmentHeaderBytes) + part.bytes
}

function guarded(what: string, body: () => void): void {
  try {
    body()
  } catch (error) {
    throw writeError(error, what)
  }
}

export function requireLock(context: JournalContext, call: string): void {
  if (!context.writable) throw new SentientError('READ_ONLY', { what: 'The journal was opened for reading' })
  if (!context.lock.held) throw new SentientError('INTERNAL', { what: `${call} without the writer lock` })
  if (context.state.damage !== undefined) throw new SentientError('DAMAGED', context.state.damage)
  if (context.state.poison !== undefined || context.state.intruded) {
    throw new SentientError('IO', { what: 'An earlier write failed and could not be taken back; take the lock again' })
  }
}

function encodeRecords(context: JournalContext, records: readonly NewRecord[]): EncodedRecord[] {
  const salts = context.random.bytes(saltBytes * records.length)
  let { size: seq, leaf: prev, time: before } = context.state.head
  return records.map((record, index) => {
    const time = record.time ?? context.clock.nowMicros()
    // Order is seq. A clock that went back is written down as it is, but marked.
    const doubtful = time < before || time < context.limits.earliestMicros
    const body: Body = doubtful ? { ...record.body, doubtful: true } : record.body
    const salt = salts.subarray(index * saltBytes, (index + 1) * saltBytes)
    try {
      const bodyBytes = encodeBody(body)
      const envelope: Envelope = { seq, time, root: record.root, prev, bodyHash: bodyHash(salt, bodyBytes) }
      const envelopeBytes = encodeEnvelope(envelope)
      const leaf = leafHash(envelopeBytes)
      const bytes = frameBytes(envelopeBytes.length, bodyBytes.length)
      seq++
      prev = leaf
      before = time
      return { record: { seq: envelope.seq, envelope, body, bytes, leaf }, envelopeBytes, salt, bodyBytes }
    } catch (error) {
      if (!isFormatError(error)) throw error
      throw new SentientError(
        'LIMIT',
        { what: `The record of ${record.body.action} cannot be written`, found: error.reason },
        error,
      )
    }
  })
}

// A frame that would pass the limit starts a new segment.
function planParts(
  context: JournalContext,
  encoded: readonly EncodedRecord[],
  { newSegment = false }: AppendOptions,
): Part[] {
  const { state, limits } = context
  const parts: Part[] = []
  let part: Part = { segment: state.end.segment, start: state.end.bytes, records: [], bytes: 0 }
  // The folder was copied and has an id of its own now; what the old one covers ends here.
  const id = context.segments.logId(part.segment)
  let full = newSegment || (id !== undefined && !equalBytes(id, context.logId))
  for (const one of encoded) {
    const at = endOf(part)
    if (at > segmentHeaderBytes && (full || at + one.record.bytes > limits.segmentBytesMax)) {
      full = false
      if (part.records.length > 0) parts.push(part)
      part = { segment: one.record.seq, start: 0, records: [], bytes: 0 }
    }
    part.records.push(one)
    part.bytes += one.record.bytes
  }
  parts.push(part)
  return parts
}

/** Writes and flushes the frames of one segment; returns their offsets. */
function writePart(context: JournalContext, part: Part): number[] {
  const { segments } = context
  const file = part.start === 0 ? segments.create(part.segment) : segments.open(part.segment)
  const start = Math.max(part.start, segmentHeaderBytes)
  const seed = segments.seed(part.segment)
  const offsets: number[] = []
  let at = start
  for (let first = 0; first < part.records.length; ) {
    let count = 0
    let bytes = 0
    while (first + count < part.records.length && (count === 0 || bytes < writeBytesMax)) {
      bytes += part.records[first + count]!.record.bytes
      count++
    }
    const block = Buffer.allocUnsafe(bytes)
    let offset = 0
    for (const { envelopeBytes, salt, bodyBytes } of part.records.slice(first, first + count)) {
      offsets.push(at + offset)
      offset = writeFrame(block, offset, { envelopeBytes, body: { salt, bodyBytes }, base: start }, seed)
    }
    file.write(block, at)
    at += bytes
    first += count
  }
  file.flush()
  return offsets
}

// Nothing of a failed append may stay: later frames would be written behind bytes of which nobody knows the fate.
function cutBack(context: JournalContext, end: Position, parts: readonly Part[]): void {
  const { segments } = context
  try {
    for (const part of parts.toReversed()) {
      if (part.start === 0) segments.remove(part.segment)
      else {
        const file = segments.open(part.segment)
        file.truncate(end.bytes)
        file.flush()
      }
    }
  } catch (error) {
    if (!isHostError(error)) throw error
    notePoison(context, end)
  }
}

/** Writes the next marks from what is known; `changes` over them. */
export function writeMarks(context: JournalContext, changes: Partial<Marks>): void {
  const { state, marks } = context
  const before = state.marks
  if (before === undefined) throw new SentientError('INTERNAL', { what: 'There are no marks' })
  const next: Marks = {
    ...before,
    segmentFirstSeq: state.end.segment,
    segmentFlushedBytes: state.end.bytes,
    nextSeq: state.head.size,
    lastLeaf: state.head.leaf,
    applied: state.head.applied,
    ...changes,
    generation: before.generation + 1,
  }
  marks.write(next)
  state.marks = next
  state.wrote = true
  state.marksUnflushed = true
}

export function flushMarks(context: JournalContext): void {
  context.marks.flush()
  context.state.marksUnflushed = false
}

// The records are durable by now. Without the mark the next writer finds them behind the old mark and keeps them, so
// they are not taken back; but the caller must know that it is not told the usual yes.
function noteMarks(context: JournalContext, pack: PackMark, before: { end: Position; head: Head }): void {
  const changes = { packNumber: pack.number, packFlushedBytes: pack.flushedBytes, packId: pack.packId, clean: false }
  try {
    writeMarks(context, changes)
  } catch (error) {
    if (!isHostError(error)) throw error
    try {
      writeMarks(context, changes)
    } catch (again) {
      const end = context.state.end
      context.state.end = before.end
      context.state.head = before.head
      notePoison(context, end)
      throw writeError(
        again,
        'write the mark of new records; whether they were recorded shows when the journal is opened again',
      )
    }
  }
}

// What can be made again must not fail the append.
function noteDerived(
  context: JournalContext,
  parts: readonly Part[],
  offsets: number[][],
  encoded: readonly EncodedRecord[],
): void {
  for (const [index, part] of parts.entries()) {
    const firstIndex = part.records[0]!.record.seq - part.segment
    context.offsets.append(part.segment, firstIndex, offsets[index]!, endOf(part))
  }
  for (const { record } of encoded) context.tree.appended(record.seq, record.leaf)
  if (!context.tree.crowded()) return
  try {
    context.tree.storeTiles(context.state.head.size)
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

const errorCodes: Partial<Record<HostErrorCode, ErrorCode>> = {
  NO_SPACE: 'DISK_FULL',
  READ_ONLY: 'READ_ONLY',
  DENIED: 'NOT_WRITABLE',
}

/** A failed port call as the error that callers know. */
export function writeError(error: unknown, what: string): unknown {
  if (!isHostError(error)) return error
  return new SentientError(errorCodes[error.code] ?? 'IO', { what: `Could not ${what}`, where: error.path }, error)
}
