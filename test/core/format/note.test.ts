// Signed notes, checkpoints, inclusion files and recycle.lock: published answers, round trips, refusals, and that no
// flipped bit goes unseen.

import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOfHex, hexOf } from '../../../src/core/format/bytes.ts'
import {
  type Checkpoint,
  formatCheckpoint,
  formatOrigin,
  parseCheckpoint,
  parseOrigin,
  signCheckpoint,
  verifyCheckpoint,
} from '../../../src/core/format/checkpoint.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import { objectId } from '../../../src/core/format/id.ts'
import { encodeInclusion, parseInclusion, verifyInclusionFile } from '../../../src/core/format/inclusion.ts'
import { compactRange, type HashAt, inclusionPath, leafHash, rootAt } from '../../../src/core/format/merkle.ts'
import {
  ed25519Ok,
  ed25519Signer,
  formatVerifierKey,
  noteKeyId,
  parseNote,
  parseVerifierKey,
  sameVerifierKey,
  signNote,
  verifyNote,
} from '../../../src/core/format/note.ts'
import { encodeEnvelope, zeroHash } from '../../../src/core/format/record.ts'
import {
  formatSnapshotList,
  isSnapshotName,
  type ListedSnapshot,
  parseSnapshotList,
  parseSnapshotNote,
  type SnapshotList,
  signSnapshotList,
} from '../../../src/core/format/recycleLock.ts'
import { flips, hash32 } from './arbitraries.ts'

function keyOf(seedHex: string): KeyObject {
  return createPrivateKey({
    key: Buffer.from(`302e020100300506032b657004220420${seedHex}`, 'hex'),
    format: 'der',
    type: 'pkcs8',
  })
}

const logId = Uint8Array.from({ length: 16 }, (_, i) => 200 + i)
const origin = formatOrigin({ logId, epoch: 3 })
const signer = ed25519Signer(origin, keyOf('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'))
const other = ed25519Signer('other.example/log', generateKeyPairSync('ed25519').privateKey)
const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

test('RFC 8032, test 1: the key, and its signature of nothing', () => {
  assert.equal(hexOf(signer.publicKey), 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
  const signature = bytesOfHex(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  )
  assert(ed25519Ok(signer.publicKey, new Uint8Array(0), signature))
  assert.equal(hexOf(signer.sign(new Uint8Array(0))), hexOf(signature))
  assert(!ed25519Ok(signer.publicKey, Uint8Array.of(0), signature))
  assert(!ed25519Ok(signer.publicKey, new Uint8Array(0), signature.subarray(1)))
})

test('the example note of the Go package golang.org/x/mod/sumdb/note verifies', () => {
  const key = parseVerifierKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')
  const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
  const line =
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
  const note = parseNote(utf8(`${text}\n${line}`))
  assert.equal(note.text, text)
  assert.deepEqual(verifyNote(note, [key]), { state: 'ok', keys: [key] })
  assert.equal(formatVerifierKey(key), 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')
})

test('verifier keys are read in their one spelling', () => {
  const text = formatVerifierKey(signer)
  assert(sameVerifierKey(parseVerifierKey(text), signer))
  assert.equal(noteKeyId(signer.name, signer.publicKey), signer.keyId)
  const [name, id, key] = text.split('+') as [string, string, string]
  const bad = [
    `${name}+${id}`,
    `+${id}+${key}`,
    `${name}+00000000+${key}`,
    `${name}+${id}+${key.slice(4)}`,
    `${name}+${id}+Ag${key.slice(2)}`,
    `${name} +${id}+${key}`,
    `${name}+${id}+${key}=`,
    '',
  ]
  for (const one of bad) assert.throws(() => parseVerifierKey(one), FormatError, one)
})

test('notes are verified by whom they name', () => {
  const note = parseNote(signNote('text\n\nmore\n', other, signer))
  assert.equal(note.text, 'text\n\nmore\n')
  assert.deepEqual(
    note.signatures.map(({ name }) => name),
    [other.name, signer.name],
  )
  assert.equal(verifyNote(note, [signer]).state, 'ok')
  assert.equal(verifyNote(note, [signer, other]).state, 'ok')
  assert.deepEqual(verifyNote(note, []), { state: 'bad', reason: 'no signature of a known key' })
  const stranger = ed25519Signer(signer.name, generateKeyPairSync('ed25519').privateKey)
  assert.equal(verifyNote(note, [stranger]).state, 'bad')
  const forged = { text: 'other\n', signatures: note.signatures }
  assert.match(JSON.stringify(verifyNote(forged, [signer])), /wrong signature/)
  const twice = { text: note.text, signatures: [...note.signatures, ...note.signatures] }
  assert.match(JSON.stringify(verifyNote(twice, [signer])), /two signatures/)
})

test('texts that are no notes', () => {
  const line = '— name AAAAAAE=\n'
  assert.equal(parseNote(utf8(`t\n\n${line}`)).signatures.length, 1)
  const bad = [
    '',
    't\n',
    `t\n${line}`,
    `t\n\n`,
    `\n\n${line}`,
    `t\n\n${line}x`,
    `t\n\n${line}\n`,
    `t\n\n- name AAAAAAE=\n`,
    `t\n\n— name AAAAAA==\n`,
    `t\n\n— na+me AAAAAAE=\n`,
    `t\n\n— name  AAAAAAE=\n`,
    `t\n\n— name AAAAAAE\n`,
    `t\r\n\n${line}`,
    `t\x00\n\n${line}`,
    `t\n\n${line.slice(0, -1)}`,
    `t\n\n${line.repeat(65)}`,
  ]
  for (const one of bad) assert.throws(() => parseNote(utf8(one)), FormatError, JSON.stringify(one))
  assert.throws(() => parseNote(Buffer.concat([Buffer.of(0xff), utf8(`t\n\n${line}`)])), FormatError)
  assert.throws(() => parseNote(utf8(`${'t'.repeat(1_000_000)}\n\n${line}`)), /limit/)
  for (const text of ['no newline', '', '\n', 'tab\t\n', 'lone \ud800\n'])
    assert.throws(() => signNote(text, signer), FormatError)
  assert.throws(() => signNote('text\n'), FormatError)
})

const checkpoint: fc.Arbitrary<Checkpoint> = fc.record(
  { origin: fc.constant(origin), size: fc.maxSafeNat(), root: hash32 },
  { noNullPrototype: true },
)

test('checkpoints come back and verify', () => {
  fc.assert(
    fc.property(checkpoint, one => {
      assert.deepEqual(parseCheckpoint(formatCheckpoint(one)), one)
      assert.deepEqual(verifyCheckpoint(signCheckpoint(one, signer), [signer]), { state: 'ok', checkpoint: one })
    }),
    { numRuns: 50 },
  )
})

test('every flipped bit of a checkpoint is seen', () => {
  const bytes = signCheckpoint({ origin, size: 5, root: leafHash(utf8('x')) }, signer)
  for (const { bytes: flipped, bit } of flips(bytes))
    assert.equal(verifyCheckpoint(flipped, [signer]).state, 'bad', `bit ${bit}`)
})

test('texts that are no checkpoints', () => {
  const root = 'A'.repeat(43)
  parseCheckpoint(`o\n0\n${root}=\n`)
  const bad = [
    '',
    'o\n0\n',
    `o\n00\n${root}=\n`,
    `o\n-1\n${root}=\n`,
    `o\n9007199254740992\n${root}=\n`,
    `o\n0\n${root}\n`,
    `o\n0\n${root}=`,
    `o\n0\n${root}=\nextension\n`,
    `\n0\n${root}=\n`,
    `o\n0\n${'A'.repeat(42)}E=\n`.replace('E=', '=='),
    `o\n 0\n${root}=\n`,
  ]
  for (const one of bad) assert.throws(() => parseCheckpoint(one), FormatError, JSON.stringify(one))
  assert.throws(() => signCheckpoint({ origin, size: 1, root: zeroHash }, other), FormatError)
  assert.throws(() => formatCheckpoint({ origin, size: -1, root: zeroHash }), FormatError)
  const byOther = signNote(formatCheckpoint({ origin, size: 1, root: zeroHash }), other)
  assert.equal(verifyCheckpoint(byOther, [other]).state, 'bad')
})

test('origins', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(999_999), (logId, epoch) =>
      assert.deepEqual(parseOrigin(formatOrigin({ logId, epoch })), { logId, epoch }),
    ),
  )
  const [domain, id] = origin.split('/') as [string, string]
  for (const bad of [
    '',
    domain,
    `${domain}/${id}`,
    `${domain}/${id}/01`,
    `${domain}/${id}/1/2`,
    `${domain}/${id.toUpperCase()}/1`,
    `${domain}/${id}/1000000`,
    `example.org/${id}/1`,
    `${domain}/${id.slice(2)}/1`,
  ]) {
    assert.throws(() => parseOrigin(bad), FormatError, bad)
  }
  assert.throws(() => formatOrigin({ logId, epoch: 1_000_000 }), FormatError)
})

/** A small log with its checkpoint. */
function makeLog(size: number): { envelopes: Uint8Array[]; hashAt: HashAt; note: Uint8Array } {
  const hashes = new Map<string, Uint8Array>()
  const range = compactRange({ completed: (level, index, hash) => hashes.set(`${level}/${index}`, hash) })
  let prev: Uint8Array = zeroHash
  const envelopes = Array.from({ length: size }, (_, seq) => {
    const bytes = encodeEnvelope({
      seq,
      time: seq,
      root: objectId(utf8(`${seq}`)),
      prev,
      bodyHash: leafHash(utf8(`${seq}`)),
    })
    prev = leafHash(bytes)
    range.push(prev)
    return bytes
  })
  const hashAt: HashAt = (level, index) => hashes.get(`${level}/${index}`)!
  return { envelopes, hashAt, note: signCheckpoint({ origin, size, root: rootAt(size, hashAt) }, signer) }
}

test('inclusion files verify with nothing but themselves and the key', () => {
  for (const size of [1, 2, 7, 20]) {
    const { envelopes, hashAt, note } = makeLog(size)
    for (const [index, envelopeBytes] of envelopes.entries()) {
      const file = { index, envelopeBytes, path: inclusionPath(size, index, hashAt), checkpointNote: note }
      const bytes = encodeInclusion(file)
      const parsed = parseInclusion(bytes)
      assert.equal(hexOf(encodeInclusion(parsed)), hexOf(bytes))
      const verdict = verifyInclusionFile(bytes, [signer])
      assert(verdict.state === 'ok', JSON.stringify(verdict))
      assert.equal(verdict.envelope.seq, index)
      assert.equal(verdict.checkpoint.size, size)
      assert.equal(verifyInclusionFile(bytes, [other]).state, 'bad')
      const wrong = encodeInclusion({ ...file, index: (index + 1) % size })
      assert.equal(verifyInclusionFile(wrong, [signer]).state, size === 1 ? 'ok' : 'bad')
    }
  }
})

test('every flipped bit of an inclusion file is seen', () => {
  const { envelopes, hashAt, note } = makeLog(3)
  const bytes = encodeInclusion({
    index: 1,
    envelopeBytes: envelopes[1]!,
    path: inclusionPath(3, 1, hashAt),
    checkpointNote: note,
  })
  for (const { bytes: flipped, bit } of flips(bytes))
    assert.equal(verifyInclusionFile(flipped, [signer]).state, 'bad', `bit ${bit}`)
  for (let length = 0; length < bytes.length; length += 11)
    assert.equal(verifyInclusionFile(bytes.subarray(0, length), [signer]).state, 'bad')
})

const snapshots: readonly ListedSnapshot[] = [
  {
    name: 'first',
    seq: 0,
    root: objectId(utf8('0')),
    time: 1_700_000_000_000_000,
    kind: 'init',
    pinned: false,
    label: '',
  },
  {
    name: '2',
    seq: 4,
    root: objectId(utf8('4')),
    time: 1_700_000_000_000_001,
    kind: 'manual',
    pinned: true,
    label: 'with "quotes", \n and ☃',
  },
  {
    name: 'auto-3',
    seq: 4,
    root: objectId(utf8('4')),
    time: 1_600_000_000_000_000,
    kind: 'auto',
    pinned: false,
    label: '\u0000\u2028\u202e',
  },
]
const list: SnapshotList = { origin, journalSize: 5, snapshots }

test('recycle.lock comes back and verifies', () => {
  assert.deepEqual(parseSnapshotList(formatSnapshotList(list)), list)
  assert.deepEqual(parseSnapshotList(formatSnapshotList({ ...list, snapshots: [] })), { ...list, snapshots: [] })
  const note = parseSnapshotNote(signSnapshotList(list, signer))
  assert.equal(verifyNote(note, [signer]).state, 'ok')
  assert.deepEqual(parseSnapshotList(note.text), list)
  assert.throws(() => signSnapshotList(list, other), FormatError)
})

test('every flipped bit of recycle.lock is seen', () => {
  for (const { bytes, bit } of flips(signSnapshotList(list, signer))) {
    let sound = false
    try {
      const note = parseSnapshotNote(bytes)
      sound = verifyNote(note, [signer]).state === 'ok'
    } catch (error) {
      assert(error instanceof FormatError, String(error))
    }
    assert(!sound, `bit ${bit}`)
  }
})

test('rules of recycle.lock', () => {
  const [first, second] = snapshots as [ListedSnapshot, ListedSnapshot]
  const bad: SnapshotList[] = [
    { ...list, journalSize: 4 },
    { ...list, snapshots: [second, first] },
    { ...list, snapshots: [first, first] },
    { ...list, snapshots: [{ ...first, name: '' }] },
    { ...list, snapshots: [{ ...first, name: 'a b' }] },
    { ...list, snapshots: [{ ...first, name: 'é' }] },
    { ...list, snapshots: [{ ...first, name: '-n' }] },
    { ...list, snapshots: [{ ...first, name: 'n'.repeat(65) }] },
    { ...list, snapshots: [{ ...first, label: 'é'.repeat(129) }] },
    { ...list, snapshots: [{ ...first, label: '\ud800' }] },
    { ...list, snapshots: [{ ...first, time: -1 }] },
    { ...list, snapshots: [{ ...first, seq: -1 }] },
  ]
  for (const one of bad) assert.throws(() => formatSnapshotList(one), FormatError, JSON.stringify(one))
  const text = formatSnapshotList(list)
  const wrong = [
    text.slice(0, -1),
    `${text}\n`,
    text.replace(' v1', ' v2'),
    text.replace('\n5\n', '\n05\n'),
    text.replace(' init ', ' other '),
    text.replace(' 0 ""', ' 2 ""'),
    text.replace(' 0 ""', '  0 ""'),
    text.replace('""', '"\\u0061"'),
    text.replace('""', '"'),
    text.replace('""', '" " '),
  ]
  for (const one of wrong) assert.throws(() => parseSnapshotList(one), FormatError, one)
  assert(isSnapshotName('2024-01-01_10.00') && !isSnapshotName('.hidden'))
})
