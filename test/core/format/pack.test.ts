// Packs and their indexes: round trips, rules, and that no flipped bit goes unseen.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, hexOf } from '../../../src/core/format/bytes.ts'
import { chunkBytesMax, objectBytesMax, packBytesMax } from '../../../src/core/format/constants.generated.ts'
import { FormatError, isFormatError } from '../../../src/core/format/formatError.ts'
import { idBytes, type ObjectId, objectId } from '../../../src/core/format/id.ts'
import {
  decodeEntryHeader,
  decodePackHeader,
  type EntryHeader,
  encodeEntryHeader,
  encodePackHeader,
  entryCrcOk,
  entryHeaderBytes,
  findEntryMarker,
  fitsPack,
  packFileName,
  parsePackFileName,
} from '../../../src/core/format/pack.ts'
import {
  checkIndex,
  decodeIndexHeader,
  encodeIndex,
  findInIndex,
  type IndexEntry,
  indexEntries,
  indexFileBytes,
} from '../../../src/core/format/packIndex.ts'
import { bytes, flips } from './arbitraries.ts'

const object: fc.Arbitrary<{ header: EntryHeader; payload: Uint8Array }> = fc
  .tuple(
    bytes(60),
    bytes(4, 4),
    fc.constantFrom('chunk', 'node', 'state', 'list', 'changes', 'other', 'unknown'),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([payload, id, kind, zstd, raw]) => {
    const packing = zstd && payload.length > 0 ? 'zstd' : 'plain'
    const codec = kind === 'chunk' || ((kind === 'other' || kind === 'unknown') && raw) ? 'raw' : 'dag-cbor'
    const objectBytes = packing === 'zstd' ? payload.length + 1 : payload.length
    return { header: { id: objectId(id), codec, kind, packing, storedBytes: payload.length, objectBytes }, payload }
  })

test('entries come back', () => {
  fc.assert(
    fc.property(object, bytes(20), ({ header, payload }, before) => {
      const pack = concatBytes(before, encodeEntryHeader(header, payload), payload)
      const { crc, payloadOffset, nextOffset, ...read } = decodeEntryHeader(pack, before.length)
      assert.deepEqual(read, header)
      assert.equal(payloadOffset, before.length + entryHeaderBytes)
      assert.equal(nextOffset, pack.length)
      assert(crc >= 0)
      assert(entryCrcOk(pack.subarray(before.length, payloadOffset), pack.subarray(payloadOffset)))
      assert.equal(findEntryMarker(pack, 0), before.length)
    }),
  )
})

/** Whether a reader would take these bytes for a sound entry. */
function isSound(entry: Uint8Array): boolean {
  try {
    const header = decodeEntryHeader(entry, 0)
    return (
      header.nextOffset === entry.length &&
      entryCrcOk(entry.subarray(0, entryHeaderBytes), entry.subarray(entryHeaderBytes))
    )
  } catch (error) {
    assert(isFormatError(error), String(error))
    return false
  }
}

const payload = Buffer.from('a payload of some bytes')
const fields: EntryHeader = {
  id: objectId(payload),
  codec: 'raw',
  kind: 'chunk',
  packing: 'plain',
  storedBytes: payload.length,
  objectBytes: payload.length,
}

test('every flipped bit of an entry is seen', () => {
  const entry = concatBytes(encodeEntryHeader(fields, payload), payload)
  assert(isSound(entry))
  for (const { bytes, bit } of flips(entry)) assert(!isSound(bytes), `bit ${bit}`)
})

test('rules of entries', () => {
  const none = new Uint8Array(0)
  const bad: [Partial<EntryHeader>, Uint8Array][] = [
    [{ storedBytes: 1 }, payload],
    [{ objectBytes: 1 }, payload],
    [{ packing: 'zstd' }, payload],
    [{ packing: 'zstd', storedBytes: 0 }, none],
    [{ codec: 'dag-cbor' }, payload],
    [{ kind: 'node' }, payload],
    [{ packing: 'zstd', objectBytes: chunkBytesMax + 1 }, payload],
    [{ packing: 'zstd', kind: 'node', codec: 'dag-cbor', objectBytes: objectBytesMax + 1 }, payload],
  ]
  for (const [change, one] of bad)
    assert.throws(() => encodeEntryHeader({ ...fields, ...change }, one), FormatError, JSON.stringify(change))
  encodeEntryHeader({ ...fields, storedBytes: 0, objectBytes: 0 }, none)
  encodeEntryHeader({ ...fields, packing: 'zstd', objectBytes: chunkBytesMax }, payload)
  encodeEntryHeader({ ...fields, packing: 'zstd', kind: 'other', objectBytes: objectBytesMax }, payload)
  assert.throws(() => decodeEntryHeader(encodeEntryHeader(fields, payload).subarray(0, 55)), FormatError)
  assert(fitsPack(packBytesMax - 100 - entryHeaderBytes, 100))
  assert(!fitsPack(packBytesMax - 99 - entryHeaderBytes, 100))
})

test('a pack header carries an id that checks itself', () => {
  const header = encodePackHeader(Uint8Array.of(9, 8, 7, 6))
  assert.equal(header.length, 16)
  assert.equal(hexOf(decodePackHeader(header)), hexOf(header.subarray(8)))
  for (const { bytes, bit } of flips(header)) assert.throws(() => decodePackHeader(bytes), FormatError, `bit ${bit}`)
  assert.throws(() => decodePackHeader(header.subarray(0, 15)), FormatError)
  assert.throws(() => encodePackHeader(new Uint8Array(8)), FormatError)
})

test('names of packs and indexes', () => {
  assert.equal(packFileName(1), '000000000001.pack')
  assert.equal(packFileName(999_999_999_999, 'idx'), '999999999999.idx')
  assert.deepEqual(parsePackFileName('000000000042.idx'), { packNumber: 42, extension: 'idx' })
  for (const name of [
    '000000000000.pack',
    '1.pack',
    '0000000000001.pack',
    '000000000001.pac',
    '000000000001.pack.new',
    'shared',
  ]) {
    assert.equal(parsePackFileName(name), undefined, name)
  }
  for (const number of [0, -1, 1.5, 1_000_000_000_000]) assert.throws(() => packFileName(number), FormatError)
})

const packId = decodePackHeader(encodePackHeader(Uint8Array.of(1, 2, 3, 4)))

function someEntries(count: number): IndexEntry[] {
  let offset = 16
  return Array.from({ length: count }, (_, i) => {
    const entry: IndexEntry = { ...fields, id: objectId(Buffer.from(`${i}`)), offset }
    offset += entryHeaderBytes + entry.storedBytes
    return entry
  })
}

const covered = (count: number): number => 16 + count * (entryHeaderBytes + fields.storedBytes)

test('an index finds every entry and nothing else', () => {
  for (const count of [0, 1, 2, 255, 3000]) {
    const entries = someEntries(count)
    const index = encodeIndex(packId, covered(count), entries)
    assert.equal(index.length, indexFileBytes(count))
    assert.deepEqual(checkIndex(index), { packId, coveredBytes: covered(count), entryCount: count })
    for (const entry of entries) assert.deepEqual(findInIndex(index, entry.id), entry)
    for (let i = 0; i < 300; i++) assert.equal(findInIndex(index, objectId(Buffer.from(`absent ${i}`))), undefined)
    for (const id of ['0'.repeat(64), 'f'.repeat(64)]) assert.equal(findInIndex(index, id as ObjectId), undefined)
    const ids = [...indexEntries(index)].map(({ id }) => id)
    assert.deepEqual(ids, entries.map(({ id }) => id).sort())
  }
})

test('of two entries with one id the first in the pack is kept', () => {
  const [a, b] = someEntries(2) as [IndexEntry, IndexEntry]
  const index = encodeIndex(packId, covered(3), [{ ...a, offset: b.offset }, b, a])
  assert.equal(checkIndex(index).entryCount, 2)
  assert.deepEqual(findInIndex(index, a.id), a)
})

test('every flipped bit of an index is seen', () => {
  const index = encodeIndex(packId, covered(3), someEntries(3))
  for (const { bytes, bit } of flips(index)) assert.throws(() => checkIndex(bytes), FormatError, `bit ${bit}`)
  assert.throws(() => checkIndex(index.subarray(0, -1)), FormatError)
  assert.throws(() => checkIndex(concatBytes(index, Uint8Array.of(0))), FormatError)
  assert.throws(() => decodeIndexHeader(index.subarray(0, 27)), FormatError)
})

test('an index with a right CRC and wrong contents is refused', () => {
  const entries = someEntries(4)
  const outside = encodeIndex(packId, covered(4) - 1, entries)
  assert.throws(() => checkIndex(outside), /outside its pack/)
  assert.throws(() => checkIndex(encodeIndex(packId, covered(4), [{ ...entries[0]!, offset: 15 }])), /outside its pack/)
  assert.throws(() => encodeIndex(packId, covered(1), [{ ...entries[0]!, objectBytes: 1 }]), FormatError)
  assert.throws(() => encodeIndex(new Uint8Array(7), 16, []), FormatError)
  assert.equal(idBytes(entries[0]!.id).length, 32)
})
