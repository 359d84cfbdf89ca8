// Packed lists: what goes in comes out, in the order of path bytes, and a sort that can be stopped in between.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSentientError } from '../../../src/core/errors.ts'
import { objectId, rawLink } from '../../../src/core/format/id.ts'
import type { Entry } from '../../../src/core/format/node.ts'
import type { FileStat } from '../../../src/core/host/host.ts'
import { drained } from '../../../src/core/progress.ts'
import type { PackedEntry } from '../../../src/core/store/packedFields.ts'
import { createPackedList, type PackedCodec } from '../../../src/core/store/packedList.ts'

interface Item {
  readonly path: string
  readonly before: PackedEntry
  readonly link: ReturnType<typeof rawLink> | undefined
  readonly stat: FileStat | undefined
  readonly flag: boolean
  readonly text: string | undefined
}

const codec: PackedCodec<Item> = {
  write(writer, { before, link, stat, flag, text }) {
    writer.entry(before)
    writer.link(link)
    writer.stat(stat)
    writer.flag(flag)
    writer.text(text)
  },
  read: (reader, path) => ({
    path,
    before: reader.entry(),
    link: reader.link(),
    stat: reader.stat(),
    flag: reader.flag(),
    text: reader.text(),
  }),
}

const content = rawLink(objectId(Buffer.from('x')))
const itemOf = (path: string, text?: string): Item => ({
  path,
  before: null,
  link: undefined,
  stat: undefined,
  flag: false,
  text,
})

const byteString = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map(bytes => Buffer.from(bytes).toString('latin1').replaceAll('/', '_'))
const anyPath = fc.array(byteString, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'))
const anyLink = fc
  .tuple(fc.constantFrom('raw', 'dag-cbor'), fc.string())
  .map(([codecName, text]) => ({ codec: codecName as 'raw', id: objectId(Buffer.from(text)) }))
const anyStat = fc.record(
  {
    kind: fc.constantFrom('file', 'dir', 'symlink', 'other'),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    size: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    mtimeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
    ctimeNs: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    dev: fc.integer({ min: 0 }),
    inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    links: fc.integer({ min: 0 }),
  },
  { noNullPrototype: true },
) as fc.Arbitrary<FileStat>

const anyItem = anyPath.chain(path => {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const entry = fc.record(
    {
      name: fc.constant(name),
      kind: fc.constantFrom('file', 'dir', 'symlink'),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      size: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      content: anyLink,
      meta: fc.record({ uid: fc.nat(), gid: fc.nat() }, { noNullPrototype: true }),
    },
    { requiredKeys: ['name', 'kind', 'mode', 'size', 'content'], noNullPrototype: true },
  ) as fc.Arbitrary<Entry>
  return fc.record(
    {
      path: fc.constant(path),
      before: fc.oneof(entry, fc.constant(null), fc.constant(undefined)),
      link: fc.option(anyLink, { nil: undefined }),
      stat: fc.option(anyStat, { nil: undefined }),
      flag: fc.boolean(),
      text: fc.option(byteString, { nil: undefined }),
    },
    { noNullPrototype: true },
  ) as fc.Arbitrary<Item>
})

describe('a packed list', () => {
  it('gives back what was pushed, sorted by path bytes, of one path the last', () => {
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 60 }), items => {
        const list = createPackedList(codec)
        for (const item of items) list.push(item)
        const isSorted = items.every(({ path }, i) => i === 0 || (items[i - 1]?.path as string) < path)
        if (!isSorted) assert.deepEqual([...list], items)
        drained(list.sort())
        const model = new Map(items.map(item => [item.path, item]))
        const sorted = [...model.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
        assert.deepEqual([...list], sorted)
        assert.deepEqual([...list.reversed()], sorted.toReversed())
        assert.equal(list.count, sorted.length)
        for (const [i, item] of sorted.entries()) {
          assert.equal(list.indexOf(item.path), i)
          assert.deepEqual(list.find(item.path), item)
          assert.equal(list.has(`${item.path}\0`), model.has(`${item.path}\0`))
        }
      }),
    )
  })

  it('holds items larger than its buffers, and many', () => {
    const list = createPackedList(codec)
    const large = 'x'.repeat(1 << 20)
    for (let i = 0; i < 3_000; i++) list.push(itemOf(`d/${i}`, i % 1_000 === 0 ? large : String(i)))
    drained(list.sort())
    assert.equal(list.count, 3_000)
    assert.equal(list.find('d/2000')?.text, large)
    assert.equal(list.find('d/2001')?.text, '2001')
  })

  it('keeps its order when more is pushed behind a sort', () => {
    const list = createPackedList(codec)
    for (const path of ['c', 'b', 'a']) list.push(itemOf(path))
    drained(list.sort())
    list.push(itemOf('b', 'again'))
    assert.throws(
      () => list.find('b'),
      error => isSentientError(error, 'INTERNAL'),
    )
    drained(list.sort())
    assert.deepEqual(
      [...list].map(({ path, text }) => [path, text]),
      [
        ['a', undefined],
        ['b', 'again'],
        ['c', undefined],
      ],
    )
  })

  it('stops often while it sorts, and not at all when nothing is to be sorted', () => {
    const mixed = createPackedList(codec)
    const inOrder = createPackedList(codec)
    for (let i = 0; i < 20_000; i++) {
      mixed.push(itemOf(`f${(i * 7_919) % 20_000}`))
      inOrder.push(itemOf(`f${String(i).padStart(6, '0')}`))
    }
    // At least log2(20,000!) comparisons are needed, about 258,000.
    assert.ok([...mixed.sort()].length > 258_000 / 256)
    assert.equal([...inOrder.sort()].length, 0)
  })

  it('takes little room for each item', () => {
    const list = createPackedList(codec)
    const stat = { kind: 'file', mode: 0o644, size: 5, mtimeNs: 1n, ctimeNs: 1n, dev: 1, inode: 7n, links: 1 } as const
    const before: Entry = { name: 'file', kind: 'file', mode: 0o644, size: 5, content }
    const memory = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 50_000; i++) list.push({ ...itemOf(`directory/of/files/${i}`), before, link: content, stat })
    assert.ok((process.memoryUsage().arrayBuffers - memory) / list.count < 250)
    assert.equal(list.at(49_999).stat?.inode, 7n)
  })
})
