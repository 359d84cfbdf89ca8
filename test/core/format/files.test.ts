// The small files: .runtime/format, the binding, recycle.trace.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Binding, bindingFileName, decodeBinding, encodeBinding } from '../../../src/core/format/binding.ts'
import { byteStringOfText, concatBytes, hexOf } from '../../../src/core/format/bytes.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import { decodeFormatFile, encodeFormatFile, type FormatFile, openable } from '../../../src/core/format/formatFile.ts'
import {
  decodeTraceHeader,
  decodeTraceItemAt,
  encodeTraceHeader,
  encodeTraceItem,
  type TraceHeader,
  type TraceItem,
} from '../../../src/core/format/recycleTrace.ts'
import { anyId, byteString, changes, count, flips, hash32 } from './arbitraries.ts'

const logId = fc.uint8Array({ minLength: 16, maxLength: 16 })
const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), { maxLength: 3 }).map(list => list.sort())
const formatFile: fc.Arbitrary<FormatFile> = fc.record(
  {
    format: fc.integer({ min: 1, max: 9 }),
    requires: names,
    options: names,
    logId,
    earlier: fc.array(logId, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['format', 'requires', 'options', 'logId'], noNullPrototype: true },
)

const sample: FormatFile = { format: 1, requires: [], options: [], logId: new Uint8Array(16).fill(0xa5) }

test('format files come back', () => {
  fc.assert(fc.property(formatFile, one => assert.deepEqual(decodeFormatFile(encodeFormatFile(one)), one)))
})

test('every flipped bit of a format file is seen, or changes what is compared', () => {
  for (const { bytes, bit } of flips(encodeFormatFile(sample))) {
    try {
      const read = decodeFormatFile(bytes)
      // A log id is compared with that of the segments and of the checkpoint.
      assert(openable(read).state !== 'write' || hexOf(read.logId) !== hexOf(sample.logId), `bit ${bit}`)
    } catch (error) {
      assert(error instanceof FormatError, String(error))
    }
  }
})

test('what may be done with a folder', () => {
  assert.deepEqual(openable(sample), { state: 'write' })
  assert.deepEqual(openable({ ...sample, options: ['later'] }), { state: 'read', unknown: ['later'] })
  assert.deepEqual(openable({ ...sample, requires: ['later'], options: ['x'] }), {
    state: 'refuse',
    unknown: ['later'],
  })
  assert.deepEqual(openable({ ...sample, format: 2 }), { state: 'refuse', unknown: ['format 2'] })
})

test('other spellings of a format file are refused', () => {
  const text = Buffer.from(encodeFormatFile(sample)).toString()
  const other = [
    text.trimEnd(),
    `${text}\n`,
    ` ${text}`,
    text.replace('"format":1', '"format": 1'),
    text.replace('"format":1', '"format":1.0'),
    text.replace('"format":1', '"format":"1"'),
    text.replace('"format":1', '"format":0'),
    text.replace('[]', '["b","a"]'),
    text.replace('[]', '["a","a"]'),
    text.replace('[]', '["A"]'),
    text.replace('[]', '[1]'),
    text.replace('[]', '{}'),
    text.replace('}', ',"more":1}'),
    text.replace('}', ',"earlier":[]}'),
    text.replace('a5', 'A5'),
    text.replace('a5', ''),
    '{}\n',
    '[]\n',
    'null\n',
    '',
    `{"x":"${'y'.repeat(5000)}"}\n`,
  ]
  for (const one of other) assert.throws(() => decodeFormatFile(Buffer.from(one)), FormatError, one.slice(0, 100))
  assert.throws(() => decodeFormatFile(Buffer.of(0xff)), FormatError)
})

const binding: fc.Arbitrary<Binding> = fc.record(
  {
    logId,
    epoch: fc.nat(999_999),
    path: fc.oneof(byteString(30, 1), fc.string({ minLength: 1 }).map(byteStringOfText)),
    inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    size: count,
    root: hash32,
  },
  { noNullPrototype: true },
)

test('bindings come back', () => {
  fc.assert(
    fc.property(binding, one => assert.deepEqual(decodeBinding(encodeBinding(one)), one)),
    { numRuns: 500 },
  )
})

const bound: Binding = {
  logId: sample.logId,
  epoch: 1,
  path: '/home/me/root "x" \xff',
  inode: 12n,
  size: 7,
  root: new Uint8Array(32),
}

test('every flipped bit of a binding is seen', () => {
  for (const { bytes, bit } of flips(encodeBinding(bound)))
    assert.throws(() => decodeBinding(bytes), FormatError, `bit ${bit}`)
})

test('bindings with impossible contents are refused', () => {
  const bad: Binding[] = [
    { ...bound, epoch: -1 },
    { ...bound, epoch: 1_000_000 },
    { ...bound, size: -1 },
    { ...bound, size: 0.5 },
    { ...bound, inode: -1n },
    { ...bound, logId: new Uint8Array(15) },
    { ...bound, root: new Uint8Array(31) },
  ]
  for (const one of bad) assert.throws(() => encodeBinding(one), FormatError)
  assert.throws(() => decodeBinding(Buffer.from('{}\n')), FormatError)
  assert.match(bindingFileName('/a'), /^[0-9a-f]{32}\.binding$/)
  assert.notEqual(bindingFileName('/a'), bindingFileName('/b'))
})

const header: fc.Arbitrary<TraceHeader> = fc.record(
  { baseSeq: count, baseRoot: anyId, origin: fc.string() },
  { noNullPrototype: true },
)
const item: fc.Arbitrary<TraceItem> = fc.record(
  { seq: count, root: anyId, changes: fc.oneof(fc.constant([]), changes(4)), more: fc.boolean() },
  { noNullPrototype: true },
)

test('a trace comes back item by item', () => {
  fc.assert(
    fc.property(header, fc.array(item, { maxLength: 4 }), (head, items) => {
      const file = concatBytes(encodeTraceHeader(head), ...items.map(encodeTraceItem))
      const first = decodeTraceHeader(file)
      assert(first.state === 'ok')
      assert.deepEqual(first.value, head)
      let offset = first.nextOffset
      for (const one of items) {
        const read = decodeTraceItemAt(file, offset)
        assert(read.state === 'ok')
        assert.deepEqual(read.value, one)
        offset = read.nextOffset
      }
      assert.equal(offset, file.length)
      assert.equal(decodeTraceItemAt(file, offset).state, 'short')
    }),
  )
})

test('every flipped bit of a trace is seen, every cut is short', () => {
  const [head] = fc.sample(header, { numRuns: 1, seed: 1 }) as [TraceHeader]
  const one = encodeTraceItem(
    fc.sample(
      item.filter(({ changes }) => changes.length > 0),
      { numRuns: 1, seed: 2 },
    )[0]!,
  )
  const start = encodeTraceHeader(head)
  for (const { bytes, bit } of flips(start)) assert.notEqual(decodeTraceHeader(bytes).state, 'ok', `bit ${bit}`)
  for (const { bytes, bit } of flips(one)) assert.notEqual(decodeTraceItemAt(bytes, 0).state, 'ok', `bit ${bit}`)
  for (let length = 0; length < start.length; length++)
    assert.equal(decodeTraceHeader(start.subarray(0, length)).state, 'short')
  for (let length = 0; length < one.length; length++)
    assert.equal(decodeTraceItemAt(one.subarray(0, length), 0).state, 'short')
})
