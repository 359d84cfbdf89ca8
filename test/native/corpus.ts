// Inputs for the fuzzers, by kind: well-formed ones from the frozen root folder and the known answers, and those of
// test/native/corpus, which coverage-guided runs found worth keeping and which every finding joins.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { encodeChanges } from '../../src/core/format/changes.ts'
import { encodeList } from '../../src/core/format/content.ts'
import { decodeFrameAt, decodeSegmentHeader, frameSeed, segmentHeaderBytes } from '../../src/core/format/frame.ts'
import { dagLink, parseObjectId, rawLink } from '../../src/core/format/id.ts'
import { encodeNode } from '../../src/core/format/node.ts'
import { parseNote } from '../../src/core/format/note.ts'
import { decodeEntryHeader, entryHeaderBytes, packHeaderBytes } from '../../src/core/format/pack.ts'
import { unpackBytes } from '../../src/core/store/packing.ts'
import { shows } from './shown.ts'

const repository = path.join(import.meta.dirname, '..', '..')
const frozen = path.join(import.meta.dirname, 'corpus')

export type Corpus = Readonly<Record<string, Buffer[]>>

type Add = (kind: string, bytes: Uint8Array) => void

/** Well-formed inputs of every kind. */
export function makeCorpus(): Corpus {
  const corpus: Corpus = Object.fromEntries(Object.keys(shows).map(kind => [kind, [] as Buffer[]]))
  const add: Add = (kind, bytes) => void corpus[kind]?.push(Buffer.from(bytes))
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-fuzz-'))
  try {
    execFileSync('tar', ['-xpf', path.join(repository, 'format/fixtures/v1/clean.tar'), '-C', folder])
    fromFolder(path.join(folder, 'root'), add)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  fromVectors(add)
  fromHand(add)
  return corpus
}

/** One file a kind, one input a line in base64; beside it what was a finding once, added by hand. */
const frozenFile = (kind: string, of: 'kept' | 'found'): string =>
  path.join(frozen, of === 'kept' ? `${kind}.txt` : `${kind}.found.txt`)

export function readFrozen(kind: string): Buffer[] {
  const files = [frozenFile(kind, 'kept'), frozenFile(kind, 'found')].filter(file => fs.existsSync(file))
  const lines = files.flatMap(file => fs.readFileSync(file, 'latin1').split('\n').slice(0, -1))
  return lines.map(line => Buffer.from(line, 'base64'))
}

/** Instead of what was kept before. */
export function writeKept(kind: string, inputs: readonly Buffer[]): void {
  fs.mkdirSync(frozen, { recursive: true })
  const lines = [...new Set(inputs.map(bytes => `${bytes.toString('base64')}\n`))]
  lines.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  fs.writeFileSync(frozenFile(kind, 'kept'), lines.join(''))
}

/** The inputs of a directory of libFuzzer: a file each. */
export function readDirectory(directory: string): Buffer[] {
  if (!fs.existsSync(directory)) return []
  return fs
    .readdirSync(directory)
    .sort()
    .map(name => fs.readFileSync(path.join(directory, name)))
}

const filesIn = (folder: string): string[] => fs.readdirSync(folder).map(name => path.join(folder, name))

function fromFolder(root: string, add: Add): void {
  const at = (name: string): Buffer => fs.readFileSync(path.join(root, name))
  for (const file of filesIn(path.join(root, '.runtime/journal'))) fromSegment(fs.readFileSync(file), add)
  for (const file of filesIn(path.join(root, '.tree/packs'))) {
    const bytes = fs.readFileSync(file)
    if (file.endsWith('.idx')) add('pack-index', bytes)
    else fromPack(bytes, add)
  }
  const marks = at('.runtime/marks')
  add('marks-file', marks)
  add('marks-slot', marks.subarray(0, 512))
  add('note', at('.runtime/checkpoint'))
  add('note', at('recycle.lock'))
  add('format', at('.runtime/format'))
  add('recycle-trace', at('recycle.trace'))
  add('checkpoint', Buffer.from(parseNote(at('.runtime/checkpoint')).text))
  add('recycle-lock', Buffer.from(parseNote(at('recycle.lock')).text))
  add('verifier-key', at('.auth/log-0.vkey').subarray(0, -1))
  add('private-key', at('.auth/log-0.pem'))
  add('displayed', Buffer.from('name \\xFF with\\n all \\\\ größe'))
}

function fromSegment(bytes: Buffer, add: Add): void {
  add('segment-header', bytes.subarray(0, segmentHeaderBytes))
  if (bytes.length < smallBytes) add('segment', bytes)
  add('segment', wholeFrames(bytes))
  const { logId } = decodeSegmentHeader(bytes)
  for (let offset = segmentHeaderBytes; ; ) {
    const frame = decodeFrameAt(bytes, offset, frameSeed(logId))
    if (frame.state !== 'ok') return
    add('frame', Buffer.concat([logId, bytes.subarray(offset, frame.nextOffset)]))
    add('envelope', frame.envelopeBytes)
    if (frame.bodyBytes !== null) add('body', frame.bodyBytes)
    offset = frame.nextOffset
  }
}

function fromPack(bytes: Buffer, add: Add): void {
  add('pack-header', bytes.subarray(0, packHeaderBytes))
  if (bytes.length < smallBytes) add('pack', bytes)
  for (let offset = packHeaderBytes; offset < bytes.length; ) {
    const header = decodeEntryHeader(bytes, offset)
    add('pack-entry', bytes.subarray(offset, offset + entryHeaderBytes))
    const payload = bytes.subarray(header.payloadOffset, header.nextOffset)
    const object = unpackBytes(header.packing, payload, header.objectBytes)
    if (header.packing === 'zstd' && payload.length < 4096) {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(header.objectBytes)
      add('zstd', Buffer.concat([length, payload]))
    }
    if (header.codec === 'dag-cbor' && object !== undefined && object.length < 4096) {
      add('cbor', object)
      add(header.kind, object)
    }
    offset = header.nextOffset
  }
}

function fromVectors(add: Add): void {
  const read = (name: string): Readonly<Record<string, never>> =>
    JSON.parse(fs.readFileSync(path.join(repository, 'format/vectors', `${name}.json`), 'utf8')) as Record<
      string,
      never
    >
  const hex = (value: string): Buffer => Buffer.from(value, 'hex')
  const { valid, invalid } = read('cbor') as Record<string, readonly { readonly hex: string }[]>
  for (const one of [...(valid ?? []), ...(invalid ?? [])]) add('cbor', hex(one.hex))
  add('node', hex((read('directories').leaf as { readonly hex: string }).hex))
  add('list', hex(read('contents').twoChunks as string))
  add('changes', hex(read('changes').small as string))
  for (const state of ['small', 'full']) add('state', hex((read('states')[state] as { readonly hex: string }).hex))
  for (const slot of read('marks').slots as readonly { readonly hex: string }[]) add('marks-slot', hex(slot.hex))
  const notes = read('notes') as Readonly<Record<string, string>>
  for (const file of read('notes').inclusion as readonly string[]) add('inclusion', Buffer.from(file))
  add('origin', Buffer.from(notes.origin ?? ''))
  const files = read('files') as Readonly<Record<string, string>>
  add('binding', Buffer.from(files.binding ?? ''))
  add('format', Buffer.from(files.formatOfCopy ?? ''))
  add('recycle-trace', hex(files.recycleTrace ?? ''))
  for (const one of read('hashes').objects as readonly { readonly cid: string }[]) add('cid', Buffer.from(one.cid))
  add('pack-index', hex(read('packs').index as string))
}

const smallBytes = 8192

/** The header and the first frames of a segment, as many as are small together. */
function wholeFrames(bytes: Buffer): Buffer {
  const seed = frameSeed(decodeSegmentHeader(bytes).logId)
  let end = segmentHeaderBytes
  for (;;) {
    const frame = decodeFrameAt(bytes, end, seed)
    if (frame.state !== 'ok' || frame.nextOffset > smallBytes / 4) return bytes.subarray(0, end)
    end = frame.nextOffset
  }
}

/** What is in no small folder: lists of lists, branches, metadata. */
function fromHand(add: Add): void {
  const link = dagLink(parseObjectId('ab'.repeat(32)))
  const parts = ['a', 'b/c', 'd'].map((firstPath, at) => ({ firstPath, link, count: 4_094 + at }))
  add('changes', encodeChanges({ kind: 'changes-tree', count: 3 * 4_095, parts }))
  const slots = Array.from({ length: 16 }, (_, at) => (at % 3 === 0 ? { link, count: 11 + at } : null))
  add('node', encodeNode({ kind: 'branch', depth: 2, slots }))
  const meta = { uid: 1_000, gid: 0, xattrs: [{ name: 'user.a', value: '\0\xff' }] }
  const file = { kind: 'file', mode: 0o640, size: 3, content: rawLink(link.id) } as const
  add('node', encodeNode({ kind: 'leaf', entries: [{ name: 'with', ...file, meta }] }))
  add('list', encodeList({ depth: 1, bytes: 2 ** 28 + 7, entries: [2 ** 28, 7].map(bytes => ({ link, bytes })) }))
}
