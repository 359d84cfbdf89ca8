// Searching a journal for the few records that hold certain bytes finds what reading all of it finds: in both
// directions, from anywhere to anywhere, over segments, frames of every size and damaged ones.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bytesOfKey, bytesOfSubject, bytesOfText } from '../../../src/core/format/bodyBytes.ts'
import { encodeFrame, frameSeed, segmentFileName, segmentHeaderBytes } from '../../../src/core/format/frame.ts'
import { dagLink } from '../../../src/core/format/id.ts'
import { type Body, bodyHash, encodeBody, encodeEnvelope, zeroHash } from '../../../src/core/format/record.ts'
import type { Host } from '../../../src/core/host/host.ts'
import type { Journal, JournalRecord, NewRecord, RecordRange } from '../../../src/core/journal/journal.ts'
import { createTestHost } from '../../support/host.ts'
import { append, type JournalPlace, logId, openTest, rootOf } from './fixtures.ts'

const permit = { effect: 'permit', bundle: null, rule: '' } as const

/** One of several kinds of records, the rare ones rarely. */
function mixedRecord(i: number, padding = 0): NewRecord {
  const base = { actor: i % 5 === 0 ? 'box:web' : 'owner', decision: permit }
  const fields = padding > 0 ? { padding: new Uint8Array(padding).fill(i) } : undefined
  const body: Body =
    i % 37 === 3
      ? { ...base, action: 'snapshot', subject: { kind: 'snapshot', id: `s${i}` }, fields: { ...fields, n: i } }
      : i % 23 === 7
        ? { ...base, action: 'rollback', subject: { kind: 'file', id: '' }, changes: dagLink(rootOf(i)) }
        : { ...base, action: 'put', subject: { kind: 'file', id: `home/f${i % 11}` }, ...(fields && { fields }) }
  return { root: rootOf(i), body }
}

interface Question {
  readonly wanted: Uint8Array
  readonly fits: (record: JournalRecord) => boolean
}

const questions: readonly Question[] = [
  { wanted: bytesOfSubject('snapshot'), fits: ({ body }) => body?.subject.kind === 'snapshot' },
  { wanted: bytesOfSubject('file', 'home/f1'), fits: ({ body }) => body?.subject.id === 'home/f1' },
  { wanted: bytesOfKey('changes'), fits: ({ body }) => body?.changes !== undefined },
  { wanted: bytesOfText('actor', 'box:web'), fits: ({ body }) => body?.actor === 'box:web' },
  { wanted: bytesOfText('action', 'gc'), fits: ({ body }) => body?.action === 'gc' },
]

const memoryPlace = (): JournalPlace & { readonly host: Host & { exit(): void } } => {
  const host = createTestHost()
  return { host, directory: host.files.openDirectory('/')! }
}

const intactRecords = (journal: Journal, range: RecordRange): JournalRecord[] =>
  [...journal.records(range)].flatMap(result => (result.state === 'intact' ? [result.record] : []))

const fitting = (records: readonly JournalRecord[], { fits }: Question): number[] =>
  records.filter(fits).map(({ seq }) => seq)

const naive = (journal: Journal, range: RecordRange, asked: Question): number[] =>
  fitting(intactRecords(journal, range), asked)

function searched(journal: Journal, range: RecordRange, { wanted, fits }: Question): number[] {
  const found: number[] = []
  const to = Math.min(range.to ?? Number.POSITIVE_INFINITY, journal.head().size)
  let at = range.reverse ? to : range.from
  for (const result of journal.search(range, [wanted])) {
    const seq = result.state === 'intact' ? result.record.seq : result.seq
    assert.ok(range.reverse ? seq <= at : seq >= at, `${result.state} ${seq} comes after ${at}`)
    at = seq
    if (result.state === 'intact' && fits(result.record)) found.push(seq)
  }
  return found
}

/** A journal of several segments with some frames that fill them nearly alone. */
async function mixedJournal(place: JournalPlace, count: number, limits = { segmentBytesMax: 40_000 }) {
  const journal = openTest(place, { limits })
  for (let from = 0; from < count; from += 50) {
    const records = Array.from({ length: Math.min(50, count - from) }, (_, k) =>
      mixedRecord(from + k, (from + k) % 97 === 0 ? 20_000 : 0),
    )
    await append(journal, records)
  }
  return journal
}

const ranges = fc.record({ from: fc.nat(620), to: fc.nat(620), reverse: fc.boolean(), question: fc.nat(4) })

describe('search', () => {
  it('finds what reading everything finds, from anywhere to anywhere', async () => {
    const place = memoryPlace()
    const journal = await mixedJournal(place, 600)
    for (const opened of [journal, openTest(place, { access: 'read', underived: true })]) {
      fc.assert(
        fc.property(ranges, ({ from, to, reverse, question }) => {
          const range = { from, to, reverse }
          const asked = questions[question]!
          assert.deepEqual(searched(opened, range, asked), naive(opened, range, asked))
        }),
        { numRuns: 150 },
      )
      opened.close()
    }
    place.host.exit()
  })

  it('reads frames longer than its buffer', async () => {
    const place = memoryPlace()
    const journal = openTest(place)
    const sizes = [0, 700_000, 0, 1_040_000, 1_040_000, 3, 900_000]
    await append(
      journal,
      sizes.map((padding, i) => mixedRecord(i * 37 + 3, padding)),
    )
    for (const reverse of [false, true]) {
      const range = { from: 0, reverse }
      assert.equal(searched(journal, range, questions[0]!).length, sizes.length)
      assert.deepEqual(searched(journal, range, questions[2]!), [])
    }
    journal.close()
    place.host.exit()
  })

  it('finds what is whole around one damaged byte', async () => {
    const place = memoryPlace()
    const writer = await mixedJournal(place, 300, { segmentBytesMax: 1 << 20 })
    writer.close()
    const directory = place.directory.child('.runtime')!.child('journal')!
    const file = directory.open(segmentFileName(0), 'modify')
    const { size } = file.stat()
    fc.assert(
      fc.property(
        fc.integer({ min: segmentHeaderBytes, max: size - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, mask) => {
          const byte = Buffer.alloc(1)
          file.read(byte, 0, 1, at)
          file.write(Buffer.from([byte[0]! ^ mask]), at)
          // The end is damaged as well as the middle: to read from the end takes the marks' word for it.
          const journal = openTest(place, { access: 'read', underived: at % 2 === 0 })
          for (const reverse of [false, true]) {
            const range = { from: 0, reverse }
            const all = intactRecords(journal, range)
            for (const asked of questions.slice(0, 3)) {
              assert.deepEqual(searched(journal, range, asked), fitting(all, asked), `byte ${at}`)
            }
          }
          journal.close()
          file.write(byte, at)
        },
      ),
      { numRuns: 150 },
    )
    file.close()
    directory.close()
    place.host.exit()
  })

  it('is not deceived by a frame within a body', async () => {
    const place = memoryPlace()
    const journal = openTest(place)
    const inner: Body = { actor: 'owner', action: 'snapshot', subject: { kind: 'snapshot', id: 'x' }, decision: permit }
    const salt = new Uint8Array(16)
    const bodyBytes = encodeBody(inner)
    const envelope = { seq: 2, time: 1, root: rootOf('x'), prev: zeroHash, bodyHash: bodyHash(salt, bodyBytes) }
    const parts = { envelopeBytes: encodeEnvelope(envelope), body: { salt, bodyBytes }, base: segmentHeaderBytes }
    const frame = encodeFrame(parts, frameSeed(logId))
    const carrier = mixedRecord(1)
    await append(journal, [
      mixedRecord(0),
      { ...carrier, body: { ...carrier.body, fields: { frame } } },
      mixedRecord(3),
      mixedRecord(4),
    ])
    for (const reverse of [false, true]) assert.deepEqual(searched(journal, { from: 0, reverse }, questions[0]!), [2])
    journal.close()
    place.host.exit()
  })

  it('passes over the rest and says how far it came', async () => {
    const place = memoryPlace()
    const journal = openTest(place)
    await append(
      journal,
      Array.from({ length: 400 }, (_, i) => mixedRecord(i * 37 + 4, 10_000)),
    )
    for (const reverse of [false, true]) {
      const steps = [...journal.search({ from: 0, reverse }, [bytesOfSubject('snapshot')])]
      assert.ok(steps.every(step => step.state === 'passed'))
      assert.ok(steps.length >= 4 && steps.length < 20, `${steps.length} steps for 4 MB`)
      assert.equal((steps.at(-1) as { seq: number }).seq, reverse ? 0 : 400)
    }
    journal.close()
    place.host.exit()
  })
})
