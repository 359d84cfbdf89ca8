// Consistency files, their use as evidence of a fork, and cosignatures: what verifies, what is refused, and that no
// flipped bit goes unseen.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatOrigin, signCheckpoint, verifyCheckpoint } from '../../../src/core/format/checkpoint.ts'
import {
  consistencyFileOf,
  encodeConsistency,
  parseConsistency,
  verifyConsistencyFile,
} from '../../../src/core/format/consistency.ts'
import {
  cosign,
  cosignedAt,
  ed25519Cosigner,
  formatCosignerKey,
  parseCosignerKey,
} from '../../../src/core/format/cosignature.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import { consistencyPath, rootAt } from '../../../src/core/format/merkle.ts'
import { ed25519Signer, parseVerifierKey, verifyNote } from '../../../src/core/format/note.ts'
import { flips } from './arbitraries.ts'
import { fileOf, makeLog, origin, signer, verdictOf } from './consistencyLogs.ts'

const otherOrigin = formatOrigin({ logId: Uint8Array.from({ length: 16 }, (_, i) => i), epoch: 1 })
const otherSigner = ed25519Signer(otherOrigin, generateKeyPairSync('ed25519').privateKey)
const witness = ed25519Cosigner('witness.example/w1', generateKeyPairSync('ed25519').privateKey)

test('any two sizes of one log are consistent, and the file comes back', () => {
  const log = makeLog(40)
  for (let newSize = 1; newSize <= 40; newSize++) {
    for (let oldSize = 0; oldSize <= newSize; oldSize += 3) {
      const bytes = fileOf(log, oldSize, log, newSize, oldSize % 2 === 0)
      const verdict = verdictOf(bytes)
      assert.equal(verdict.state, 'consistent', `${oldSize} to ${newSize}`)
      if (verdict.state !== 'consistent') continue
      assert.deepEqual(
        [verdict.old.size, verdict.checkpoint.size, verdict.oldSigned],
        [oldSize, newSize, oldSize % 2 === 0],
      )
      assert.deepEqual(encodeConsistency(parseConsistency(bytes)), bytes)
    }
  }
})

test('two branches that one key signed are a fork, wherever they part', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(40), fc.nat(1000), (oldSize, more, at) => {
      const forkedAt = at % oldSize
      const [one, two] = [makeLog(oldSize), makeLog(oldSize + more, 'b', forkedAt)]
      const verdict = verdictOf(fileOf(one, oldSize, two, oldSize + more))
      assert.equal(verdict.state, 'fork')
      // Without the older checkpoint nobody can tell who made up its root.
      assert.equal(verdictOf(fileOf(one, oldSize, two, oldSize + more, false)).state, 'bad')
    }),
  )
})

test('no made-up proof makes a fork of one history', () => {
  const log = makeLog(20)
  const file = parseConsistency(fileOf(log, 7, log, 20))
  const wrongPath = encodeConsistency({ ...file, path: file.path.map(() => new Uint8Array(32)) })
  assert.equal(verdictOf(wrongPath).state, 'bad')
  assert.equal(verdictOf(encodeConsistency({ ...file, found: file.oldRoot })).state, 'bad')
  assert.equal(verdictOf(encodeConsistency({ ...file, found: new Uint8Array(32) })).state, 'bad')
  const otherOld = encodeConsistency({ ...file, oldRoot: new Uint8Array(32), found: file.oldRoot })
  assert.equal(verdictOf(otherOld).state, 'bad')
})

test('checkpoints of two keys never make a fork; a later epoch goes on from an earlier one', () => {
  const log = makeLog(20)
  const [good, bad] = [log, makeLog(20, 'b', 3)].map(newer =>
    consistencyFileOf({
      old: { size: 7, root: rootAt(7, log.hashAt) },
      oldNote: log.note(7),
      newNote: signCheckpoint({ origin: otherOrigin, size: 20, root: rootAt(20, newer.hashAt) }, otherSigner),
      path: consistencyPath(7, 20, newer.hashAt),
      found: rootAt(7, newer.hashAt),
    }),
  )
  assert.equal(verifyConsistencyFile(good!, [signer, otherSigner]).state, 'consistent')
  assert.deepEqual(verifyConsistencyFile(bad!, [signer, otherSigner]), {
    state: 'bad',
    reason: 'the checkpoints are of two logs',
  })
  assert.equal(verifyConsistencyFile(good!, [signer]).state, 'bad')
})

test('whatever is glued together of parts of such files is refused, or is such a file', () => {
  const [one, two] = [makeLog(9), makeLog(13, 'b', 4)]
  const lines = [fileOf(one, 5, one, 9), fileOf(one, 9, two, 13)].flatMap(bytes =>
    Buffer.from(bytes).toString().split('\n'),
  )
  const part = fc.constantFrom(...lines, '', ' ', 'old 5', `found ${'A'.repeat(43)}=`, 'old 05 x')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), parts => {
      const bytes = Buffer.from([lines[0], ...parts].join('\n'))
      try {
        assert.deepEqual(Buffer.from(encodeConsistency(parseConsistency(bytes))), bytes)
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error))
      }
      verdictOf(bytes)
    }),
    { numRuns: 1000 },
  )
})

test('a cosigned checkpoint is good for both keys, and says when', () => {
  const note = makeLog(5).note(5)
  const cosigned = cosign(note, witness, 1_679_315_147)
  assert.equal(verifyCheckpoint(cosigned, [signer]).state, 'ok')
  assert.equal(cosignedAt(cosigned, witness), 1_679_315_147)
  assert.equal(cosignedAt(note, witness), undefined)
  const again = cosign(cosigned, witness, 1_679_315_999)
  assert.equal(cosignedAt(again, witness), 1_679_315_999)
  assert.equal(again.length, cosigned.length)
  const key = parseCosignerKey(formatCosignerKey(witness))
  assert.equal(cosignedAt(again, key), 1_679_315_999)
  assert.throws(() => parseVerifierKey(formatCosignerKey(witness)), FormatError)
  assert.throws(() => cosign(note, witness, 1.5), FormatError)
  assert.throws(() => cosign(note, witness, -1), FormatError)
})

function cosignedOrRefused(bytes: Uint8Array): number | undefined {
  try {
    return cosignedAt(bytes, witness)
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

test('a cosignature counts only for its own text, time and key', () => {
  const cosigned = cosign(makeLog(5).note(5), witness, 1_679_315_147)
  const text = Buffer.from(cosigned).toString()
  const [, own = ''] = /(— witness[^\n]*\n)/.exec(text) ?? []
  assert.equal(cosignedAt(makeLog(6).note(6), witness), undefined)
  const moved = Buffer.concat([makeLog(6).note(6), Buffer.from(own)])
  assert.equal(cosignedAt(moved, witness), undefined)
  assert.equal(cosignedAt(Buffer.from(text + own), witness), undefined, 'two lines of one key')
  const start = Buffer.from(cosigned).indexOf(own)
  for (const { bytes: flipped, bit } of flips(cosigned)) {
    if (bit < start * 8) continue
    assert.equal(cosignedOrRefused(flipped), undefined, `bit ${bit}`)
  }
})

test('the key of a witness verifies no notes, and the key of a log no cosignatures', () => {
  const note = makeLog(5).note(5)
  const cosigned = cosign(note, ed25519Cosigner(origin, generateKeyPairSync('ed25519').privateKey), 1)
  assert.equal(cosignedAt(cosigned, signer), undefined)
  assert.equal(verifyNote({ text: 'x\n', signatures: [] }, [witness]).state, 'bad')
})
