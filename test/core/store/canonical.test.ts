// What `verify` must find in directory trees that no writer of ours would make: each is a sound object with a right
// name, and still not the one form that its entries have.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Link } from '../../../src/core/format/id.ts'
import { objectId, rawLink } from '../../../src/core/format/id.ts'
import { type BranchNode, decodeNode, type Entry, encodeNode } from '../../../src/core/format/node.ts'
import { checkCanonical } from '../../../src/core/store/canonical.ts'
import { buildDirectory, countEntries } from '../../../src/core/store/tree.ts'
import { memoryObjects } from './memoryObjects.ts'

const content = rawLink(objectId(Buffer.from('x')))
const fileEntry = (name: string): Entry => ({ name, kind: 'file', mode: 0o644, size: 1, content })

function prepare() {
  const writer = memoryObjects()
  const wide = buildDirectory(
    writer,
    Array.from({ length: 300 }, (_, i) => fileEntry(`n${i}`)),
  )
  const branch = decodeNode(writer.get(wide.link)) as BranchNode
  const put = (node: Parameters<typeof encodeNode>[0]): Link => writer.put('dag-cbor', 'node', encodeNode(node))
  const inDirectory = (link: Link, size = countEntries(writer, link)): Link =>
    put({ kind: 'leaf', entries: [{ name: 'd', kind: 'dir', mode: 0o755, size, content: link }] })
  const codes = (link: Link): string[] => [...checkCanonical(writer, link)].map(({ code, path }) => `${code} ${path}`)
  return { writer, wide, branch, put, inDirectory, codes }
}

describe('checkCanonical', () => {
  it('finds nothing in what was built', () => {
    const { wide, inDirectory, codes } = prepare()
    assert.deepEqual(codes(wide.link), [])
    assert.deepEqual(codes(inDirectory(wide.link)), [])
  })

  it('finds a directory of another size than its entry says', () => {
    const { wide, inDirectory, codes } = prepare()
    assert.deepEqual(codes(inDirectory(wide.link, 299)), ['node-not-canonical d'])
  })

  it('finds names in a wrong slot', () => {
    const { branch, put, inDirectory, codes } = prepare()
    const [first, second] = [branch.slots[0]!, branch.slots[1]!]
    const slots = [second, first, ...branch.slots.slice(2)]
    assert.deepEqual(codes(inDirectory(put({ ...branch, slots }))), ['node-not-canonical d', 'node-not-canonical d'])
  })

  it('finds a slot with another count than its node', () => {
    const { branch, put, inDirectory, codes } = prepare()
    const slots = branch.slots.map((slot, i) => (i === 3 && slot !== null ? { ...slot, count: slot.count + 1 } : slot))
    assert.deepEqual(codes(inDirectory(put({ ...branch, slots }))), ['node-not-canonical d'])
  })

  it('finds a branch at a depth that is not its own', () => {
    const { branch, put, inDirectory, codes } = prepare()
    assert.ok(codes(inDirectory(put({ ...branch, depth: 1 }))).includes('node-not-canonical d'))
  })

  it('finds a node that hangs right in one place and wrong in another, with what was seen left out', () => {
    const { writer, branch, put, inDirectory, wide } = prepare()
    const slots = [branch.slots[1]!, ...branch.slots.slice(1)]
    const wrong = put({ ...branch, slots })
    const size = countEntries(writer, wrong)
    const both = put({
      kind: 'leaf',
      entries: [
        { name: 'a', kind: 'dir', mode: 0o755, size: wide.count, content: wide.link },
        { name: 'b', kind: 'dir', mode: 0o755, size, content: wrong },
      ],
    })
    const seen = new Set<string>()
    const isSeen = (key: string): boolean => {
      const before = seen.size
      return seen.add(key).size === before
    }
    let nodes = 0
    const options = { seen: isSeen, onNode: () => nodes++ }
    const findings = [...checkCanonical(writer, both, options)]
    assert.deepEqual(
      findings.map(({ code, path }) => `${code} ${path}`),
      ['node-not-canonical b'],
    )
    const read = nodes
    assert.deepEqual([...checkCanonical(writer, both, options)], [], 'all of it was seen')
    assert.equal(nodes, read)
    assert.deepEqual([...checkCanonical(writer, inDirectory(wide.link), options)], [])
    assert.equal(nodes, read + 1, 'only the directory above is new')
  })

  it('tells missing objects from damaged ones', () => {
    const { writer, branch, put, codes, inDirectory, wide } = prepare()
    writer.objects.delete(branch.slots[5]!.link.id)
    assert.deepEqual(codes(inDirectory(wide.link)), ['object-missing d'])
    const bad = writer.put('dag-cbor', 'node', Buffer.from('garbage'))
    const entry: Entry = { name: 'x', kind: 'dir', mode: 0o755, size: 0, content: bad }
    assert.deepEqual(codes(put({ kind: 'leaf', entries: [entry] })), ['node-not-canonical x'])
  })
})
