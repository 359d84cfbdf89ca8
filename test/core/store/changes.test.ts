// Lists of changes: sorted by bytes of whole paths, one object or many, one path found without reading all.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { objectId, rawLink } from '../../../src/core/format/id.ts'
import type { Entry } from '../../../src/core/format/node.ts'
import { countChanges, findChange, readChanges, sortChanges, writeChanges } from '../../../src/core/store/changes.ts'
import type { TreeChange } from '../../../src/core/store/tree.ts'
import { memoryObjects } from './memoryObjects.ts'

const content = rawLink(objectId(Buffer.from('x')))

function changeOf(path: string, mode = 0o644): TreeChange {
  const after: Entry = { name: path.slice(path.lastIndexOf('/') + 1), kind: 'file', mode, size: 1, content }
  return { path, before: null, after }
}

describe('lists of changes', () => {
  it('are in the order of path bytes, which a walk is not', () => {
    const walked = ['a', 'a/b', 'a/b/c', 'a.b', 'a0'].map(path => changeOf(path))
    const sorted = sortChanges(walked)
    assert.deepEqual(
      sorted.map(({ path }) => path),
      ['a', 'a.b', 'a/b', 'a/b/c', 'a0'],
    )
    const writer = memoryObjects()
    const { link, count } = writeChanges(writer, sorted)
    assert.equal(count, 5)
    assert.deepEqual([...readChanges(writer, link)], sorted)
    assert.equal(countChanges(writer, link), 5)
    for (const change of sorted) assert.deepEqual(findChange(writer, link, change.path), change)
    assert.equal(findChange(writer, link, 'a/c'), undefined)
    assert.equal(findChange(writer, link, ''), undefined)
  })

  for (const amount of [1, 4096, 4097, 10_000]) {
    it(`hold ${amount} changes`, () => {
      const writer = memoryObjects()
      const sorted = sortChanges(Array.from({ length: amount }, (_, i) => changeOf(`d${i % 10}/f${i}`)))
      const { link, count } = writeChanges(writer, sorted)
      assert.equal(count, amount)
      assert.equal(countChanges(writer, link), amount)
      assert.deepEqual([...readChanges(writer, link)], sorted)
      assert.equal(writer.objects.size, amount <= 4096 ? 1 : Math.ceil(amount / 4096) + 1)
      writer.reads.length = 0
      for (const at of [0, Math.floor(amount / 2), amount - 1]) {
        assert.deepEqual(findChange(writer, link, sorted[at]!.path), sorted[at])
      }
      assert.ok(writer.reads.length <= 6)
      assert.equal(findChange(writer, link, 'd3/nothing'), undefined)
      assert.equal(findChange(writer, link, '\x01'), undefined)
    })
  }

  it('are refused when empty, unsorted, double or without effect', () => {
    const writer = memoryObjects()
    const same = changeOf('a')
    for (const changes of [
      [],
      [changeOf('b'), changeOf('a')],
      [changeOf('a'), changeOf('a', 0o600)],
      [{ ...same, before: same.after }],
      [{ ...same, path: 'a/b' }],
    ]) {
      assert.throws(
        () => writeChanges(writer, changes),
        error => isSentientError(error, 'INTERNAL'),
      )
    }
  })

  it('that are something else are damage', () => {
    const writer = memoryObjects()
    const bad = writer.put('dag-cbor', 'changes', Buffer.from('no list'))
    for (const read of [
      () => [...readChanges(writer, bad)],
      () => countChanges(writer, bad),
      () => findChange(writer, bad, 'a'),
    ]) {
      assert.throws(read, error => isSentientError(error, 'DAMAGED'))
    }
    const { link } = writeChanges(writer, sortChanges(Array.from({ length: 5000 }, (_, i) => changeOf(`f${i}`))))
    // A part is replaced by another list: its first path and count are not what the tree above says.
    const parts = [...writer.objects.keys()].filter(id => id !== link.id && id !== bad.id)
    writer.objects.set(parts[0]!, writer.objects.get(parts[1]!)!)
    assert.throws(
      () => [...readChanges(writer, link)],
      error => isSentientError(error, 'DAMAGED'),
    )
  })
})
