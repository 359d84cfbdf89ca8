// Frames: how records lie in a journal segment. A frame can be found behind damage by its marker, checked by its CRC
// and walked over in both directions; a frame without a body is a record whose body was forgotten.

import { asBuffer, bytesOfHex } from './bytes.ts'
import { bodyBytesMax, envelopeBytesMax, magics, markers, saltBytes, segmentBytesMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { crc32 } from './hash.ts'
import { readU64, writeU64 } from './integers.ts'

export const segmentHeaderBytes = 32
/** A frame is this much longer than its content: marker, length, CRC, base, and the length once more at the end. */
export const frameOverheadBytes = 20
export const frameContentBytesMax = 2 + envelopeBytesMax + saltBytes + bodyBytesMax

const frameMarker = bytesOfHex(markers.frame)
const contentOffset = 16
const emptyContentBytes = 2

export interface SegmentHeader {
  readonly firstSeq: number
  /** 16 bytes, the same in every segment and in `.runtime/format`. */
  readonly logId: Uint8Array
}

export interface GoodFrame {
  readonly state: 'ok'
  /** This and the next two are views of the buffer. */
  readonly envelopeBytes: Uint8Array
  /** Null, as `bodyBytes`, when the body was forgotten. */
  readonly salt: Uint8Array | null
  readonly bodyBytes: Uint8Array | null
  /** How much of the segment was on disk when the frame was written: an earlier frame below it was flushed. */
  readonly base: number
  readonly nextOffset: number
}

export interface BadFrame {
  /** `short`: right so far, but the buffer ends within the frame; `bad`: no frame here, or a damaged one. */
  readonly state: 'short' | 'bad'
  readonly reason: string
  /** Of a short frame: how long the buffer would have to be, as far as one can tell. */
  readonly neededBytes?: number
}

export type FrameResult = GoodFrame | BadFrame

/** `00000000000000000000.seg`: twenty digits of the first seq. */
export function segmentFileName(firstSeq: number): string {
  if (!Number.isSafeInteger(firstSeq) || firstSeq < 0) throw new FormatError('a seq is an integer from 0 on')
  return `${firstSeq.toString().padStart(20, '0')}.seg`
}

/** The first seq in a segment's file name; undefined for any other name. */
export function parseSegmentFileName(name: string): number | undefined {
  const firstSeq = /^\d{20}\.seg$/.test(name) ? Number(name.slice(0, 20)) : Number.NaN
  return Number.isSafeInteger(firstSeq) ? firstSeq : undefined
}

export function encodeSegmentHeader({ firstSeq, logId }: SegmentHeader): Uint8Array {
  if (logId.length !== 16) throw new FormatError('a log id has 16 bytes')
  const bytes = new Uint8Array(segmentHeaderBytes)
  const header = asBuffer(bytes)
  header.write(magics.segment, 'latin1')
  writeU64(header, firstSeq, 8)
  header.set(logId, 16)
  return bytes
}

/** The caller compares the first seq with the file's name and the log id with `.runtime/format`. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader {
  const header = asBuffer(bytes)
  if (header.length < segmentHeaderBytes) throw new FormatError('a segment that is cut short in its header')
  if (header.toString('latin1', 0, 8) !== magics.segment) throw new FormatError('not a journal segment', 0)
  return { firstSeq: readU64(header, 8), logId: Uint8Array.from(header.subarray(16, 32)) }
}

/** Bytes that a record takes in a segment. */
export function frameBytes(envelopeLength: number, bodyLength: number | null): number {
  return frameOverheadBytes + 2 + envelopeLength + (bodyLength === null ? 0 : saltBytes + bodyLength)
}

/** Whether a frame of this length still fits a segment of this length. A segment holds at least one frame. */
export function fitsSegment(segmentBytes: number, length: number): boolean {
  return segmentBytes + length <= segmentBytesMax
}

/** What a frame is made of. */
export interface FrameParts {
  readonly envelopeBytes: Uint8Array
  /** Null: the body was forgotten. */
  readonly body: { readonly salt: Uint8Array; readonly bodyBytes: Uint8Array } | null
  /** How much of the segment is known to be on disk before this frame is written. */
  readonly base: number
}

/**
 * Why the base of a frame at this offset of its segment can not be; undefined where it can. Behind bytes that are gone a
 * frame stands before where it was written: there it says nothing.
 */
export const faultOfBase = ({ base }: Pick<GoodFrame, 'base'>, offset: number): string | undefined =>
  base > offset ? 'a base behind the frame itself' : undefined

/** What the CRC of every frame of a segment begins with: the log id in the segment's header. */
export function frameSeed(logId: Uint8Array): number {
  if (logId.length !== 16) throw new FormatError('a log id has 16 bytes')
  return crc32(logId)
}

export function encodeFrame(parts: FrameParts, seed: number): Uint8Array {
  const bytes = new Uint8Array(frameBytes(parts.envelopeBytes.length, parts.body?.bodyBytes.length ?? null))
  writeFrame(asBuffer(bytes), 0, parts, seed)
  return bytes
}

/** Writes a frame into a buffer with enough room and returns the offset after it; for batches. */
export function writeFrame(target: Buffer, offset: number, parts: FrameParts, seed: number): number {
  const { envelopeBytes, body, base } = parts
  checkParts(parts)
  const length = frameBytes(envelopeBytes.length, body?.bodyBytes.length ?? null) - frameOverheadBytes
  target.set(frameMarker, offset)
  target.writeUInt32LE(length, offset + 4)
  target.writeUInt32LE(base, offset + 12)
  let at = target.writeUInt16LE(envelopeBytes.length, offset + contentOffset)
  target.set(envelopeBytes, at)
  at += envelopeBytes.length
  if (body !== null) {
    target.set(body.salt, at)
    target.set(body.bodyBytes, at + saltBytes)
  }
  const end = offset + contentOffset + length
  target.writeUInt32LE(frameCrc(target, offset, end, seed), offset + 8)
  return target.writeUInt32LE(length, end)
}

function checkParts({ envelopeBytes, body, base }: FrameParts): void {
  if (envelopeBytes.length === 0 || envelopeBytes.length > envelopeBytesMax)
    throw new FormatError('an envelope over its limit')
  if (!isBase(base)) throw new FormatError('a base is a size of the segment')
  if (body === null) return
  if (body.salt.length !== saltBytes || body.bodyBytes.length === 0 || body.bodyBytes.length > bodyBytesMax) {
    throw new FormatError('a salt has 16 bytes, a body 1 byte to 1 MiB')
  }
}

function isBase(base: number): boolean {
  return Number.isInteger(base) && base >= segmentHeaderBytes && base <= segmentBytesMax
}

/** The frame at an offset of a buffer; `seed` comes from `frameSeed`. */
export function decodeFrameAt(bytes: Uint8Array, offset: number, seed: number): FrameResult {
  const buffer = asBuffer(bytes)
  const left = buffer.length - offset
  for (let i = 0; i < 4 && i < left; i++) {
    if (buffer[offset + i] !== frameMarker[i]) return { state: 'bad', reason: 'no frame marker' }
  }
  if (left < 8)
    return { state: 'short', reason: 'ends within the head of a frame', neededBytes: offset + frameOverheadBytes }
  const length = buffer.readUInt32LE(offset + 4)
  if (length <= emptyContentBytes || length > frameContentBytesMax) return { state: 'bad', reason: 'impossible length' }
  const end = offset + contentOffset + length
  if (end + 4 > buffer.length) return { state: 'short', reason: 'ends within a frame', neededBytes: end + 4 }
  if (buffer.readUInt32LE(end) !== length) return { state: 'bad', reason: 'the two lengths differ' }
  if (buffer.readUInt32LE(offset + 8) !== frameCrc(buffer, offset, end, seed))
    return { state: 'bad', reason: 'wrong CRC' }
  return splitContent(buffer, offset, end)
}

function splitContent(buffer: Buffer, offset: number, end: number): FrameResult {
  const start = offset + contentOffset
  const base = buffer.readUInt32LE(offset + 12)
  if (!isBase(base)) return { state: 'bad', reason: 'impossible base' }
  const envelopeLength = buffer.readUInt16LE(start)
  const envelopeEnd = start + 2 + envelopeLength
  if (envelopeLength === 0 || envelopeLength > envelopeBytesMax || envelopeEnd > end) {
    return { state: 'bad', reason: 'impossible length of the envelope' }
  }
  const envelopeBytes = view(buffer, start + 2, envelopeEnd)
  const nextOffset = end + 4
  if (envelopeEnd === end) return { state: 'ok', envelopeBytes, salt: null, bodyBytes: null, base, nextOffset }
  const bodyStart = envelopeEnd + saltBytes
  if (bodyStart >= end || end - bodyStart > bodyBytesMax)
    return { state: 'bad', reason: 'impossible length of the body' }
  return {
    state: 'ok',
    envelopeBytes,
    salt: view(buffer, envelopeEnd, bodyStart),
    bodyBytes: view(buffer, bodyStart, end),
    base,
    nextOffset,
  }
}

/** The offset of the first whole and valid frame at or after `from`; -1 when there is none. */
export function findNextValidFrame(bytes: Uint8Array, from: number, seed: number): number {
  const buffer = asBuffer(bytes)
  for (let at = buffer.indexOf(frameMarker, from); at >= 0; at = buffer.indexOf(frameMarker, at + 1)) {
    if (decodeFrameAt(buffer, at, seed).state === 'ok') return at
  }
  return -1
}

/** The offset of the frame that ends at `end`; -1 when no possible frame ends there. The frame itself is not checked. */
export function frameStartBefore(bytes: Uint8Array, end: number): number {
  if (end < frameOverheadBytes || end > bytes.length) return -1
  const start = end - frameOverheadBytes - asBuffer(bytes).readUInt32LE(end - 4)
  return start >= 0 && asBuffer(bytes).compare(frameMarker, 0, 4, start, start + 4) === 0 ? start : -1
}

/** CRC over the log id (in the seed), the length bytes, the base and the content. */
function frameCrc(buffer: Buffer, offset: number, end: number, seed: number): number {
  return crc32(buffer.subarray(offset + 12, end), crc32(buffer.subarray(offset + 4, offset + 8), seed))
}

function view(buffer: Buffer, start: number, end: number): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start)
}
