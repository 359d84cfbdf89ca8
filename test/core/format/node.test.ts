// Directory nodes and entries: round trips, one encoding for each, and every rule that shows in a node.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, hexOf } from '../../../src/core/format/bytes.ts'
import { type CborValue, encode } from '../../../src/core/format/cbor.ts'
import { FormatError, isFormatError } from '../../../src/core/format/formatError.ts'
import { blake3 } from '../../../src/core/format/hash.ts'
import { dagLink, objectId, rawLink } from '../../../src/core/format/id.ts'
import {
  type BranchNode,
  checkChild,
  checkName,
  type DirectoryNode,
  decodeEntry,
  decodeNode,
  type Entry,
  encodeEntry,
  encodeNode,
  entryCount,
  nameDigit,
  nameDigits,
  sameEntry,
} from '../../../src/core/format/node.ts'
import { dagLinks, edited, entries, entry, flips, name } from './arbitraries.ts'

const leaf: fc.Arbitrary<DirectoryNode> = entries(12).map(list => ({ kind: 'leaf', entries: list }))
const slot = fc.tuple(dagLinks, fc.integer({ min: 1, max: 1_000_000 })).map(([link, count]) => ({ link, count }))
const branch: fc.Arbitrary<DirectoryNode> = fc
  .tuple(fc.nat(63), fc.array(fc.option(slot), { minLength: 16, maxLength: 16 }))
  .map(([depth, slots]): BranchNode => ({ kind: 'branch', depth, slots }))
  .filter(node => entryCount(node) > 64)
const node = fc.oneof(leaf, branch)

test('nodes and entries come back', () => {
  fc.assert(
    fc.property(node, one => assert.deepEqual(decodeNode(encodeNode(one)), one)),
    { numRuns: 500 },
  )
  fc.assert(fc.property(entry, one => assert.deepEqual(decodeEntry(encodeEntry(one)), one)))
})

test('whatever is accepted is the only encoding of its node', () => {
  let accepted = 0
  fc.assert(
    fc.property(edited(node.map(encodeNode)), bytes => {
      try {
        assert.equal(hexOf(encodeNode(decodeNode(bytes))), hexOf(bytes))
        accepted++
      } catch (error) {
        assert(isFormatError(error), String(error))
      }
    }),
    { numRuns: 4000 },
  )
  assert(accepted > 50, `only ${accepted} edits were accepted`)
})

const sample: Entry = { name: 'a', kind: 'file', mode: 0o644, size: 3, content: rawLink(objectId(Buffer.from('abc'))) }

test('a flipped bit gives another node or none', () => {
  const original = encodeNode({ kind: 'leaf', entries: [sample, { ...sample, name: 'b' }] })
  for (const { bytes, bit } of flips(original)) {
    try {
      assert.notDeepEqual(decodeNode(bytes), decodeNode(original), `bit ${bit}`)
    } catch (error) {
      assert(isFormatError(error), String(error))
    }
  }
})

const list = dagLink(objectId(Buffer.from('list')))
const raw = sample.content

test('rules of entries', () => {
  const meta = (value: Entry['meta']): Entry => ({ ...sample, meta: value! })
  const attribute = { name: 'user.a', value: 'x' }
  const good: Entry[] = [
    { ...sample, size: 1_048_576 },
    { ...sample, size: 65_537, content: list },
    { ...sample, size: 0, mode: 0 },
    { ...sample, kind: 'symlink', mode: 0o777, size: 4095 },
    { ...sample, kind: 'dir', mode: 0o7777, size: 0, content: list },
    meta({ uid: 0, gid: 4_294_967_295 }),
    meta({ xattrs: [attribute, { name: 'user.b', value: 'v'.repeat(65_000) }] }),
  ]
  for (const one of good) assert.deepEqual(decodeEntry(encodeEntry(one)), one)
  const bad: Entry[] = [
    { ...sample, size: 1_048_577 },
    { ...sample, size: 65_536, content: list },
    { ...sample, size: -1 },
    { ...sample, size: 0.5 },
    { ...sample, size: 2 ** 53, content: list },
    { ...sample, mode: 0o10000 },
    { ...sample, mode: -1 },
    { ...sample, kind: 'symlink', mode: 0o755 },
    { ...sample, kind: 'symlink', mode: 0o777, size: 0 },
    { ...sample, kind: 'symlink', mode: 0o777, size: 4096 },
    { ...sample, kind: 'symlink', mode: 0o777, content: list },
    { ...sample, kind: 'dir', content: raw },
    meta({}),
    meta({ uid: 1 }),
    meta({ gid: 1 }),
    meta({ uid: 1, gid: -1 }),
    meta({ uid: 1, gid: 4_294_967_296 }),
    meta({ xattrs: [] }),
    meta({ xattrs: [attribute, attribute] }),
    meta({ xattrs: [{ name: 'user.b', value: '' }, attribute] }),
    meta({ xattrs: [{ name: '', value: '' }] }),
    meta({ xattrs: [{ name: 'x'.repeat(256), value: '' }] }),
    meta({ xattrs: [{ name: 'a\0', value: '' }] }),
    meta({ xattrs: [{ name: 'a', value: '\u0100' }] }),
    meta({ xattrs: [{ name: 'a', value: 'v'.repeat(65_536) }] }),
  ]
  for (const one of bad) assert.throws(() => encodeEntry(one), FormatError, JSON.stringify(one).slice(0, 120))
})

test('rules of names', () => {
  fc.assert(fc.property(name, one => checkName(one)))
  for (const good of ['...', '.a', ' ', '\xff', 'a'.repeat(255)]) checkName(good)
  for (const bad of ['', '.', '..', 'a/b', '/', 'a\0', 'a'.repeat(256), '\u0100']) {
    assert.throws(() => checkName(bad), FormatError, bad)
    assert.throws(() => encodeNode({ kind: 'leaf', entries: [{ ...sample, name: bad }] }), FormatError)
  }
})

test('rules of leaves and branches', () => {
  const named = (...names: string[]): Entry[] => names.map(name => ({ ...sample, name }))
  const many = Array.from({ length: 64 }, (_, i) => `n${i.toString(36).padStart(2, '0')}`)
  assert.deepEqual(decodeNode(encodeNode({ kind: 'leaf', entries: [] })), { kind: 'leaf', entries: [] })
  assert.equal(entryCount(decodeNode(encodeNode({ kind: 'leaf', entries: named(...many) }))), 64)
  for (const list of [named('b', 'a'), named('a', 'a'), named(...many, 'o')]) {
    assert.throws(() => encodeNode({ kind: 'leaf', entries: list }), FormatError)
  }
  const slots = (count: number, length = 16): BranchNode['slots'] =>
    Array.from({ length }, (_, i) => (i === 3 ? { link: list, count } : null))
  assert.equal(entryCount(decodeNode(encodeNode({ kind: 'branch', depth: 63, slots: slots(65) }))), 65)
  const bad: BranchNode[] = [
    { kind: 'branch', depth: 0, slots: slots(64) },
    { kind: 'branch', depth: 64, slots: slots(65) },
    { kind: 'branch', depth: -1, slots: slots(65) },
    { kind: 'branch', depth: 0, slots: slots(65, 15) },
    { kind: 'branch', depth: 0, slots: slots(65, 17) },
    { kind: 'branch', depth: 0, slots: slots(65).with(4, { link: list, count: 0 }) },
    { kind: 'branch', depth: 0, slots: slots(65).with(4, { link: raw, count: 1 }) },
    { kind: 'branch', depth: 0, slots: slots(Number.MAX_SAFE_INTEGER).with(4, { link: list, count: 1 }) },
  ]
  for (const one of bad) assert.throws(() => encodeNode(one), FormatError, JSON.stringify(one).slice(0, 100))
})

test('other objects are no directory nodes', () => {
  const others: CborValue[] = [
    {},
    { k: 'leaf' },
    { e: [], k: 'leav' },
    { e: [], k: 'leaf', x: 1 },
    { k: 'leaf', e: [[]] },
    { d: 0, k: 'branch' },
    [],
    null,
    'leaf',
  ]
  for (const one of others) assert.throws(() => decodeNode(encode(one)), FormatError, JSON.stringify(one))
  const fields = encodeEntry(sample) as CborValue[]
  const wrong: CborValue[] = [
    fields.slice(0, 4),
    [...fields, {}],
    [...fields, {}, 1],
    fields.with(1, 3),
    fields.with(0, 'a'),
  ]
  for (const one of wrong) assert.throws(() => decodeEntry(one), FormatError, JSON.stringify(one))
})

test('digits are those of the hash of the name, the most significant first', () => {
  fc.assert(
    fc.property(name, fc.nat(63), (one, depth) => {
      assert.equal(nameDigits(one), hexOf(blake3(bytesOf(one))))
      assert.equal(nameDigit(one, depth), Number.parseInt(nameDigits(one)[depth]!, 16))
    }),
  )
})

test('a child must have the count of its slot and lie where its names belong', () => {
  const entries = ['a', 'b', 'c'].map(name => ({ ...sample, name }))
  for (const one of entries) {
    const digits = [0, 1, 2].map(depth => nameDigit(one.name, depth))
    const child: DirectoryNode = { kind: 'leaf', entries: [one] }
    checkChild(digits, 1, child)
    assert.throws(() => checkChild(digits, 2, child), /count/)
    assert.throws(() => checkChild(digits.with(1, (digits[1]! + 1) % 16), 1, child), /wrong slot/)
  }
  const slots = Array.from({ length: 16 }, (_, i) => (i === 0 ? { link: list, count: 70 } : null))
  checkChild([1, 2], 70, { kind: 'branch', depth: 2, slots })
  assert.throws(() => checkChild([1], 70, { kind: 'branch', depth: 2, slots }), /depth/)
})

test('entries are the same when their encodings are', () => {
  fc.assert(
    fc.property(entry, entry, (a, b) => {
      assert(sameEntry(a, structuredClone(a)))
      assert.equal(sameEntry(a, b), hexOf(encode(encodeEntry(a))) === hexOf(encode(encodeEntry(b))))
    }),
  )
  const variants: Entry[] = [
    sample,
    { ...sample, name: 'b' },
    { ...sample, mode: 0o600 },
    { ...sample, size: 4 },
    { ...sample, content: rawLink(objectId(Buffer.from('x'))) },
    { ...sample, kind: 'symlink', mode: 0o777 },
    { ...sample, meta: { uid: 1, gid: 2 } },
    { ...sample, meta: { uid: 1, gid: 3 } },
    { ...sample, meta: { xattrs: [{ name: 'a', value: 'b' }] } },
    { ...sample, meta: { xattrs: [{ name: 'a', value: 'c' }] } },
  ]
  for (const a of variants) for (const b of variants) assert.equal(sameEntry(a, b), a === b)
  assert(sameEntry(null, null) && !sameEntry(null, sample) && !sameEntry(sample, null))
})
