// Lists of changes: one list for one set of changes, whatever its length, and every rule of a change.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hexOf } from '../../../src/core/format/bytes.ts'
import {
  type Change,
  type ChangesNode,
  changesBuilder,
  checkPath,
  decodeChanges,
  encodeChanges,
  lastName,
} from '../../../src/core/format/changes.ts'
import { changesNodeBytesMax, objectBytesMax } from '../../../src/core/format/constants.generated.ts'
import { FormatError, isFormatError } from '../../../src/core/format/formatError.ts'
import { dagLink, type Link, type ObjectId, objectId, rawLink } from '../../../src/core/format/id.ts'
import type { Entry } from '../../../src/core/format/node.ts'
import { changes, edited, path } from './arbitraries.ts'

const file: Entry = { name: 'x', kind: 'file', mode: 0o644, size: 1, content: rawLink(objectId(Buffer.from('x'))) }
const created = (path: string): Change => ({ path, before: null, after: { ...file, name: lastName(path) } })

function build(list: Iterable<Change>): { link: Link | undefined; nodes: Map<ObjectId, Uint8Array> } {
  const nodes = new Map<ObjectId, Uint8Array>()
  const builder = changesBuilder(node => {
    const id = objectId(node)
    nodes.set(id, node)
    return id
  })
  let count = 0
  for (const change of list) {
    builder.push(change)
    assert.equal(builder.count, ++count)
  }
  return { link: builder.finish(), nodes }
}

function readAll(nodes: ReadonlyMap<ObjectId, Uint8Array>, link: Link): Change[] {
  const node = decodeChanges(nodes.get(link.id)!)
  if (node.kind === 'changes') return [...node.changes]
  return node.parts.flatMap(part => {
    const below = readAll(nodes, part.link)
    assert.equal(below.length, part.count)
    assert.equal(below[0]!.path, part.firstPath)
    return below
  })
}

test('a list comes back from its nodes', () => {
  fc.assert(
    fc.property(changes(8), list => {
      const { link, nodes } = build(list)
      assert.deepEqual(readAll(nodes, link!), list)
      assert.equal(nodes.size, 1)
    }),
  )
})

test('long lists are trees of full nodes', () => {
  for (const count of [4096, 4097, 8193]) {
    const list = Array.from({ length: count }, (_, i) => created(`d/${i.toString().padStart(6, '0')}`))
    const { link, nodes } = build(list)
    assert.deepEqual(readAll(nodes, link!), list)
    const root = decodeChanges(nodes.get(link!.id)!)
    const counts = root.kind === 'changes' ? [root.changes.length] : root.parts.map(part => part.count)
    assert.deepEqual(counts, { 4096: [4096], 4097: [4096, 1], 8193: [4096, 4096, 1] }[count])
  }
})

test('changes with long paths are split before a node passes its limit', () => {
  const deep = Array.from({ length: 15 }, () => 'd'.repeat(255)).join('/')
  const list = Array.from({ length: 2500 }, (_, i) => created(`${deep}/${i.toString().padStart(250, '0')}`))
  const { link, nodes } = build(list)
  assert.deepEqual(readAll(nodes, link!), list)
  for (const node of nodes.values()) assert(node.length < changesNodeBytesMax + 100 && node.length < objectBytesMax)
  assert.equal(nodes.size, 4)
})

test('no changes have no list', () => {
  assert.equal(build([]).link, undefined)
  assert.throws(
    () =>
      encodeChanges({ kind: 'changes', changes: [] }).length &&
      decodeChanges(encodeChanges({ kind: 'changes', changes: [] })),
    FormatError,
  )
})

test('whatever is accepted is the only encoding', () => {
  const node: fc.Arbitrary<ChangesNode> = fc.oneof(
    changes(3).map((list): ChangesNode => ({ kind: 'changes', changes: list })),
    fc.uniqueArray(path, { minLength: 2, maxLength: 4 }).map(
      (paths): ChangesNode => ({
        kind: 'changes-tree',
        count: paths.length * 3,
        parts: paths.sort().map(firstPath => ({ firstPath, link: dagLink(file.content.id), count: 3 })),
      }),
    ),
  )
  fc.assert(fc.property(node, one => assert.deepEqual(decodeChanges(encodeChanges(one)), one)))
  fc.assert(
    fc.property(edited(node.map(encodeChanges)), bytes => {
      try {
        assert.equal(hexOf(encodeChanges(decodeChanges(bytes))), hexOf(bytes))
      } catch (error) {
        assert(isFormatError(error), String(error))
      }
    }),
    { numRuns: 3000 },
  )
})

test('rules of changes', () => {
  const bad: Change[][] = [
    [{ path: 'a/x', before: null, after: null }],
    [{ path: 'a/x', before: file, after: { ...file } }],
    [{ path: 'a/y', before: null, after: file }],
    [{ path: '', before: null, after: file }],
    [{ path: '/x', before: null, after: file }],
    [{ path: 'x/', before: null, after: file }],
    [{ path: 'a//x', before: null, after: file }],
    [{ path: 'a/../x', before: null, after: file }],
    [{ path: 'a\0/x', before: null, after: file }],
    [{ path: `${'a/'.repeat(32_768)}x`, before: null, after: file }],
    [created('b'), created('a')],
    [created('a'), created('a')],
  ]
  for (const list of bad) {
    assert.throws(() => build(list), FormatError, list[0]!.path)
  }
  // Paths are sorted as bytes, so a sibling with "." comes before what lies below.
  build([created('a'), created('a.b'), created('a/b')])
  assert.throws(() => build([created('a'), created('a/b'), created('a.b')]), FormatError)
})

test('rules of trees of changes', () => {
  const part = (firstPath: string, count: number, link: Link = dagLink(file.content.id)) => ({ firstPath, link, count })
  const bad: [number, ReturnType<typeof part>[]][] = [
    [1, [part('a', 1)]],
    [2, [part('a', 1), part('a', 1)]],
    [2, [part('b', 1), part('a', 1)]],
    [3, [part('a', 1), part('b', 1)]],
    [1, [part('a', 1), part('b', 0)]],
    [4098, [part('a', 1), part('b', 4097)]],
    [2, [part('a', 1), part('b', 1, file.content)]],
    [2, [part('', 1), part('b', 1)]],
  ]
  for (const [count, parts] of bad) {
    assert.throws(() => encodeChanges({ kind: 'changes-tree', count, parts }), FormatError, JSON.stringify(parts))
  }
})

test('paths below the root folder', () => {
  fc.assert(fc.property(path, one => checkPath(one)))
  checkPath(`${'a/'.repeat(32_767)}x`)
  for (const bad of ['', '/', 'a/', '.', 'a/.', 'a/..', '..', `${'a/'.repeat(32_768)}x`])
    assert.throws(() => checkPath(bad), FormatError, bad)
})
