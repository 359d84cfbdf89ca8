// One flipped bit anywhere in a journal: it is found and named, nothing is cut, and the other records can be read.

import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { isSentientError } from '../../../src/core/errors.ts'
import { equalBytes } from '../../../src/core/format/bytes.ts'
import { sign, signerOf } from '../../suites/journalSuite.ts'
import { readFile, writeFile } from '../../support/host.ts'
import { filled, flip, open, place, runtime, segmentNames, segments, startAnew, torn } from './damagedPlace.ts'
import { append, names, namesOf, recordsOf, verify } from './fixtures.ts'

beforeEach(startAnew)

describe('a flipped bit', () => {
  it('in a segment is found wherever it is, and nothing is cut', async () => {
    const count = await filled(3, 2, 4)
    assert.equal(segmentNames().length, 2)
    const root = open('read').rootHash(count)
    const snapshot = place.host.disk.snapshot()
    const intacts = segmentNames().map(name => [name, readFile(segments(), name)] as const)
    for (const [name, intact] of intacts) {
      for (let bit = 0; bit < intact.length * 8; bit++) {
        // Every bit of headers and frame heads, every seventh of the rest.
        if (bit > 100 * 8 && bit % 7 !== 0) continue
        place.host.disk.restore(snapshot)
        place.directory = place.host.files.openDirectory('/')!
        writeFile(segments(), name, flip(intact, bit))
        const label = `${name} bit ${bit}`
        const journal = open()
        const { findings, root: found } = await verify(journal)
        assert.notEqual(findings.length, 0, label)
        assert.ok(findings[0]!.where.includes(name), `${label}: ${findings[0]!.where}`)
        if (found !== undefined) assert.ok(equalBytes(found, root), label)
        else assert.ok(bit < 32 * 8 || journal.damage() !== undefined, label)
        const unreadable = namesOf(journal).filter(found => found.startsWith('damaged'))
        assert.ok(unreadable.length <= (bit < 32 * 8 ? 3 : 1), `${label}: ${unreadable}`)
        const wrote = await append(journal, recordsOf(count, count + 1)).then(
          () => true,
          error => {
            assert.ok(isSentientError(error, 'DAMAGED'), `${label}: ${error}`)
            return false
          },
        )
        const after = readFile(segments(), name)
        assert.deepEqual(after.subarray(0, intact.length), flip(intact, bit), label)
        assert.deepEqual(torn(), [], label)
        if (!wrote) assert.notEqual(open('read').damage(), undefined, label)
        journal.close()
      }
    }
  })

  it('in the marks is found, and the records do not suffer', async () => {
    const count = await filled(3, 2, 4)
    const intact = readFile(runtime(), 'marks')
    const snapshot = place.host.disk.snapshot()
    for (let bit = 0; bit < intact.length * 8; bit++) {
      const inSlot = bit % (4096 * 8) < 512 * 8
      // Every bit of the fields, some of what must be zero.
      const isField = bit % (4096 * 8) < 112 * 8
      if (!isField && bit % (inSlot ? 37 : 997) !== 0) continue
      place.host.disk.restore(snapshot)
      place.directory = place.host.files.openDirectory('/')!
      writeFile(runtime(), 'marks', flip(intact, bit))
      const label = `bit ${bit}`
      const reader = open('read')
      assert.deepEqual(namesOf(reader), names(0, count), label)
      const { findings } = await verify(reader)
      assert.deepEqual([...new Set(findings.map(({ code }) => code))], ['marks'], label)
      const journal = open()
      await append(journal, recordsOf(count, count + 1))
      await append(journal, recordsOf(count + 1, count + 2))
      assert.deepEqual(namesOf(journal), names(0, count + 2), label)
      assert.deepEqual(torn(), [], label)
      if (inSlot) assert.deepEqual((await verify(journal)).findings, [], label)
      journal.close()
      reader.close()
    }
  })

  it('in the checkpoint is found by verification or by its signature', async () => {
    await filled(3, 2)
    const journal = open()
    const signer = signerOf(1)
    await sign(journal, signer)
    const intact = readFile(runtime(), 'checkpoint')
    const text = Buffer.from(intact).toString('utf8')
    const signatureAt = text.indexOf('\n\n') + 2
    for (let bit = 0; bit < intact.length * 8; bit++) {
      writeFile(runtime(), 'checkpoint', flip(intact, bit))
      const { findings } = await verify(open('read'))
      // The origin and the signature are judged by who has the keys.
      const judgedHere = bit >> 3 > text.indexOf('\n') && bit >> 3 < signatureAt - 1
      if (judgedHere)
        assert.ok(
          findings.some(({ code }) => code === 'checkpoint' || code === 'tile'),
          `bit ${bit}`,
        )
    }
  })

  it('in a tile is found', async () => {
    await filled(255, 3)
    const journal = open()
    await sign(journal, signerOf(1))
    const home = runtime().child('tile')!.child('0')!
    const intact = readFile(home, '000')
    for (const bit of [0, 1234, 8192 * 8 - 1]) {
      writeFile(home, '000', flip(intact, bit))
      const { findings } = await verify(open('read'))
      assert.deepEqual(
        findings.map(({ code, where }) => `${code} ${where}`),
        ['tile tile/0/000'],
      )
    }
    home.removeFile('000')
    assert.match((await verify(open('read'))).findings[0]!.reason, /missing/)
  })
})
