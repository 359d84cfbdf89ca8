// What only verification can see: records with valid checksums that somebody else put there, bodies that are missing,
// and what it does while the journal is long.

import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { encodeFrame, frameSeed, segmentHeaderBytes } from '../../../src/core/format/frame.ts'
import {
  type Body,
  bodyHash,
  decodeBody,
  decodeEnvelope,
  type Envelope,
  encodeBody,
  encodeEnvelope,
} from '../../../src/core/format/record.ts'
import type { Directory } from '../../../src/core/host/host.ts'
import type { Journal, JournalRecord } from '../../../src/core/journal/journal.ts'
import { createTestHost, readFile, type TestHost, writeFile } from '../../support/host.ts'
import { append, framesOf, logId, names, namesOf, openTest, recordOf, recordsOf, rootOf, verify } from './fixtures.ts'

const limits = { segmentBytesMax: 1600 }

let host: TestHost
let directory: Directory
beforeEach(() => {
  host = createTestHost()
  directory = host.files.openDirectory('/')!
})

const open = (access: 'read' | 'write' = 'write'): Journal => openTest({ host, directory }, { access, limits })
const segments = (): Directory => directory.child('.runtime')!.child('journal')!
const firstSegment = (): string =>
  segments()
    .list()
    .map(({ name }) => name)
    .sort()[0]!

interface Forged {
  envelope: Envelope
  body: Body | null
  salt: Uint8Array
}

/** Writes the first segment anew with other frames, whose checksums and body hashes are right unless `raw` says so. */
function forge(change: (records: Forged[]) => Forged[], keepHashes = false): void {
  const name = firstSegment()
  const bytes = readFile(segments(), name)
  const records = framesOf(bytes).map(({ envelopeBytes, salt, bodyBytes }): Forged => {
    const body = bodyBytes === null ? null : decodeBody(bodyBytes)
    return { envelope: decodeEnvelope(envelopeBytes), body, salt: salt ?? new Uint8Array(16) }
  })
  const frames = change(records).map(({ envelope, body, salt }) => {
    const bodyBytes = body === null ? null : encodeBody(body)
    const hash = bodyBytes === null || keepHashes ? envelope.bodyHash : bodyHash(salt, bodyBytes)
    const envelopeBytes = encodeEnvelope({ ...envelope, bodyHash: hash })
    const parts = { envelopeBytes, body: bodyBytes && { salt, bodyBytes }, base: segmentHeaderBytes }
    return encodeFrame(parts, frameSeed(logId))
  })
  writeFile(segments(), name, Buffer.concat([bytes.subarray(0, segmentHeaderBytes), ...frames]))
}

async function findings(options = {}): Promise<string[]> {
  const journal = open('read')
  const verification = await verify(journal, options)
  journal.close()
  return verification.findings.map(({ code, seq }) => `${code} ${seq}`)
}

describe('a forged record', () => {
  beforeEach(async () => {
    const journal = open()
    for (let at = 0; at < 12; at += 4) await append(journal, recordsOf(at, at + 4))
    journal.close()
    assert.deepEqual(await findings(), [])
  })

  it('with another body breaks the chain behind it', async () => {
    forge(([first, second, ...rest]) => [first!, { ...second!, body: { ...second!.body!, actor: 'nobody' } }, ...rest])
    assert.deepEqual(await findings(), ['chain 2'])
    assert.deepEqual(await findings({ since: 2 }), ['chain 2'])
    assert.deepEqual(await findings({ since: 3 }), [])
  })

  it('with a body that its envelope does not name is damaged', async () => {
    forge(
      ([first, second, ...rest]) => [first!, { ...second!, body: { ...second!.body!, actor: 'nobody' } }, ...rest],
      true,
    )
    assert.deepEqual(await findings(), ['body 1'])
    const journal = open('read')
    assert.equal(journal.read(1).state, 'damaged')
    assert.deepEqual(namesOf(journal, { from: 0, to: 3 }), ['0', 'damaged 1', '2'])
    assert.deepEqual(namesOf(journal, { from: 0, to: 3, reverse: true }), ['2', 'damaged 1', '0'])
  })

  it('with an earlier time that is not marked is named', async () => {
    forge(([first, second, ...rest]) => [first!, { ...second!, envelope: { ...second!.envelope, time: 5 } }, ...rest])
    assert.deepEqual(await findings(), ['time 1', 'chain 2'])
  })

  it('that was left out is named, and one that was put in', async () => {
    forge(([first, , ...rest]) => [first!, ...rest])
    assert.deepEqual(await findings(), ['sequence 1'])
    const journal = open('read')
    assert.deepEqual(namesOf(journal, { from: 0, to: 4 }), ['0', 'damaged 1', '2', '3'])
    assert.deepEqual(namesOf(journal, { from: 0, to: 4, reverse: true }), ['3', '2', 'damaged 1', '0'])
  })

  it('that stands twice is named', async () => {
    forge(([first, second, ...rest]) => [first!, second!, second!, ...rest])
    assert.deepEqual(await findings(), ['sequence 2'])
    assert.deepEqual(namesOf(open('read')), names(0, 12))
  })

  it('behind the last of a segment is named', async () => {
    forge(records => [...records, { ...records.at(-1)!, envelope: { ...records.at(-1)!.envelope, seq: 900 } }])
    const [only] = await findings()
    assert.match(only!, /^frame/)
  })
})

describe('a forgotten body', () => {
  const forget = (...seqs: number[]): void =>
    forge(records => records.map(record => (seqs.includes(record.envelope.seq) ? { ...record, body: null } : record)))

  it('is legal when a record lists it', async () => {
    const journal = open()
    for (let at = 0; at < 12; at += 4) await append(journal, recordsOf(at, at + 4))
    const root = journal.rootHash(12)
    forget(1, 2, 3)
    assert.deepEqual(await findings(), ['forgotten 1', 'forgotten 2', 'forgotten 3'])
    const listing = { ...recordOf('forget').body, action: 'forget', subject: { kind: 'journal', id: 'journal' } }
    await append(journal, [{ root: rootOf(0), body: { ...listing, fields: { records: [1, [2, 3]] } } }])
    assert.deepEqual(await findings(), ['forgotten 3'])
    await append(journal, [{ root: rootOf(0), body: { ...listing, fields: { records: [3] } } }])
    const verification = await verify(journal)
    assert.deepEqual(verification.findings, [])
    assert.equal(verification.forgotten, 3)
    assert.deepEqual(journal.rootHash(12), root)
    const result = journal.read(2)
    assert.ok(result.state === 'intact')
    assert.equal(result.record.body, undefined)
    assert.deepEqual(namesOf(journal, { from: 0, to: 5 }), ['0', 'forgotten 1', 'forgotten 2', 'forgotten 3', '4'])
  })
})

describe('verification', () => {
  it('shows each record to who asks, in order', async () => {
    const journal = open()
    for (let at = 0; at < 30; at += 5) await append(journal, recordsOf(at, at + 5))
    const seen: JournalRecord[] = []
    await verify(journal, { since: 7, each: record => seen.push(record) })
    assert.deepEqual(
      seen.map(({ seq, body }) => [seq, body?.subject.id]),
      Array.from({ length: 23 }, (_, i) => [i + 7, `home/notes/${i + 7}`]),
    )
  })

  it('tells how far it is, gives way, and can be cancelled', async () => {
    const journal = open()
    await append(journal, recordsOf(0, 3000))
    let turns = 0
    let running = true
    const count = (): void => {
      turns++
      if (running) setImmediate(count)
    }
    count()
    const stop = new AbortController()
    const work = journal.verify({ signal: stop.signal })
    const steps: number[] = []
    for (;;) {
      host.clock.advance(3)
      const step = await work.next()
      if (step.done) break
      assert.equal(step.value.phase, 'journal')
      assert.equal(step.value.total, 3000)
      steps.push(step.value.done)
    }
    running = false
    assert.deepEqual(
      steps,
      steps.toSorted((a, b) => a - b),
    )
    assert.equal(steps.at(-1), 3000)
    assert.ok(turns > 1)
    stop.abort()
    await assert.rejects(verify(journal, { signal: stop.signal }), { code: 'CANCELLED' })
  })

  it('keeps a bounded number of findings and counts the rest', async () => {
    const journal = openTest({ host, directory }, { limits: { ...limits, findingsMax: 2 } })
    await append(journal, recordsOf(0, 5))
    forge(records => records.map(record => ({ ...record, body: null })))
    const { findings: kept, findingsOmitted } = await verify(journal)
    assert.equal(kept.length, 2)
    assert.equal(kept.length + findingsOmitted, 5)
  })
})
