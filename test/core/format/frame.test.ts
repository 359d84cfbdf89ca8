// Frames and segments: round trips, walking both ways, finding the next frame behind damage, and that no flipped bit
// goes unseen.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, hexOf } from '../../../src/core/format/bytes.ts'
import { bodyBytesMax, segmentBytesMax } from '../../../src/core/format/constants.generated.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import {
  decodeFrameAt,
  decodeSegmentHeader,
  encodeFrame,
  encodeSegmentHeader,
  type FrameParts,
  findNextValidFrame,
  fitsSegment,
  frameBytes,
  frameSeed,
  frameStartBefore,
  type GoodFrame,
  parseSegmentFileName,
  segmentFileName,
  segmentHeaderBytes,
  writeFrame,
} from '../../../src/core/format/frame.ts'
import { bytes, flips } from './arbitraries.ts'

const logId = Uint8Array.from({ length: 16 }, (_, i) => i * 7)
const seed = frameSeed(logId)

const parts: fc.Arbitrary<FrameParts> = fc.record({
  envelopeBytes: fc.oneof(bytes(60, 1), bytes(4096, 4090)),
  body: fc.option(fc.record({ salt: bytes(16, 16), bodyBytes: bytes(200, 1) })),
  base: fc.integer({ min: segmentHeaderBytes, max: segmentBytesMax }),
})

function good(buffer: Uint8Array, offset: number): GoodFrame {
  const frame = decodeFrameAt(buffer, offset, seed)
  assert(frame.state === 'ok', frame.state === 'ok' ? '' : frame.reason)
  return frame
}

function contents(frame: GoodFrame): Json {
  const { envelopeBytes, salt, bodyBytes, base } = frame
  return { envelope: hexOf(envelopeBytes), salt: salt && hexOf(salt), body: bodyBytes && hexOf(bodyBytes), base }
}
type Json = Record<string, string | number | null>

const wanted = ({ envelopeBytes, body, base }: FrameParts): Json => ({
  envelope: hexOf(envelopeBytes),
  salt: body && hexOf(body.salt),
  body: body && hexOf(body.bodyBytes),
  base,
})

test('frames come back, one after the other and from the last to the first', () => {
  fc.assert(
    fc.property(fc.array(parts, { minLength: 1, maxLength: 6 }), list => {
      const segment = Buffer.concat([
        encodeSegmentHeader({ firstSeq: 5, logId }),
        ...list.map(one => encodeFrame(one, seed)),
      ])
      let offset = segmentHeaderBytes
      const starts: number[] = []
      for (const one of list) {
        starts.push(offset)
        const frame = good(segment, offset)
        assert.deepEqual(contents(frame), wanted(one))
        assert.equal(
          frame.nextOffset - offset,
          frameBytes(one.envelopeBytes.length, one.body?.bodyBytes.length ?? null),
        )
        offset = frame.nextOffset
      }
      assert.equal(offset, segment.length)
      for (const start of starts.reverse()) {
        assert.equal(frameStartBefore(segment, offset), start)
        offset = start
      }
      assert.equal(offset, segmentHeaderBytes)
    }),
  )
})

test('a batch in one buffer is the same as frames one by one', () => {
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const both = Buffer.concat([encodeFrame(a, seed), encodeFrame(b, seed)])
      const target = Buffer.alloc(both.length)
      assert.equal(writeFrame(target, writeFrame(target, 0, a, seed), b, seed), both.length)
      assert.deepEqual(target, both)
    }),
  )
})

const sample: FrameParts = {
  envelopeBytes: Buffer.from('envelope'),
  body: { salt: new Uint8Array(16).fill(3), bodyBytes: Buffer.from('the body') },
  base: 4000,
}

test('every flipped bit of a frame is seen', () => {
  for (const one of [sample, { ...sample, body: null }]) {
    const frame = encodeFrame(one, seed)
    good(frame, 0)
    for (const { bytes, bit } of flips(frame)) {
      assert.notEqual(decodeFrameAt(bytes, 0, seed).state, 'ok', `bit ${bit}`)
      // Nor when more frames follow: a longer length then reaches into them.
      assert.notEqual(
        decodeFrameAt(concatBytes(bytes, frame, frame, new Uint8Array(70_000)), 0, seed).state,
        'ok',
        `bit ${bit}`,
      )
    }
  }
})

test('every cut frame is short and says how much is needed', () => {
  const frame = encodeFrame(sample, seed)
  for (let length = 0; length < frame.length; length++) {
    const result = decodeFrameAt(frame.subarray(0, length), 0, seed)
    assert(result.state === 'short', `${length}`)
    assert(result.neededBytes! > length && result.neededBytes! <= frame.length)
    if (length >= 8) assert.equal(result.neededBytes, frame.length)
  }
})

test('zeros and other bytes are no frame', () => {
  assert.equal(decodeFrameAt(new Uint8Array(100), 0, seed).state, 'bad')
  assert.equal(findNextValidFrame(new Uint8Array(100), 0, seed), -1)
  fc.assert(
    fc.property(bytes(100, 20), raw => {
      assert.notEqual(decodeFrameAt(raw, 0, seed).state, 'ok')
      assert.equal(findNextValidFrame(raw, 0, seed), -1)
    }),
  )
})

test('a frame of another log is not taken for one of this', () => {
  const other = encodeFrame(sample, frameSeed(new Uint8Array(16)))
  assert.equal(decodeFrameAt(other, 0, seed).state, 'bad')
  assert.equal(findNextValidFrame(other, 0, seed), -1)
})

test('the next valid frame is found at any offset, past false markers', () => {
  const frame = encodeFrame(sample, seed)
  fc.assert(
    fc.property(bytes(60), fc.boolean(), (junk, withMarker) => {
      const before = withMarker ? concatBytes(junk, Buffer.from('c3534a0a', 'hex'), junk, frame.subarray(0, -1)) : junk
      const buffer = concatBytes(before, frame, Buffer.from('tail'))
      assert.equal(findNextValidFrame(buffer, 0, seed), before.length)
      assert.equal(findNextValidFrame(buffer, before.length + 1, seed), -1)
    }),
  )
})

test('limits of frames', () => {
  const body = { salt: new Uint8Array(16), bodyBytes: new Uint8Array(bodyBytesMax) }
  const largest = encodeFrame({ envelopeBytes: new Uint8Array(4096), body, base: 32 }, seed)
  assert.equal(good(largest, 0).bodyBytes!.length, bodyBytesMax)
  const bad: FrameParts[] = [
    { ...sample, envelopeBytes: new Uint8Array(0) },
    { ...sample, envelopeBytes: new Uint8Array(4097) },
    { ...sample, body: { salt: new Uint8Array(15), bodyBytes: new Uint8Array(1) } },
    { ...sample, body: { salt: new Uint8Array(16), bodyBytes: new Uint8Array(0) } },
    { ...sample, body: { salt: new Uint8Array(16), bodyBytes: new Uint8Array(bodyBytesMax + 1) } },
    { ...sample, base: 31 },
    { ...sample, base: segmentBytesMax + 1 },
    { ...sample, base: 40.5 },
  ]
  for (const one of bad) assert.throws(() => encodeFrame(one, seed), FormatError)
  assert(fitsSegment(segmentBytesMax - 10, 10) && !fitsSegment(segmentBytesMax - 10, 11))
})

test('segment headers and names', () => {
  const header = encodeSegmentHeader({ firstSeq: 123_456_789_012, logId })
  assert.deepEqual(decodeSegmentHeader(header), { firstSeq: 123_456_789_012, logId })
  for (const { bytes, bit } of flips(header)) {
    // Seen by the magic, or by the caller who compares the seq with the name and the id with the folder's.
    try {
      assert.notDeepEqual(decodeSegmentHeader(bytes), { firstSeq: 123_456_789_012, logId }, `bit ${bit}`)
    } catch (error) {
      assert(error instanceof FormatError, String(error))
    }
  }
  assert.throws(() => decodeSegmentHeader(header.subarray(0, 31)), FormatError)
  assert.throws(() => encodeSegmentHeader({ firstSeq: 0, logId: new Uint8Array(15) }), FormatError)
  assert.equal(segmentFileName(42), '00000000000000000042.seg')
  assert.equal(parseSegmentFileName(segmentFileName(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER)
  for (const name of [
    '42.seg',
    '99999999999999999999.seg',
    '00000000000000000042.seg.new',
    '0000000000000000004x.seg',
    '',
  ]) {
    assert.equal(parseSegmentFileName(name), undefined, name)
  }
  assert.throws(() => segmentFileName(-1), FormatError)
})

test('walking back stops where no frame can end', () => {
  const frame = encodeFrame(sample, seed)
  for (const end of [0, 3, 19, frame.length + 1]) assert.equal(frameStartBefore(frame, end), -1)
  assert.equal(frameStartBefore(concatBytes(Uint8Array.of(1), frame.subarray(1)), frame.length), -1)
  assert.equal(frameStartBefore(new Uint8Array(40), 40), -1)
})
