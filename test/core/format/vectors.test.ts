// The files made from others are fresh, and the known answers hold when they are read back: what a twin in another
// language does with the same files.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { decodeBinding, encodeBinding } from '../../../src/core/format/binding.ts'
import { byteStringOf, bytesOfHex, displayBytes, hexOf, parseDisplayed } from '../../../src/core/format/bytes.ts'
import { type CborValue, decode, encode } from '../../../src/core/format/cbor.ts'
import { decodeChanges, encodeChanges } from '../../../src/core/format/changes.ts'
import { verifyCheckpoint } from '../../../src/core/format/checkpoint.ts'
import { verifyConsistencyFile } from '../../../src/core/format/consistency.ts'
import { decodeList } from '../../../src/core/format/content.ts'
import { cosignedAt, parseCosignerKey } from '../../../src/core/format/cosignature.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import { decodeFormatFile, encodeFormatFile, openable } from '../../../src/core/format/formatFile.ts'
import { decodeFrameAt, decodeSegmentHeader, frameSeed, segmentHeaderBytes } from '../../../src/core/format/frame.ts'
import { objectId, parseCid } from '../../../src/core/format/id.ts'
import { verifyInclusionFile } from '../../../src/core/format/inclusion.ts'
import { decodeMarks } from '../../../src/core/format/marks.ts'
import { leafHash, verifyConsistency, verifyInclusion } from '../../../src/core/format/merkle.ts'
import { decodeNode, encodeNode } from '../../../src/core/format/node.ts'
import { parseVerifierKey, verifyNote } from '../../../src/core/format/note.ts'
import {
  decodeEntryHeader,
  decodePackHeader,
  entryCrcOk,
  entryHeaderBytes,
  packHeaderBytes,
} from '../../../src/core/format/pack.ts'
import { checkIndex, indexEntries } from '../../../src/core/format/packIndex.ts'
import { bodyHash, decodeBody, decodeEnvelope, encodeBody, zeroHash } from '../../../src/core/format/record.ts'
import { parseSnapshotList, parseSnapshotNote } from '../../../src/core/format/recycleLock.ts'
import { decodeTraceHeader, decodeTraceItemAt } from '../../../src/core/format/recycleTrace.ts'
import { decodeState, encodeState } from '../../../src/core/format/state.ts'
import { generateConstants } from '../../../tools/generateConstants.ts'
import { generateVectors } from '../../../tools/generateVectors.ts'

const root = path.join(import.meta.dirname, '../../..')
const read = <T>(name: string): T =>
  JSON.parse(fs.readFileSync(path.join(root, 'format/vectors', `${name}.json`), 'utf8')) as T
const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

test('generated constants and vectors are fresh, and no vector file is left over', () => {
  const made = [...generateConstants(root), ...generateVectors(root)]
  for (const file of made) assert.equal(fs.readFileSync(path.join(root, file.path), 'utf8'), file.text, file.path)
  const names = fs.readdirSync(path.join(root, 'format/vectors')).map(name => `format/vectors/${name}`)
  for (const name of names)
    assert(
      made.some(file => file.path === name),
      name,
    )
})

test('the specification names every limit and magic with its value', () => {
  const text = fs.readFileSync(path.join(root, 'format/README.md'), 'utf8').replace(/(\d),(?=\d{3})/g, '$1')
  const constants = JSON.parse(fs.readFileSync(path.join(root, 'format/constants.json'), 'utf8')) as {
    limits: Record<string, { value: number }>
    magics: Record<string, string>
    markers: Record<string, string>
  }
  for (const [name, { value }] of Object.entries(constants.limits)) {
    assert(new RegExp(`\\| \`${name}\` \\| ${value} \\|`).test(text), `format/README.md does not say ${name} ${value}`)
  }
  for (const magic of Object.values(constants.magics)) assert(text.includes(magic), magic)
  for (const marker of Object.values(constants.markers)) assert(text.replaceAll(' ', '').includes(marker), marker)
})

type Typed =
  | null
  | boolean
  | { int: number }
  | { text: string }
  | { bytes: string }
  | { link: string }
  | { list: Typed[] }
  | { map: [string, Typed][] }

function untyped(value: Typed): CborValue {
  if (value === null || typeof value === 'boolean') return value
  if ('int' in value) return value.int
  if ('text' in value) return value.text
  if ('bytes' in value) return bytesOfHex(value.bytes)
  if ('link' in value) return parseCid(value.link)
  if ('list' in value) return value.list.map(untyped)
  return Object.fromEntries(value.map.map(([key, item]) => [key, untyped(item)]))
}

test('cbor.json', () => {
  const cbor = read<{
    valid: { value: Typed; hex: string }[]
    deepest: string
    invalid: { reason: string; hex: string }[]
  }>('cbor')
  for (const { value, hex } of cbor.valid) {
    assert.deepEqual(decode(bytesOfHex(hex)), untyped(value))
    assert.equal(hexOf(encode(untyped(value))), hex)
  }
  decode(bytesOfHex(cbor.deepest))
  for (const { reason, hex } of cbor.invalid) assert.throws(() => decode(bytesOfHex(hex)), FormatError, reason)
})

test('hashes.json', () => {
  const hashes = read<{
    objects: { bytes: string; id: string; cid: string }[]
    displayed: { bytes: string; shown: string }[]
  }>('hashes')
  for (const { bytes, id, cid } of hashes.objects) {
    assert.equal(objectId(bytesOfHex(bytes)), id)
    assert.equal(parseCid(cid).id, id)
  }
  for (const { bytes, shown } of hashes.displayed) {
    assert.equal(displayBytes(byteStringOf(bytesOfHex(bytes))), shown)
    assert.equal(parseDisplayed(shown), byteStringOf(bytesOfHex(bytes)))
  }
})

test('directories.json, contents.json, changes.json and states.json', () => {
  const directories = read<{ leaf: { hex: string; entries: { name: string; kind: string }[] }; empty: string }>(
    'directories',
  )
  const leaf = decodeNode(bytesOfHex(directories.leaf.hex))
  assert(leaf.kind === 'leaf')
  assert.equal(hexOf(encodeNode(leaf)), directories.leaf.hex)
  assert.deepEqual(
    leaf.entries.map(({ kind }) => kind),
    directories.leaf.entries.map(({ kind }) => kind),
  )
  assert.deepEqual(decodeNode(bytesOfHex(directories.empty)), { kind: 'leaf', entries: [] })
  assert.equal(decodeList(bytesOfHex(read<{ twoChunks: string }>('contents').twoChunks)).entries.length, 2)
  const small = read<{ small: string }>('changes').small
  assert.equal(hexOf(encodeChanges(decodeChanges(bytesOfHex(small)))), small)
  for (const state of Object.values(read<Record<string, { hex: string; root: string } | string>>('states'))) {
    if (typeof state === 'string') continue
    assert.equal(hexOf(encodeState(decodeState(bytesOfHex(state.hex)))), state.hex)
    assert.equal(objectId(bytesOfHex(state.hex)), state.root)
  }
})

test('packs.json', () => {
  const { pack, index, entries } = read<{ pack: string; index: string; entries: { id: string; offset: number }[] }>(
    'packs',
  )
  const bytes = bytesOfHex(pack)
  const packId = decodePackHeader(bytes)
  const found: { id: string; offset: number }[] = []
  for (let at = packHeaderBytes; at < bytes.length; ) {
    const header = decodeEntryHeader(bytes, at)
    assert(
      entryCrcOk(bytes.subarray(at, at + entryHeaderBytes), bytes.subarray(header.payloadOffset, header.nextOffset)),
    )
    if (header.packing === 'plain')
      assert.equal(objectId(bytes.subarray(header.payloadOffset, header.nextOffset)), header.id)
    found.push({ id: header.id, offset: at })
    at = header.nextOffset
  }
  assert.deepEqual(
    found,
    entries.map(({ id, offset }) => ({ id, offset })),
  )
  assert.equal(hexOf(checkIndex(bytesOfHex(index)).packId), hexOf(packId))
  assert.deepEqual(
    new Set([...indexEntries(bytesOfHex(index))].map(({ id }) => id)),
    new Set(entries.map(({ id }) => id)),
  )
})

test('records.json: a reader that walks the segment and checks every link of the chain', () => {
  const { logId, segment, records } = read<{
    logId: string
    segment: string
    records: { leaf: string; body: string; salt: string }[]
  }>('records')
  const bytes = bytesOfHex(segment)
  const header = decodeSegmentHeader(bytes)
  assert.equal(hexOf(header.logId), logId)
  let prev = zeroHash
  let offset = segmentHeaderBytes
  for (const [seq, record] of records.entries()) {
    const frame = decodeFrameAt(bytes, offset, frameSeed(header.logId))
    assert(frame.state === 'ok')
    const envelope = decodeEnvelope(frame.envelopeBytes)
    assert.equal(envelope.seq, seq)
    assert.equal(hexOf(envelope.prev), hexOf(prev))
    prev = leafHash(frame.envelopeBytes)
    assert.equal(hexOf(prev), record.leaf)
    assert.equal(frame.bodyBytes === null, seq === 2)
    const body = bytesOfHex(record.body)
    assert.equal(hexOf(encodeBody(decodeBody(body))), record.body)
    assert.equal(hexOf(bodyHash(bytesOfHex(record.salt), body)), hexOf(envelope.bodyHash))
    if (frame.bodyBytes !== null) assert.equal(hexOf(frame.bodyBytes), record.body)
    offset = frame.nextOffset
  }
  assert.equal(offset, bytes.length)
})

test('marks.json', () => {
  for (const { hex, generation, nextSeq } of read<{ slots: { hex: string; generation: number; nextSeq: number }[] }>(
    'marks',
  ).slots) {
    const slot = decodeMarks(bytesOfHex(hex))
    assert(slot.state === 'ok')
    assert.deepEqual([slot.marks.generation, slot.marks.nextSeq], [generation, nextSeq])
  }
})

test('merkle.json', () => {
  interface Merkle {
    leaves: string[]
    roots: string[]
    inclusion: { size: number; index: number; path: string[] }[]
    consistency: { old: number; size: number; path: string[] }[]
  }
  const { leaves, roots, inclusion, consistency } = read<Merkle>('merkle')
  for (const { size, index, path } of inclusion) {
    assert(
      verifyInclusion(
        leafHash(bytesOfHex(leaves[index]!)),
        index,
        size,
        path.map(bytesOfHex),
        bytesOfHex(roots[size]!),
      ),
    )
  }
  for (const { old, size, path } of consistency) {
    assert(verifyConsistency(old, size, bytesOfHex(roots[old]!), bytesOfHex(roots[size]!), path.map(bytesOfHex)))
  }
  assert.equal(inclusion.length, 36)
})

test('notes.json and files.json', () => {
  interface Notes {
    verifierKey: string
    checkpoint: string
    inclusion: string[]
    consistency: string[]
    forks: string[]
    cosigned: { verifierKey: string; seconds: number; note: string }
    recycleLock: string
  }
  const notes = read<Notes>('notes')
  const key = parseVerifierKey(notes.verifierKey)
  assert.equal(verifyCheckpoint(utf8(notes.checkpoint), [key]).state, 'ok')
  for (const file of notes.inclusion) assert.equal(verifyInclusionFile(utf8(file), [key]).state, 'ok')
  for (const file of notes.consistency) assert.equal(verifyConsistencyFile(utf8(file), [key]).state, 'consistent')
  for (const file of notes.forks) assert.equal(verifyConsistencyFile(utf8(file), [key]).state, 'fork')
  assert.deepEqual([notes.consistency.length, notes.forks.length], [5, 3])
  const { cosigned } = notes
  assert.equal(cosignedAt(utf8(cosigned.note), parseCosignerKey(cosigned.verifierKey)), cosigned.seconds)
  const lock = parseSnapshotNote(utf8(notes.recycleLock))
  assert.equal(verifyNote(lock, [key]).state, 'ok')
  assert.equal(parseSnapshotList(lock.text).snapshots.length, 2)
  const files = read<{ format: string; formatOfCopy: string; binding: string; recycleTrace: string }>('files')
  for (const file of [files.format, files.formatOfCopy])
    assert.equal(hexOf(encodeFormatFile(decodeFormatFile(utf8(file)))), hexOf(utf8(file)))
  assert.equal(openable(decodeFormatFile(utf8(files.format))).state, 'write')
  assert.equal(hexOf(encodeBinding(decodeBinding(utf8(files.binding)))), hexOf(utf8(files.binding)))
  const trace = bytesOfHex(files.recycleTrace)
  const header = decodeTraceHeader(trace)
  assert(header.state === 'ok')
  const seqs: number[] = []
  for (let offset = header.nextOffset; offset < trace.length; ) {
    const item = decodeTraceItemAt(trace, offset)
    assert(item.state === 'ok')
    seqs.push(item.value.seq)
    offset = item.nextOffset
  }
  assert.deepEqual(seqs, [2, 3, 3])
})
