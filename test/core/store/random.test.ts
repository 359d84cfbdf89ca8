// A thousand random orders of the same changes of one directory: whatever the order, one set of entries has one root.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { buildDirectory, type Edit, editTree, emptyDirectory } from '../../../src/core/store/tree.ts'
import { fileEntry, memoryObjects, shuffled } from './memoryObjects.ts'

it('reaches one root by a thousand orders of the same changes', () => {
  const writer = memoryObjects()
  const names = Array.from({ length: 130 }, (_, i) => `name ${i}`)
  const kept = names.slice(0, 100)
  const expected = buildDirectory(
    writer,
    kept.map(name => fileEntry(name)),
  ).link
  const start = emptyDirectory(writer)
  for (let seed = 1; seed <= 1000; seed++) {
    const order = shuffled([...names, ...names.slice(100)], seed)
    const seen = new Set<string>()
    let root = start
    // Names beyond the hundredth come twice: the second time they are deleted.
    const edits = order.map((name): Edit => {
      const first = !seen.has(name)
      seen.add(name)
      return { path: name, after: first ? fileEntry(name) : null }
    })
    const size = 1 + (seed % 37)
    for (let at = 0; at < edits.length; at += size) root = editTree(writer, root, edits.slice(at, at + size))
    assert.equal(root.id, expected.id, `seed ${seed}`)
  }
})
