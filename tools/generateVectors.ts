// Makes the known answers in format/vectors/: what every implementation of the format, in any language, must give for
// the same input. Inputs are given in full or as a rule that any language can follow; nothing in them is random.

import { createPrivateKey, type KeyObject } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { encodeBinding } from '../src/core/format/binding.ts'
import { byteStringOf, bytesOf, concatBytes, displayBytes, hexOf } from '../src/core/format/bytes.ts'
import { type Change, changesBuilder, encodeChanges } from '../src/core/format/changes.ts'
import { formatOrigin, signCheckpoint } from '../src/core/format/checkpoint.ts'
import { nextCut } from '../src/core/format/chunker.ts'
import { consistencyFileOf } from '../src/core/format/consistency.ts'
import { contentBuilder, encodeList } from '../src/core/format/content.ts'
import { cosign, ed25519Cosigner, formatCosignerKey } from '../src/core/format/cosignature.ts'
import { encodeFormatFile } from '../src/core/format/formatFile.ts'
import { encodeFrame, encodeSegmentHeader, frameSeed, segmentHeaderBytes } from '../src/core/format/frame.ts'
import { blake3, crc32, sha256 } from '../src/core/format/hash.ts'
import { cidText, dagLink, type Link, type ObjectId, objectId, rawLink } from '../src/core/format/id.ts'
import { encodeInclusion } from '../src/core/format/inclusion.ts'
import { encodeMarks } from '../src/core/format/marks.ts'
import {
  compactRange,
  consistencyPath,
  type HashAt,
  inclusionPath,
  leafHash,
  rootAt,
} from '../src/core/format/merkle.ts'
import { type DirectoryNode, type Entry, encodeNode, nameDigit } from '../src/core/format/node.ts'
import { ed25519Signer, formatVerifierKey, signNote } from '../src/core/format/note.ts'
import { decodePackHeader, type EntryHeader, encodeEntryHeader, encodePackHeader } from '../src/core/format/pack.ts'
import { encodeIndex, type IndexEntry } from '../src/core/format/packIndex.ts'
import { type Body, bodyHash, type Envelope, encodeBody, encodeEnvelope, zeroHash } from '../src/core/format/record.ts'
import { formatSnapshotList, type SnapshotList } from '../src/core/format/recycleLock.ts'
import { encodeTraceHeader, encodeTraceItem } from '../src/core/format/recycleTrace.ts'
import { encodeState } from '../src/core/format/state.ts'
import { tilePath } from '../src/core/format/tile.ts'
import { cborVectors } from './cborVectors.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** What the generated files should hold; `path` is relative to the root of the repository. */
export function generateVectors(_repositoryRoot: string): { path: string; text: string }[] {
  const log = makeLog()
  const files: Readonly<Record<string, Json>> = {
    hashes: hashVectors(),
    cbor: cborVectors(sampleId),
    chunks: chunkVectors(),
    contents: contentVectors(),
    directories: directoryVectors(),
    states: stateVectors(),
    changes: changeVectors(),
    packs: packVectors(),
    records: recordVectors(log),
    marks: markVectors(log),
    merkle: merkleVectors(),
    notes: noteVectors(log),
    files: fileVectors(log),
  }
  return Object.entries(files).map(([name, value]) => ({
    path: `format/vectors/${name}.json`,
    text: `${JSON.stringify(value, null, 1)}\n`,
  }))
}

/** Bytes that any language can make: BLAKE3 of the label and a u32 LE counter from 0 on, one hash after the other. */
function stream(label: string, length: number): Uint8Array {
  const bytes = Buffer.alloc(Math.ceil(length / 32) * 32)
  for (let i = 0; i * 32 < length; i++) bytes.set(blake3(concatBytes(Buffer.from(label), u32(i))), i * 32)
  return Uint8Array.from(bytes.subarray(0, length))
}

const streamRule =
  'stream(label, n): BLAKE3(label || u32 LE i) for i = 0, 1, 2, ..., one after the other, the first n bytes'
const streamed = (label: string, bytes: number): Json => ({ stream: label, bytes })

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function pattern251(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 251)
}

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value))
const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

function hashVectors(): Json {
  const lengths = [0, 1, 1023, 1024, 1025, 4096, 31_744, 102_400]
  const objects: [string, Link['codec']][] = [
    ['', 'raw'],
    ['hello', 'raw'],
    ['a0', 'dag-cbor'],
  ]
  const names = ['plain', 'naïve ☃', 'a\\b', 'line\nbreak', 'esc\x1b[2J', '\u202eevil', 'zero\u200bwidth']
  const raws = [
    ...names.map(name => byteStringOf(text(name))),
    'bad\xff\xfeutf8',
    '\xc3',
    '\xed\xa0\x80',
    '\xf0\x9f\x98\x80',
  ]
  return {
    about: 'The hash functions, the checksum, ids of objects, CIDs, and byte strings as they are shown.',
    blake3: lengths.map(bytes => ({ pattern251: bytes, hash: hexOf(blake3(pattern251(bytes))) })),
    pattern251: 'byte number i (from 0) is i mod 251',
    sha256: ['', 'abc'].map(input => ({ text: input, hash: hexOf(sha256(text(input))) })),
    crc32: ['', '123456789'].map(input => ({ text: input, crc: crc32(text(input)) })),
    objects: objects.map(([input, codec]) => {
      const bytes = codec === 'raw' ? text(input) : Uint8Array.from(Buffer.from(input, 'hex'))
      const id = objectId(bytes)
      return { bytes: hexOf(bytes), codec, id, cid: cidText({ codec, id }) }
    }),
    displayed: raws.map(raw => ({ bytes: hexOf(bytesOf(raw)), shown: displayBytes(raw) })),
  }
}

const sampleId = objectId(text('sample'))

function chunkVectors(): Json {
  const lengths = [0, 1, 65_535, 65_536, 65_537, 300_000, 1_048_576, 4_000_000]
  const random = lengths.map(bytes => ({ input: streamed('chunks', bytes), cuts: cutsOf(stream('chunks', bytes)) }))
  const zeros = [200_000, 2_500_000].map(bytes => ({ input: { zeros: bytes }, cuts: cutsOf(new Uint8Array(bytes)) }))
  const shifted = concatBytes(text('inserted'), stream('chunks', 4_000_000))
  return {
    about: 'Where contents are cut: the ends of all chunks, in bytes from the start.',
    stream: streamRule,
    cases: [
      ...random,
      ...zeros,
      { input: { text: 'inserted', followedBy: streamed('chunks', 4_000_000) }, cuts: cutsOf(shifted) },
    ],
  }
}

function cutsOf(bytes: Uint8Array): number[] {
  const cuts: number[] = []
  for (let at = 0; at < bytes.length || cuts.length === 0; cuts.push(at)) at = nextCut(bytes, at, bytes.length, true)
  return cuts
}

const numberedId = (label: string, i: number): ObjectId => objectId(concatBytes(text(label), u32(i)))

function contentVectors(): Json {
  const two = encodeList({
    depth: 0,
    bytes: 65_636,
    entries: [
      { link: rawLink(numberedId('chunk', 0)), bytes: 65_536 },
      { link: rawLink(numberedId('chunk', 1)), bytes: 100 },
    ],
  })
  return {
    about:
      'File contents of n chunks: chunk i has the id BLAKE3("chunk" || u32 LE i) and 65536 bytes, the last one 100 bytes.',
    twoChunks: hexOf(two),
    cases: [1, 2, 4095, 4096, 4097, 8192, 8193].map(chunks => {
      const nodes: Uint8Array[] = []
      const builder = contentBuilder(node => {
        nodes.push(node)
        return objectId(node)
      })
      for (let i = 0; i < chunks; i++) builder.push(numberedId('chunk', i), i === chunks - 1 ? 100 : 65_536)
      const link = cidText(builder.finish())
      return { chunks, link, nodeBytes: nodes.map(node => node.length) }
    }),
  }
}

const file = (name: string, size: number): Entry => ({
  name,
  kind: 'file',
  mode: 0o644,
  size,
  content: rawLink(numberedId(name, size)),
})

function sampleEntries(): Entry[] {
  const target = '../etc/passwd'
  const attributes = [
    { name: 'user.a', value: '' },
    { name: 'user.b', value: '\x00\xff' },
  ]
  return [
    { ...file('a', 0), content: rawLink(objectId(new Uint8Array(0))) },
    { ...file('big', 70_000), content: dagLink(numberedId('list', 0)) },
    {
      name: 'dir',
      kind: 'dir',
      mode: 0o1755,
      size: 0,
      content: dagLink(objectId(encodeNode({ kind: 'leaf', entries: [] }))),
    },
    { name: 'link', kind: 'symlink', mode: 0o777, size: target.length, content: rawLink(objectId(text(target))) },
    { ...file('owned', 5), meta: { uid: 0, gid: 4_294_967_295, xattrs: attributes } },
    { ...file('\xff\xfe', 7), mode: 0o4755 },
  ]
}

/** The canonical node of a set of entries, the slow and simple way. */
function directoryOf(entries: readonly Entry[], depth: number, put: (node: Uint8Array) => ObjectId): ObjectId {
  if (entries.length <= 64) {
    const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))
    return put(encodeNode({ kind: 'leaf', entries: sorted }))
  }
  const slots = Array.from({ length: 16 }, (_, digit) => {
    const below = entries.filter(entry => nameDigit(entry.name, depth) === digit)
    return below.length === 0 ? null : { link: dagLink(directoryOf(below, depth + 1, put)), count: below.length }
  })
  return put(encodeNode({ kind: 'branch', depth, slots }))
}

function directoryVectors(): Json {
  const sample: DirectoryNode = { kind: 'leaf', entries: sampleEntries() }
  const sizes = [0, 1, 64, 65, 1000, 20_000]
  return {
    about:
      'Directory nodes. In `trees` the n entries are files of mode 0644 named "f0", "f1", ..., file i of i bytes and with the raw content id BLAKE3(name || u32 LE i).',
    leaf: { hex: hexOf(encodeNode(sample)), entries: sample.entries.map(shownEntry) },
    empty: hexOf(encodeNode({ kind: 'leaf', entries: [] })),
    digits: ['a', 'f0', 'f64', '\xff'].map(name => ({
      name: hexOf(bytesOf(name)),
      first: [0, 1, 2, 63].map(depth => nameDigit(name, depth)),
    })),
    trees: sizes.map(count => {
      let nodes = 0
      const entries = Array.from({ length: count }, (_, i) => file(`f${i}`, i))
      const id = directoryOf(entries, 0, node => {
        nodes++
        return objectId(node)
      })
      return { count, id, nodes }
    }),
  }
}

function shownEntry({ name, kind, mode, size, content, meta }: Entry): Json {
  const shown = { name: hexOf(bytesOf(name)), kind, mode, size, content: cidText(content) }
  if (meta === undefined) return shown
  const xattrs = (meta.xattrs ?? []).map(({ name, value }) => [hexOf(bytesOf(name)), hexOf(bytesOf(value))])
  return { ...shown, meta: { uid: meta.uid ?? null, gid: meta.gid ?? null, xattrs } }
}

const filesLink = dagLink(objectId(encodeNode({ kind: 'leaf', entries: [] })))

function stateVectors(): Json {
  const settings = text('version: 1\n')
  const small = encodeState({ metadataSet: [], files: filesLink })
  const full = encodeState({
    metadataSet: ['owner', 'xattrs'],
    files: filesLink,
    contracts: filesLink,
    boxes: filesLink,
    services: filesLink,
    settings: rawLink(objectId(settings)),
  })
  return {
    about:
      'State objects: only files (an empty directory); and all domains, each an empty directory, settings "version: 1\\n".',
    small: { hex: hexOf(small), root: objectId(small) },
    full: { hex: hexOf(full), root: objectId(full) },
  }
}

function sampleChanges(): Change[] {
  const before = file('x', 1)
  return [
    { path: 'etc/gone', before: { ...before, name: 'gone' }, after: null },
    { path: 'etc/new', before: null, after: { ...before, name: 'new' } },
    { path: 'etc/x', before, after: { ...before, mode: 0o600 } },
  ]
}

function changeVectors(): Json {
  return {
    about:
      'Lists of changes. In `lists` change i (from 0) creates the path "d/" and i in six digits, a file of mode 0644 of i bytes and with the raw content id BLAKE3(its name || u32 LE i).',
    small: hexOf(encodeChanges({ kind: 'changes', changes: sampleChanges() })),
    lists: [1, 4096, 4097, 10_000].map(count => {
      const nodeBytes: number[] = []
      const builder = changesBuilder(node => {
        nodeBytes.push(node.length)
        return objectId(node)
      })
      for (let i = 0; i < count; i++) {
        const name = i.toString().padStart(6, '0')
        builder.push({ path: `d/${name}`, before: null, after: file(name, i) })
      }
      return { count, id: builder.finish()!.id, nodeBytes }
    }),
  }
}

function packVectors(): Json {
  const repeated = text('SentientOS '.repeat(40))
  // One zstd frame of `repeated`; any encoder may make another.
  const zstd = Uint8Array.from(Buffer.from('28b52ffd60b8009500005853656e7469656e744f53200100aa568b17', 'hex'))
  const state = encodeState({ metadataSet: [], files: filesLink })
  const objects: [Omit<EntryHeader, 'id' | 'storedBytes' | 'objectBytes'>, Uint8Array, Uint8Array][] = [
    [{ codec: 'raw', kind: 'chunk', packing: 'plain' }, text('hello'), text('hello')],
    [{ codec: 'raw', kind: 'chunk', packing: 'zstd' }, repeated, zstd],
    [{ codec: 'raw', kind: 'chunk', packing: 'plain' }, new Uint8Array(0), new Uint8Array(0)],
    [{ codec: 'dag-cbor', kind: 'state', packing: 'plain' }, state, state],
  ]
  const header = encodePackHeader(Uint8Array.of(1, 2, 3, 4))
  let pack = header
  const entries: IndexEntry[] = []
  for (const [fields, object, payload] of objects) {
    const entry = { ...fields, id: objectId(object), storedBytes: payload.length, objectBytes: object.length }
    entries.push({ ...entry, offset: pack.length })
    pack = concatBytes(pack, encodeEntryHeader(entry, payload), payload)
  }
  return {
    about: 'A pack of four objects and its index.',
    pack: hexOf(pack),
    index: hexOf(encodeIndex(decodePackHeader(header), pack.length, entries)),
    entries: entries.map(entry => ({ ...entry })),
  }
}

interface Log {
  readonly logId: Uint8Array
  readonly records: readonly {
    readonly envelope: Envelope
    readonly envelopeBytes: Uint8Array
    readonly salt: Uint8Array
    readonly bodyBytes: Uint8Array
  }[]
  readonly segment: Uint8Array
  readonly hashAt: HashAt
}

const logId = Uint8Array.from({ length: 16 }, (_, i) => i)
const startMicros = 1_700_000_000_000_000

/** A log of five records: an adoption, a write, a denial, a bulk change, and one with keys of a later version. */
function makeLog(): Log {
  const decision = { effect: 'permit', bundle: null, rule: 'uncovered' } as const
  const subject = { kind: 'file', id: 'etc/x' } as const
  const before = file('x', 1)
  const bodies: Body[] = [
    { actor: 'owner', action: 'adopt', subject: { kind: 'journal', id: '' }, decision, fields: { zk: true } },
    { actor: 'owner', action: 'put', subject, decision, before, after: { ...before, size: 2 } },
    {
      actor: 'box:web',
      action: 'denied',
      subject,
      decision: { effect: 'deny', bundle: blake3(text('bundle')), rule: 'etc-guard#2' },
    },
    {
      actor: 'unknown',
      action: 'absorb',
      subject: { kind: 'file', id: '' },
      decision,
      changes: dagLink(numberedId('changes', 0)),
      cause: 1,
      doubtful: true,
    },
    {
      actor: 'owner',
      action: 'put',
      subject: { kind: 'file', id: 'caf\xc3\xa9' },
      decision,
      before: null,
      after: file('caf\xc3\xa9', 3),
      unknown: { later: [1, Uint8Array.of(2)] },
    },
  ]
  let prev: Uint8Array = zeroHash
  const records = bodies.map((body, seq) => {
    const salt = stream('salt', 16 * (seq + 1)).slice(16 * seq)
    const bodyBytes = encodeBody(body)
    const root = numberedId('state', seq)
    const envelope: Envelope = { seq, time: startMicros + seq, root, prev, bodyHash: bodyHash(salt, bodyBytes) }
    const envelopeBytes = encodeEnvelope(envelope)
    prev = leafHash(envelopeBytes)
    return { envelope, envelopeBytes, salt, bodyBytes }
  })
  const seed = frameSeed(logId)
  const range = collectHashes()
  let segment = encodeSegmentHeader({ firstSeq: 0, logId })
  let base = segment.length
  for (const { envelope, envelopeBytes, salt, bodyBytes } of records) {
    // The records 1 and 2 were flushed together; the body of record 2 was forgotten later.
    if (envelope.seq !== 2) base = segment.length
    const body = envelope.seq === 2 ? null : { salt, bodyBytes }
    segment = concatBytes(segment, encodeFrame({ envelopeBytes, body, base }, seed))
    range.push(leafHash(envelopeBytes))
  }
  return { logId, records, segment, hashAt: range.hashAt }
}

/** The hashes of all complete subtrees of a growing tree. */
function collectHashes(): { push(leaf: Uint8Array): void; hashAt: HashAt } {
  const hashes = new Map<string, Uint8Array>()
  const range = compactRange({ completed: (level, index, hash) => hashes.set(`${level}/${index}`, hash) })
  return { push: leaf => range.push(leaf), hashAt: (level, index) => hashes.get(`${level}/${index}`)! }
}

function recordVectors(log: Log): Json {
  return {
    about:
      'A journal segment of five records; the body of record 2 was forgotten. `doubtful`, `changes` and unknown keys are in the later ones.',
    logId: hexOf(log.logId),
    segment: hexOf(log.segment),
    records: log.records.map(({ envelope, envelopeBytes, salt, bodyBytes }) => ({
      seq: envelope.seq,
      time: envelope.time,
      root: envelope.root,
      envelope: hexOf(envelopeBytes),
      leaf: hexOf(leafHash(envelopeBytes)),
      salt: hexOf(salt),
      body: hexOf(bodyBytes),
      bodyHash: hexOf(envelope.bodyHash),
    })),
  }
}

function markVectors(log: Log): Json {
  const last = log.records.at(-1)!
  const marks = {
    generation: 7,
    segmentFirstSeq: 0,
    segmentFlushedBytes: log.segment.length,
    nextSeq: log.records.length,
    lastLeaf: leafHash(last.envelopeBytes),
    applied: 4,
    packNumber: 12,
    packFlushedBytes: 4096,
    packId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    clean: true,
  }
  const first = {
    ...marks,
    generation: 1,
    segmentFlushedBytes: segmentHeaderBytes,
    nextSeq: 0,
    lastLeaf: zeroHash,
    applied: 0,
  }
  const { packId: _, ...noPack } = { ...first, packNumber: 0, packFlushedBytes: 0, clean: false }
  return {
    about: 'Slots of the marks file.',
    slots: [marks, noPack].map(one => ({
      ...one,
      lastLeaf: hexOf(one.lastLeaf),
      packId: 'packId' in one ? hexOf(one.packId as Uint8Array) : null,
      hex: hexOf(encodeMarks(one)),
    })),
  }
}

function merkleVectors(): Json {
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
  const small = collectHashes()
  for (const input of inputs) small.push(leafHash(Uint8Array.from(Buffer.from(input, 'hex'))))
  const large = collectHashes()
  for (let i = 0; i < 1000; i++) large.push(leafHash(u32(i)))
  const sizes = inputs.map((_, i) => i + 1)
  const hexes = (hashes: readonly Uint8Array[]): string[] => hashes.map(hexOf)
  return {
    about:
      'RFC 6962 trees: the eight leaves that certificate transparency tests with, and 1000 leaves, leaf i being u32 LE i.',
    leaves: inputs,
    roots: [0, ...sizes].map(size => hexOf(rootAt(size, small.hashAt))),
    inclusion: sizes.flatMap(size =>
      sizes.slice(0, size).map((_, index) => ({ size, index, path: hexes(inclusionPath(size, index, small.hashAt)) })),
    ),
    consistency: sizes.flatMap(size =>
      sizes.slice(0, size).map(old => ({ old, size, path: hexes(consistencyPath(old, size, small.hashAt)) })),
    ),
    large: {
      roots: [1, 255, 256, 257, 511, 999, 1000].map(size => ({ size, root: hexOf(rootAt(size, large.hashAt)) })),
      inclusion: { size: 1000, index: 700, path: hexes(inclusionPath(1000, 700, large.hashAt)) },
      consistency: { old: 300, size: 1000, path: hexes(consistencyPath(300, 1000, large.hashAt)) },
    },
    tilePaths: [0, 67, 999, 1000, 1_234_067].map(tileIndex => ({
      tileIndex,
      path: tilePath({ tileLevel: 1, tileIndex }),
    })),
  }
}

/** The secret key of test 1 of RFC 8032: a key that everybody knows. */
const testSeed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'

function testKey(): KeyObject {
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${testSeed}`, 'hex')
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

function noteVectors(log: Log): Json {
  const origin = formatOrigin({ logId: log.logId, epoch: 1 })
  const signer = ed25519Signer(origin, testKey())
  const size = log.records.length
  const witness = ed25519Cosigner('witness.example/w1', testKey())
  const checkpoint = signCheckpoint({ origin, size, root: rootAt(size, log.hashAt) }, signer)
  const snapshots: SnapshotList = {
    origin,
    journalSize: size,
    snapshots: [
      { name: 's1', seq: 0, root: numberedId('state', 0), time: startMicros, kind: 'init', pinned: false, label: '' },
      {
        name: 'before-update',
        seq: 3,
        root: numberedId('state', 3),
        time: startMicros + 3,
        kind: 'manual',
        pinned: true,
        label: 'a "quoted" label\n☃',
      },
    ],
  }
  return {
    about:
      'Signed notes. The secret key is that of test 1 of RFC 8032; the log is the one of records.json, in its epoch 1.',
    secretKey: testSeed,
    publicKey: hexOf(signer.publicKey),
    origin,
    verifierKey: formatVerifierKey(signer),
    checkpoint: utf8(checkpoint),
    inclusion: log.records.map(({ envelopeBytes }, index) =>
      utf8(
        encodeInclusion({
          index,
          envelopeBytes,
          path: inclusionPath(size, index, log.hashAt),
          checkpointNote: checkpoint,
        }),
      ),
    ),
    ...consistencyVectors(log, signer),
    cosigned: {
      verifierKey: formatCosignerKey(witness),
      seconds: 1_679_315_147,
      note: utf8(cosign(checkpoint, witness, 1_679_315_147)),
    },
    recycleLock: utf8(signNote(formatSnapshotList(snapshots), signer)),
  }
}

/** Every older tree of the log, with and without its checkpoint; and another history of it, under the same key. */
function consistencyVectors(log: Log, signer: ReturnType<typeof ed25519Signer>): { [key: string]: Json } {
  const leaves = log.records.map(({ envelopeBytes }) => leafHash(envelopeBytes))
  const other = treeOf([...leaves.slice(0, 2), ...leaves.slice(0, 4)])
  const note = (hashAt: HashAt, size: number): Uint8Array =>
    signCheckpoint({ origin: signer.name, size, root: rootAt(size, hashAt) }, signer)
  const file = (hashAt: HashAt, oldSize: number, newSize: number, signed: boolean): string =>
    utf8(
      consistencyFileOf({
        old: { size: oldSize, root: rootAt(oldSize, log.hashAt) },
        ...(signed ? { oldNote: note(log.hashAt, oldSize) } : {}),
        newNote: note(hashAt, newSize),
        path: consistencyPath(oldSize, newSize, hashAt),
        found: rootAt(oldSize, hashAt),
      }),
    )
  return {
    consistency: leaves.map((_, index) => file(log.hashAt, index + 1, leaves.length, index % 2 === 0)),
    forks: [3, 4, 5].map(oldSize => file(other, oldSize, oldSize === 5 ? 5 : 6, true)),
  }
}

function treeOf(leaves: readonly Uint8Array[]): HashAt {
  const hashes = new Map<string, Uint8Array>()
  const range = compactRange({ completed: (level, index, hash) => hashes.set(`${level}/${index}`, hash) })
  for (const leaf of leaves) range.push(leaf)
  return (level, index) => hashes.get(`${level}/${index}`)!
}

function fileVectors(log: Log): Json {
  const origin = formatOrigin({ logId: log.logId, epoch: 1 })
  const [first, ...rest] = sampleChanges()
  const trace = concatBytes(
    encodeTraceHeader({ baseSeq: 1, baseRoot: numberedId('state', 1), origin }),
    encodeTraceItem({ seq: 2, root: numberedId('state', 2), changes: [], more: false }),
    encodeTraceItem({ seq: 3, root: numberedId('state', 3), changes: [first!], more: true }),
    encodeTraceItem({ seq: 3, root: numberedId('state', 3), changes: rest, more: false }),
  )
  const binding = {
    logId: log.logId,
    epoch: 1,
    path: '/home/caf\xc3\xa9/root \xff',
    inode: 18_446_744_073_709_551_615n,
    size: 5,
    root: rootAt(5, log.hashAt),
  }
  const earlier = [Uint8Array.from(logId).reverse()]
  return {
    about: 'Small files: format (plain; a copy with a requirement and an option), binding, recycle.trace.',
    format: utf8(encodeFormatFile({ format: 1, requires: [], options: [], logId })),
    formatOfCopy: utf8(encodeFormatFile({ format: 1, requires: ['boxes'], options: ['witness'], logId, earlier })),
    binding: utf8(encodeBinding(binding)),
    recycleTrace: hexOf(trace),
  }
}

if (import.meta.main) {
  const root = path.dirname(import.meta.dirname)
  for (const made of generateVectors(root)) fs.writeFileSync(path.join(root, made.path), made.text)
}
