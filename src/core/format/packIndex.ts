// The index of a pack: its entries sorted by id, with a fan-out table over the first byte of the id, so that a lookup
// touches few bytes. Derived: it can always be rebuilt from the pack.

import { asBuffer } from './bytes.ts'
import { magics } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { crc32 } from './hash.ts'
import { codecNumbers, codecOf, idBytes, idFromBytes, type ObjectId } from './id.ts'
import { readU64, writeU64 } from './integers.ts'
import {
  checkFields,
  type EntryHeader,
  entryHeaderBytes,
  kindNumber,
  kindOf,
  packHeaderBytes,
  packIdBytes,
  packingNumber,
  packingOf,
} from './pack.ts'

export const indexHeaderBytes = 28
export const indexFanOutBytes = 1024
/** Where the sorted entries begin. */
export const indexEntriesOffset = indexHeaderBytes + indexFanOutBytes
export const indexEntryBytes = 52

export interface IndexEntry extends EntryHeader {
  /** Of the entry's header in the pack. */
  readonly offset: number
}

export interface IndexHeader {
  /** Eight bytes, as in the pack's header: an index counts only for the pack that has the same. */
  readonly packId: Uint8Array
  /** How much of the pack the index describes; what lies beyond is not indexed. */
  readonly coveredBytes: number
  readonly entryCount: number
}

export function indexFileBytes(entryCount: number): number {
  return indexEntriesOffset + entryCount * indexEntryBytes + 4
}

/** The whole index file. The entries may come in any order; of two with one id the first in the pack is kept. */
export function encodeIndex(packId: Uint8Array, coveredBytes: number, entries: Iterable<IndexEntry>): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.offset - b.offset))
  const unique = sorted.filter((entry, i) => i === 0 || sorted[i - 1]!.id !== entry.id)
  const bytes = new Uint8Array(indexFileBytes(unique.length))
  const buffer = asBuffer(bytes)
  buffer.write(magics.packIndex, 'latin1')
  if (packId.length !== packIdBytes) throw new FormatError('a pack id has eight bytes')
  buffer.set(packId, 8)
  writeU64(buffer, coveredBytes, 16)
  buffer.writeUInt32LE(unique.length, 24)
  let offset = indexEntriesOffset
  const counts = new Uint32Array(256)
  for (const entry of unique) {
    writeIndexEntry(buffer, entry, offset)
    counts[buffer[offset]!]!++
    offset += indexEntryBytes
  }
  let sum = 0
  for (let first = 0; first < 256; first++) {
    sum += counts[first]!
    buffer.writeUInt32LE(sum, indexHeaderBytes + first * 4)
  }
  buffer.writeUInt32LE(crc32(buffer.subarray(0, offset)), offset)
  return bytes
}

/** The first 28 bytes. The caller compares the pack id with the pack's. */
export function decodeIndexHeader(bytes: Uint8Array): IndexHeader {
  const buffer = asBuffer(bytes)
  if (buffer.length < indexHeaderBytes) throw new FormatError('an index that is cut short in its header')
  if (buffer.toString('latin1', 0, 8) !== magics.packIndex) throw new FormatError('not a pack index', 0)
  return {
    packId: Uint8Array.from(buffer.subarray(8, 16)),
    coveredBytes: readU64(buffer, 16),
    entryCount: buffer.readUInt32LE(24),
  }
}

/** Checks a whole index file: length, CRC, fan-out, order, every entry. Linear; throws FormatError. */
export function checkIndex(bytes: Uint8Array): IndexHeader {
  const buffer = asBuffer(bytes)
  const header = decodeIndexHeader(buffer)
  if (buffer.length !== indexFileBytes(header.entryCount)) throw new FormatError('an index of a wrong length')
  const end = buffer.length - 4
  if (crc32(buffer.subarray(0, end)) !== buffer.readUInt32LE(end)) throw new FormatError('an index with a wrong CRC')
  let at = 0
  for (let first = 0; first < 256; first++) {
    const until = fanOut(buffer, first)
    if (until < at || until > header.entryCount) throw new FormatError('a fan-out table that is not in order')
    for (; at < until; at++) {
      const offset = indexEntriesOffset + at * indexEntryBytes
      if (buffer[offset] !== first) throw new FormatError('a fan-out table that does not fit', offset)
      if (
        at > 0 &&
        buffer.compare(buffer, offset - indexEntryBytes, offset - indexEntryBytes + 32, offset, offset + 32) <= 0
      ) {
        throw new FormatError('index entries are not unique and sorted', offset)
      }
      checkPlace(decodeIndexEntry(buffer, offset), header.coveredBytes, offset)
    }
  }
  if (at !== header.entryCount) throw new FormatError('a fan-out table that does not fit')
  return header
}

/** How many entries have a first id byte up to `first`; the fan-out table must be in `bytes`. */
export function fanOut(bytes: Uint8Array, first: number): number {
  return first < 0 ? 0 : asBuffer(bytes).readUInt32LE(indexHeaderBytes + first * 4)
}

/** The entry at an offset in the index file (or in a part of it); throws FormatError for impossible fields. */
export function decodeIndexEntry(bytes: Uint8Array, offset: number): IndexEntry {
  const buffer = asBuffer(bytes)
  if (offset + indexEntryBytes > buffer.length) throw new FormatError('an index that is cut short', offset)
  const codec = codecOf(buffer[offset + 48]!)
  if (codec === undefined || buffer[offset + 51] !== 0)
    throw new FormatError('an index entry with unknown fields', offset)
  const entry: IndexEntry = {
    id: idFromBytes(buffer, offset),
    offset: readU64(buffer, offset + 32),
    storedBytes: buffer.readUInt32LE(offset + 40),
    objectBytes: buffer.readUInt32LE(offset + 44),
    codec,
    kind: kindOf(buffer[offset + 49]!),
    packing: packingOf(buffer[offset + 50]!),
  }
  checkFields(entry)
  return entry
}

/** The entry of an id in a whole index file that was checked before; undefined when it has none. */
export function findInIndex(bytes: Uint8Array, id: ObjectId): IndexEntry | undefined {
  const buffer = asBuffer(bytes)
  const wanted = idBytes(id)
  let low = fanOut(buffer, wanted[0]! - 1)
  let high = fanOut(buffer, wanted[0]!)
  while (low < high) {
    const middle = (low + high) >>> 1
    const offset = indexEntriesOffset + middle * indexEntryBytes
    const order = buffer.compare(wanted, 0, 32, offset, offset + 32)
    if (order === 0) return decodeIndexEntry(buffer, offset)
    if (order < 0) low = middle + 1
    else high = middle
  }
  return undefined
}

/** All entries of a whole index file, in the order of their ids. */
export function* indexEntries(bytes: Uint8Array): Generator<IndexEntry> {
  const { entryCount } = decodeIndexHeader(bytes)
  for (let at = 0; at < entryCount; at++) yield decodeIndexEntry(bytes, indexEntriesOffset + at * indexEntryBytes)
}

function writeIndexEntry(buffer: Buffer, entry: IndexEntry, offset: number): void {
  checkFields(entry)
  buffer.set(idBytes(entry.id), offset)
  writeU64(buffer, entry.offset, offset + 32)
  buffer.writeUInt32LE(entry.storedBytes, offset + 40)
  buffer.writeUInt32LE(entry.objectBytes, offset + 44)
  buffer[offset + 48] = codecNumbers[entry.codec]
  buffer[offset + 49] = kindNumber(entry.kind)
  buffer[offset + 50] = packingNumber(entry.packing)
}

function checkPlace(entry: IndexEntry, coveredBytes: number, offset: number): void {
  if (entry.offset < packHeaderBytes || entry.offset + entryHeaderBytes + entry.storedBytes > coveredBytes) {
    throw new FormatError('an index entry outside its pack', offset)
  }
}
