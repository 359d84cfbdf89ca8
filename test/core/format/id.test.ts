// Object ids and their CIDs, against multiformats.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { base32 as peerBase32 } from 'multiformats/bases/base32'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as digests from 'multiformats/hashes/digest'
import { hexOf } from '../../../src/core/format/bytes.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import {
  base32,
  cidText,
  codecNumbers,
  idBytes,
  idFromBytes,
  objectId,
  parseBase32,
  parseCid,
  parseObjectId,
  sameLink,
} from '../../../src/core/format/id.ts'
import { bytes, link } from './arbitraries.ts'

test('the CID of a link is what multiformats says, and comes back', () => {
  fc.assert(
    fc.property(link, one => {
      const peer = CID.createV1(codecNumbers[one.codec], digests.create(0x1e, idBytes(one.id)))
      assert.equal(cidText(one), peer.toString())
      assert.deepEqual(parseCid(peer.toString()), one)
    }),
  )
})

test('other CIDs are refused', () => {
  const id = idBytes(objectId(Buffer.from('x')))
  const good = CID.createV1(0x55, digests.create(0x1e, id))
  const foreign = [
    CID.createV1(0x70, digests.create(0x1e, id)).toString(),
    CID.createV1(0x55, digests.create(0x12, id)).toString(),
    CID.createV1(0x55, digests.create(0x1e, id.subarray(0, 31))).toString(),
    CID.createV0(digests.create(0x12, id)).toString(),
    good.toString(base58btc),
    good.toString().toUpperCase(),
    `${good}a`,
    good.toString().slice(0, -1),
    `${good} `,
    '',
    'b',
  ]
  for (const text of foreign) assert.throws(() => parseCid(text), FormatError, text)
})

test('every changed character of a CID is refused or names another object', () => {
  const original = cidText({ codec: 'raw', id: objectId(Buffer.from('x')) })
  for (let at = 0; at < original.length; at++) {
    for (const other of 'abcdefghijklmnopqrstuvwxyz234567=A0 ') {
      const text = original.slice(0, at) + other + original.slice(at + 1)
      if (text === original) continue
      try {
        assert.equal(cidText(parseCid(text)), text)
      } catch (error) {
        assert(error instanceof FormatError, String(error))
      }
    }
  }
})

test('base32 is that of multiformats, and only its own spelling is read', () => {
  fc.assert(
    fc.property(bytes(40), raw => {
      assert.equal(base32(raw), peerBase32.baseEncode(raw))
      assert.equal(hexOf(parseBase32(base32(raw))), hexOf(raw))
    }),
  )
  for (const text of ['a', 'aaa', 'aaaaaa', 'ab', 'aaab', 'AA', '11', 'aa======', 'a\u0161', '\u{1f600}', '\ud83d']) {
    assert.throws(() => parseBase32(text), FormatError, text)
  }
})

test('ids are hex in lower case', () => {
  const id = objectId(Buffer.from('x'))
  assert.equal(parseObjectId(id), id)
  assert.equal(idFromBytes(Buffer.concat([Buffer.alloc(3), idBytes(id)]), 3), id)
  for (const text of [id.toUpperCase(), id.slice(1), `${id}0`, `${id.slice(1)}g`, '']) {
    assert.throws(() => parseObjectId(text), FormatError)
  }
  assert.throws(() => idFromBytes(new Uint8Array(31)), FormatError)
})

test('links are the same when codec and id are, and absent links are the same', () => {
  const a = { codec: 'raw', id: objectId(Buffer.from('a')) } as const
  assert(sameLink(a, { ...a }))
  assert(!sameLink(a, { ...a, codec: 'dag-cbor' }))
  assert(!sameLink(a, { ...a, id: objectId(Buffer.from('b')) }))
  assert(!sameLink(a, null) && !sameLink(undefined, a))
  assert(sameLink(null, undefined))
})
