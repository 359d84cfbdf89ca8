// Contents: one link for one sequence of bytes however it is read, and every byte of it back from anywhere.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSentientError } from '../../../src/core/errors.ts'
import { nextCut } from '../../../src/core/format/chunker.ts'
import { chunkBytesMax } from '../../../src/core/format/constants.generated.ts'
import { contentBuilder, decodeList } from '../../../src/core/format/content.ts'
import { type Link, objectId } from '../../../src/core/format/id.ts'
import { checkCanonical } from '../../../src/core/store/canonical.ts'
import {
  type ContentSource,
  hashContent,
  hashContentSteps,
  ingestContent,
  openContent,
} from '../../../src/core/store/content.ts'
import { buildDirectory } from '../../../src/core/store/tree.ts'
import { noise } from '../../suites/storeSubject.ts'
import { memoryObjects } from './memoryObjects.ts'

/** A source that gives at most as many bytes at a time as `sizes` say in turn. */
function sourceOf(
  bytes: Uint8Array,
  sizes: readonly number[] = [Number.POSITIVE_INFINITY],
): ContentSource & { reads: number } {
  const source = {
    reads: 0,
    read(target: Uint8Array, offset: number, length: number, position: number) {
      const most = sizes[source.reads++ % sizes.length]!
      const part = bytes.subarray(position, position + Math.min(length, most))
      target.set(part, offset)
      return part.length
    },
  }
  return source
}

/** The chunk lengths that the chunker gives when it sees all bytes at once. */
function cutsOf(bytes: Uint8Array): number[] {
  const cuts: number[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = nextCut(bytes, start, bytes.length, true)
    cuts.push(end - start)
    start = end
  }
  return cuts.length === 0 ? [0] : cuts
}

const large = noise(1, 7_000_000)
// Long runs of one byte have no cut before the largest chunk.
large.fill(3, 2_000_000, 5_000_000)

describe('ingestContent', () => {
  it('cuts where the chunker does, whichever read sizes the source gives', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3_000_000 }), { minLength: 1, maxLength: 5 })
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: large.length }),
      fc.constantFrom(0, 1, 65_536, 65_537, chunkBytesMax, chunkBytesMax + 1, 2 * chunkBytesMax, large.length),
    )
    fc.assert(
      fc.property(lengths, sizes, (length, readSizes) => {
        const bytes = large.subarray(large.length - length)
        const expected = cutsOf(bytes)
        const writer = memoryObjects()
        const told: number[] = []
        // Tiny reads of megabytes would take for ever.
        const atLeast = readSizes.map(size => Math.max(size, length >> 8))
        const result = ingestContent(writer, sourceOf(bytes, atLeast), { onBytes: count => told.push(count) })
        assert.equal(result.size, length)
        assert.deepEqual(told, expected)
        assert.deepEqual(hashContent(sourceOf(bytes, atLeast)), result)
        assert.equal(result.link.codec, expected.length === 1 ? 'raw' : 'dag-cbor')
        if (result.link.codec === 'raw') assert.equal(result.link.id, objectId(bytes))
        else {
          const list = decodeList(writer.get(result.link))
          assert.deepEqual(
            list.entries.map(entry => entry.bytes),
            expected,
          )
        }
      }),
      { numRuns: 60 },
    )
  })

  it('reads a small file once and sees its end, or once when told how much to expect', () => {
    const writer = memoryObjects()
    const source = sourceOf(noise(1, 5000))
    ingestContent(writer, source)
    assert.equal(source.reads, 2)
    const expecting = sourceOf(noise(1, 5000))
    ingestContent(writer, expecting, { expectedBytes: 5000 })
    assert.equal(expecting.reads, 1)
    const empty = sourceOf(noise(1, 0))
    assert.equal(ingestContent(writer, empty, { expectedBytes: 0 }).size, 0)
  })

  it('goes in steps, several at a time', () => {
    const [first, second] = [hashContentSteps(sourceOf(large)), hashContentSteps(sourceOf(large.subarray(100_000)))]
    let left = first.next()
    let right = second.next()
    while (!left.done || !right.done) {
      if (!left.done) left = first.next()
      if (!right.done) right = second.next()
    }
    assert.deepEqual(left.value, hashContent(sourceOf(large)))
    assert.deepEqual(right.value, hashContent(sourceOf(large.subarray(100_000))))
  })

  it('passes on what the source throws, and works afterwards', () => {
    const failing: ContentSource = {
      read() {
        throw new Error('unreadable')
      },
    }
    assert.throws(() => ingestContent(memoryObjects(), failing), /unreadable/)
    assert.equal(hashContent(sourceOf(noise(2, 100))).link.id, objectId(noise(2, 100)))
  })

  it('stores a second version of a large file in few new chunks', () => {
    const writer = memoryObjects()
    const random = noise(9, 6_000_000)
    ingestContent(writer, sourceOf(random))
    const before = writer.objects.size
    const edited = Buffer.concat([random.subarray(0, 3_000_000), Buffer.from('inserted'), random.subarray(3_000_000)])
    ingestContent(writer, sourceOf(edited))
    assert.ok(writer.objects.size - before <= 4, `${writer.objects.size - before} new objects`)
  })
})

describe('openContent', () => {
  const writer = memoryObjects()
  const { link, size } = ingestContent(writer, sourceOf(large))

  it('reads any part', () => {
    const opened = openContent(writer, link, size)
    const place = fc.record({
      position: fc.integer({ min: 0, max: large.length + 10 }),
      length: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 2_500_000 })),
      offset: fc.integer({ min: 0, max: 5 }),
    })
    fc.assert(
      fc.property(place, ({ position, length, offset }) => {
        const target = new Uint8Array(offset + length + 5).fill(0xee)
        const expected = large.subarray(position, position + length)
        assert.equal(opened.read(target, offset, length, position), expected.length)
        assert.ok(Buffer.from(target.buffer, offset, expected.length).equals(expected))
        assert.ok(target.subarray(0, offset).every(byte => byte === 0xee))
        assert.ok(target.subarray(offset + expected.length).every(byte => byte === 0xee))
      }),
      { numRuns: 200 },
    )
  })

  it('reads each chunk once when it reads on', () => {
    writer.reads.length = 0
    const opened = openContent(writer, link, size)
    const target = new Uint8Array(1000)
    for (let position = 0; position < size; position += 1000) opened.read(target, 0, 1000, position)
    assert.ok(writer.reads.length <= 1 + cutsOf(large).length, `${writer.reads.length} reads`)
  })

  it('reads one chunk and no bytes at all', () => {
    for (const bytes of [new Uint8Array(0), Buffer.from('hello')]) {
      const stored = ingestContent(writer, sourceOf(bytes))
      const opened = openContent(writer, stored.link, stored.size)
      const target = Buffer.alloc(10)
      assert.equal(opened.read(target, 0, 10, 0), bytes.length)
      assert.ok(target.subarray(0, bytes.length).equals(bytes))
      assert.equal(opened.read(target, 0, 10, bytes.length), 0)
    }
  })

  it('refuses sizes that do not fit', () => {
    const target = new Uint8Array(10)
    const damaged = (of: Link, claimed: number): void => {
      assert.throws(
        () => openContent(writer, of, claimed).read(target, 0, 1, 0),
        error => isSentientError(error, 'DAMAGED'),
      )
    }
    damaged(link, size - 1)
    damaged(ingestContent(writer, sourceOf(Buffer.from('hello'))).link, 4)
    damaged(writer.put('dag-cbor', 'list', Buffer.from('no list')), 100_000)
  })
})

describe('contents of more than 4,096 chunks', () => {
  // Chunks of the least size, made of few different ones: 600 MB that take no memory.
  const writer = memoryObjects()
  const chunks = Array.from({ length: 5 }, (_, i) => noise(i, 65_536))
  const ids = chunks.map(chunk => writer.put('raw', 'chunk', chunk).id)
  const count = 4096 * 2 + 7
  const builder = contentBuilder(node => writer.put('dag-cbor', 'list', node).id)
  for (let i = 0; i < count; i++) builder.push(ids[i % 5]!, 65_536)
  const link = builder.finish()
  const size = count * 65_536

  it('are lists of lists, and read anywhere', () => {
    const root = decodeList(writer.get(link))
    assert.deepEqual([root.depth, root.entries.length, root.bytes], [1, 3, size])
    const opened = openContent(writer, link, size)
    const target = new Uint8Array(200_000)
    for (const position of [0, 65_535, 4096 * 65_536 - 1, 4096 * 65_536, 8192 * 65_536 - 70_000, size - 200_000]) {
      assert.equal(opened.read(target, 0, target.length, position), target.length)
      for (const at of [0, 1, 65_535, 65_536, 131_072, 199_999]) {
        const chunk = chunks[Math.floor((position + at) / 65_536) % 5]!
        assert.equal(target[at], chunk[(position + at) % 65_536], `${position} + ${at}`)
      }
    }
    assert.equal(opened.read(target, 0, 10, size), 0)
  })

  it('are found canonical, and lists that are not filled from the left are not', () => {
    const file = { name: 'f', kind: 'file' as const, mode: 0o644, size, content: link }
    const findings = (content: Link, bytes = size) => [
      ...checkCanonical(writer, buildDirectory(writer, [{ ...file, content, size: bytes }]).link),
    ]
    assert.deepEqual(findings(link), [])
    const wrong = findings(link, size - 1)
    assert.deepEqual(
      wrong.map(({ code, path, link: of }) => [code, path, of.id]),
      [['node-not-canonical', 'f', link.id]],
    )
    const root = decodeList(writer.get(link))
    const [first, second, last] = root.entries
    const swapped = contentBuilderOf([last!, second!, first!])
    assert.ok(findings(swapped).some(({ code }) => code === 'node-not-canonical'))
    writer.objects.delete(second!.link.id)
    assert.deepEqual(
      findings(link).map(({ code, path }) => [code, path]),
      [['object-missing', 'f']],
    )
  })

  /** A list node of depth 1 over these, made by hand: the builder would not. */
  function contentBuilderOf(entries: readonly { link: Link; bytes: number }[]): Link {
    const node = decodeList(writer.get(link))
    const bytes = Buffer.from(writer.get(link))
    // Entries of equal length lie one after the other: exchanging the digests is enough, sizes stay as they are.
    const places = node.entries.map(entry => bytes.indexOf(Buffer.from(entry.link.id, 'hex')))
    for (const [i, place] of places.entries()) Buffer.from(entries[i]!.link.id, 'hex').copy(bytes, place)
    return writer.put('dag-cbor', 'list', bytes)
  }
})
