// A state as a CAR file, held against the reference libraries of IPLD: header, order, names, and that each block is
// there once.

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import * as dagCbor from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { type CarOptions, type CarReport, exportCar } from '../../../src/core/export/car.ts'
import { encode } from '../../../src/core/format/cbor.ts'
import { blake3 } from '../../../src/core/format/hash.ts'
import { cidText, type Link } from '../../../src/core/format/id.ts'
import type { Store } from '../../../src/core/store/store.ts'
import { noise, openOn, store as stored, text } from '../../suites/storeSubject.ts'
import { createTestHost, readFile, type TestHost, writeFile } from '../../support/host.ts'

let host: TestHost
let store: Store
beforeEach(() => {
  host = createTestHost()
  const top = host.files.openDirectory('/')!
  for (const name of ['tree', 'out']) top.makeDirectory(name, 0o755)
  store = openOn({ host, directory: top.child('tree')! })
})

async function exported(root: Link, more: Partial<CarOptions> = {}): Promise<CarReport> {
  const work = exportCar({ store, files: host.files, clock: host.clock, root, path: '/out/state.car', ...more })
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

const names = (): string[] =>
  host.files
    .openDirectory('/out')!
    .list()
    .map(({ name }) => name)

function varint(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0
  for (let shift = 1, next = at; ; next++, shift *= 128) {
    value += (bytes[next]! & 0x7f) * shift
    if (bytes[next]! < 0x80) return { value, next: next + 1 }
  }
}

/** The blocks by their CIDs, in the order of the file. */
function blocksOf(bytes: Uint8Array): { roots: string[]; blocks: Map<string, Uint8Array> } {
  const head = varint(bytes, 0)
  const header = dagCbor.decode<{ roots: CID[]; version: number }>(bytes.subarray(head.next, head.next + head.value))
  assert.equal(header.version, 1)
  const blocks = new Map<string, Uint8Array>()
  for (let at = head.next + head.value; at < bytes.length; ) {
    const { value, next } = varint(bytes, at)
    const cid = CID.decode(bytes.subarray(next, next + 36))
    const block = bytes.subarray(next + 36, next + value)
    assert.deepEqual(Buffer.from(cid.multihash.digest), Buffer.from(blake3(block)))
    assert.ok(!blocks.has(cid.toString()), 'twice')
    blocks.set(cid.toString(), block)
    at = next + value
  }
  return { roots: header.roots.map(String), blocks }
}

/** A dag-cbor object that links to others. */
function node(...links: Link[]): Link {
  const ingest = store.beginIngest({ shared: false })
  const link = ingest.put('dag-cbor', 'other', encode({ k: 'test', links: links.map(each => ({ ...each })) }))
  ingest.flush()
  return link
}

describe('a CAR file', () => {
  test('has the root, each block once, and each before those below it', async () => {
    const [a, b, c] = stored(store, text('a'), noise(1, 200_000), text(''))
    const inner = node(a!, b!, a!)
    const root = node(inner, c!, inner, b!)
    const report = await exported(root)
    const bytes = readFile(host.files.openDirectory('/out')!, 'state.car')
    const { roots, blocks } = blocksOf(bytes)
    assert.deepEqual(roots, [cidText(root)])
    assert.deepEqual([...blocks.keys()], [root, inner, a!, b!, c!].map(cidText))
    assert.deepEqual([report.blocks, report.bytes], [5, bytes.length])
    assert.deepEqual(Buffer.from(blocks.get(cidText(b!))!), Buffer.from(noise(1, 200_000)))
  })

  test('of one raw object is that object', async () => {
    const [only] = stored(store, text('only'))
    await exported(only!)
    const { roots, blocks } = blocksOf(readFile(host.files.openDirectory('/out')!, 'state.car'))
    assert.deepEqual([roots, [...blocks.keys()]], [[cidText(only!)], [cidText(only!)]])
  })

  test('is replaced when the new one is whole, and left alone when that fails or is stopped', async () => {
    writeFile(host.files.openDirectory('/out')!, 'state.car', 'an older one')
    const missing: Link = { codec: 'raw', id: 'ab'.repeat(32) as Link['id'] }
    await assert.rejects(exported(node(missing)), { code: 'OBJECT_MISSING' })
    const stop = new AbortController()
    stop.abort()
    const many = node(...stored(store, ...Array.from({ length: 3000 }, (_, i) => text(`object ${i}`))))
    let looked = 0
    const slow = { ...host.clock, monotonicMs: () => 1000 * looked++ }
    await assert.rejects(exported(many, { signal: stop.signal, clock: slow }), { code: 'CANCELLED' })
    assert.deepEqual(names(), ['state.car'])
    assert.deepEqual(readFile(host.files.openDirectory('/out')!, 'state.car'), Uint8Array.from(text('an older one')))
    await assert.rejects(
      exportCar({ store, files: host.files, clock: host.clock, root: many, path: '/no/place' }).next(),
      {
        code: 'PATH_NOT_FOUND',
      },
    )
  })
})
