// Marks: how much of the journal and of the shared pack is known to be on disk, and how many records are applied to the
// tree. Two slots are written in turn after each flush, so that a torn write leaves the other one.

import { asBuffer } from './bytes.ts'
import {
  magics,
  marksFileBytes,
  marksSlotBytes,
  marksSlotDistanceBytes,
  packBytesMax,
  packNumberMax,
  segmentBytesMax,
} from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { segmentHeaderBytes } from './frame.ts'
import { crc32 } from './hash.ts'
import { readU64, writeU64 } from './integers.ts'
import { packHeaderBytes, packIdBytes } from './pack.ts'

export interface Marks {
  /** From 1 on, one more with each write; the slot is `generation` mod 2. */
  readonly generation: number
  /** Which segment is the last. */
  readonly segmentFirstSeq: number
  /** How much of that segment is on disk. */
  readonly segmentFlushedBytes: number
  /** How many records are on disk: the seq of the next. */
  readonly nextSeq: number
  /** The leaf hash of the last record on disk; 32 zero bytes for none. */
  readonly lastLeaf: Uint8Array
  /** How many records are applied to the governed tree. */
  readonly applied: number
  /** The pack that small writes append to; 0 for none. */
  readonly packNumber: number
  /** How much of that pack is on disk. */
  readonly packFlushedBytes: number
  /** The id in that pack's header, eight bytes; left out when it is not known. */
  readonly packId?: Uint8Array
  /** The lock was released in good order after this write. */
  readonly clean: boolean
}

export type SlotResult =
  | { readonly state: 'ok'; readonly marks: Marks }
  | { readonly state: 'empty' }
  | { readonly state: 'bad'; readonly reason: string }

export interface MarksFile {
  /** What counts: the valid slot of the highest generation. */
  readonly newest: Marks | undefined
  readonly slots: readonly [SlotResult, SlotResult]
  /** The bytes outside the slots are zero, as they must be. */
  readonly restIsZero: boolean
}

const packIdOffset = 96
const cleanOffset = 104
const crcOffset = 108

/** Where the slot of a generation lies in the file. */
export function marksOffset(generation: number): number {
  return (generation % 2) * marksSlotDistanceBytes
}

/** One slot of 512 bytes. */
export function encodeMarks(marks: Marks): Uint8Array {
  checkMarks(marks)
  const bytes = new Uint8Array(marksSlotBytes)
  const slot = asBuffer(bytes)
  slot.write(magics.marks, 'latin1')
  writeU64(slot, marks.generation, 8)
  writeU64(slot, marks.segmentFirstSeq, 16)
  writeU64(slot, marks.segmentFlushedBytes, 24)
  writeU64(slot, marks.nextSeq, 32)
  slot.set(marks.lastLeaf, 40)
  writeU64(slot, marks.applied, 72)
  writeU64(slot, marks.packNumber, 80)
  writeU64(slot, marks.packFlushedBytes, 88)
  if (marks.packId !== undefined) slot.set(marks.packId, packIdOffset)
  slot[cleanOffset] = marks.clean ? 1 : 0
  slot.writeUInt32LE(crc32(slot.subarray(0, crcOffset)), crcOffset)
  return bytes
}

/** A slot is empty while it was never written: all zero. */
export function decodeMarks(bytes: Uint8Array): SlotResult {
  const slot = asBuffer(bytes)
  if (slot.length !== marksSlotBytes) return { state: 'bad', reason: 'cut short' }
  if (isZero(slot)) return { state: 'empty' }
  if (slot.toString('latin1', 0, 8) !== magics.marks) return { state: 'bad', reason: 'no magic' }
  if (slot.readUInt32LE(crcOffset) !== crc32(slot.subarray(0, crcOffset))) return { state: 'bad', reason: 'wrong CRC' }
  if (
    slot[cleanOffset]! > 1 ||
    !isZero(slot.subarray(cleanOffset + 1, crcOffset)) ||
    !isZero(slot.subarray(crcOffset + 4))
  ) {
    return { state: 'bad', reason: 'unknown fields' }
  }
  try {
    const packId = Uint8Array.from(slot.subarray(packIdOffset, cleanOffset))
    const marks: Marks = {
      generation: readU64(slot, 8),
      segmentFirstSeq: readU64(slot, 16),
      segmentFlushedBytes: readU64(slot, 24),
      nextSeq: readU64(slot, 32),
      lastLeaf: Uint8Array.from(slot.subarray(40, 72)),
      applied: readU64(slot, 72),
      packNumber: readU64(slot, 80),
      packFlushedBytes: readU64(slot, 88),
      ...(isZero(packId) ? {} : { packId }),
      clean: slot[cleanOffset] === 1,
    }
    checkMarks(marks)
    return { state: 'ok', marks }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { state: 'bad', reason: error.reason }
  }
}

/** The whole file of 8192 bytes; a shorter one has a bad or empty second slot. */
export function decodeMarksFile(bytes: Uint8Array): MarksFile {
  const file = asBuffer(bytes)
  const second = marksSlotDistanceBytes
  const slots = [slotAt(file, 0), slotAt(file, second)] as const
  let newest: Marks | undefined
  for (const [index, slot] of slots.entries()) {
    if (slot.state !== 'ok' || slot.marks.generation % 2 !== index) continue
    if (newest === undefined || slot.marks.generation > newest.generation) newest = slot.marks
  }
  const rests = [file.subarray(marksSlotBytes, second), file.subarray(second + marksSlotBytes)]
  return { newest, slots, restIsZero: file.length === marksFileBytes && rests.every(isZero) }
}

function slotAt(file: Buffer, offset: number): SlotResult {
  const slot = decodeMarks(file.subarray(offset, offset + marksSlotBytes))
  if (slot.state !== 'ok' || marksOffset(slot.marks.generation) === offset) return slot
  return { state: 'bad', reason: 'a generation of the other slot' }
}

function checkMarks(marks: Marks): void {
  if (marks.generation < 1) throw new FormatError('generations count from 1')
  if (marks.lastLeaf.length !== 32) throw new FormatError('a leaf hash has 32 bytes')
  if (marks.nextSeq === 0 && !isZero(marks.lastLeaf)) throw new FormatError('a last leaf without records')
  if (marks.segmentFirstSeq > marks.nextSeq || marks.applied > marks.nextSeq) {
    throw new FormatError('marks beyond the records')
  }
  const { segmentFlushedBytes, packNumber, packFlushedBytes, packId } = marks
  if (packId !== undefined && (packId.length !== packIdBytes || isZero(packId) || packNumber === 0)) {
    throw new FormatError('a pack id has eight bytes and belongs to a pack')
  }
  if (segmentFlushedBytes < segmentHeaderBytes || segmentFlushedBytes > segmentBytesMax) {
    throw new FormatError('an impossible size of a segment')
  }
  const packFits = packNumber === 0 ? packFlushedBytes === 0 : packFlushedBytes >= packHeaderBytes
  if (!packFits || packFlushedBytes > packBytesMax || packNumber > packNumberMax) {
    throw new FormatError('an impossible size of a pack')
  }
}

const zeros = Buffer.alloc(marksFileBytes)

function isZero(bytes: Uint8Array): boolean {
  return asBuffer(bytes).equals(zeros.subarray(0, bytes.length))
}
