// Index files of packs: written from compact tables, read whole where memory allows, else by pages through a bounded
// cache. Everything in an index can be found again in its pack, so a bad index is never an error, only absent.
import { asBuffer, equalBytes } from '../format/bytes.ts'
import { magics } from '../format/constants.generated.ts'
import { crc32 } from '../format/hash.ts'
import { indexEntriesOffset, indexEntryBytes, indexFileBytes, indexHeaderBytes } from '../format/packIndex.ts'
import type { OpenFile } from '../host/host.ts'
import type { Place, PlaceTable } from './idTable.ts'
import { readFully } from './layout.ts'

/** Index entries as they lie in the file: 52 bytes each, sorted by id, unique. */
export type IndexRecords = Buffer

/** Which entries of a table: of one part only, and only those that lie before an offset. */
export interface RecordFilter {
  readonly part?: number
  readonly before?: number
}

/** The records of a table, in a buffer that has the room that `indexFileOf` needs around them. */
export function tableRecords(
  table: PlaceTable,
  { part, before = Number.POSITIVE_INFINITY }: RecordFilter = {},
): IndexRecords {
  const order = table.sorted().filter(ordinal => {
    if (part !== undefined && table.partAt(ordinal) !== part) return false
    return before === Number.POSITIVE_INFINITY || table.placeAt(ordinal).offset < before
  })
  const records = roomForRecords(order.length)
  let at = 0
  for (const ordinal of order) {
    const place = table.placeAt(ordinal)
    records.set(table.idAt(ordinal), at)
    records.writeUInt32LE(place.offset, at + 32)
    records.writeUInt32LE(place.storedBytes, at + 40)
    records.writeUInt32LE(place.objectBytes, at + 44)
    records[at + 48] = place.codec
    records[at + 49] = place.kind
    records[at + 50] = place.packing
    at += indexEntryBytes
  }
  return records
}

/** The part for the records of a zeroed index file. */
function roomForRecords(count: number): IndexRecords {
  const file = new ArrayBuffer(indexFileBytes(count))
  return Buffer.from(file, indexEntriesOffset, count * indexEntryBytes)
}

/** The index file around records, without a copy where they were made with the room for it. */
function fileAround(records: IndexRecords): Buffer {
  const { buffer, byteOffset, length } = records
  const count = length / indexEntryBytes
  if (byteOffset === indexEntriesOffset && buffer.byteLength === indexFileBytes(count)) return Buffer.from(buffer)
  const room = roomForRecords(count)
  records.copy(room)
  return Buffer.from(room.buffer)
}

/** Both together; where an id is in both, `newer` counts. */
export function mergeRecords(older: IndexRecords, newer: IndexRecords): IndexRecords {
  const merged = roomForRecords((older.length + newer.length) / indexEntryBytes)
  let o = 0
  let n = 0
  let at = 0
  while (o < older.length || n < newer.length) {
    const order = o >= older.length ? 1 : n >= newer.length ? -1 : older.compare(newer, n, n + 32, o, o + 32)
    const takeNewer = order >= 0
    const [source, from] = takeNewer ? [newer, n] : [older, o]
    source.copy(merged, at, from, from + indexEntryBytes)
    at += indexEntryBytes
    if (takeNewer) n += indexEntryBytes
    if (order <= 0) o += indexEntryBytes
  }
  return merged.subarray(0, at)
}

/** A whole index file; takes the records over. */
export function indexFileOf(packId: Uint8Array, coveredBytes: number, records: IndexRecords): Buffer {
  const count = records.length / indexEntryBytes
  const file = fileAround(records)
  file.write(magics.packIndex, 'latin1')
  file.set(packId, 8)
  file.writeUInt32LE(coveredBytes >>> 0, 16)
  file.writeUInt32LE(Math.floor(coveredBytes / 0x1_0000_0000), 20)
  file.writeUInt32LE(count, 24)
  const counts = new Uint32Array(256)
  for (let at = 0; at < records.length; at += indexEntryBytes) counts[records[at]!]!++
  let sum = 0
  for (let first = 0; first < 256; first++) {
    sum += counts[first]!
    file.writeUInt32LE(sum, indexHeaderBytes + first * 4)
  }
  file.writeUInt32LE(crc32(file.subarray(0, file.length - 4)), file.length - 4)
  return file
}

/** Pages of index files that are not in memory as a whole, the least recently used leave first. */
export interface PageCache {
  get(key: number): Buffer | undefined
  set(key: number, page: Buffer): void
  /** A range of keys for one more index. */
  newKeys(): number
}

const keysPerIndex = 1 << 20

export function createPageCache(pagesMax: number): PageCache {
  const pages = new Map<number, Buffer>()
  let indexes = 0
  return {
    get(key) {
      const page = pages.get(key)
      if (page !== undefined) {
        pages.delete(key)
        pages.set(key, page)
      }
      return page
    },
    set(key, page) {
      if (pages.size >= pagesMax) for (const oldest of pages.keys()) if (pages.delete(oldest)) break
      pages.set(key, page)
    },
    newKeys: () => indexes++ * keysPerIndex,
  }
}

/** An index ready for look-ups. */
export interface PackIndex {
  readonly coveredBytes: number
  readonly count: number
  /** Bytes of memory that it keeps for good. */
  readonly heldBytes: number
  find(id: Uint8Array): Place | undefined
  /** All records, read from the file when they are not in memory; undefined when the CRC does not fit. */
  records(): IndexRecords | undefined
  close(): void
}

export interface IndexOptions {
  /** The pack's id; undefined when the pack's own header is damaged: then any id does. */
  readonly packId: Uint8Array | undefined
  readonly inMemory: boolean
  readonly pages: PageCache
}

/** Opens an index file; undefined when it is not the whole index of that pack. Takes the file over. */
export function openIndex(file: OpenFile, options: IndexOptions): PackIndex | undefined {
  const size = file.stat().size
  const head = asBuffer(readFully(file, 0, indexEntriesOffset))
  const index = headerOk(head, size, options.packId) ? indexOf(file, head, size, options) : undefined
  if (index === undefined) file.close()
  return index
}

function headerOk(head: Buffer, size: number, packId: Uint8Array | undefined): boolean {
  if (head.length < indexEntriesOffset || head.toString('latin1', 0, 8) !== magics.packIndex) return false
  if (packId !== undefined && !equalBytes(head.subarray(8, 16), packId)) return false
  const count = head.readUInt32LE(24)
  if (size !== indexFileBytes(count) || head.readUInt32LE(20) !== 0) return false
  let last = 0
  for (let first = 0; first < 256; first++) {
    const until = head.readUInt32LE(indexHeaderBytes + first * 4)
    if (until < last) return false
    last = until
  }
  return last === count
}

function indexOf(file: OpenFile, head: Buffer, size: number, options: IndexOptions): PackIndex | undefined {
  const whole = (): IndexRecords | undefined => {
    const bytes = asBuffer(readFully(file, 0, size))
    if (bytes.length !== size || crc32(bytes.subarray(0, size - 4)) !== bytes.readUInt32LE(size - 4)) return undefined
    return bytes.subarray(indexEntriesOffset, size - 4)
  }
  const held = options.inMemory ? whole() : undefined
  if (options.inMemory && held === undefined) return undefined
  const count = head.readUInt32LE(24)
  const search = held === undefined ? pagedSearch(file, count, options.pages) : heldSearch(held)
  return {
    coveredBytes: head.readUInt32LE(16),
    count,
    heldBytes: held === undefined ? 0 : size,
    find(id) {
      const first = id[0]!
      const low = first === 0 ? 0 : head.readUInt32LE(indexHeaderBytes + (first - 1) * 4)
      return search(id, low, head.readUInt32LE(indexHeaderBytes + first * 4))
    },
    records: () => held ?? whole(),
    close: () => file.close(),
  }
}

type Search = (id: Uint8Array, low: number, high: number) => Place | undefined

function heldSearch(records: IndexRecords): Search {
  return (id, low, high) => findRecord(records, id, low, high)
}

function findRecord(records: Buffer, id: Uint8Array, from: number, to: number): Place | undefined {
  const prefix = prefixOf(id, 0)
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = middle * indexEntryBytes
    const other = prefixOf(records, at)
    const order = other !== prefix ? other - prefix : records.compare(id, 0, 32, at, at + 32)
    if (order === 0) return recordPlace(records, at)
    if (order < 0) low = middle + 1
    else high = middle
  }
  return undefined
}

const prefixOf = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

export function recordPlace(records: Buffer, at: number): Place {
  return {
    offset: records.readUInt32LE(at + 32),
    storedBytes: records.readUInt32LE(at + 40),
    objectBytes: records.readUInt32LE(at + 44),
    codec: records[at + 48]!,
    kind: records[at + 49]!,
    packing: records[at + 50]!,
  }
}

const recordsPerPage = 128

/** Ids are evenly spread: the right page is guessed from the id's bits, one or two reads find it. */
function pagedSearch(file: OpenFile, count: number, pages: PageCache): Search {
  const keys = pages.newKeys()
  const pageAt = (number: number): Buffer => {
    const cached = pages.get(keys + number)
    if (cached !== undefined) return cached
    const length = Math.min(recordsPerPage, count - number * recordsPerPage) * indexEntryBytes
    const page = asBuffer(readFully(file, indexEntriesOffset + number * recordsPerPage * indexEntryBytes, length))
    pages.set(keys + number, page)
    return page
  }
  return (id, low, high) => {
    if (low >= high) return undefined
    const share = ((id[1]! << 16) | (id[2]! << 8) | id[3]!) / 0x100_0000
    let lowPage = Math.floor(low / recordsPerPage)
    let highPage = Math.floor((high - 1) / recordsPerPage)
    let guess = Math.floor((low + (high - low) * share) / recordsPerPage)
    for (let tries = 0; lowPage <= highPage; tries++) {
      const page = pageAt(guess)
      const held = Math.floor(page.length / indexEntryBytes)
      if (held === 0) return undefined
      const lastAt = (held - 1) * indexEntryBytes
      if (page.compare(id, 0, 32, 0, 32) > 0) highPage = guess - 1
      else if (page.compare(id, 0, 32, lastAt, lastAt + 32) < 0) lowPage = guess + 1
      else return findRecord(page, id, 0, held)
      const near = Math.min(Math.max(guess, lowPage), highPage)
      guess = tries < 2 ? near : (lowPage + highPage) >>> 1
    }
    return undefined
  }
}
