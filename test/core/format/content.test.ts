// List nodes: one content has one form, and a node that breaks a rule is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hexOf } from '../../../src/core/format/bytes.ts'
import { chunkBytesMax, chunkBytesMin } from '../../../src/core/format/constants.generated.ts'
import { contentBuilder, decodeList, encodeList, type ListNode } from '../../../src/core/format/content.ts'
import { FormatError, isFormatError } from '../../../src/core/format/formatError.ts'
import { dagLink, type Link, type ObjectId, objectId, rawLink } from '../../../src/core/format/id.ts'
import { edited, rawLinks } from './arbitraries.ts'

const id = (label: string): ObjectId => objectId(Buffer.from(label))

/** Builds a content of chunks of the smallest size and reads it back, node by node. */
function build(chunks: number): { root: Link; nodes: Map<ObjectId, Uint8Array> } {
  const nodes = new Map<ObjectId, Uint8Array>()
  const builder = contentBuilder(node => {
    const made = objectId(node)
    nodes.set(made, node)
    return made
  })
  for (let i = 0; i < chunks; i++) builder.push(id(`${i}`), i === chunks - 1 ? 1 : chunkBytesMin)
  return { root: builder.finish(), nodes }
}

function leaves(nodes: ReadonlyMap<ObjectId, Uint8Array>, link: Link, depth: number | undefined): ObjectId[] {
  if (link.codec === 'raw') return [link.id]
  const node = decodeList(nodes.get(link.id)!)
  if (depth !== undefined) assert.equal(node.depth, depth)
  return node.entries.flatMap(entry => leaves(nodes, entry.link, node.depth - 1))
}

test('a content of any number of chunks is a tree of full nodes over all chunks in order', () => {
  for (const chunks of [1, 2, 4095, 4096, 4097, 8191, 8192, 8193, 20_000]) {
    const { root, nodes } = build(chunks)
    assert.deepEqual(
      leaves(nodes, root, undefined),
      Array.from({ length: chunks }, (_, i) => id(`${i}`)),
    )
    const expectedNodes = chunks === 1 ? 0 : Math.ceil(chunks / 4096) + (chunks > 4096 ? 1 : 0)
    assert.equal(nodes.size, expectedNodes, `${chunks} chunks`)
    if (chunks === 1) continue
    assert.equal(decodeList(nodes.get(root.id)!).bytes, (chunks - 1) * chunkBytesMin + 1)
  }
})

test('a content without chunks does not exist', () => {
  assert.throws(() => contentBuilder(objectId).finish(), FormatError)
})

const node: fc.Arbitrary<ListNode> = fc
  .array(fc.tuple(rawLinks, fc.integer({ min: chunkBytesMin, max: chunkBytesMax })), { minLength: 1, maxLength: 6 })
  .map(pairs => {
    const entries = pairs.map(([link, bytes]) => ({ link, bytes }))
    return { depth: 0, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0), entries }
  })

test('list nodes come back, and whatever is accepted is the only encoding', () => {
  fc.assert(fc.property(node, one => assert.deepEqual(decodeList(encodeList(one)), one)))
  fc.assert(
    fc.property(edited(node.map(encodeList)), bytes => {
      try {
        assert.equal(hexOf(encodeList(decodeList(bytes))), hexOf(bytes))
      } catch (error) {
        assert(isFormatError(error), String(error))
      }
    }),
    { numRuns: 3000 },
  )
})

test('rules of list nodes', () => {
  const chunk = { link: rawLink(id('a')), bytes: chunkBytesMin }
  const list = { link: dagLink(id('a')), bytes: chunkBytesMin * 4096 }
  const of = (depth: number, bytes: number, ...entries: ListNode['entries']): ListNode => ({ depth, bytes, entries })
  const good = [
    of(0, 2 * chunkBytesMin, chunk, chunk),
    of(0, chunkBytesMin + 1, chunk, { ...chunk, bytes: 1 }),
    of(1, list.bytes + 1, list, { ...list, bytes: 1 }),
  ]
  for (const one of good) assert.deepEqual(decodeList(encodeList(one)), one)
  const bad = [
    of(0, 0),
    of(0, chunkBytesMin + 1, chunk, chunk),
    of(0, chunkBytesMin * 2 - 1, { ...chunk, bytes: chunkBytesMin - 1 }, chunk),
    of(0, chunkBytesMax + 1, { ...chunk, bytes: chunkBytesMax + 1 }),
    of(0, chunkBytesMin, chunk, { ...chunk, bytes: 0 }),
    of(0, list.bytes, list),
    of(1, chunk.bytes, chunk),
    of(1, list.bytes * 2 - 1, { ...list, bytes: list.bytes - 1 }, list),
    of(4, 1, { ...list, bytes: 1 }),
    of(0, chunkBytesMin * 4097, ...Array.from({ length: 4097 }, () => chunk)),
    of(0, Number.NaN, { ...chunk, bytes: Number.NaN }),
  ]
  for (const one of bad) assert.throws(() => encodeList(one), FormatError, JSON.stringify(one).slice(0, 100))
})
