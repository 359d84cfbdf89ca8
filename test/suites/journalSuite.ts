// What the journal must do on every host: keep what it acknowledged, give it back in either direction, see what others
// appended, prove it, and let one writer in at a time.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isSentientError } from '../../src/core/errors.ts'
import { equalBytes, hexOf } from '../../src/core/format/bytes.ts'
import { formatOrigin, verifyCheckpoint } from '../../src/core/format/checkpoint.ts'
import { verifyConsistency, verifyInclusion } from '../../src/core/format/merkle.ts'
import { ed25519Signer, type NoteSigner } from '../../src/core/format/note.ts'
import { type Journal, openJournal } from '../../src/core/journal/journal.ts'
import {
  append,
  assertHolds,
  type JournalPlace,
  logId,
  naivePath,
  naiveProof,
  naiveRoot,
  nameOf,
  names,
  namesOf,
  noPack,
  type OpenTestOptions,
  openTest,
  recordOf,
  recordsOf,
  rootOf,
  verify,
} from '../core/journal/fixtures.ts'
import { readFile, writeFile } from '../support/host.ts'

export interface JournalSubject extends JournalPlace {
  remove(): void
}

/** A segment of these tests holds about a dozen records. */
const smallSegments = { segmentBytesMax: 4096 }

interface Made {
  readonly place: JournalPlace
  open(options?: OpenTestOptions): Journal
  runtime(): ReturnType<JournalPlace['directory']['child']> & object
}

export function runJournalSuite(name: string, make: () => JournalSubject): void {
  describe(`journal: ${name}`, () => {
    let subject: JournalSubject
    let opened: Journal[] = []
    const made: Made = {
      get place() {
        return subject
      },
      open(options) {
        const journal = openTest(subject, options)
        opened.push(journal)
        return journal
      },
      runtime: () => subject.directory.child('.runtime')!,
    }
    beforeEach(() => {
      subject = make()
      opened = []
    })
    afterEach(() => {
      for (const journal of opened) journal.close()
      subject.remove()
    })
    describe('records', () => recordTests(made))
    describe('readers and writers', () => sharingTests(made))
    describe('offset tables', () => offsetTests(made))
    describe('time', () => timeTests(made))
    describe('Merkle tree', () => merkleTests(made))
    describe('checkpoints', () => checkpointTests(made))
    describe('lock', () => lockTests(made))
  })
}

function throwsCode(code: string): (error: unknown) => true {
  return error => {
    assert.ok(isSentientError(error), `not a SentientError: ${error}`)
    assert.equal(error.code, code, error.message)
    return true
  }
}

function recordTests(made: Made): void {
  it('is empty in an empty folder, for readers too, and writes nothing there', () => {
    const journal = made.open({ access: 'read' })
    assert.equal(journal.head().size, 0)
    assert.equal(journal.head().root, undefined)
    assert.deepEqual([...journal.records({ from: 0 })], [])
    assert.equal(journal.read(0).state, 'missing')
    assert.equal(journal.checkpoint(), undefined)
    assert.deepEqual(made.runtime().list(), [])
  })

  it('gives back what was appended, at once and after it was opened anew', async () => {
    const journal = made.open()
    const [first] = await append(journal, [recordOf('a')])
    const others = await append(journal, [recordOf('b'), recordOf('c')])
    assert.deepEqual(
      others.map(record => record.seq),
      [1, 2],
    )
    const head = journal.head()
    assert.equal(head.size, 3)
    assert.equal(head.root, rootOf('c'))
    assert.ok(equalBytes(head.leaf, others[1]!.leaf))
    journal.close()
    const again = made.open({ access: 'read' })
    assert.deepEqual(again.head(), head)
    const read = again.read(0)
    assert.ok(read.state === 'intact')
    assert.deepEqual(read.record.body, recordOf('a').body)
    assert.equal(hexOf(read.record.leaf), hexOf(first!.leaf))
    assert.equal(read.record.bytes, first!.bytes)
    await assertHolds(again, ['a', 'b', 'c'])
  })

  it('reads ranges in both directions across segments', async () => {
    const journal = made.open({ limits: smallSegments })
    for (let at = 0; at < 60; at += 5) await append(journal, recordsOf(at, at + 5))
    const segments = made.runtime().child('journal')!.list()
    assert.ok(segments.length >= 4, `${segments.length} segments`)
    for (const [from, to] of [
      [0, 60],
      [7, 8],
      [13, 41],
      [59, 60],
      [20, 20],
      [30, undefined],
      [50, 99],
    ] as const) {
      const expected = names(from, Math.min(to ?? 60, 60))
      const range = to === undefined ? { from } : { from, to }
      assert.deepEqual(namesOf(journal, range), expected)
      assert.deepEqual(namesOf(journal, { ...range, reverse: true }), expected.toReversed())
    }
    for (let seq = 0; seq < 60; seq++) {
      const result = journal.read(seq)
      assert.ok(result.state === 'intact')
      assert.equal(nameOf(result.record), String(seq))
    }
    for (const seq of [60, -1, 1.5, Number.NaN]) assert.equal(journal.read(seq).state, 'missing')
  })

  it('splits one append over segments', async () => {
    const journal = made.open({ limits: smallSegments })
    await append(journal, recordsOf(0, 100))
    await assertHolds(journal, names(0, 100))
    await assertHolds(made.open({ access: 'read' }), names(0, 100))
  })

  it('holds large bodies, alone in a segment where they must be', async () => {
    const journal = made.open({ limits: smallSegments })
    await append(journal, [recordOf(0), recordOf(1, 900_000), recordOf(2), recordOf(3, 500_000)])
    await assertHolds(journal, names(0, 4))
    assert.deepEqual(namesOf(journal, { from: 0, reverse: true }), names(0, 4).toReversed())
  })

  it('refuses what the format cannot hold and appends nothing of it', async () => {
    const journal = made.open()
    await append(journal, [recordOf(0)])
    await assert.rejects(append(journal, [recordOf(1), recordOf(2, 1_100_000)]), throwsCode('LIMIT'))
    await assertHolds(journal, names(0, 1))
  })

  it('verifies records whose action and keys it does not know', async () => {
    const journal = made.open()
    const body = { ...recordOf('x').body, action: 'teleport', unknown: { mood: 'fine' }, fields: { where: ['a', 1] } }
    await append(journal, [{ root: rootOf('x'), body }])
    const again = made.open({ access: 'read' })
    const result = again.read(0)
    assert.ok(result.state === 'intact')
    assert.deepEqual(result.record.body, body)
    await assertHolds(again, ['x'])
  })

  it('remembers what was applied and which pack was flushed', async () => {
    const journal = made.open()
    await append(journal, recordsOf(0, 3))
    const pack = { number: 7, flushedBytes: 4096, packId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }
    await journal.writerLock.hold('apply', undefined, () => {
      journal.append([recordOf(3)], pack)
      journal.setApplied(3, { flush: true })
      assert.throws(() => journal.setApplied(5), throwsCode('INTERNAL'))
    })
    assert.equal(journal.head().applied, 3)
    const again = made.open()
    assert.equal(again.head().applied, 3)
    await again.writerLock.hold('look', undefined, ({ mark, uncleanTakeover }) => {
      assert.equal(mark.packNumber, 7)
      assert.equal(mark.packFlushedBytes, 4096)
      assert.deepEqual(mark.packId, pack.packId)
      assert.equal(uncleanTakeover, false)
      again.append([recordOf(4)], noPack)
    })
    await made.open().writerLock.hold('look', undefined, ({ mark }) => {
      assert.equal(mark.packNumber, 0)
      assert.equal(mark.packId, undefined)
      assert.equal(mark.applied, 3)
    })
  })

  it('keeps the id of older segments and goes on in new ones when a folder was copied', async () => {
    const journal = made.open()
    await append(journal, recordsOf(0, 3))
    journal.close()
    const copyId = new Uint8Array(16).fill(9)
    const copy = made.open({ logId: copyId, earlierLogIds: [logId] })
    await append(copy, recordsOf(3, 6))
    await append(copy, recordsOf(6, 7))
    await assertHolds(copy, names(0, 7))
    assert.equal(made.runtime().child('journal')!.list().length, 2)
    assert.equal(made.open({ logId: copyId, access: 'read' }).read(0).state, 'damaged')
    const foreign = made.open({ logId: new Uint8Array(16).fill(8), earlierLogIds: [logId] })
    assert.match(foreign.damage()!.reason, /another log/)
  })

  it('refuses to write when opened for reading, and without the lock', async () => {
    const reader = made.open({ access: 'read' })
    await assert.rejects(append(reader, [recordOf(0)]), throwsCode('READ_ONLY'))
    assert.throws(() => reader.append([recordOf(0)], noPack), throwsCode('READ_ONLY'))
    const writer = made.open()
    assert.throws(() => writer.append([recordOf(0)], noPack), throwsCode('INTERNAL'))
    assert.throws(() => writer.setApplied(0), throwsCode('INTERNAL'))
  })
}

function sharingTests(made: Made): void {
  it('shows a reader what a writer appended, after a refresh', async () => {
    const writer = made.open({ limits: smallSegments })
    const reader = made.open({ access: 'read' })
    assert.equal(reader.refresh(), false)
    for (let at = 0; at < 60; at += 6) {
      await append(writer, recordsOf(at, at + 6))
      assert.equal(reader.head().size, at)
      assert.equal(reader.refresh(), true)
      assert.equal(reader.refresh(), false)
      assert.deepEqual(namesOf(reader), names(0, at + 6))
      assert.deepEqual(namesOf(reader, { from: at, reverse: true }), names(at, at + 6).toReversed())
      assert.ok(equalBytes(reader.rootHash(at + 6), writer.rootHash(at + 6)))
    }
    await writer.writerLock.hold('apply', undefined, () => writer.setApplied(60))
    assert.equal(reader.refresh(), true)
    assert.equal(reader.head().applied, 60)
    await assertHolds(reader, names(0, 60))
  })

  it('lets two journals in one process take turns', async () => {
    const one = made.open({ limits: smallSegments })
    const two = made.open({ limits: smallSegments })
    for (let at = 0; at < 40; at += 4) {
      await append(one, recordsOf(at, at + 1))
      await append(two, recordsOf(at + 1, at + 3))
      await append(one, recordsOf(at + 3, at + 4))
    }
    two.refresh()
    await assertHolds(one, names(0, 40))
    await assertHolds(two, names(0, 40))
  })

  it('goes on reading while records are appended', async () => {
    const journal = made.open({ limits: smallSegments })
    await append(journal, recordsOf(0, 30))
    const seen: string[] = []
    const backwards: string[] = []
    const forward = journal.records({ from: 0 })
    const reverse = journal.records({ from: 0, reverse: true })
    for (let at = 30; at < 60; at++) {
      const [a, b] = [forward.next().value, reverse.next().value]
      if (a?.state === 'intact') seen.push(nameOf(a.record))
      if (b?.state === 'intact') backwards.push(nameOf(b.record))
      await append(journal, recordsOf(at, at + 1))
    }
    assert.deepEqual(seen, names(0, 30))
    assert.deepEqual(backwards, names(0, 30).toReversed())
  })
}

function offsetTests(made: Made): void {
  const tables = () => made.place.directory.child('.db')!.child('offsets')!
  const readAll = (journal: Journal, count: number): void => {
    for (let seq = count - 1; seq >= 0; seq--) {
      const result = journal.read(seq)
      assert.ok(result.state === 'intact', `${seq}: ${result.state}`)
      assert.equal(nameOf(result.record), String(seq))
    }
    assert.deepEqual(namesOf(journal, { from: count - 3, to: count - 1 }), names(count - 3, count - 1))
  }

  it('holds one offset a record', async () => {
    const journal = made.open({ limits: smallSegments })
    await append(journal, recordsOf(0, 20))
    await append(journal, recordsOf(20, 40))
    const sizes = tables()
      .list()
      .map(({ name }) => tables().stat(name)!.size)
    assert.equal(
      sizes.reduce((a, b) => a + b),
      40 * 4,
    )
  })

  for (const [what, ruin] of Object.entries({
    deleted: (name: string) => tables().removeFile(name),
    'cut short': (name: string) => writeFile(tables(), name, readFile(tables(), name).subarray(0, 6)),
    garbage: (name: string) => writeFile(tables(), name, new Uint8Array(400).fill(0x5a)),
    zero: (name: string) => writeFile(tables(), name, new Uint8Array(400)),
    'shifted by one record': (name: string) => writeFile(tables(), name, readFile(tables(), name).subarray(4)),
    'of another segment': (name: string) => writeFile(tables(), name, readFile(tables(), tables().list()[0]!.name)),
  })) {
    it(`can be ${what}`, async () => {
      const journal = made.open({ limits: smallSegments })
      await append(journal, recordsOf(0, 45))
      for (const { name } of tables().list()) ruin(name)
      readAll(journal, 45)
      readAll(made.open({ access: 'read' }), 45)
      await append(journal, recordsOf(45, 50))
      readAll(journal, 50)
      const again = made.open()
      await append(again, recordsOf(50, 70))
      readAll(again, 70)
      await assertHolds(again, names(0, 70))
      readAll(made.open({ access: 'read' }), 70)
    })
  }

  it('is not needed', async () => {
    const journal = made.open({ limits: smallSegments, underived: true })
    for (let at = 0; at < 40; at += 8) {
      await append(journal, recordsOf(at, at + 8))
      readAll(journal, at + 8)
    }
    readAll(made.open({ access: 'read', underived: true }), 40)
    readAll(made.open({ access: 'read' }), 40)
    assert.equal(made.place.directory.child('.db')!.child('offsets'), undefined)
  })
}

function timeTests(made: Made): void {
  it('writes a clock that went back as it is, marked doubtful', async () => {
    const journal = made.open({ limits: { earliestMicros: 1000 } })
    const times = [5000, 6000, 4000, 4500, 500, 600, 7000]
    await append(
      journal,
      times.slice(0, 4).map((time, i) => ({ ...recordOf(i), time })),
    )
    const again = made.open({ limits: { earliestMicros: 1000 } })
    await append(
      again,
      times.slice(4).map((time, i) => ({ ...recordOf(i + 4), time })),
    )
    const read = [...again.records({ from: 0 })].map(result => {
      assert.ok(result.state === 'intact')
      return [result.record.envelope.time, result.record.body?.doubtful === true]
    })
    assert.deepEqual(read, [
      [5000, false],
      [6000, false],
      [4000, true],
      [4500, false],
      [500, true],
      [600, true],
      [7000, false],
    ])
    assert.equal(again.head().time, 7000)
    await assertHolds(again, names(0, 7))
    assert.equal((await verify(again)).doubtful, 3)
  })
}

function merkleTests(made: Made): void {
  it('has the roots and proofs of RFC 6962 at every size', async () => {
    const journal = made.open({ limits: smallSegments })
    const count = 37
    await append(journal, recordsOf(0, count))
    const leaves = journal.leafHashes(0, count)
    assert.equal(leaves.length, count)
    for (let size = 0; size <= count; size++) {
      const tree = leaves.slice(0, size)
      assert.equal(hexOf(journal.rootHash(size)), hexOf(naiveRoot(tree)))
      for (let index = 0; index < size; index++) {
        assert.deepEqual(journal.inclusion(index, size).map(hexOf), naivePath(index, tree).map(hexOf))
      }
      for (let from = 0; from <= size; from++) {
        assert.deepEqual(journal.consistency(from, size).map(hexOf), naiveProof(from, tree).map(hexOf))
      }
    }
    assert.throws(() => journal.rootHash(count + 1), throwsCode('STATE_NOT_FOUND'))
    assert.throws(() => journal.inclusion(count, count), throwsCode('STATE_NOT_FOUND'))
    assert.throws(() => journal.consistency(3, 2), throwsCode('STATE_NOT_FOUND'))
  })

  it('is the same from tiles, from records and from both', async () => {
    const journal = made.open()
    const signer = signerOf(1)
    for (let at = 0; at < 1100; at += 100) {
      await append(journal, recordsOf(at, at + 100))
      if (at === 300 || at === 700) await sign(journal, signer)
    }
    const tiles = made.runtime().child('tile')!.child('0')!.list()
    assert.deepEqual(tiles.map(({ name }) => name).sort(), ['000', '001', '002'])
    const leaves = journal.leafHashes(0, 1100)
    for (const reader of [journal, made.open({ access: 'read' })]) {
      for (const size of [1, 255, 256, 257, 512, 800, 1023, 1024, 1100]) {
        assert.equal(hexOf(reader.rootHash(size)), hexOf(naiveRoot(leaves.slice(0, size))))
        const root = reader.rootHash(size)
        for (const index of [0, 1, 254, 255, 256, 700, 1023, size - 1].filter(index => index < size)) {
          assert.ok(verifyInclusion(leaves[index]!, index, size, reader.inclusion(index, size), root))
        }
        for (const from of [1, 255, 256, 300, size].filter(from => from <= size)) {
          const path = reader.consistency(from, size)
          assert.ok(verifyConsistency(from, size, reader.rootHash(from), root, path))
        }
      }
    }
    const verification = await verify(journal)
    assert.equal(verification.tiles, 3)
    assert.deepEqual(verification.findings, [])
  })

  it('does not rely on a tile that no checkpoint covers', async () => {
    const journal = made.open()
    await append(journal, recordsOf(0, 300))
    const runtime = made.runtime()
    runtime.makeDirectory('tile', 0o700)
    runtime.child('tile')!.makeDirectory('0', 0o700)
    const level = runtime.child('tile')!.child('0')!
    writeFile(level, '000', new Uint8Array(8192))
    const root = naiveRoot(journal.leafHashes(0, 300))
    const again = made.open()
    assert.equal(hexOf(again.rootHash(300)), hexOf(root))
    await sign(again, signerOf(1))
    assert.equal(hexOf(again.checkpoint()!.root), hexOf(root))
    assert.notDeepEqual(readFile(level, '000'), new Uint8Array(8192))
    assert.equal(hexOf(made.open({ access: 'read' }).rootHash(300)), hexOf(root))
    await assertHolds(again, names(0, 300))
  })

  it('verifies from any record on', async () => {
    const journal = made.open({ limits: smallSegments })
    await append(journal, recordsOf(0, 300))
    await sign(journal, signerOf(1))
    for (const since of [0, 1, 12, 255, 256, 299, 300, 400]) {
      const from = Math.min(since, 300)
      const verification = await verify(journal, { since })
      assert.deepEqual(verification.findings, [])
      assert.equal(verification.records, 300 - from)
      assert.equal(hexOf(verification.root!), hexOf(journal.rootHash(300)))
    }
  })
}

export function signerOf(epoch: number): NoteSigner {
  const { privateKey } = generateKeyPairSync('ed25519')
  return ed25519Signer(formatOrigin({ logId, epoch }), privateKey)
}

export async function sign(journal: Journal, signer: NoteSigner): Promise<void> {
  await journal.writerLock.hold('sign', undefined, () => {
    journal.signCheckpoint(signer)
  })
}

function checkpointTests(made: Made): void {
  it('signs the size and root, and finds it again', async () => {
    const signer = signerOf(1)
    const journal = made.open()
    await append(journal, recordsOf(0, 5))
    await sign(journal, signer)
    const stored = made.open({ access: 'read' }).checkpoint()
    assert.equal(stored?.size, 5)
    assert.equal(stored.origin, signer.name)
    assert.equal(hexOf(stored.root), hexOf(journal.rootHash(5)))
    const verdict = verifyCheckpoint(stored.bytes, [signer])
    assert.ok(verdict.state === 'ok')
    assert.equal(verdict.checkpoint.size, 5)
    assert.equal(verifyCheckpoint(stored.bytes, [signerOf(1)]).state, 'bad')
    await append(journal, recordsOf(5, 9))
    assert.equal(journal.checkpoint()?.size, 5)
    await sign(journal, signer)
    const second = journal.checkpoint()!
    assert.equal(second.size, 9)
    assert.ok(verifyConsistency(5, 9, stored.root, second.root, journal.consistency(5, 9)))
    const next = signerOf(2)
    await sign(journal, next)
    assert.equal(journal.checkpoint()?.origin, next.name)
    assert.equal(journal.checkpoint()?.size, 9)
  })

  it('needs the lock', async () => {
    const journal = made.open()
    await append(journal, recordsOf(0, 1))
    assert.throws(() => journal.signCheckpoint(signerOf(1)), throwsCode('INTERNAL'))
  })

  it('signs no second history', async () => {
    const signer = signerOf(1)
    const journal = made.open()
    await append(journal, recordsOf(0, 5))
    await sign(journal, signer)
    const foreign = journal.checkpoint()!.bytes
    journal.close()
    const runtime = made.runtime()
    runtime.removeFile('checkpoint')
    runtime.removeFile('marks')
    const segments = runtime.child('journal')!
    segments.removeFile(segments.list()[0]!.name)
    const other = made.open()
    await append(other, recordsOf(0, 6))
    other.close()
    writeFile(runtime, 'checkpoint', foreign)
    const again = made.open()
    await assert.rejects(sign(again, signer), throwsCode('DAMAGED'))
    assert.deepEqual(
      (await verify(again)).findings.map(finding => finding.code),
      ['checkpoint'],
    )
  })

  it('is damaged when it is shorter than its checkpoint', async () => {
    const journal = made.open()
    await append(journal, recordsOf(0, 5))
    const runtime = made.runtime()
    const segments = runtime.child('journal')!
    const [segment] = segments.list()
    const [shortSegment, shortMarks] = [readFile(segments, segment!.name), readFile(runtime, 'marks')]
    await append(journal, recordsOf(5, 7))
    await sign(journal, signerOf(1))
    journal.close()
    writeFile(segments, segment!.name, shortSegment)
    writeFile(runtime, 'marks', shortMarks)
    const again = made.open()
    assert.match(again.damage()!.reason, /5 records.*checkpoint 7/)
    await assert.rejects(append(again, recordsOf(5, 6)), throwsCode('DAMAGED'))
    assert.deepEqual(namesOf(again), names(0, 5))
    const codes = (await verify(again)).findings.map(finding => finding.code)
    assert.ok(codes.includes('checkpoint'))
    assert.equal(readFile(segments, segment!.name).length, shortSegment.length)
  })
}

function lockTests(made: Made): void {
  const lockOptions = { limits: { lockWaitMs: 60 } }

  it('lets one in at a time, in the order of asking', async () => {
    const journal = made.open()
    const order: string[] = []
    const work = (name: string) =>
      journal.writerLock.hold(name, undefined, async () => {
        assert.equal(journal.writerLock.held, true)
        order.push(`${name} in`)
        await made.place.host.clock.sleep(2)
        order.push(`${name} out`)
      })
    await Promise.all([work('a'), work('b'), work('c')])
    assert.deepEqual(order, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
    assert.equal(journal.writerLock.held, false)
  })

  it('tries without waiting', async () => {
    const one = made.open()
    const two = made.open()
    await one.writerLock.hold('absorb', undefined, async () => {
      const result = await two.writerLock.tryHold('open', undefined, () => 1)
      assert.equal(result.held, false)
      assert.ok(!result.held && result.holder?.includes('absorb'))
      assert.deepEqual(await one.writerLock.tryHold('open', undefined, () => 1).then(tried => tried.held), false)
    })
    assert.deepEqual(await two.writerLock.tryHold('open', undefined, () => 1), { held: true, value: 1 })
  })

  it('is released when the work throws, and its records stay', async () => {
    const journal = made.open()
    const failing = journal.writerLock.hold('put', undefined, () => {
      journal.append(recordsOf(0, 2), noPack)
      throw new RangeError('after the append')
    })
    await assert.rejects(failing, RangeError)
    await assertHolds(journal, names(0, 2))
    await append(made.open(), recordsOf(2, 3))
  })

  it('names the holder when it makes no progress', async () => {
    const one = made.open(lockOptions)
    const two = made.open(lockOptions)
    await one.writerLock.hold('snapshot create', undefined, async () => {
      await assert.rejects(append(two, [recordOf(0)]), (error: unknown) => {
        assert.ok(isSentientError(error, 'LOCKED'))
        assert.match(error.message, /snapshot create/)
        assert.match(error.message, new RegExp(`process ${made.place.host.processes.id}`))
        return true
      })
    })
  })

  it('waits as long as the holder makes progress', async () => {
    const limits = { lockWaitMs: 80, holderTouchMs: 10 }
    const one = made.open({ limits })
    const two = made.open({ limits })
    let waiting: Promise<unknown> = Promise.resolve()
    await one.writerLock.hold('absorb', undefined, async () => {
      waiting = append(two, [recordOf(0)])
      for (let i = 0; i < 15; i++) {
        await made.place.host.clock.sleep(20)
        one.writerLock.progress()
      }
    })
    await waiting
    await assertHolds(two, names(0, 1))
  })

  it('stops waiting when it is told to', async () => {
    const one = made.open()
    const two = made.open()
    const stop = new AbortController()
    await one.writerLock.hold('absorb', undefined, async () => {
      const waiting = two.writerLock.hold('put', stop.signal, () => assert.fail('got in'))
      stop.abort()
      await assert.rejects(waiting, throwsCode('CANCELLED'))
    })
    await assert.rejects(
      two.writerLock.hold('put', stop.signal, () => 1),
      throwsCode('CANCELLED'),
    )
    await append(two, [recordOf(0)])
  })

  it('notices a second writer that the lock did not stop', async () => {
    const one = made.open()
    await append(one, recordsOf(0, 2))
    await one.writerLock.hold('put', undefined, () => {
      one.append(recordsOf(2, 3), noPack)
      const segments = made.runtime().child('journal')!
      const name = segments.list()[0]!.name
      const file = segments.open(name, 'modify')
      file.write(Buffer.from('somebody else'), file.stat().size)
      file.close()
      assert.throws(() => one.append(recordsOf(3, 4), noPack), throwsCode('LOCKED'))
      assert.throws(() => one.append(recordsOf(3, 4), noPack), throwsCode('IO'))
    })
    await append(one, recordsOf(3, 4))
    await assertHolds(one, names(0, 4))
    assert.equal(made.runtime().child('torn')!.list().length, 1)
  })

  it('refuses a log id of another length', () => {
    const { host, directory } = made.place
    assert.throws(
      () => openJournal({ ...host, directory, access: 'write', logId: new Uint8Array(3) }),
      throwsCode('INTERNAL'),
    )
  })
}
