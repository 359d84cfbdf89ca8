// The encoding against an independent implementation (@ipld/dag-cbor), and its strictness: one value, one encoding.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as peer from '@ipld/dag-cbor'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import * as digests from 'multiformats/hashes/digest'
import { bytesOfHex, hexOf } from '../../../src/core/format/bytes.ts'
import { type CborValue, decode, encode, isLink } from '../../../src/core/format/cbor.ts'
import { FormatError, isFormatError } from '../../../src/core/format/formatError.ts'
import { codecNumbers, idBytes, type Link, objectId } from '../../../src/core/format/id.ts'
import { cborValue, edited } from './arbitraries.ts'

function peerCid(link: Link): CID {
  return CID.createV1(codecNumbers[link.codec], digests.create(0x1e, idBytes(link.id)))
}

/** The value as the peer takes it: links as its CIDs. */
function forPeer(value: CborValue): unknown {
  if (isLink(value)) return peerCid(value)
  if (Array.isArray(value)) return (value as CborValue[]).map(forPeer)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const pairs = Object.entries(value as Record<string, CborValue>)
  return Object.fromEntries(pairs.map(([key, item]) => [key, forPeer(item)]))
}

test('every value is encoded as @ipld/dag-cbor encodes it', () => {
  fc.assert(
    fc.property(cborValue, value => {
      assert.equal(hexOf(encode(value)), hexOf(peer.encode(forPeer(value))))
    }),
    { numRuns: 2000 },
  )
})

test('what was encoded is decoded to the same value', () => {
  fc.assert(
    fc.property(cborValue, value => {
      assert.deepEqual(decode(encode(value)), value)
    }),
    { numRuns: 2000 },
  )
})

test('the peer reads our links as the same CIDs', () => {
  const link: Link = { codec: 'dag-cbor', id: objectId(Buffer.from('x')) }
  assert.equal(String(peer.decode(encode(link))), String(peerCid(link)))
})

test('whatever is accepted is the only encoding of its value', () => {
  let accepted = 0
  fc.assert(
    fc.property(edited(cborValue.map(encode)), bytes => {
      let value: CborValue
      try {
        value = decode(bytes)
      } catch (error) {
        assert(isFormatError(error), String(error))
        return
      }
      accepted++
      assert.equal(hexOf(encode(value)), hexOf(bytes))
    }),
    { numRuns: 5000 },
  )
  assert(accepted > 100, `only ${accepted} edits were accepted: the property says little`)
})

test('arbitrary bytes are decoded or refused with a FormatError, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      try {
        assert.equal(hexOf(encode(decode(bytes))), hexOf(bytes))
      } catch (error) {
        assert(isFormatError(error), String(error))
      }
    }),
    { numRuns: 5000 },
  )
})

test('values without an encoding are refused', () => {
  const id = objectId(Buffer.from('x'))
  const values: unknown[] = [
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    -(2 ** 53),
    1n,
    undefined,
    () => 1,
    Symbol('s'),
    new Map(),
    new Date(),
    'lone \ud800 surrogate',
    { '\udc00': 1 },
    { a: undefined },
    [undefined],
    { codec: 'raw', id, more: 1 },
    { codec: 'raw', id: 'short' },
    { codec: 'raw', id: `${'0'.repeat(63)}x` },
    { codec: 'dag-pb', id },
  ]
  for (const value of values) assert.throws(() => encode(value as CborValue), FormatError, String(value))
})

test('a negative zero is zero', () => {
  assert.equal(hexOf(encode(-0)), '00')
})

test('lists and maps may be 32 deep and not deeper, when written and when read', () => {
  const nested = (depth: number): CborValue =>
    depth === 1 ? [] : depth % 2 === 0 ? [nested(depth - 1)] : { a: nested(depth - 1) }
  assert.deepEqual(decode(encode(nested(32))), nested(32))
  assert.throws(() => encode(nested(33)), /too deeply/)
  assert.throws(() => decode(bytesOfHex(`${'81'.repeat(32)}80`)), /too deeply/)
})

test('a failed or nested encoding does not spoil the next', () => {
  assert.throws(() => encode([1, 2, 1.5]), FormatError)
  assert.equal(hexOf(encode([1, 2, 3])), '83010203')
  const getter = {
    get a(): CborValue {
      return encode([9])
    },
  }
  assert.equal(hexOf(encode(getter)), 'a16161428109')
})

test('long encodings outgrow the scratch buffer', () => {
  const value = {
    big: new Uint8Array(200_000).fill(7),
    text: 'é'.repeat(100_000),
    list: Array.from({ length: 50_000 }, (_, i) => i),
  }
  assert.deepEqual(decode(encode(value)), value)
})

test('a claimed length beyond the bytes is refused before anything is allocated', () => {
  for (const hex of ['5b0000000fffffffff', '9b0000000fffffffff', 'bb0000000fffffffff', '7a7fffffff']) {
    assert.throws(() => decode(bytesOfHex(hex)), /cut short/)
  }
})
