// Putting right what one changed byte did to a segment. The frame's CRC says which byte it may have been; the leaf hash,
// which the record behind it or the marks hold, and the hash of the body prove it. A segment is replaced as a whole, by
// rename, and the damaged one kept aside: whatever is not proven stays as it is.

import { asBuffer, equalBytes } from '../format/bytes.ts'
import { saltBytes } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import {
  decodeFrameAt,
  encodeFrame,
  encodeSegmentHeader,
  faultOfBase,
  findNextValidFrame,
  frameOverheadBytes,
  type GoodFrame,
  segmentHeaderBytes,
} from '../format/frame.ts'
import { crc32 } from '../format/hash.ts'
import type { Marks } from '../format/marks.ts'
import { leafHash } from '../format/merkle.ts'
import { singleByteFixes } from '../format/singleByte.ts'
import { createSlicer } from '../progress.ts'
import type { JournalContext } from './context.ts'
import { envelopeOf, recordOf } from './frames.ts'
import { readPoison } from './poison.ts'
import { openEnd } from './recovery.ts'
import { placeText, readFully } from './segments.ts'
import { type OtherCopy, takeRecords } from './takeFrom.ts'
import { keepSegment, replaceSegment } from './torn.ts'
import { writeMarks } from './writer.ts'

export interface MendedFrame {
  readonly seq: number
  /** File and offset below `.runtime`. */
  readonly where: string
}

/** Looks at every segment, under the lock; does nothing where a failed flush is still to be settled. */
export async function mendFrames(
  context: JournalContext,
  signal: AbortSignal | undefined,
  other?: OtherCopy,
): Promise<MendedFrame[]> {
  const { lock, segments, state, runtime } = context
  await lock.acquire('repair', signal)
  try {
    segments.drop()
    segments.relist()
    const file = context.marks.read()
    state.marks = file?.newest ?? state.marks
    if (state.poison !== undefined || readPoison(runtime) !== undefined) return []
    if (file?.newest !== undefined && !file.restIsZero) cleanMarks(context, file.newest)
    const mended: MendedFrame[] = []
    const slicer = createSlicer(context.clock, signal)
    for (const segment of segments.list()) {
      mended.push(...mendSegment(context, segment))
      if (slicer.due()) await slicer.pause()
    }
    if (other !== undefined) mended.push(...(await takeRecords(context, other, signal)))
    if (mended.length === 0) return mended
    openEnd(context)
    // Others hold the old files open: new marks tell them to look again, and that the end is to be looked at.
    if (state.damage === undefined && state.marks !== undefined) writeMarks(context, { clean: false })
    return mended
  } finally {
    lock.release()
  }
}

/** What lies beside the slots says nothing, and goes. */
function cleanMarks({ marks, state }: JournalContext, newest: Marks): void {
  const next = { ...newest, generation: newest.generation + 1, clean: false }
  marks.create(next)
  state.marks = { ...next, generation: next.generation + 1 }
}

function mendSegment(context: JournalContext, segment: number): MendedFrame[] {
  const { segments } = context
  const bytes = readSegment(context, segment)
  const isHeaderBad = segments.fault(segment) !== undefined
  if (isHeaderBad) bytes.set(encodeSegmentHeader({ firstSeq: segment, logId: context.logId }))
  const mended: MendedFrame[] = []
  const seed = segments.seed(segment)
  let seq = segment
  let sound = 0
  let isShifted = false
  for (let offset = segmentHeaderBytes; offset < bytes.length; ) {
    const found = decodeFrameAt(bytes, offset, seed)
    if (found.state === 'ok' && seqOf(found) === seq) {
      if (!isShifted && faultOfBase(found, offset) !== undefined) {
        bytes.set(withoutBase(found, seed), offset)
        mended.push({ seq, where: placeText({ segment, bytes: offset }) })
      }
      offset = found.nextOffset
      seq++
      sound++
      continue
    }
    const next = findNextValidFrame(bytes, offset + 1, seed)
    const end = next < 0 ? flushedEnd(context, segment, bytes.length) : next
    const leaf = leafOf(context, { segment, seq, next: next < 0 ? undefined : decodeFrameAt(bytes, next, seed) })
    const fixed = leaf === undefined ? undefined : mendFrame(bytes.subarray(offset, end), { seq, leaf, seed })
    if (fixed !== undefined) {
      bytes.set(fixed, offset)
      mended.push({ seq, where: placeText({ segment, bytes: offset }) })
    }
    if (next < 0) break
    offset = next
    isShifted ||= fixed === undefined
    const after = decodeFrameAt(bytes, next, seed)
    seq = (after.state === 'ok' ? seqOf(after) : undefined) ?? seq + 1
  }
  // Frames that fit the log's id say that the header was this log's.
  if (isHeaderBad && sound > 0) mended.unshift({ seq: segment, where: placeText({ segment, bytes: 0 }) })
  if (mended.length > 0) {
    keepSegment(context, segment)
    replaceSegment(context, segment, bytes)
  }
  return mended
}

/** The frame as one that says nothing of when it was written. */
function withoutBase({ envelopeBytes, salt, bodyBytes }: GoodFrame, seed: number): Uint8Array {
  const body = salt === null || bodyBytes === null ? null : { salt, bodyBytes }
  return encodeFrame({ envelopeBytes, body, base: segmentHeaderBytes }, seed)
}

function readSegment(context: JournalContext, segment: number): Buffer {
  const file = context.segments.open(segment)
  const bytes = Buffer.alloc(file.stat().size)
  return bytes.subarray(0, readFully(file, bytes, 0))
}

function seqOf(frame: GoodFrame): number | undefined {
  const envelope = envelopeOf(frame)
  return typeof envelope === 'string' ? undefined : envelope.seq
}

/** Where the last frame of the last segment ends. */
function flushedEnd({ state }: JournalContext, segment: number, size: number): number {
  const marks = state.marks
  return marks?.segmentFirstSeq === segment ? Math.min(size, marks.segmentFlushedBytes) : size
}

interface Wanted {
  readonly segment: number
  readonly seq: number
  /** The next sound frame of the segment. */
  readonly next: ReturnType<typeof decodeFrameAt> | undefined
}

/** The leaf hash that the record must have; undefined when nobody knows. */
function leafOf(context: JournalContext, { segment, seq, next }: Wanted): Uint8Array | undefined {
  const { segments, state } = context
  if (next?.state === 'ok') return prevOf(next, seq + 1)
  const { marks } = state
  if (marks !== undefined && marks.nextSeq === seq + 1) return marks.lastLeaf
  const later = segments.list().find(first => first > segment)
  if (later !== seq + 1) return undefined
  const first = decodeFrameAt(readSegment(context, later), segmentHeaderBytes, segments.seed(later))
  return first.state === 'ok' ? prevOf(first, later) : undefined
}

function prevOf(frame: GoodFrame, seq: number): Uint8Array | undefined {
  const envelope = envelopeOf(frame)
  return typeof envelope === 'object' && envelope.seq === seq ? Uint8Array.from(envelope.prev) : undefined
}

interface Proof {
  readonly seq: number
  readonly leaf: Uint8Array
  readonly seed: number
}

const markerAndLength = 8
const crcOffset = 8
const coveredFrom = 12

/** The frame as it was, from one of which at most one byte was changed; undefined when nothing is proven. */
function mendFrame(damaged: Uint8Array, proof: Proof): Uint8Array | undefined {
  if (damaged.length <= frameOverheadBytes) return undefined
  const frame = Buffer.from(damaged)
  const length = frame.length - frameOverheadBytes
  // Where the frame begins and ends is known from its neighbours.
  frame.writeUInt32LE(length, 4)
  frame.writeUInt32LE(length, frame.length - 4)
  const covered = frame.subarray(coveredFrom, frame.length - 4)
  const found = crc32(covered, crc32(frame.subarray(4, markerAndLength), proof.seed))
  for (const { position, mask } of singleByteFixes(found, frame.readUInt32LE(crcOffset), covered.length)) {
    const fixed = Buffer.from(frame)
    fixed[coveredFrom + position] = (fixed[coveredFrom + position] as number) ^ mask
    const proven = provenFrame(fixed, proof)
    if (proven !== undefined) return proven
  }
  // Only marker, length or CRC were changed.
  return provenFrame(frame, proof)
}

const contentOffset = 16

/** The frame written anew from its parts, when they are what the hashes say. */
function provenFrame(frame: Buffer, { seq, leaf, seed }: Proof): Uint8Array | undefined {
  const envelopeEnd = contentOffset + 2 + frame.readUInt16LE(contentOffset)
  const end = frame.length - 4
  if (envelopeEnd > end) return undefined
  const envelopeBytes = frame.subarray(contentOffset + 2, envelopeEnd)
  if (!equalBytes(leafHash(envelopeBytes), leaf)) return undefined
  const rest = frame.subarray(envelopeEnd, end)
  const body = rest.length === 0 ? null : { salt: rest.subarray(0, saltBytes), bodyBytes: rest.subarray(saltBytes) }
  try {
    const encoded = encodeFrame({ envelopeBytes, body, base: frame.readUInt32LE(coveredFrom) }, seed)
    const decoded = decodeFrameAt(asBuffer(encoded), 0, seed)
    const record = decoded.state === 'ok' ? recordOf(decoded) : undefined
    return record?.state === 'ok' && record.record.seq === seq ? encoded : undefined
  } catch (error) {
    if (!isFormatError(error)) throw error
    return undefined
  }
}
