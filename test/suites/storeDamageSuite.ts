// The second half of the store's suite: torn ends, damage and gc. Run by storeSuite.ts.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { type Link, type ObjectId, objectId } from '../../src/core/format/id.ts'
import { readFile, writeFile } from '../support/host.ts'
import {
  finished,
  type Made,
  noise,
  openOn,
  openPackFile,
  packName,
  stageOf,
  statesOf,
  store,
  text,
} from './storeSubject.ts'

export function tornTests(made: Made): void {
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
    for (let length = mark.flushedBytes + 1; length < size; length += 29) {
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
    assert.ok(torn.length > 5, 'what was cut is kept')
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

export function damageTests(made: Made): void {
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

export function gcTests(made: Made): void {
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
