// What a journal makes of a tail that was lost: it is cut only when nothing says that it was flushed, and then it is kept
// in `torn`; anything else that is gone is damage.

import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { equalBytes } from '../../../src/core/format/bytes.ts'
import { encodeFrame, frameSeed, type GoodFrame, segmentHeaderBytes } from '../../../src/core/format/frame.ts'
import { decodeMarksFile, marksOffset } from '../../../src/core/format/marks.ts'
import { createMemoryHost } from '../../../src/core/host/memory.ts'
import { sign, signerOf } from '../../suites/journalSuite.ts'
import { createSeededRandomness, createTestHost, readFile, writeFile } from '../../support/host.ts'
import { withBaseBehind } from '../verify/forging.ts'
import { filled, flip, limits, open, place, runtime, segmentNames, segments, startAnew, torn } from './damagedPlace.ts'
import {
  append,
  assertHolds,
  framesOf,
  logId,
  names,
  namesOf,
  noPack,
  openTest,
  recordsOf,
  verify,
} from './fixtures.ts'

beforeEach(startAnew)

/** The marks as they were before the last append, so that what it wrote lies behind them. */
async function appendBehindTheMarks(...counts: readonly number[]): Promise<{ marks: Uint8Array; sizes: number[] }> {
  const before = readFile(runtime(), 'marks')
  const journal = open()
  let at = journal.head().size
  const sizes: number[] = []
  for (const count of counts) {
    sizes.push(segments().stat(segmentNames().at(-1)!)!.size)
    await append(journal, recordsOf(at, at + count))
    at += count
  }
  journal.close()
  writeFile(runtime(), 'marks', before)
  return { marks: before, sizes }
}

function bodyPart({ salt, bodyBytes }: GoodFrame): { salt: Uint8Array; bodyBytes: Uint8Array } {
  assert.ok(salt !== null && bodyBytes !== null)
  return { salt, bodyBytes }
}

describe('a torn tail', () => {
  it('is cut at every byte of the last frame, and kept', async () => {
    const count = await filled(2)
    const { marks, sizes } = await appendBehindTheMarks(1)
    const name = segmentNames().at(-1)!
    const whole = readFile(segments(), name)
    for (let end = sizes[0]!; end <= whole.length; end++) {
      writeFile(segments(), name, whole.subarray(0, end))
      writeFile(runtime(), 'marks', marks)
      for (const old of torn()) runtime().child('torn')!.removeFile(old)
      const reader = open('read')
      assert.equal(reader.damage(), undefined)
      const kept = end === whole.length ? count + 1 : count
      assert.deepEqual(namesOf(reader), names(0, kept))
      const journal = open()
      await append(journal, recordsOf(kept, kept + 2))
      await assertHolds(journal, names(0, kept + 2))
      const cut = torn().map(file => readFile(runtime().child('torn')!, file))
      const expected = end === sizes[0] || end === whole.length ? [] : [whole.slice(sizes[0], end)]
      assert.deepEqual(cut, expected, `cut at ${end}`)
      if (cut.length > 0) assert.match(torn()[0]!, new RegExp(`^\\d+-${name.slice(0, 20)}-${sizes[0]}$`))
      journal.close()
      reader.close()
    }
  })

  it('is cut where pages of the last append were lost, though later ones are there', async () => {
    await filled(2)
    const { marks, sizes } = await appendBehindTheMarks(3)
    const name = segmentNames().at(-1)!
    const whole = readFile(segments(), name)
    const lost = Uint8Array.from(whole).fill(0, sizes[0], sizes[0]! + 100)
    writeFile(segments(), name, lost)
    writeFile(runtime(), 'marks', marks)
    const journal = open()
    assert.equal(journal.damage(), undefined)
    await append(journal, recordsOf(2, 4))
    await assertHolds(journal, names(0, 4))
    assert.deepEqual(readFile(runtime().child('torn')!, torn()[0]!), lost.slice(sizes[0]))
  })

  it('is damage where a later append shows that it had been flushed', async () => {
    await filled(2)
    const { marks, sizes } = await appendBehindTheMarks(1, 1)
    const name = segmentNames().at(-1)!
    const lost = readFile(segments(), name).fill(0, sizes[0], sizes[0]! + 100)
    writeFile(segments(), name, lost)
    writeFile(runtime(), 'marks', marks)
    const journal = open()
    await assert.rejects(append(journal, recordsOf(2, 3)), { code: 'DAMAGED' })
    assert.equal(journal.damage()!.seq, 2)
    assert.deepEqual(readFile(segments(), name), lost)
    assert.deepEqual(torn(), [])
    assert.deepEqual(namesOf(journal, { from: 0, to: 2 }), names(0, 2))
  })

  it('is damage where a later segment shows that it had been flushed', async () => {
    await filled(5)
    const { marks } = await appendBehindTheMarks(1, 3)
    const [first, second] = segmentNames()
    assert.ok(second)
    const lost = readFile(segments(), first!)
    lost.fill(0, lost.length - 50)
    writeFile(segments(), first!, lost)
    writeFile(runtime(), 'marks', marks)
    await assert.rejects(append(open(), recordsOf(2, 3)), { code: 'DAMAGED' })
    assert.deepEqual(segmentNames(), [first, second])
  })

  it('is damage where a checkpoint covers it', async () => {
    await filled(2)
    const before = readFile(runtime(), 'marks')
    const journal = open()
    await append(journal, recordsOf(2, 3))
    await sign(journal, signerOf(1))
    journal.close()
    const name = segmentNames().at(-1)!
    const lost = readFile(segments(), name)
    lost[lost.length - 20]! ^= 1
    writeFile(segments(), name, lost)
    writeFile(runtime(), 'marks', before)
    const again = open()
    assert.match(again.damage()!.reason, /checkpoint/)
    await assert.rejects(append(again, recordsOf(2, 3)), { code: 'DAMAGED' })
    assert.deepEqual(readFile(segments(), name), lost)
  })

  it('is cut where a valid frame is not the next record', async () => {
    const count = await filled(2)
    const { marks, sizes } = await appendBehindTheMarks(1)
    const name = segmentNames().at(-1)!
    const whole = readFile(segments(), name).slice()
    // Of the same seq, from another journal of the same log: only the chain tells.
    const other = createTestHost()
    const foreign = openTest({ host: other, directory: other.files.openDirectory('/')! }, { limits })
    await append(foreign, recordsOf(7, 10))
    const otherSegments = other.files.openDirectory('/')!.child('.runtime')!.child('journal')!
    const third = framesOf(readFile(otherSegments, otherSegments.list()[0]!.name))[2]!
    const parts = { envelopeBytes: third.envelopeBytes, body: bodyPart(third), base: sizes[0]! }
    const frame = encodeFrame(parts, frameSeed(logId))
    for (const tail of [frame, whole.subarray(segmentHeaderBytes, sizes[0])]) {
      writeFile(segments(), name, Buffer.concat([whole.subarray(0, sizes[0]), tail]))
      writeFile(runtime(), 'marks', marks)
      const journal = open()
      await append(journal, recordsOf(count, count + 1))
      await assertHolds(journal, names(0, count + 1))
      journal.close()
    }
    assert.equal(torn().length, 2)
  })

  it('is not cut where a sound frame says that it was written behind itself', async () => {
    const count = await filled(2)
    const { marks } = await appendBehindTheMarks(1)
    const name = segmentNames().at(-1)!
    const wrong = withBaseBehind(readFile(segments(), name), count)
    writeFile(segments(), name, wrong)
    writeFile(runtime(), 'marks', marks)
    const journal = open()
    assert.match(journal.damage()!.reason, /a base behind the frame itself/)
    await assert.rejects(append(journal, recordsOf(count, count + 1)), { code: 'DAMAGED' })
    assert.deepEqual(readFile(segments(), name), Uint8Array.from(wrong))
    assert.deepEqual(torn(), [])
    journal.close()
  })

  it('of a new segment is set aside whole', async () => {
    await filled(5)
    const { marks } = await appendBehindTheMarks(3)
    const name = segmentNames().at(-1)!
    for (const length of [0, 1, 31, 32, 40]) {
      const whole = readFile(segments(), name)
      writeFile(segments(), name, whole.subarray(0, length))
      writeFile(runtime(), 'marks', marks)
      const journal = open()
      assert.deepEqual(namesOf(journal, { from: 0, to: 5 }), names(0, 5))
      await append(journal, recordsOf(journal.head().size, 9))
      await assertHolds(journal, names(0, 9))
      journal.close()
    }
  })

  it('and what was cut survive a power cut right after', async () => {
    const count = await filled(2)
    const { marks, sizes } = await appendBehindTheMarks(1)
    const name = segmentNames().at(-1)!
    const whole = readFile(segments(), name)
    const tail = whole.slice(sizes[0], whole.length - 9)
    for (let seed = 1; seed <= 20; seed++) {
      writeFile(segments(), name, whole.subarray(0, whole.length - 9))
      writeFile(runtime(), 'marks', marks)
      for (const old of torn()) runtime().child('torn')!.removeFile(old)
      place.directory.flushFileSystem()
      const journal = open()
      await journal.writerLock.hold('look', undefined, () => {})
      place.host.disk.cutPower(createSeededRandomness(seed))
      place.host = { ...createMemoryHost({ disk: place.host.disk, clock: place.host.clock }), clock: place.host.clock }
      place.directory = place.host.files.openDirectory('/')!
      assert.equal(segments().stat(name)?.size, sizes[0], `seed ${seed}`)
      assert.deepEqual(
        torn().map(file => readFile(runtime().child('torn')!, file)),
        [tail],
        `seed ${seed}`,
      )
      await assertHolds(open('read'), names(0, count))
    }
  })
})

describe('an unclean take-over', () => {
  it('is told to the next holder, once', async () => {
    await filled(2)
    const { sizes } = await appendBehindTheMarks(2)
    assert.equal(sizes.length, 1)
    const journal = open()
    const take = () => journal.writerLock.hold('look', undefined, ({ uncleanTakeover }) => uncleanTakeover)
    assert.equal(await take(), true)
    assert.equal(await take(), false)
    await assertHolds(journal, names(0, 4))
    assert.equal(await open().writerLock.hold('look', undefined, session => session.uncleanTakeover), false)
  })

  it('follows a holder that was killed before it released the lock', async () => {
    await filled(2)
    const other = createMemoryHost({ disk: place.host.disk, clock: place.host.clock })
    const dying = openTest({ host: other, directory: other.files.openDirectory('/')! }, { limits })
    void dying.writerLock.hold('put', undefined, () => {
      dying.append(recordsOf(2, 4), noPack)
      return new Promise(() => {})
    })
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(dying.head().size, 4)
    other.exit()
    const journal = open()
    await journal.writerLock.hold('put', undefined, ({ uncleanTakeover }) => {
      assert.equal(uncleanTakeover, true)
      journal.append(recordsOf(4, 5), noPack)
    })
    await assertHolds(journal, names(0, 5))
  })
})

describe('a reader', () => {
  it('shows what lies behind the marks only when nobody is writing', async () => {
    await filled(2)
    const other = createMemoryHost({ disk: place.host.disk, clock: place.host.clock })
    const writer = openTest({ host: other, directory: other.files.openDirectory('/')! }, { limits })
    void writer.writerLock.hold('put', undefined, () => {
      writer.append(recordsOf(2, 3), noPack)
      const marks = readFile(runtime(), 'marks').slice()
      writer.append(recordsOf(3, 4), noPack)
      writeFile(runtime(), 'marks', marks)
      return new Promise(() => {})
    })
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual(namesOf(open('read')), names(0, 3))
    other.exit()
    assert.deepEqual(namesOf(open('read')), names(0, 4))
  })

  it('forgets what it showed when the next writer takes it back', async () => {
    await filled(2)
    const { sizes } = await appendBehindTheMarks(1)
    const reader = open('read')
    assert.deepEqual(namesOf(reader), names(0, 3))
    const shown = reader.rootHash(3)
    // The one that wrote it had been told that it failed.
    writeFile(runtime(), 'poisoned', `0 ${sizes[0]}\n`)
    const journal = open()
    await append(journal, recordsOf(7, 8))
    assert.equal(reader.refresh(), true)
    assert.deepEqual(namesOf(reader), ['0', '1', '7'])
    assert.ok(equalBytes(reader.rootHash(3), journal.rootHash(3)))
    assert.ok(!equalBytes(reader.rootHash(3), shown))
  })
})

describe('closing', () => {
  it('leaves marks that a power cut does not take back', async () => {
    const count = await filled(2, 2)
    place.host.disk.cutPower(createSeededRandomness(3))
    const { newest } = decodeMarksFile(readFile(place.host.files.openDirectory('/')!.child('.runtime')!, 'marks'))
    assert.equal(newest?.nextSeq, count)
    assert.equal(newest.clean, true)
  })
})

describe('another last record than the marks name', () => {
  it('is damage', async () => {
    await filled(2)
    const other = createTestHost()
    const foreign = openTest({ host: other, directory: other.files.openDirectory('/')! }, { limits })
    await append(foreign, recordsOf(2, 4))
    foreign.close()
    const otherSegments = other.files.openDirectory('/')!.child('.runtime')!.child('journal')!
    const [name] = segmentNames()
    writeFile(segments(), name!, readFile(otherSegments, name!))
    const journal = open()
    assert.match(journal.damage()!.reason, /not the one that was flushed/)
    await assert.rejects(append(journal, recordsOf(4, 5)), { code: 'DAMAGED' })
  })
})

describe('lost marks', () => {
  it('are made again from the records, all of which count as applied', async () => {
    const count = await filled(3, 6)
    for (const ruin of [
      () => runtime().removeFile('marks'),
      () => writeFile(runtime(), 'marks', new Uint8Array(8192)),
      () => writeFile(runtime(), 'marks', new Uint8Array(8192).fill(0xff)),
      () => writeFile(runtime(), 'marks', new Uint8Array(0)),
      () => {
        const bytes = readFile(runtime(), 'marks')
        for (const generation of [0, 1]) bytes[marksOffset(generation) + 50]! ^= 1
        writeFile(runtime(), 'marks', bytes)
      },
    ]) {
      ruin()
      const reader = open('read')
      assert.deepEqual(namesOf(reader), names(0, count))
      assert.ok((await verify(reader)).findings.every(({ code }) => code === 'marks'))
      const journal = open()
      await journal.writerLock.hold('look', undefined, ({ mark }) => assert.equal(mark.applied, count))
      await assertHolds(journal, names(0, count))
      journal.close()
    }
  })

  it('do not let a damaged record be cut', async () => {
    await filled(3, 2)
    const name = segmentNames()[0]!
    const bytes = flip(readFile(segments(), name), 8 * 300)
    writeFile(segments(), name, bytes)
    runtime().removeFile('marks')
    await assert.rejects(append(open(), recordsOf(5, 6)), { code: 'DAMAGED' })
    assert.deepEqual(readFile(segments(), name), bytes)
  })
})

describe('a missing segment', () => {
  it('is damage, and the others can be read', async () => {
    const count = await filled(5, 5, 5)
    const [first, second, ...rest] = segmentNames()
    const from = Number.parseInt(second!, 10)
    const to = Number.parseInt(rest[0]!, 10)
    segments().removeFile(second!)
    const journal = open()
    const expected = names(0, count).map((name, seq) => (seq >= from && seq < to ? `damaged ${seq}` : name))
    assert.deepEqual(namesOf(journal), expected)
    assert.deepEqual(namesOf(journal, { from: 0, reverse: true }), expected.toReversed())
    assert.equal(journal.read(from).state, 'damaged')
    const { findings } = await verify(journal)
    assert.equal(findings[0]!.seq, from)
    assert.equal(findings[0]!.found, `${to - from} records cannot be read`)
    assert.throws(() => journal.rootHash(count), { code: 'DAMAGED' })
    segments().removeFile(first!)
    assert.equal(open().read(0).state, 'damaged')
  })

  it('that was the last one is found at opening', async () => {
    await filled(5, 5)
    segments().removeFile(segmentNames().at(-1)!)
    const journal = open()
    assert.match(journal.damage()!.reason, /missing/)
    await assert.rejects(append(journal, recordsOf(10, 11)), { code: 'DAMAGED' })
  })
})
