// Reading records: one by its offset, or a range of them frame by frame in either direction. Damage is a result, not an
// exception, and reading goes on behind it.

import { SentientError } from '../errors.ts'
import { type GoodFrame, segmentHeaderBytes } from '../format/frame.ts'
import { leafHash } from '../format/merkle.ts'
import { isHostError } from '../host/error.ts'
import type { JournalContext } from './context.ts'
import { envelopeOf, keepFrame, recordOf } from './frames.ts'
import { createFrameWindow, type FrameAt, type FrameWindow } from './frameWindow.ts'
import type { RawRecord, RecordRange, RecordResult } from './model.ts'
import { type Position, placeText } from './segments.ts'

/** What is read of each frame: the whole record, or only its leaf hash. */
type Read<T> = (frame: GoodFrame, seq: number, at: Position) => T

export interface Damaged {
  readonly state: 'damaged'
  readonly seq: number
  readonly where: string
  readonly reason: string
}

interface Located {
  readonly at: Position
  readonly found: FrameAt
}

const singleWindowBytes = 4096
const reverseWindowBytes = 65_536

export function readRecord(context: JournalContext, seq: number): RecordResult {
  if (!Number.isSafeInteger(seq) || seq < 0 || seq >= context.state.head.size) return { state: 'missing', seq }
  const located = locate(context, seq)
  return located.found.state === 'ok' ? wholeRecord(located.found.frame, seq, located.at) : damagedOf(seq, located)
}

export function readRecords(context: JournalContext, range: RecordRange): Generator<RecordResult, void> {
  const [from, to] = clamp(context, range.from, range.to)
  return range.reverse === true ? backwards(context, from, to) : forwards(context, from, to, wholeRecord)
}

/** From the first to the last; `reverse` is not heard. */
export function readRawRecords(context: JournalContext, range: RecordRange): Generator<RawRecord, void> {
  const [from, to] = clamp(context, range.from, range.to)
  return forwards(context, from, to, rawRecord)
}

function rawRecord({ envelopeBytes, salt, bodyBytes }: GoodFrame, seq: number): RawRecord {
  return { state: 'intact', seq, envelopeBytes, salt, bodyBytes }
}

/**
 * Leaf hashes from the frames; of a record that cannot be read from what follows it, which holds the hash as `prev`: a
 * lost record costs neither the tree nor the proofs. Throws DAMAGED where two in a row are lost.
 */
export function readLeaves(context: JournalContext, from: number, to: number): Uint8Array[] {
  const leaves: Uint8Array[] = []
  for (const leaf of forwards(context, from, to, leafOnly)) {
    leaves.push(leaf instanceof Uint8Array ? leaf : leafBefore(context, leaf))
  }
  if (leaves.length !== to - from) throw new SentientError('DAMAGED', { what: 'The journal is shorter than expected' })
  return leaves
}

function leafBefore(context: JournalContext, lost: Damaged): Uint8Array {
  const { head } = context.state
  if (lost.seq + 1 === head.size) return head.leaf
  const { found } = locate(context, lost.seq + 1)
  const envelope = found.state === 'ok' ? envelopeOf(found.frame) : undefined
  if (typeof envelope === 'object') return Uint8Array.from(envelope.prev)
  throw new SentientError('DAMAGED', {
    where: lost.where,
    found: lost.reason,
    what: `Record ${lost.seq} cannot be read`,
  })
}

function clamp(context: JournalContext, from: number, to: number | undefined): [number, number] {
  const size = context.state.head.size
  const end = Math.min(to ?? size, size)
  return [Math.min(Math.max(0, from), end), end]
}

/** A copy of the record in a frame, or why it is none. */
export function wholeRecord(frame: GoodFrame, seq: number, at: Position): RecordResult {
  const decoded = recordOf(keepFrame(frame))
  if (decoded.state === 'ok') return { state: 'intact', record: decoded.record }
  return { state: 'damaged', seq, where: placeText(at), reason: decoded.reason }
}

function leafOnly(frame: GoodFrame): Uint8Array {
  return leafHash(frame.envelopeBytes)
}

function damagedOf(seq: number, { at, found }: Located): Damaged {
  const reason = found.state === 'bad' ? found.reason : 'there is no such record'
  return { state: 'damaged', seq, where: placeText(at), reason }
}

/** The first record of the segment that holds, or should hold, a record. */
export function segmentOf(context: JournalContext, seq: number): number | undefined {
  const list = context.segments.list()
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]! <= seq) low = middle + 1
    else high = middle
  }
  return list[low - 1]
}

/** The first record behind a segment. */
export function segmentEndSeq(context: JournalContext, segment: number): number {
  return context.segments.list().find(first => first > segment) ?? context.state.head.size
}

/** Where the readable bytes of a segment end. */
export function segmentEndBytes(context: JournalContext, segment: number): number {
  const { end } = context.state
  if (segment === end.segment) return end.bytes
  try {
    return context.segments.open(segment).stat().size
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND')) return 0
    throw error
  }
}

export function windowOn(context: JournalContext, segment: number, windowBytes?: number): FrameWindow {
  const end = segmentEndBytes(context, segment)
  return createFrameWindow(context.segments, { segment, end, tolerant: true, ...(windowBytes && { windowBytes }) })
}

/** True for the frame of that record. */
export const isRecord = (frame: GoodFrame, seq: number): boolean => {
  const envelope = envelopeOf(frame)
  return typeof envelope !== 'string' && envelope.seq === seq
}

/** A record by the offset table; when the hint is wrong, by opening the segment anew and scanning it. */
export function locate(context: JournalContext, seq: number): Located {
  const { segments, offsets } = context
  let last: Located | undefined
  for (let attempt = 0; attempt < 3; attempt++) {
    const segment = segmentOf(context, seq)
    if (segment === undefined || seq >= segmentEndSeq(context, segment)) {
      segments.relist()
      continue
    }
    const end = segmentEndBytes(context, segment)
    if (attempt > 0) {
      segments.drop(segment)
      offsets.rescan(segment, end)
    }
    const offset = seq === segment ? segmentHeaderBytes : offsets.find(segment, seq - segment, end)
    if (offset === undefined || offset < segmentHeaderBytes) {
      last ??= { at: { segment, bytes: end }, found: { state: 'bad', offset: end, reason: 'there is no such record' } }
      continue
    }
    const found = windowOn(context, segment, singleWindowBytes).at(offset)
    const at = { segment, bytes: offset }
    if (found.state === 'ok' && isRecord(found.frame, seq)) return { at, found }
    const reason = found.state === 'bad' ? found.reason : 'another record stands here'
    last = { at, found: { state: 'bad', offset, reason } }
  }
  return last ?? lostSegment(context, seq)
}

function lostSegment(context: JournalContext, seq: number): Located {
  const segment = segmentOf(context, seq) ?? 0
  return { at: { segment, bytes: 0 }, found: { state: 'bad', offset: 0, reason: 'its segment is missing' } }
}

function* forwards<T>(context: JournalContext, from: number, to: number, read: Read<T>): Generator<T | Damaged, void> {
  let seq = from
  while (seq < to) {
    const segment = segmentOf(context, seq)
    if (segment === undefined) {
      const next = Math.min(to, context.segments.list()[0] ?? to)
      for (; seq < next; seq++) yield damagedOf(seq, lostSegment(context, seq))
      continue
    }
    const end = Math.min(to, segmentEndSeq(context, segment))
    yield* segmentForwards(context, { segment, from: seq, to: end }, read)
    seq = end
  }
}

interface SegmentRange {
  readonly segment: number
  readonly from: number
  readonly to: number
}

function* segmentForwards<T>(
  context: JournalContext,
  range: SegmentRange,
  read: Read<T>,
): Generator<T | Damaged, void> {
  const { segment, to } = range
  let seq = range.from
  const start = locate(context, seq)
  if (start.found.state === 'bad' && segmentEndBytes(context, segment) === 0) {
    for (; seq < to; seq++) yield damagedOf(seq, start)
    return
  }
  let offset = start.found.state === 'ok' ? start.at.bytes : segmentHeaderBytes
  let window = windowOn(context, segment)
  while (seq < to) {
    const found = window.at(offset)
    const at = { segment, bytes: offset }
    if (found.state === 'ok' && isRecord(found.frame, seq)) {
      yield read(found.frame, seq, at)
      offset = found.next
      seq++
      continue
    }
    // Perhaps the file was replaced; `locate` opens it anew and scans it.
    const again = locate(context, seq)
    window = windowOn(context, segment)
    if (again.found.state === 'ok') {
      offset = again.at.bytes
      continue
    }
    const next = window.search(offset, frame => {
      const envelope = envelopeOf(frame)
      return typeof envelope !== 'string' && envelope.seq > seq && envelope.seq < to
    })
    const resumed = next.state === 'ok' ? envelopeOf(next.frame) : to
    const nextSeq = typeof resumed === 'object' ? resumed.seq : to
    const damage = damagedOf(seq, { at, found: found.state === 'bad' ? found : again.found })
    for (; seq < nextSeq; seq++) yield { ...damage, seq }
    offset = next.offset
  }
}

function* backwards(context: JournalContext, from: number, to: number): Generator<RecordResult, void> {
  let seq = to - 1
  if (seq < from) return
  let position: Position | undefined
  if (to === context.state.head.size) position = context.state.end
  else {
    const behind = locate(context, to)
    if (behind.found.state === 'ok') position = behind.at
  }
  let window: FrameWindow | undefined
  while (seq >= from) {
    if (position !== undefined && position.bytes <= segmentHeaderBytes) {
      // The records before the first of a segment are those of the segment before.
      const before = segmentOf(context, position.segment - 1)
      position = before === undefined ? undefined : { segment: before, bytes: segmentEndBytes(context, before) }
      window = undefined
    }
    if (position !== undefined) {
      const { segment, bytes }: Position = position
      window ??= windowOn(context, segment, reverseWindowBytes)
      const found = window.before(bytes)
      if (found.state === 'ok' && isRecord(found.frame, seq)) {
        const offset = found.offset
        yield wholeRecord(found.frame, seq, { segment, bytes: offset })
        position = { segment, bytes: offset }
        seq--
        continue
      }
    }
    // Walking back failed: one record by the tables, and from there on again.
    const located = locate(context, seq)
    window = undefined
    position = located.found.state === 'ok' ? located.at : undefined
    yield located.found.state === 'ok' ? wholeRecord(located.found.frame, seq, located.at) : damagedOf(seq, located)
    seq--
  }
}
