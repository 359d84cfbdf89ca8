// What the store must do on every host: objects in and out, other processes' appends, lost indexes, torn ends, damage
// and gc. A subject is an empty directory on some host.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { type Link, type ObjectId, objectId, rawLink } from '../../src/core/format/id.ts'
import type { Directory, Host } from '../../src/core/host/host.ts'
import { openStore, type Store, type StoreOptions } from '../../src/core/store/store.ts'
import { readFile, writeFile } from '../support/host.ts'

export interface StoreSubject {
  readonly host: Host
  /** Empty; becomes `.tree`. */
  readonly directory: Directory
  /** A clock that stands where the test wants, for what gc does an hour later. */
  advance(ms: number): void
  remove(): void
}

/** Bytes that zstd can not shrink, the same for the same seed. */
export function noise(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed * 2_654_435_761 + 1) >>> 0
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state >>> 11
  }
  return bytes
}

export const text = (value: string): Uint8Array => Buffer.from(value)

export function openOn(subject: Pick<StoreSubject, 'host' | 'directory'>, changes: Partial<StoreOptions> = {}): Store {
  const { clock, random, processes } = subject.host
  return openStore({ directory: subject.directory, clock, random, processes, access: 'write', ...changes })
}

/** Puts raw objects through a shared ingest and flushes them. */
export function store(target: Store, ...contents: readonly Uint8Array[]): Link[] {
  const ingest = target.beginIngest({ shared: true })
  const links = contents.map(content => ingest.put('raw', 'chunk', content))
  ingest.flush()
  return links
}

/** Runs long work to its end. */
export async function finished<T>(work: AsyncGenerator<unknown, T, void>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

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

type Made = () => StoreSubject

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

const stageOf = ({ directory }: StoreSubject): string[] =>
  directory
    .child('stage')
    ?.list()
    .map(({ name }) => name) ?? []

const packName = (packNumber: number, extension = 'pack'): string =>
  `${String(packNumber).padStart(12, '0')}.${extension}`

function openPackFile({ directory }: StoreSubject, packNumber: number, extension = 'pack') {
  return directory.child('packs')!.open(packName(packNumber, extension), 'modify')
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

const statesOf = (target: Store, packNumber: number): string[] =>
  [...target.scanPack(packNumber, { deep: true })].map(({ state }) => state)

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

function tornTests(made: Made): void {
  /** A shared pack of three objects, of which the mark covers the first. */
  const prepare = () => {
    const target = openOn(made())
    const [first] = store(target, noise(1, 300))
    const mark = target.sharedPack()
    const rest = store(target, noise(2, 300), noise(3, 300))
    const size = target.packs()[0]!.bytes
    target.close()
    made().directory.child('packs')!.removeFile(packName(1, 'idx'))
    return { mark, links: [first!, ...rest], size }
  }

  it('keeps sound entries beyond the mark', () => {
    const { mark, links, size } = prepare()
    const target = openOn(made())
    assert.deepEqual(target.recoverSharedPack(mark), { cutBytes: 0 })
    assert.equal(target.packs()[0]!.bytes, size)
    for (const link of links) assert.equal(target.read(link.id).state, 'intact')
    target.close()
  })

  it('moves an unsound end aside, whatever its length', () => {
    const { mark, links, size } = prepare()
    const pack = made().directory.child('packs')!
    const whole = readFile(pack, packName(1))
    for (let length = mark.flushedBytes + 1; length < size; length += 13) {
      if (pack.stat(packName(1, 'idx')) !== undefined) pack.removeFile(packName(1, 'idx'))
      writeFile(pack, packName(1), whole.subarray(0, length))
      const target = openOn(made())
      const soundEnd = length >= mark.flushedBytes + 356 ? mark.flushedBytes + 356 : mark.flushedBytes
      assert.equal(target.recoverSharedPack(mark).cutBytes, length - soundEnd)
      assert.equal(target.packs()[0]!.bytes, soundEnd)
      assert.equal(target.read(links[0]!.id).state, 'intact')
      assert.equal(target.read(links[1]!.id).state, length >= mark.flushedBytes + 356 ? 'intact' : 'missing')
      store(target, text('goes on'))
      assert.ok(statesOf(target, 1).every(state => state === 'intact'))
      target.close()
    }
    const torn = made().directory.child('torn')!.list()
    assert.ok(torn.length > 10, 'what was cut is kept')
  })

  it('keeps sound entries behind a hole', () => {
    const { mark, links, size } = prepare()
    const pack = openPackFile(made(), 1)
    pack.write(new Uint8Array(100), mark.flushedBytes + 20)
    pack.close()
    const target = openOn(made())
    assert.deepEqual(target.recoverSharedPack(mark), { cutBytes: 356 })
    assert.deepEqual(
      links.map(link => target.read(link.id).state),
      ['intact', 'missing', 'intact'],
    )
    assert.equal(target.packs()[0]!.bytes, size - 356)
    assert.deepEqual(statesOf(target, 1), ['intact', 'intact'])
    target.close()
  })

  it('never touches what the mark covers', () => {
    const { mark, links, size } = prepare()
    const pack = openPackFile(made(), 1)
    pack.write(new Uint8Array(1), mark.flushedBytes - 50)
    pack.close()
    const target = openOn(made())
    assert.deepEqual(target.recoverSharedPack({ ...mark, flushedBytes: size }), { cutBytes: 0 })
    assert.equal(target.packs()[0]!.bytes, size)
    assert.equal(target.read(links[2]!.id).state, 'intact')
    assert.equal(statesOf(target, 1)[0], 'damaged')
    target.close()
  })

  it('takes a mark of another pack of that number for no mark, and of none that is there for nothing', () => {
    const { mark } = prepare()
    const pack = openPackFile(made(), 1)
    const { size } = pack.stat()
    pack.truncate(size - 1)
    pack.close()
    const target = openOn(made())
    assert.deepEqual(target.recoverSharedPack({ number: 77, flushedBytes: 1 << 20 }), { cutBytes: 355 })
    assert.deepEqual(target.recoverSharedPack({ ...mark, flushedBytes: 1 << 20 }), { cutBytes: 0 })
    target.close()
  })

  it('a writer that was not told of an unsound end begins a new pack', () => {
    const { links } = prepare()
    const pack = openPackFile(made(), 1)
    pack.truncate(pack.stat().size - 7)
    pack.close()
    const target = openOn(made())
    const [link] = store(target, text('new'))
    assert.equal(target.packs()[0]!.number, 2)
    assert.equal(target.read(link!.id).state, 'intact')
    assert.equal(target.read(links[1]!.id).state, 'intact')
    target.close()
  })
}

function damageTests(made: Made): void {
  it('finds and names every flipped byte', () => {
    const target = openOn(made())
    const contents = [text('first object'), noise(1, 90), text('x'.repeat(300)), text('last')]
    const links = store(target, ...contents)
    target.close()
    const packs = made().directory.child('packs')!
    const good = readFile(packs, packName(1))
    const starts = [...openOn(made()).scanPack(1)].map(({ offset }) => offset)
    for (let at = 0; at < good.length; at++) {
      const bad = Uint8Array.from(good)
      bad[at]! ^= 1 << (at % 8)
      writeFile(packs, packName(1), bad)
      const reader = openOn(made(), { access: 'read' })
      const damaged = [...reader.scanPack(1, { deep: true })].filter(({ state }) => state === 'damaged')
      assert.equal(damaged.length, 1, `byte ${at}`)
      const { offset, bytes, reason } = damaged[0]!
      assert.ok(offset <= at && at < offset + bytes, `byte ${at} is in what is named: ${offset} + ${bytes}`)
      assert.equal(typeof reason, 'string')
      const hit = starts.findLastIndex(start => start <= at)
      for (const [i, link] of links.entries()) {
        // The index leads past a bad entry header: what can still be read is right.
        const result = reader.read(link.id)
        if (i !== hit) assert.equal(result.state, 'intact', `object ${i} with byte ${at} flipped`)
        else if (at >= starts[i]! + 56) assert.equal(result.state, 'damaged')
      }
      reader.close()
    }
  })

  for (const indexed of [true, false]) {
    it(`names object, pack and offset, and a repair counts (${indexed ? 'indexed' : 'not indexed'})`, () => {
      const first = openOn(made())
      const content = noise(5, 2000)
      const [, link] = store(first, text('before'), content, text('behind'))
      first.close()
      if (!indexed) made().directory.child('packs')!.removeFile(packName(1, 'idx'))
      const pack = openPackFile(made(), 1)
      pack.write(text('!!!'), 500)
      pack.close()
      const target = openOn(made())
      const result = target.read(link!.id)
      assert.deepEqual(result.state === 'damaged' && { pack: result.pack, offset: result.offset }, {
        pack: 'packs/000000000001.pack',
        offset: 16 + 56 + 6,
      })
      assert.throws(
        () => target.get(link!),
        error => isSentientError(error, 'DAMAGED') && error.message.includes('offset 78'),
      )
      const ingest = target.beginIngest({ shared: true })
      ingest.put('raw', 'chunk', content)
      // By an index nobody sees that the bytes behind it are damaged; a scan does.
      assert.equal(ingest.objectsWritten, indexed ? 0 : 1)
      ingest.put('raw', 'chunk', content, { force: true })
      assert.equal(ingest.objectsWritten, 1)
      ingest.flush()
      assert.equal(target.read(link!.id).state, 'intact')
      target.close()
      assert.equal(openOn(made(), { access: 'read' }).read(link!.id).state, 'intact', 'after closing, by the index')
    })
  }

  it('reports a pack that lost its end, and stores what was in it again', () => {
    const target = openOn(made())
    const contents = [noise(1, 1000), noise(2, 1000)]
    const links = store(target, ...contents)
    target.close()
    const pack = openPackFile(made(), 1)
    pack.truncate(1500)
    pack.close()
    const again = openOn(made())
    assert.deepEqual(
      links.map(link => again.read(link.id).state),
      ['intact', 'damaged'],
    )
    assert.equal(again.has(links[1]!.id), false)
    store(again, ...contents)
    assert.equal(again.read(links[1]!.id).state, 'intact')
    assert.equal(again.packs().length, 2, 'nothing is appended to a pack that lost its end')
    again.close()
  })

  it('reads on when whole packs are garbage', () => {
    const target = openOn(made())
    const [link] = store(target, text('good'))
    target.close()
    const packs = made().directory.child('packs')!
    writeFile(packs, packName(2), noise(1, 5000))
    writeFile(packs, packName(3), '')
    writeFile(packs, packName(4), readFile(packs, packName(1)).subarray(0, 9))
    writeFile(packs, 'notes.txt', 'not a pack')
    const again = openOn(made())
    assert.equal(again.read(link!.id).state, 'intact')
    assert.equal(again.read(objectId(text('else'))).state, 'missing')
    assert.equal(statesOf(again, 2).includes('intact'), false)
    store(again, text('more'))
    assert.equal(again.read(objectId(text('more'))).state, 'intact')
    again.close()
  })
}

function gcTests(made: Made): void {
  const live = (...links: readonly (Link | undefined)[]) => {
    const ids = new Set(links.map(link => link?.id))
    return (id: ObjectId): boolean => ids.has(id)
  }

  it('drops what is dead and keeps what lives', async () => {
    const target = openOn(made())
    const links = store(target, ...Array.from({ length: 20 }, (_, seed) => noise(seed, 1000)))
    const kept = links.filter((_, i) => i % 3 === 0)
    const dry = await finished(target.collect(live(...kept), { dryRun: true }))
    assert.deepEqual([dry.objectsBefore, dry.objectsAfter, dry.bytesFreed], [20, 7, 13 * 1056])
    assert.equal(target.packs()[0]!.objects, 20, 'a dry run only counts')
    const report = await finished(target.collect(live(...kept)))
    assert.deepEqual({ ...report, packsAfter: 1 }, { ...dry, packsAfter: 1 })
    const fresh = openOn(made(), { access: 'read' })
    assert.equal(
      fresh.packs().reduce((sum, pack) => sum + pack.objects, 0),
      7,
    )
    for (const link of links) assert.equal(fresh.has(link.id), kept.includes(link))
    store(target, text('more'))
    assert.equal(target.read(objectId(text('more'))).state, 'intact')
    target.close()
    fresh.close()
  })

  it('leaves packs alone in which little is dead, and those of before when nothing is', async () => {
    const target = openOn(made())
    const links = store(target, ...Array.from({ length: 20 }, (_, seed) => noise(seed, 1000)))
    const report = await finished(target.collect(live(...links.slice(1))))
    assert.equal(report.bytesFreed, 0)
    assert.equal(target.read(links[0]!.id).state, 'intact')
    assert.deepEqual(
      target.packs().map(pack => pack.number),
      [1],
    )
    target.close()
  })

  it('lets a reader who looked before go on, for an hour', async () => {
    const target = openOn(made())
    const links = store(target, ...Array.from({ length: 10 }, (_, seed) => noise(seed, 1000)))
    const reader = openOn(made(), { access: 'read' })
    const late = openOn(made(), { access: 'read' })
    assert.equal(reader.read(links[0]!.id).state, 'intact')
    late.has(links[0]!.id)
    await finished(target.collect(live(links[1])))
    for (const each of [reader, late]) {
      assert.equal(each.read(links[1]!.id).state, 'intact', 'what was copied')
      assert.equal(each.read(links[2]!.id).state, 'intact', 'what was dropped')
    }
    made().advance(3_599_000)
    await finished(target.collect(live(links[1])))
    assert.equal(openOn(made(), { access: 'read' }).read(links[2]!.id).state, 'intact')
    made().advance(2_000)
    const report = await finished(target.collect(live(links[1])))
    assert.ok(report.bytesUnlinked > 10_000)
    assert.equal(openOn(made(), { access: 'read' }).read(links[2]!.id).state, 'missing')
    assert.equal(openOn(made(), { access: 'read' }).read(links[1]!.id).state, 'intact')
    for (const each of [target, reader, late]) each.close()
  })

  it('unlinks at once when space is urgent', async () => {
    const target = openOn(made())
    const links = store(target, noise(1, 1000), noise(2, 1000))
    const report = await finished(target.collect(live(links[0]), { urgent: true }))
    assert.ok(report.bytesUnlinked > 2000)
    assert.deepEqual(made().directory.child('dead')!.list(), [])
    assert.equal(target.read(links[0]!.id).state, 'intact')
    target.close()
  })

  it('tells an ingest what it reused and lost', async () => {
    const target = openOn(made())
    const other = openOn(made())
    const contents = [noise(1, 1000), noise(2, 1000), noise(3, 1000)]
    store(target, noise(9, 1000))
    await finished(target.collect(() => false))
    const links = store(target, ...contents)
    const ingest = other.beginIngest({ shared: false })
    for (const content of contents) ingest.put('raw', 'chunk', content)
    assert.equal(ingest.objectsWritten, 0)
    await finished(target.collect(live(links[0])))
    assert.deepEqual(ingest.revalidate().toSorted(), [links[1]!.id, links[2]!.id].toSorted())
    for (const content of contents) ingest.put('raw', 'chunk', content)
    assert.equal(ingest.objectsWritten, 2)
    assert.deepEqual(ingest.revalidate(), [])
    made().directory.removeFile('generation')
    assert.deepEqual(ingest.revalidate(), [], 'looks again when nobody can tell')
    ingest.flush()
    const fresh = openOn(made(), { access: 'read' })
    for (const link of links) assert.equal(fresh.has(link.id), true)
    for (const each of [target, other, fresh]) each.close()
  })

  it('keeps a pack in which something live is damaged, and prefers sound copies', async () => {
    const target = openOn(made())
    const bad = noise(1, 1000)
    const twice = noise(2, 1000)
    const [badLink, twiceLink] = store(target, bad, twice, noise(3, 9000))
    const ingest = target.beginIngest({ shared: false })
    for (let seed = 10; seed < 40; seed++) ingest.put('raw', 'chunk', noise(seed, 100_000))
    ingest.put('raw', 'chunk', twice, { force: true })
    ingest.flush()
    assert.equal(target.packs().length, 2)
    // The newer copy of `twice` is the last entry of the second pack.
    for (const [packNumber, offset] of [
      [1, 16 + 100],
      [2, target.packs()[0]!.bytes - 50],
    ] as const) {
      const pack = openPackFile(made(), packNumber)
      pack.write(text('!!!!'), offset)
      pack.close()
    }
    const report = await finished(target.collect(live(badLink, twiceLink)))
    assert.deepEqual(report.packsKeptDamaged, ['packs/000000000001.pack'])
    assert.equal(target.read(twiceLink!.id).state, 'intact')
    assert.equal(target.read(badLink!.id).state, 'damaged')
    target.close()
  })

  it('joins small packs, and never gives a number twice', async () => {
    const target = openOn(made())
    const links: Link[] = []
    for (let round = 0; round < 10; round++) {
      const ingest = target.beginIngest({ shared: false })
      for (let seed = 0; seed < 12; seed++) links.push(ingest.put('raw', 'chunk', noise(round * 100 + seed, 100_000)))
      ingest.flush()
    }
    assert.equal(target.packs().length, 10)
    await finished(target.collect(live(...links)))
    assert.deepEqual(
      target.packs().map(({ number, objects }) => [number, objects]),
      [[11, 120]],
    )
    for (const link of links) assert.equal(target.read(link.id).state, 'intact')
    await finished(target.collect(() => false))
    made().advance(7_200_000)
    await finished(target.collect(() => false))
    store(target, text('new'))
    assert.ok(target.packs().every(({ number }) => number > 11))
    target.close()
  })

  it('removes what ended processes left in the stage', async () => {
    const target = openOn(made())
    store(target, text('one'))
    const stage = made().directory.child('stage')!
    const gone = 4_000_000
    for (const name of [`${gone}-00ff.pack`, `${gone}-00ff.idx`, `${made().host.processes.id}-00aa.pack`])
      writeFile(stage, name, 'x')
    await finished(target.collect(() => true))
    assert.equal(stage.list().length, 3, 'not while they are young')
    made().advance(700_000)
    await finished(target.collect(() => true))
    assert.deepEqual(stageOf(made()), [`${made().host.processes.id}-00aa.pack`])
    target.close()
  })

  it('stops when it is cancelled, and loses nothing', async () => {
    const target = openOn(made())
    const links = store(target, ...Array.from({ length: 50 }, (_, seed) => noise(seed, 1000)))
    const controller = new AbortController()
    controller.abort()
    const clock = { ...made().host.clock, monotonicMs: steadilyRising() }
    const impatient = openOn(made(), { clock })
    await assert.rejects(finished(impatient.collect(live(links[0]), { signal: controller.signal })), error =>
      isSentientError(error, 'CANCELLED'),
    )
    for (const link of links) assert.equal(target.read(link.id).state, 'intact')
    assert.deepEqual(stageOf(made()), [])
    target.close()
    impatient.close()
  })
}

/** Every look at it is ten milliseconds later, so that work gives way at once. */
function steadilyRising(): () => number {
  let now = 0
  return () => (now += 10)
}
