// Looking for the few records that matter in a long journal: those whose body holds certain bytes. Frames that do not
// hold them are passed over by their lengths, neither checked nor decoded, so that a million take some tenths of a second.

import { decodeFrameAt, segmentHeaderBytes } from '../format/frame.ts'
import { isHostError } from '../host/error.ts'
import type { JournalContext } from './context.ts'
import { type FrameRun, runBackwards, runBytesDefault, runBytesMax, runForwards } from './frameRun.ts'
import type { RecordRange, SearchResult } from './model.ts'
import { isRecord, locate, readRecords, segmentEndBytes, segmentEndSeq, segmentOf, wholeRecord } from './reader.ts'
import { readFully } from './segments.ts'

interface Part {
  readonly segment: number
  readonly from: number
  readonly to: number
}

/**
 * The records of a range that hold any of these byte sequences, besides perhaps some that do not, and damaged ones as
 * far as they were met; after about every megabyte how far it came.
 */
export function* searchRecords(
  context: JournalContext,
  range: RecordRange,
  wanted: readonly Uint8Array[],
): Generator<SearchResult, void> {
  const { size } = context.state.head
  const to = Math.min(range.to ?? size, size)
  const from = Math.min(Math.max(0, range.from), to)
  const bytes = wanted.map(one => Buffer.from(one.buffer, one.byteOffset, one.length))
  const reverse = range.reverse === true
  for (const part of partsOf(context, from, to, reverse)) {
    const reached = yield* reverse ? backwards(context, part, bytes) : forwards(context, part, bytes)
    // Whatever is odd there: the thorough reader finds every record that can be read, and says what is damaged.
    const rest = reverse ? { from: part.from, to: reached, reverse } : { from: reached, to: part.to }
    if (rest.from < rest.to) yield* readRecords(context, rest)
  }
}

function partsOf(context: JournalContext, from: number, to: number, reverse: boolean): Part[] {
  const parts: Part[] = []
  for (let seq = from; seq < to; ) {
    const segment = segmentOf(context, seq)
    const end = Math.min(
      to,
      segment === undefined ? (context.segments.list()[0] ?? to) : segmentEndSeq(context, segment),
    )
    // Without its segment nothing can be passed over: -1 makes that the thorough reader's.
    parts.push({ segment: segment ?? -1, from: seq, to: end })
    seq = end
  }
  return reverse ? parts.reverse() : parts
}

/** Returns the first record that it did not reach. */
function* forwards(
  context: JournalContext,
  { segment, from, to }: Part,
  wanted: readonly Buffer[],
): Generator<SearchResult, number> {
  let offset = segment < 0 ? undefined : offsetOf(context, segment, from)
  const memory = createMemory(context, segment)
  let seq = from
  while (seq < to && offset !== undefined) {
    const bytes = memory.read(offset, Math.min(memory.size(), segmentEndBytes(context, segment) - offset))
    const run = runForwards(bytes, to - seq)
    for (const { index, start } of held(bytes, run, wanted)) {
      const result = decoded(context, { segment, offset, bytes, start }, seq + index)
      if (result === undefined) return seq + index
      yield result
    }
    seq += run.count
    offset += run.to
    if (run.next === 'odd' || (run.count === 0 && !memory.grow())) return seq
    yield { state: 'passed', seq }
  }
  return seq
}

/** Returns the record behind the last one that it did not reach. */
function* backwards(
  context: JournalContext,
  { segment, from, to }: Part,
  wanted: readonly Buffer[],
): Generator<SearchResult, number> {
  let end = segment < 0 ? undefined : endOf(context, segment, to)
  const memory = createMemory(context, segment)
  let seq = to
  while (seq > from && end !== undefined) {
    const offset: number = Math.max(segmentHeaderBytes, end - memory.size())
    const bytes = memory.read(offset, end - offset)
    if (bytes.length < end - offset) return seq
    const run = runBackwards(bytes, seq - from)
    for (const { index, start } of held(bytes, run, wanted).reverse()) {
      const which = seq - run.count + index
      const result = decoded(context, { segment, offset, bytes, start }, which)
      if (result === undefined) return which + 1
      yield result
    }
    seq -= run.count
    end = offset + run.from
    if (run.next === 'odd' || (run.count === 0 && !memory.grow())) return seq
    yield { state: 'passed', seq }
  }
  return seq
}

/** Where a record begins; undefined when that takes a thorough look. */
function offsetOf(context: JournalContext, segment: number, seq: number): number | undefined {
  if (seq === segment) return segmentHeaderBytes
  const { at, found } = locate(context, seq)
  return found.state === 'ok' && at.segment === segment ? at.bytes : undefined
}

/** Where the record before `seq` ends. */
function endOf(context: JournalContext, segment: number, seq: number): number | undefined {
  if (seq === segmentEndSeq(context, segment)) return segmentEndBytes(context, segment)
  return offsetOf(context, segment, seq)
}

function createMemory(context: JournalContext, segment: number) {
  let memory = Buffer.alloc(0)
  let bytesNow = runBytesDefault
  return {
    size: () => bytesNow,
    /** False when a frame does not fit though every frame would. */
    grow(): boolean {
      if (bytesNow >= runBytesMax) return false
      bytesNow = runBytesMax
      return true
    },
    /** As much as there is; nothing where the disk refuses. The file is asked for anew: it may have been closed. */
    read(offset: number, length: number): Buffer {
      if (memory.length < length) memory = Buffer.allocUnsafeSlow(length)
      const target = memory.subarray(0, Math.max(0, length))
      try {
        return target.subarray(0, readFully(context.segments.open(segment), target, offset))
      } catch (error) {
        if (!isHostError(error, 'IO', 'NOT_FOUND')) throw error
        return target.subarray(0, 0)
      }
    },
  }
}

interface HeldFrame {
  readonly index: number
  readonly start: number
}

/** The frames of a run that hold any of the wanted bytes, ascending. */
function held(bytes: Buffer, run: FrameRun, wanted: readonly Buffer[]): HeldFrame[] {
  const { starts, count, to } = run
  const found = new Set<number>()
  for (const one of wanted) {
    let at = bytes.indexOf(one, run.from)
    while (at >= 0 && at < to) {
      const index = frameAt(starts, count, at)
      found.add(index)
      // A hit across two frames is counted for the first; one in the second is looked for all the same.
      at = index + 1 < count ? bytes.indexOf(one, starts[index + 1]) : -1
    }
  }
  return [...found].sort((a, b) => a - b).map(index => ({ index, start: starts[index]! }))
}

function frameAt(starts: Uint32Array, count: number, at: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (starts[middle]! <= at) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The record, fully checked; undefined when another one stands there, or none. */
function decoded(
  context: JournalContext,
  { segment, offset, bytes, start }: { segment: number; offset: number; bytes: Buffer; start: number },
  seq: number,
): SearchResult | undefined {
  const frame = decodeFrameAt(bytes, start, context.segments.seed(segment))
  if (frame.state !== 'ok' || !isRecord(frame, seq)) return undefined
  return wholeRecord(frame, seq, { segment, bytes: offset + start })
}
