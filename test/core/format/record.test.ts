// Envelopes and bodies: round trips, one encoding for each, rules, and what a later version may add.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byteStringOfText, hexOf } from '../../../src/core/format/bytes.ts'
import { type CborValue, decode, encode, isMap } from '../../../src/core/format/cbor.ts'
import { FormatError, isFormatError } from '../../../src/core/format/formatError.ts'
import { dagLink, objectId, rawLink } from '../../../src/core/format/id.ts'
import { leafHash } from '../../../src/core/format/merkle.ts'
import {
  type Body,
  bodyHash,
  decodeBody,
  decodeEnvelope,
  type Envelope,
  encodeBody,
  encodeEnvelope,
  zeroHash,
} from '../../../src/core/format/record.ts'
import {
  anyId,
  byteString,
  bytes,
  cborValue,
  count,
  dagLinks,
  edited,
  entryNamed,
  flips,
  hash32,
  path,
} from './arbitraries.ts'

const envelope: fc.Arbitrary<Envelope> = fc
  .record({ seq: count, time: count, root: anyId, prev: hash32, bodyHash: hash32 }, { noNullPrototype: true })
  .map(one => (one.seq === 0 ? { ...one, prev: zeroHash } : one))

const shortText = fc.string({ minLength: 1, maxLength: 12 })
const fieldsMap = fc.dictionary(
  shortText.filter(key => key !== 'codec'),
  cborValue,
  { maxKeys: 3, noNullPrototype: true },
)
const unknownMap = fc.dictionary(
  shortText.map(key => `later ${key}`),
  cborValue,
  { minKeys: 1, maxKeys: 3, noNullPrototype: true },
)

type Optional = Pick<Body, 'before' | 'after' | 'changes' | 'cause' | 'doubtful' | 'fields' | 'unknown'>

const body: fc.Arbitrary<Body> = path.chain(id => {
  const side = fc.option(entryNamed(fc.constant(id.slice(id.lastIndexOf('/') + 1))))
  const extras: fc.Arbitrary<Optional> = fc.record(
    { cause: count, doubtful: fc.constant(true), fields: fieldsMap, unknown: unknownMap },
    { requiredKeys: [], noNullPrototype: true },
  )
  const changed: fc.Arbitrary<Optional> = fc.oneof(
    fc.constant({}),
    fc.record({ before: side, after: side }, { noNullPrototype: true }),
    fc.record({ changes: dagLinks }, { noNullPrototype: true }),
  )
  const decision = fc.record(
    {
      effect: fc.constantFrom('permit' as const, 'deny' as const),
      bundle: fc.option(hash32),
      rule: fc.string({ maxLength: 20 }),
    },
    { noNullPrototype: true },
  )
  return fc
    .tuple(shortText, shortText, fc.constantFrom('file', 'box', 'planet'), decision, extras, changed)
    .map(([actor, action, kind, decision, more, change]) => ({
      actor,
      action,
      subject: { kind, id },
      decision,
      ...change,
      ...more,
    }))
})

test('envelopes and bodies come back', () => {
  fc.assert(
    fc.property(envelope, one => assert.deepEqual(decodeEnvelope(encodeEnvelope(one)), one)),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(body, one => assert.deepEqual(decodeBody(encodeBody(one)), one)),
    { numRuns: 500 },
  )
})

test('whatever is accepted is the only encoding', () => {
  const onlyEncoding = (again: (bytes: Uint8Array) => Uint8Array) => (bytes: Uint8Array) => {
    try {
      assert.equal(hexOf(again(bytes)), hexOf(bytes))
    } catch (error) {
      assert(isFormatError(error), String(error))
    }
  }
  fc.assert(
    fc.property(
      edited(envelope.map(encodeEnvelope)),
      onlyEncoding(raw => encodeEnvelope(decodeEnvelope(raw))),
    ),
    { numRuns: 3000 },
  )
  fc.assert(
    fc.property(
      edited(body.map(encodeBody)),
      onlyEncoding(raw => encodeBody(decodeBody(raw))),
    ),
    { numRuns: 3000 },
  )
})

const first: Envelope = {
  seq: 0,
  time: 1,
  root: objectId(Buffer.from('root')),
  prev: zeroHash,
  bodyHash: new Uint8Array(32).fill(2),
}

test('the fast reader of envelopes agrees with the generic decoder', () => {
  fc.assert(
    fc.property(envelope, one => {
      assert.deepEqual(decode(encodeEnvelope(one)), {
        v: 1,
        seq: one.seq,
        time: one.time,
        root: dagLink(one.root),
        prev: one.prev,
        body: one.bodyHash,
      })
    }),
  )
})

test('a flipped bit of an envelope changes its leaf hash', () => {
  const original = encodeEnvelope(first)
  const leaf = hexOf(leafHash(original))
  for (const { bytes, bit } of flips(original)) assert.notEqual(hexOf(leafHash(bytes)), leaf, `bit ${bit}`)
})

test('a flipped bit of salt or body changes the body hash', () => {
  const salt = new Uint8Array(16)
  const bodyBytes = encodeBody(plain)
  const hash = hexOf(bodyHash(salt, bodyBytes))
  for (const { bytes } of flips(salt)) assert.notEqual(hexOf(bodyHash(bytes, bodyBytes)), hash)
  for (const { bytes } of flips(bodyBytes)) assert.notEqual(hexOf(bodyHash(salt, bytes)), hash)
  assert.throws(() => bodyHash(new Uint8Array(15), bodyBytes), FormatError)
})

test('rules of envelopes', () => {
  const bad: Envelope[] = [
    { ...first, seq: -1 },
    { ...first, seq: 1.5 },
    { ...first, seq: 2 ** 53 },
    { ...first, time: -1 },
    { ...first, prev: new Uint8Array(31) },
    { ...first, prev: new Uint8Array(32).fill(1) },
    { ...first, bodyHash: new Uint8Array(33) },
  ]
  for (const one of bad) assert.throws(() => encodeEnvelope(one), FormatError, JSON.stringify(one))
  const value = decode(encodeEnvelope(first)) as Record<string, CborValue>
  const wrong: CborValue[] = [
    { ...value, v: 2 },
    { ...value, more: 1 },
    { ...value, root: rawLink(first.root) },
    { ...value, root: 'root' },
    { ...value, seq: -1 },
    { ...value, prev: 'x' },
    [],
  ]
  for (const one of wrong) assert.throws(() => decodeEnvelope(encode(one)), FormatError, JSON.stringify(one))
})

const plain: Body = {
  actor: 'owner',
  action: 'put',
  subject: { kind: 'file', id: 'etc/x' },
  decision: { effect: 'permit', bundle: null, rule: '' },
}
const entry = { name: 'x', kind: 'file', mode: 0o644, size: 1, content: rawLink(objectId(Buffer.from('x'))) } as const

test('rules of bodies', () => {
  const good: Body[] = [
    plain,
    { ...plain, before: null, after: entry },
    { ...plain, before: entry, after: entry },
    { ...plain, subject: { kind: 'journal', id: '' } },
    { ...plain, subject: { kind: 'file', id: byteStringOfText('é'.repeat(32_767)) } },
    { ...plain, actor: 'é'.repeat(128) },
  ]
  for (const one of good) assert.deepEqual(decodeBody(encodeBody(one)), one)
  const link = dagLink(entry.content.id)
  const bad: Body[] = [
    { ...plain, actor: '' },
    { ...plain, actor: 'é'.repeat(129) },
    { ...plain, action: '' },
    { ...plain, action: 'a'.repeat(65) },
    { ...plain, subject: { kind: '', id: '' } },
    { ...plain, subject: { kind: 'file', id: 'a'.repeat(65_536) } },
    { ...plain, subject: { kind: 'file', id: '\u0100' } },
    { ...plain, decision: { effect: 'allow' as 'permit', bundle: null, rule: '' } },
    { ...plain, decision: { effect: 'deny', bundle: new Uint8Array(31), rule: '' } },
    { ...plain, decision: { effect: 'deny', bundle: null, rule: 'r'.repeat(1025) } },
    { ...plain, before: entry },
    { ...plain, after: null },
    { ...plain, before: null, after: { ...entry, name: 'y' } },
    { ...plain, before: null, after: entry, changes: link },
    { ...plain, changes: entry.content },
    { ...plain, cause: -1 },
    { ...plain, cause: 0.5 },
    { ...plain, unknown: { actor: 'me' } },
    { ...plain, fields: { big: new Uint8Array(1_048_576) } },
  ]
  for (const one of bad) assert.throws(() => encodeBody(one), FormatError, JSON.stringify(one).slice(0, 120))
  const value = decode(encodeBody(plain)) as Record<string, CborValue>
  const wrong: CborValue[] = [
    { ...value, doubtful: false },
    { ...value, doubtful: 1 },
    { ...value, subject: ['file'] },
    { ...value, subject: ['file', 'text'] },
    { ...value, decision: ['permit', null] },
    { ...value, decision: ['permit', 'x', ''] },
    { ...value, fields: [] },
    { ...value, changes: 1 },
    { ...value, actor: 1 },
    [],
    'body',
  ]
  for (const one of wrong) assert.throws(() => decodeBody(encode(one)), FormatError, JSON.stringify(one))
  assert.throws(() => decodeBody(new Uint8Array(1_048_577)), /limit/)
})

test('keys of a later version are kept byte by byte', () => {
  const value = {
    ...(decode(encodeBody(plain)) as Record<string, CborValue>),
    zz: { deep: [1, null] },
    a: dagLink(entry.content.id),
  }
  const later = encode(value)
  const read = decodeBody(later)
  assert.deepEqual(read.unknown, { zz: { deep: [1, null] }, a: dagLink(entry.content.id) })
  assert.equal(hexOf(encodeBody(read)), hexOf(later))
  assert(isMap(decode(later)))
})

test('a key named like a property of every object is only a key', () => {
  const value = Object.fromEntries([
    ...Object.entries(decode(encodeBody(plain)) as object),
    ['__proto__', 1],
  ]) as CborValue
  const read = decodeBody(encode(value))
  assert.deepEqual(Object.keys(read.unknown ?? {}), ['__proto__'])
  assert.equal(hexOf(encodeBody(read)), hexOf(encode(value)))
})

test('arbitrary bytes are refused with a FormatError', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        bytes(80),
        byteString(20).map(text => encode(text)),
      ),
      raw => {
        assert.throws(() => decodeEnvelope(raw), FormatError)
        assert.throws(() => decodeBody(raw), FormatError)
      },
    ),
  )
})
