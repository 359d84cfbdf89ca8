// What the store must do on every host: objects in and out, other processes' appends, lost indexes, torn ends, damage
// and gc. A subject is an empty directory on some host.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { type Link, objectId, rawLink } from '../../src/core/format/id.ts'
import type { Store, StoreOptions } from '../../src/core/store/store.ts'
import { readFile, writeFile } from '../support/host.ts'
import { damageTests, gcTests, tornTests } from './storeDamageSuite.ts'
import {
  type Made,
  noise,
  openOn,
  openPackFile,
  packName,
  type StoreSubject,
  stageOf,
  statesOf,
  store,
  text,
} from './storeSubject.ts'

export function runStoreSuite(name: string, make: () => StoreSubject): void {
  describe(`store: ${name}`, () => {
    let subject: StoreSubject
    const made = (): StoreSubject => subject
    beforeEach(() => {
      subject = make()
    })
    afterEach(() => subject.remove())
    describe('objects', () => objectTests(made))
    describe('ingests', () => ingestTests(made))
    describe('several processes', () => processTests(made))
    describe('indexes', () => indexTests(made))
    describe('the end of the shared pack', () => tornTests(made))
    describe('damage', () => damageTests(made))
    describe('gc', () => gcTests(made))
  })
}

function objectTests(made: Made): void {
  it('gives back what was put, of every size and kind', () => {
    const target = openOn(made())
    const contents = [0, 1, 63, 64, 255, 256, 4095, 9000, 70_000, 1 << 20].flatMap(length => [
      noise(length, length),
      new Uint8Array(length).fill(7),
    ])
    const ingest = target.beginIngest({ shared: true })
    const links = contents.map(content => ingest.put('raw', 'chunk', content))
    for (const [i, link] of links.entries()) {
      assert.equal(link.id, objectId(contents[i]!))
      assert.deepEqual(Buffer.from(ingest.get(link)), Buffer.from(contents[i]!), 'before the flush')
    }
    ingest.flush()
    const reopened = openOn(made(), { access: 'read' })
    for (const [i, link] of links.entries()) {
      const result = reopened.read(link.id)
      assert.ok(result.state === 'intact')
      assert.equal(result.codec, 'raw')
      assert.deepEqual(Buffer.from(result.bytes), Buffer.from(contents[i]!))
    }
    target.close()
    reopened.close()
  })

  it('keeps the codec, and allows structured objects more bytes than chunks', () => {
    const target = openOn(made())
    const ingest = target.beginIngest({ shared: true })
    const large = noise(1, (1 << 20) + 1)
    assert.throws(() => ingest.put('raw', 'chunk', large), isLimit)
    const link = ingest.put('dag-cbor', 'changes', large)
    ingest.flush()
    const result = target.read(link.id)
    assert.ok(result.state === 'intact')
    assert.equal(result.codec, 'dag-cbor')
    assert.throws(() => ingest.put('dag-cbor', 'changes', noise(2, (16 << 20) + 1)), isLimit)
    target.close()
  })

  it('says missing for what it does not have', () => {
    const target = openOn(made(), { access: 'read' })
    const id = objectId(text('nobody put this'))
    assert.equal(target.has(id), false)
    assert.deepEqual(target.read(id), { state: 'missing' })
    assert.throws(
      () => target.get(rawLink(id)),
      error => isSentientError(error, 'OBJECT_MISSING'),
    )
    assert.throws(
      () => target.beginIngest({ shared: true }),
      error => isSentientError(error, 'READ_ONLY'),
    )
    assert.deepEqual(made().directory.list(), [], 'a reader makes nothing')
    target.close()
  })

  it('does not keep the buffer of a put', () => {
    const target = openOn(made())
    const ingest = target.beginIngest({ shared: true })
    const buffer = noise(3, 500)
    const copy = Uint8Array.from(buffer)
    const link = ingest.put('raw', 'chunk', buffer)
    buffer.fill(0)
    ingest.flush()
    assert.deepEqual(Buffer.from(target.get(link)), Buffer.from(copy))
    target.close()
  })
}

const isLimit = (error: unknown): boolean => isSentientError(error, 'LIMIT')

function ingestTests(made: Made): void {
  it('stores an object once', () => {
    const target = openOn(made())
    const content = noise(4, 1000)
    store(target, content)
    const [before] = target.packs()
    for (const shared of [true, false]) {
      const again = target.beginIngest({ shared })
      assert.equal(again.has(objectId(content)), true)
      again.put('raw', 'chunk', content)
      again.put('raw', 'chunk', noise(5, 10))
      again.put('raw', 'chunk', noise(5, 10))
      assert.equal(again.objectsWritten, shared ? 1 : 0)
      again.flush()
    }
    const [after] = target.packs()
    assert.equal(after!.objects, 2)
    assert.equal(after!.bytes, before!.bytes + 56 + 10)
    target.close()
  })

  it('writes an object again when forced to', () => {
    const target = openOn(made())
    const content = noise(6, 1000)
    store(target, content)
    const ingest = target.beginIngest({ shared: true })
    ingest.put('raw', 'chunk', content, { force: true })
    ingest.put('raw', 'chunk', content, { force: true })
    assert.equal(ingest.objectsWritten, 1, 'once an ingest is enough')
    ingest.flush()
    assert.equal(target.read(objectId(content)).state, 'intact')
    assert.equal([...target.scanPack(1)].length, 2)
    target.close()
  })

  it('appends a small private ingest to the shared pack', () => {
    const target = openOn(made())
    store(target, text('first'))
    const ingest = target.beginIngest({ shared: false })
    const links = [1, 2, 3].map(seed => ingest.put('raw', 'chunk', noise(seed, 100_000)))
    ingest.seal()
    assert.equal(target.has(links[0]!.id), false, 'not before the flush')
    assert.equal(Buffer.from(ingest.get(links[1]!)).equals(noise(2, 100_000)), true)
    ingest.flush()
    assert.equal(target.packs().length, 1)
    for (const link of links) assert.equal(target.read(link.id).state, 'intact')
    assert.deepEqual(stageOf(made()), [])
    target.close()
  })

  it('puts a large private ingest into a pack of its own', () => {
    const target = openOn(made())
    store(target, text('first'))
    const ingest = target.beginIngest({ shared: false })
    const links = Array.from({ length: 30 }, (_, seed) => ingest.put('raw', 'chunk', noise(seed, 100_000)))
    assert.equal(Buffer.from(ingest.get(links[0]!)).equals(noise(0, 100_000)), true, 'read back from the stage')
    ingest.seal()
    links.push(ingest.put('raw', 'chunk', text('after the seal')))
    assert.equal(target.packs().length, 1)
    ingest.flush()
    assert.deepEqual(
      target.packs().map(({ number, objects, shared, indexed }) => ({ number, objects, shared, indexed })),
      [
        { number: 2, objects: 31, shared: false, indexed: true },
        { number: 1, objects: 1, shared: true, indexed: false },
      ],
    )
    for (const link of links) assert.equal(target.read(link.id).state, 'intact')
    assert.deepEqual(stageOf(made()), [])
    links.push(ingest.put('raw', 'chunk', text('more after the flush')))
    ingest.flush()
    assert.equal(target.read(links.at(-1)!.id).state, 'intact')
    target.close()
  })

  it('takes an aborted ingest back', () => {
    const target = openOn(made())
    store(target, text('kept'))
    const [before] = target.packs()
    for (const shared of [true, false]) {
      const ingest = target.beginIngest({ shared })
      const content = noise(7, 1000)
      for (let seed = 0; seed < (shared ? 3 : 30); seed++) ingest.put('raw', 'chunk', noise(100 + seed, 100_000))
      ingest.put('raw', 'chunk', content)
      ingest.abort()
      assert.equal(target.has(objectId(content)), false)
      assert.throws(() => ingest.put('raw', 'chunk', content))
    }
    assert.deepEqual(stageOf(made()), [])
    const [link] = store(target, text('later'))
    assert.equal(target.read(link!.id).state, 'intact')
    assert.equal(target.packs()[0]!.bytes, before!.bytes + 56 + 5)
    target.close()
  })

  it('flushes several shared ingests together, and an abort takes nothing from the others', () => {
    const target = openOn(made())
    const first = target.beginIngest({ shared: true })
    const second = target.beginIngest({ shared: true })
    const common = first.put('raw', 'chunk', text('common'))
    assert.equal(second.put('raw', 'chunk', text('common')).id, common.id)
    assert.equal(second.objectsWritten, 0, 'found what the first one appended')
    first.abort()
    second.flush()
    assert.equal(openOn(made(), { access: 'read' }).read(common.id).state, 'intact')
    target.close()
  })

  it('starts a new pack when the shared one would grow over its limit', () => {
    const target = openOn(made())
    store(target, text('first'))
    const pack = openPackFile(made(), 1)
    // A sparse file of the largest size stands for 256 MiB of entries; its end is no entry, so it is not appended to.
    pack.truncate((256 << 20) - 10)
    pack.close()
    const other = openOn(made())
    const [link] = store(other, text('second'))
    assert.deepEqual(
      other.packs().map(({ number, shared }) => ({ number, shared })),
      [
        { number: 2, shared: true },
        { number: 1, shared: false },
      ],
    )
    assert.equal(other.read(link!.id).state, 'intact')
    assert.equal(other.read(objectId(text('first'))).state, 'intact')
    other.close()
  })
}

function processTests(made: Made): void {
  it('a reader finds what a writer appended, without being told', () => {
    const writer = openOn(made())
    const reader = openOn(made(), { access: 'read' })
    assert.equal(reader.has(objectId(text('a'))), false)
    for (const content of ['a', 'b', 'c']) {
      const [link] = store(writer, text(content))
      assert.equal(reader.has(link!.id), false, 'has does not look at the disk each time')
      assert.equal(reader.read(link!.id).state, 'intact')
      assert.equal(reader.has(link!.id), true)
    }
    const ingest = writer.beginIngest({ shared: false })
    const links = Array.from({ length: 20 }, (_, seed) => ingest.put('raw', 'chunk', noise(seed, 100_000)))
    ingest.flush()
    reader.refresh()
    for (const link of links) assert.equal(reader.has(link.id), true)
    writer.close()
    reader.close()
  })

  it('two writers take turns on one shared pack', () => {
    const writers = [openOn(made()), openOn(made())]
    const links: Link[] = []
    for (let turn = 0; turn < 10; turn++) {
      const writer = writers[turn % 2]!
      links.push(...store(writer, text(`turn ${turn}`), text(`turn ${turn - 1}`)))
      const mark = writer.sharedPack()
      assert.equal(mark.number, 1)
      assert.equal(mark.flushedBytes, writer.packs()[0]!.bytes)
    }
    assert.equal(writers[0]!.packs().length, 1)
    assert.equal([...writers[0]!.scanPack(1)].length, 11, 'each object once')
    for (const writer of writers) for (const link of links) assert.equal(writer.read(link.id).state, 'intact')
    for (const writer of writers) writer.close()
  })

  it('a writer that lost its turn drops what it had not flushed', () => {
    const slow = openOn(made())
    store(slow, text('before'))
    const left = slow.beginIngest({ shared: true })
    left.put('raw', 'chunk', text('never flushed'))
    const other = openOn(made())
    const [link] = store(other, text('written in between'))
    store(slow, text('after'))
    assert.throws(() => left.flush())
    for (const target of [slow, other]) {
      assert.equal(target.read(link!.id).state, 'intact')
      assert.equal(target.read(objectId(text('after'))).state, 'intact')
      assert.equal(target.read(objectId(text('never flushed'))).state, 'missing')
    }
    assert.deepEqual(statesOf(other, 1), ['intact', 'intact', 'intact'])
    slow.close()
    other.close()
  })

  it('a closing writer indexes only what it flushed itself', () => {
    const first = openOn(made())
    store(first, text('flushed'))
    const { flushedBytes } = first.sharedPack()
    const second = openOn(made())
    const ingest = second.beginIngest({ shared: true })
    for (let seed = 0; seed < 3; seed++) ingest.put('raw', 'chunk', noise(seed, 600_000))
    first.refresh()
    assert.equal(first.has(objectId(noise(0, 600_000))), true, 'it sees what may yet be cut off again')
    first.close()
    const index = Buffer.from(readFile(made().directory.child('packs')!, packName(1, 'idx')))
    assert.equal(index.readUInt32LE(16), flushedBytes)
    assert.equal(index.readUInt32LE(24), 1)
    ingest.flush()
    second.close()
    const reader = openOn(made(), { access: 'read' })
    for (let seed = 0; seed < 3; seed++) assert.equal(reader.read(objectId(noise(seed, 600_000))).state, 'intact')
    reader.close()
  })

  it('keeps files open for some packs only, and reads them all', () => {
    const target = openOn(made())
    const links: Link[] = []
    for (let round = 0; round < 70; round++) {
      links.push(...store(target, text(`object ${round}`)))
      made().directory.removeFile('shared')
    }
    assert.equal(target.packs().length, 70)
    const reader = openOn(made(), { access: 'read' })
    for (let pass = 0; pass < 2; pass++) {
      for (const link of links) assert.equal(reader.read(link.id).state, 'intact')
    }
    target.close()
    reader.close()
  })

  it('goes on without the file that names the shared pack', () => {
    const target = openOn(made())
    const [first] = store(target, text('one'))
    target.close()
    made().directory.removeFile('shared')
    const again = openOn(made())
    const [second] = store(again, text('two'))
    assert.equal(again.packs().length, 2)
    for (const link of [first!, second!]) assert.equal(again.read(link.id).state, 'intact')
    again.close()
  })
}

function indexTests(made: Made): void {
  const fill = (): { links: Link[]; target: Store } => {
    const target = openOn(made())
    const ingest = target.beginIngest({ shared: false })
    const links = Array.from({ length: 300 }, (_, seed) => ingest.put('raw', 'chunk', noise(seed, 5000)))
    ingest.flush()
    return { links, target }
  }

  const allIntact = (links: readonly Link[], changes: Partial<StoreOptions> = { access: 'read' }): void => {
    const target = openOn(made(), changes)
    for (const link of links) {
      assert.equal(target.has(link.id), true)
      assert.equal(target.read(link.id).state, 'intact')
    }
    assert.equal(target.packs()[0]!.objects, links.length)
    target.close()
  }

  it('are not needed', () => {
    const { links, target } = fill()
    target.close()
    made().directory.child('packs')!.removeFile(packName(1, 'idx'))
    allIntact(links)
  })

  it('are ignored when they are cut short or changed in any part, and rebuilt on demand', () => {
    const { links, target } = fill()
    const packs = made().directory.child('packs')!
    const good = readFile(packs, packName(1, 'idx'))
    for (const at of [0, 9, 17, 25, 30, 1051, 1060, 1090, good.length - 1]) {
      const bad = Uint8Array.from(good)
      bad[at]! ^= 0x10
      writeFile(packs, packName(1, 'idx'), bad)
      allIntact(links)
    }
    for (const length of [0, 10, 1052, good.length - 1]) {
      writeFile(packs, packName(1, 'idx'), good.subarray(0, length))
      allIntact(links)
    }
    target.rebuildIndex(1)
    assert.deepEqual(Buffer.from(readFile(packs, packName(1, 'idx'))), Buffer.from(good))
    assert.equal(target.packs()[0]!.indexed, true)
    target.close()
  })

  it('of another pack, or of an earlier time, do no harm', () => {
    const { links, target } = fill()
    const packs = made().directory.child('packs')!
    const foreign = readFile(packs, packName(1, 'idx'))
    const [first] = store(target, text('one'))
    target.close()
    const early = readFile(packs, packName(2, 'idx'))
    const again = openOn(made())
    const [second] = store(again, text('two'))
    again.close()
    for (const index of [foreign, early]) {
      writeFile(packs, packName(2, 'idx'), index)
      const reader = openOn(made(), { access: 'read' })
      for (const link of [first!, second!, ...links]) assert.equal(reader.read(link.id).state, 'intact')
      reader.close()
    }
  })

  it('of the shared pack follow when much was appended', () => {
    const target = openOn(made())
    const ingest = target.beginIngest({ shared: true })
    for (let i = 0; i < 5000; i++) ingest.put('raw', 'chunk', text(`object ${i}`))
    ingest.flush()
    assert.equal(target.packs()[0]!.indexed, true)
    const reader = openOn(made(), { access: 'read' })
    assert.equal(reader.packs()[0]!.objects, 5000)
    assert.equal(reader.read(objectId(text('object 4999'))).state, 'intact')
    target.close()
    reader.close()
  })

  it('are written at closing', () => {
    const target = openOn(made())
    store(target, text('one'))
    target.close()
    assert.equal(openOn(made(), { access: 'read' }).packs()[0]!.indexed, true)
  })
}
