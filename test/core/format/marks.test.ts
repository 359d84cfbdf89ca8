// The marks file: the newest valid slot counts, and no flipped bit goes unseen.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packBytesMax, segmentBytesMax } from '../../../src/core/format/constants.generated.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import { decodeMarks, decodeMarksFile, encodeMarks, type Marks, marksOffset } from '../../../src/core/format/marks.ts'
import { count, flips, hash32 } from './arbitraries.ts'

const marks: fc.Arbitrary<Marks> = fc
  .tuple(
    count,
    count,
    count,
    hash32,
    fc.integer({ min: 32, max: segmentBytesMax }),
    fc.option(
      fc.tuple(
        fc.integer({ min: 1, max: 999_999_999_999 }),
        fc.integer({ min: 16, max: packBytesMax }),
        fc.option(hash32),
      ),
    ),
    fc.boolean(),
  )
  .map(([generation, a, b, leaf, segmentFlushedBytes, pack, clean]): Marks => {
    const packId = pack?.[2]?.slice(0, 8)
    return {
      generation: Math.max(1, generation),
      segmentFirstSeq: Math.min(a, b),
      segmentFlushedBytes,
      nextSeq: Math.max(a, b),
      lastLeaf: a === 0 && b === 0 ? new Uint8Array(32) : leaf,
      applied: Math.min(a, b),
      packNumber: pack?.[0] ?? 0,
      packFlushedBytes: pack?.[1] ?? 0,
      ...(packId?.some(byte => byte !== 0) ? { packId } : {}),
      clean,
    }
  })

test('marks come back', () => {
  fc.assert(
    fc.property(marks, one => assert.deepEqual(decodeMarks(encodeMarks(one)), { state: 'ok', marks: one })),
    { numRuns: 500 },
  )
})

const sample: Marks = {
  generation: 6,
  segmentFirstSeq: 10,
  segmentFlushedBytes: 5000,
  nextSeq: 12,
  lastLeaf: new Uint8Array(32).fill(7),
  applied: 11,
  packNumber: 3,
  packFlushedBytes: 900,
  packId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  clean: false,
}

test('every flipped bit of a slot is seen', () => {
  for (const { bytes, bit } of flips(encodeMarks(sample))) assert.equal(decodeMarks(bytes).state, 'bad', `bit ${bit}`)
  for (const { bytes, bit } of flips(new Uint8Array(512))) assert.equal(decodeMarks(bytes).state, 'bad', `bit ${bit}`)
  for (let length = 0; length < 512; length += 37)
    assert.equal(decodeMarks(encodeMarks(sample).subarray(0, length)).state, 'bad')
})

function fileOf(...list: Marks[]): Uint8Array {
  const file = new Uint8Array(8192)
  for (const one of list) file.set(encodeMarks(one), marksOffset(one.generation))
  return file
}

test('the newest valid slot counts', () => {
  const older = { ...sample, generation: 5, nextSeq: 11, applied: 11 }
  const newer = { ...sample, generation: 7, nextSeq: 13 }
  assert.deepEqual(decodeMarksFile(fileOf(older, sample)).newest, sample)
  assert.deepEqual(decodeMarksFile(fileOf(newer, sample)).newest, newer)
  assert.equal(decodeMarksFile(new Uint8Array(8192)).newest, undefined)
  const torn = fileOf(newer, sample)
  torn.fill(0, marksOffset(7) + 50, marksOffset(7) + 512)
  const read = decodeMarksFile(torn)
  assert.deepEqual(read.newest, sample)
  assert.equal(read.slots[1].state, 'bad')
})

test('every flipped bit of the file is seen, and the other slot is left', () => {
  const older = { ...sample, generation: 5 }
  const whole = decodeMarksFile(fileOf(older, sample))
  assert(whole.restIsZero && whole.slots.every(({ state }) => state === 'ok'))
  for (const { bytes, bit } of flips(fileOf(older, sample))) {
    const read = decodeMarksFile(bytes)
    const bad = read.slots.filter(({ state }) => state !== 'ok').length
    assert.equal(bad + (read.restIsZero ? 0 : 1), 1, `bit ${bit}`)
    assert.deepEqual(read.newest, read.slots[0].state === 'ok' ? sample : older)
  }
})

test('a slot in the place of the other does not count', () => {
  const file = new Uint8Array(8192)
  file.set(encodeMarks(sample), marksOffset(1))
  const read = decodeMarksFile(file)
  assert.equal(read.newest, undefined)
  assert.equal(read.slots[1].state, 'bad')
})

test('a file that is cut short keeps its first slot', () => {
  const read = decodeMarksFile(fileOf(sample).subarray(0, 512))
  assert.deepEqual(read.newest, sample)
  assert(!read.restIsZero)
  assert.equal(decodeMarksFile(new Uint8Array(0)).newest, undefined)
})

test('rules of marks', () => {
  const { packId: _, ...noPackId } = sample
  const bad: Marks[] = [
    { ...sample, generation: 0 },
    { ...sample, segmentFirstSeq: 13 },
    { ...sample, applied: 13 },
    { ...sample, segmentFlushedBytes: 31 },
    { ...sample, segmentFlushedBytes: segmentBytesMax + 1 },
    { ...sample, lastLeaf: new Uint8Array(31) },
    { ...sample, nextSeq: 0, applied: 0, segmentFirstSeq: 0 },
    { ...sample, packFlushedBytes: 15 },
    { ...sample, packFlushedBytes: packBytesMax + 1 },
    { ...sample, packNumber: 1_000_000_000_000 },
    { ...noPackId, packNumber: 0 },
    { ...sample, packNumber: 0, packFlushedBytes: 0 },
    { ...sample, packId: new Uint8Array(7) },
    { ...sample, packId: new Uint8Array(8) },
    { ...sample, nextSeq: 2 ** 53 },
  ]
  for (const one of bad) assert.throws(() => encodeMarks(one), FormatError, JSON.stringify(one))
})
