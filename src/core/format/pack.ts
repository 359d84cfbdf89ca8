// Packs: files that objects are appended to. Every entry can be found again behind damage by its marker and checked on
// its own by its CRC and its id.

import { asBuffer, bytesOfHex, equalBytes } from './bytes.ts'
import { chunkBytesMax, magics, markers, objectBytesMax, packBytesMax, packNumberMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { crc32 } from './hash.ts'
import { type Codec, codecNumbers, codecOf, idBytes, idFromBytes, type ObjectId } from './id.ts'

export const packHeaderBytes = 16
export const packIdBytes = 8
export const entryHeaderBytes = 56

/** What an object is, for tools that list packs; nothing relies on it. */
export type ObjectKind = 'unknown' | 'chunk' | 'list' | 'node' | 'state' | 'changes' | 'other'

/** How the payload holds the object's bytes. */
export type Packing = 'plain' | 'zstd'

export interface EntryHeader {
  readonly id: ObjectId
  readonly codec: Codec
  readonly kind: ObjectKind
  readonly packing: Packing
  /** Bytes of the payload. */
  readonly storedBytes: number
  /** Bytes of the object. */
  readonly objectBytes: number
}

/** An entry's header as read, and the CRC that it claims. */
export interface ReadEntryHeader extends EntryHeader {
  readonly crc: number
  /** Of the payload, in the bytes that were given. */
  readonly payloadOffset: number
  /** Where the next entry begins. */
  readonly nextOffset: number
}

const entryMarker = bytesOfHex(markers.packEntry)
const kindNames: readonly ObjectKind[] = ['unknown', 'chunk', 'list', 'node', 'state', 'changes', 'other']
const packings: readonly Packing[] = ['plain', 'zstd']

export const kindNumber = (kind: ObjectKind): number => kindNames.indexOf(kind)
export const packingNumber = (packing: Packing): number => packings.indexOf(packing)

/** The kind of a number; throws FormatError for one that is not in use. */
export function kindOf(number: number): ObjectKind {
  const kind = kindNames[number]
  if (kind === undefined) throw new FormatError('an object of an unknown kind')
  return kind
}

export function packingOf(number: number): Packing {
  const packing = packings[number]
  if (packing === undefined) throw new FormatError('an unknown packing')
  return packing
}

/** The most bytes that an object of this kind and codec may have. */
export function objectLimit(kind: ObjectKind): number {
  return kind === 'chunk' ? chunkBytesMax : objectBytesMax
}

/** `000000000001.pack`, or `.idx` for the index. */
export function packFileName(packNumber: number, extension: 'pack' | 'idx' = 'pack'): string {
  checkPackNumber(packNumber)
  return `${packNumber.toString().padStart(12, '0')}.${extension}`
}

/** The number in a pack's or index's file name; undefined for any other name. */
export function parsePackFileName(name: string): { packNumber: number; extension: 'pack' | 'idx' } | undefined {
  const match = /^(\d{12})\.(pack|idx)$/.exec(name)
  const packNumber = Number(match?.[1])
  return match === null || packNumber === 0 ? undefined : { packNumber, extension: match[2] as 'pack' | 'idx' }
}

/** The 16 bytes at the start of a new pack; `random` are four bytes of chance. */
export function encodePackHeader(random: Uint8Array): Uint8Array {
  if (random.length !== 4) throw new FormatError('a pack id is made of four random bytes')
  const bytes = new Uint8Array(packHeaderBytes)
  const header = asBuffer(bytes)
  header.write(magics.pack, 'latin1')
  header.set(random, 8)
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12)
  return bytes
}

/** The pack id: the last eight bytes of the header, of which the second half is a CRC that makes the header check itself. */
export function decodePackHeader(bytes: Uint8Array): Uint8Array {
  const header = asBuffer(bytes)
  if (header.length < packHeaderBytes) throw new FormatError('a pack that is cut short in its header')
  if (header.toString('latin1', 0, 8) !== magics.pack) throw new FormatError('not a pack', 0)
  if (header.readUInt32LE(12) !== crc32(header.subarray(0, 12)))
    throw new FormatError('a pack header with a wrong CRC', 12)
  return Uint8Array.from(header.subarray(8, packHeaderBytes))
}

/** The 56 bytes before a payload. `fields.storedBytes` is the payload's length. */
export function encodeEntryHeader(fields: EntryHeader, payload: Uint8Array): Uint8Array {
  checkFields(fields)
  if (payload.length !== fields.storedBytes) throw new FormatError('a payload of another length than its header says')
  const bytes = new Uint8Array(entryHeaderBytes)
  const header = asBuffer(bytes)
  header.set(entryMarker)
  header.writeUInt32LE(fields.storedBytes, 8)
  header.writeUInt32LE(fields.objectBytes, 12)
  header[16] = kindNumber(fields.kind)
  header[17] = codecNumbers[fields.codec]
  header[18] = packingNumber(fields.packing)
  header.set(idBytes(fields.id), 20)
  header.writeUInt32LE(crc32(payload, crc32(header.subarray(8, 52))), 52)
  return bytes
}

/**
 * The header at an offset; throws FormatError when there is none or one that breaks a rule. Not yet checked: whether
 * the payload is there, and the CRC (`entryCrcOk`).
 */
export function decodeEntryHeader(bytes: Uint8Array, offset = 0): ReadEntryHeader {
  const buffer = asBuffer(bytes)
  if (offset + entryHeaderBytes > buffer.length)
    throw new FormatError('an entry that is cut short in its header', offset)
  if (!equalBytes(buffer.subarray(offset, offset + 8), entryMarker)) throw new FormatError('no entry here', offset)
  const codec = codecOf(buffer[offset + 17]!)
  if (codec === undefined || buffer[offset + 19] !== 0) throw new FormatError('an entry with unknown fields', offset)
  const storedBytes = buffer.readUInt32LE(offset + 8)
  const header: ReadEntryHeader = {
    id: idFromBytes(buffer, offset + 20),
    codec,
    kind: kindOf(buffer[offset + 16]!),
    packing: packingOf(buffer[offset + 18]!),
    storedBytes,
    objectBytes: buffer.readUInt32LE(offset + 12),
    crc: buffer.readUInt32LE(offset + 52),
    payloadOffset: offset + entryHeaderBytes,
    nextOffset: offset + entryHeaderBytes + storedBytes,
  }
  checkFields(header)
  return header
}

/** Whether the CRC of an entry fits: `header` its 56 bytes, `payload` what follows. */
export function entryCrcOk(header: Uint8Array, payload: Uint8Array): boolean {
  if (header.length !== entryHeaderBytes) return false
  return crc32(payload, crc32(header.subarray(8, 52))) === asBuffer(header).readUInt32LE(52)
}

/** The next offset from `from` on at which an entry's marker lies; -1 for none. */
export function findEntryMarker(bytes: Uint8Array, from: number): number {
  return asBuffer(bytes).indexOf(entryMarker, from)
}

/** Throws FormatError for sizes that no entry may have; index entries obey the same rules. */
export function checkFields(fields: Omit<EntryHeader, 'id'>): void {
  const { storedBytes, objectBytes, kind, codec, packing } = fields
  if (!(objectBytes >= 0 && objectBytes <= objectLimit(kind))) throw new FormatError('an object over its limit')
  if (packing === 'plain' ? storedBytes !== objectBytes : !(storedBytes > 0 && storedBytes < objectBytes)) {
    throw new FormatError('a payload of an impossible length')
  }
  if ((kind === 'chunk') !== (codec === 'raw') && kind !== 'unknown' && kind !== 'other') {
    throw new FormatError('an object of a kind that has another codec')
  }
}

function checkPackNumber(packNumber: number): void {
  if (!Number.isInteger(packNumber) || packNumber < 1 || packNumber > packNumberMax) {
    throw new FormatError('a pack number has 1 to 12 digits and is not 0')
  }
}

/** Whether an entry with a payload of this length still fits a pack of this length. */
export function fitsPack(packBytes: number, storedBytes: number): boolean {
  return packBytes + entryHeaderBytes + storedBytes <= packBytesMax
}
