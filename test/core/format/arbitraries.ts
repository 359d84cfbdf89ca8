// What the tests of the format feed it: arbitrary values of its kinds for fast-check, and every single-bit flip.

import fc from 'fast-check'
import type { CborValue } from '../../../src/core/format/cbor.ts'
import type { Change } from '../../../src/core/format/changes.ts'
import { type Codec, type Link, type ObjectId, objectId } from '../../../src/core/format/id.ts'
import type { Entry, EntryMeta } from '../../../src/core/format/node.ts'
import { anyText } from '../../support/text.ts'

const byteText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

export const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength })
export const hash32: fc.Arbitrary<Uint8Array> = bytes(32, 32)
export const byteString = (maxLength: number, minLength = 0): fc.Arbitrary<string> =>
  bytes(maxLength, minLength).map(byteText)
export const anyId: fc.Arbitrary<ObjectId> = bytes(4, 4).map(objectId)
export const codec: fc.Arbitrary<Codec> = fc.constantFrom('raw', 'dag-cbor')
export const link: fc.Arbitrary<Link> = fc.record({ codec, id: anyId }, { noNullPrototype: true })
export const rawLinks: fc.Arbitrary<Link> = anyId.map(id => ({ codec: 'raw', id }))
export const dagLinks: fc.Arbitrary<Link> = anyId.map(id => ({ codec: 'dag-cbor', id }))
export const count: fc.Arbitrary<number> = fc.oneof(fc.nat(300), fc.maxSafeNat())

/** Also names that are no UTF-8, begin with dots, or hold newlines. */
export const name: fc.Arbitrary<string> = fc
  .oneof(byteString(12, 1), byteString(255, 250), fc.constantFrom('...', '.a', '\n', '\xff', 'caf\xc3\xa9'))
  .map(text => text.replace(/[\0/]/g, '_'))
  .filter(text => text !== '.' && text !== '..')

export const path: fc.Arbitrary<string> = fc.array(name, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))

const xattrs: fc.Arbitrary<NonNullable<EntryMeta['xattrs']>> = fc
  .uniqueArray(fc.record({ name: byteString(9, 1), value: byteString(20) }, { noNullPrototype: true }), {
    minLength: 1,
    maxLength: 4,
    selector: ({ name }) => name.replace(/\0/g, '_'),
  })
  .map(list =>
    list
      .map(({ name, value }) => ({ name: name.replace(/\0/g, '_'), value }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  )

const owner = fc.integer({ min: 0, max: 0xffff_ffff })
export const meta: fc.Arbitrary<EntryMeta> = fc.oneof(
  fc.record({ uid: owner, gid: owner }, { noNullPrototype: true }),
  fc.record({ xattrs }, { noNullPrototype: true }),
  fc.record({ uid: owner, gid: owner, xattrs }, { noNullPrototype: true }),
)

const mode = fc.integer({ min: 0, max: 0o7777 })
const smallSize = fc.nat(1_048_576)
const bigSize = fc.integer({ min: 65_537, max: Number.MAX_SAFE_INTEGER })

const forms: fc.Arbitrary<Omit<Entry, 'name' | 'meta'>> = fc.oneof(
  fc.record(
    { kind: fc.constant('file' as const), mode, size: smallSize, content: rawLinks },
    { noNullPrototype: true },
  ),
  fc.record({ kind: fc.constant('file' as const), mode, size: bigSize, content: dagLinks }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant('dir' as const), mode, size: count, content: dagLinks }, { noNullPrototype: true }),
  fc.record(
    {
      kind: fc.constant('symlink' as const),
      mode: fc.constant(0o777),
      size: fc.integer({ min: 1, max: 4095 }),
      content: rawLinks,
    },
    { noNullPrototype: true },
  ),
)

export const entryNamed = (entryName: fc.Arbitrary<string>): fc.Arbitrary<Entry> =>
  fc
    .tuple(entryName, forms, fc.option(meta))
    .map(([name, form, extra]) => (extra === null ? { name, ...form } : { name, ...form, meta: extra }))

export const entry: fc.Arbitrary<Entry> = entryNamed(name)

/** Sorted, with unique names. */
export const entries = (maxLength: number): fc.Arbitrary<Entry[]> =>
  fc
    .uniqueArray(entry, { maxLength, selector: ({ name }) => name })
    .map(list => list.sort((a, b) => (a.name < b.name ? -1 : 1)))

export const change: fc.Arbitrary<Change> = path.chain(path => {
  const named = entryNamed(fc.constant(path.slice(path.lastIndexOf('/') + 1)))
  return fc.oneof(
    named.map(after => ({ path, before: null, after })),
    named.map(before => ({ path, before, after: null })),
    named.map(before => ({
      path,
      before,
      after: {
        ...before,
        mode: before.kind === 'symlink' ? before.mode : before.mode ^ 1,
        size: before.kind === 'symlink' ? (before.size % 4095) + 1 : before.size,
      },
    })),
  )
})

export const changes = (maxLength: number): fc.Arbitrary<Change[]> =>
  fc
    .uniqueArray(change, { minLength: 1, maxLength, selector: ({ path }) => path })
    .map(list => list.sort((a, b) => (a.path < b.path ? -1 : 1)))

const integer = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.constantFrom(23, 24, 255, 256, 65_535, 65_536, 0xffff_ffff, 0x1_0000_0000, -24, -25, -256, -257),
)
const text = fc.oneof(fc.string({ maxLength: 30 }), anyText({ maxLength: 30 }))
const key = fc
  .oneof(text, fc.constantFrom('__proto__', 'constructor', '0', '10', 'é', 'length'))
  .filter(one => one !== 'codec')

export const cborValue: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    integer,
    text,
    bytes(40),
    link,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value

/** The bytes with each of their bits flipped in turn; the same memory every time. */
export function* flips(original: Uint8Array): Generator<{ bytes: Uint8Array; bit: number }> {
  const bytes = Uint8Array.from(original)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    yield { bytes, bit }
    bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
}

/** Valid bytes with one small edit: a byte set, removed, added or doubled. */
export function edited(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(valid, fc.nat(), fc.nat(255), fc.nat(3)).map(([bytes, place, byte, how]) => {
    const at = bytes.length === 0 ? 0 : place % bytes.length
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)]
    const middles = [[byte], [], [byte, bytes[at] ?? 0], [bytes[at] ?? 0, bytes[at] ?? 0]]
    return Uint8Array.from([...before, ...middles[how]!, ...after])
  })
}
