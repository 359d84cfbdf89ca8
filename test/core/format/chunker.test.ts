// The chunker against the rule of the format written down as simply as possible, and what it is there for.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextCut } from '../../../src/core/format/chunker.ts'
import { chunkBytesMax, chunkBytesMean, chunkBytesMin } from '../../../src/core/format/constants.generated.ts'
import { blake3 } from '../../../src/core/format/hash.ts'

const source = path.join(import.meta.dirname, '../../../format/constants.json')
const { chunking } = JSON.parse(fs.readFileSync(source, 'utf8')) as {
  chunking: { gearText: string; maskSmall: number; maskLarge: number; gear: number[] }
}

/** The rule, byte by byte. */
function slowCut(bytes: Uint8Array, start: number): number {
  let hash = 0
  for (let n = 1; start + n <= bytes.length; n++) {
    hash = ((hash << 1) + chunking.gear[bytes[start + n - 1]!]!) >>> 0
    if (n === chunkBytesMax) return start + n
    if (n < chunkBytesMin) continue
    const mask = n < chunkBytesMean ? chunking.maskSmall : chunking.maskLarge
    if ((hash & mask) >>> 0 === 0) return start + n
  }
  return bytes.length
}

function cuts(bytes: Uint8Array, cut: (bytes: Uint8Array, start: number) => number): number[] {
  const result: number[] = []
  for (let at = 0; at < bytes.length; result.push(at)) at = cut(bytes, at)
  return result
}

const fast = (bytes: Uint8Array, start: number): number => nextCut(bytes, start, bytes.length, true)

/** Pseudo-random bytes (mulberry32), so that a failure can be repeated. */
function noise(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    bytes[i] = (mixed ^ (mixed >>> 14)) & 0xff
  }
  return bytes
}

test('the gear table is what its formula says, and the masks have 20 and 16 top bits', () => {
  const expected = Array.from({ length: 256 }, (_, i) =>
    Buffer.from(blake3(Buffer.concat([Buffer.from(chunking.gearText), Buffer.of(i)]))).readUInt32LE(0),
  )
  assert.deepEqual(chunking.gear, expected)
  assert.equal(chunking.maskSmall.toString(2), '1'.repeat(20) + '0'.repeat(12))
  assert.equal(chunking.maskLarge.toString(2), '1'.repeat(16) + '0'.repeat(16))
})

test('cuts lie where the simple rule puts them', () => {
  const inputs = [
    noise(1, 5_000_000),
    noise(2, 1_500_000).map(byte => byte & 3),
    new Uint8Array(2_200_000),
    noise(3, 700_001).fill(9, 50_000, 400_000),
  ]
  for (const input of inputs) assert.deepEqual(cuts(input, fast), cuts(input, slowCut))
})

test('all four places of the unrolled loop find cuts, below and above the mean', () => {
  const input = noise(4, 40_000_000)
  const lengths = cuts(input, fast)
    .map((end, i, all) => end - (all[i - 1] ?? 0))
    .slice(0, -1)
  assert.deepEqual([...new Set(lengths.map(length => length % 4))].sort(), [0, 1, 2, 3])
  assert(lengths.some(length => length < chunkBytesMean) && lengths.some(length => length > chunkBytesMean))
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length
  assert(mean > 200_000 && mean < 400_000, `mean ${mean}`)
  assert(lengths.every(length => length >= chunkBytesMin && length <= chunkBytesMax))
})

test('cuts at exactly the minimum, the mean and the maximum', () => {
  // Zeros never cut (see the second assertion), so a window that does is put where the test wants it.
  const window = findWindow()
  for (const end of [chunkBytesMin, chunkBytesMin + 1, chunkBytesMean - 1, chunkBytesMean, chunkBytesMax - 1]) {
    const input = new Uint8Array(chunkBytesMax + 10)
    input.set(window, end - window.length)
    assert.equal(fast(input, 0), end)
    assert.equal(slowCut(input, 0), end)
  }
  assert.equal(fast(new Uint8Array(chunkBytesMax + 10), 0), chunkBytesMax)
  const early = new Uint8Array(chunkBytesMax + 10)
  early.set(window, chunkBytesMin - 1 - window.length)
  assert.equal(fast(early, 0), chunkBytesMax)
})

/** 32 bytes whose hash has none of the bits of the strict mask. */
function findWindow(): Uint8Array {
  const bytes = noise(5, 4_000_000)
  let hash = 0
  for (let i = 0; i < bytes.length; i++) {
    hash = ((hash << 1) + chunking.gear[bytes[i]!]!) >>> 0
    if (i > 32 && (hash & chunking.maskSmall) >>> 0 === 0) return bytes.slice(i - 31, i + 1)
  }
  throw new Error('no window found')
}

test('an insert at the front moves the cuts and changes few chunks', () => {
  const input = noise(6, 6_000_000)
  const shifted = Buffer.concat([Buffer.from('inserted'), input])
  const before = cuts(input, fast)
  const after = new Set(cuts(shifted, fast).map(end => end - 8))
  assert(before.filter(end => after.has(end)).length >= before.length - 3)
})

test('what comes in pieces is cut as the whole is', () => {
  const input = noise(7, 3_000_000)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 60_000, max: 900_000 }), { minLength: 1 }), steps => {
      const found: number[] = []
      let start = 0
      let known = 0
      for (let step = 0; start < input.length; ) {
        const cut = nextCut(input, start, known, known === input.length)
        if (cut >= 0) {
          found.push(cut)
          start = cut
        } else known = Math.min(input.length, known + steps[step++ % steps.length]!)
      }
      assert.deepEqual(found, cuts(input, fast))
    }),
    { numRuns: 10 },
  )
})

test('short contents', () => {
  const bytes = noise(8, chunkBytesMin)
  assert.equal(nextCut(bytes, 0, 0, true), 0)
  assert.equal(nextCut(bytes, 0, 0, false), -1)
  assert.equal(nextCut(bytes, 0, chunkBytesMin, true), chunkBytesMin)
  assert.equal(nextCut(bytes, 0, chunkBytesMin, false), -1)
  assert.equal(nextCut(bytes, 10, 20, true), 20)
})
