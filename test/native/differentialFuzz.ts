// Asks both twins about the same bytes: for every parser of the format, mutated known answers and frozen fixtures go to the
// codec of TypeScript and to that of Rust. What one accepts and the other refuses is a bug of one of the two.
// Run alone: node test/native/differentialFuzz.ts [seconds] [seed] [kind]

import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { decodeBinding } from '../../src/core/format/binding.ts'
import { parseDisplayed } from '../../src/core/format/bytes.ts'
import { decode } from '../../src/core/format/cbor.ts'
import { decodeChanges } from '../../src/core/format/changes.ts'
import { parseCheckpoint, parseOrigin } from '../../src/core/format/checkpoint.ts'
import { decodeList } from '../../src/core/format/content.ts'
import { isFormatError } from '../../src/core/format/formatError.ts'
import { decodeFormatFile } from '../../src/core/format/formatFile.ts'
import { decodeFrameAt, decodeSegmentHeader, frameSeed, segmentHeaderBytes } from '../../src/core/format/frame.ts'
import { crc32 } from '../../src/core/format/hash.ts'
import { parseCid } from '../../src/core/format/id.ts'
import { parseInclusion } from '../../src/core/format/inclusion.ts'
import { decodeMarks, decodeMarksFile } from '../../src/core/format/marks.ts'
import { decodeNode } from '../../src/core/format/node.ts'
import { parseNote, parseVerifierKey } from '../../src/core/format/note.ts'
import { decodeEntryHeader, decodePackHeader, entryHeaderBytes, packHeaderBytes } from '../../src/core/format/pack.ts'
import { checkIndex } from '../../src/core/format/packIndex.ts'
import { decodeBody, decodeEnvelope } from '../../src/core/format/record.ts'
import { parseSnapshotList } from '../../src/core/format/recycleLock.ts'
import { decodeTraceHeader, decodeTraceItemAt } from '../../src/core/format/recycleTrace.ts'
import { decodeState } from '../../src/core/format/state.ts'
import { unpackBytes } from '../../src/core/store/packing.ts'
import { standAloneCommand } from './standAlone.ts'

const repository = path.join(import.meta.dirname, '..', '..')
const logIdBytes = 16

interface Kind {
  /** Throws FormatError, or answers false, for what it refuses. */
  readonly accepts: (bytes: Buffer) => unknown
  /** Puts a checksum right, so that what stands behind it is reached. */
  readonly mend?: (bytes: Buffer) => void
}

const text = (parse: (text: string) => unknown) => (bytes: Buffer) => {
  const decoded = bytes.toString('utf8')
  // Texts come from files that were checked to be UTF-8.
  return Buffer.from(decoded).equals(bytes) && parse(decoded) !== undefined
}

const isFrame = (bytes: Buffer): boolean =>
  bytes.length >= logIdBytes &&
  decodeFrameAt(bytes.subarray(logIdBytes), 0, frameSeed(bytes.subarray(0, logIdBytes))).state === 'ok'

function isTrace(bytes: Buffer): boolean {
  let result = decodeTraceHeader(bytes) as { readonly state: string; readonly nextOffset?: number }
  while (result.state === 'ok' && (result.nextOffset ?? 0) < bytes.length)
    result = decodeTraceItemAt(bytes, result.nextOffset ?? 0)
  return result.state === 'ok'
}

function isZstd(bytes: Buffer): boolean {
  if (bytes.length < 4 || bytes.readUInt32LE(0) > 16 << 20) return false
  return unpackBytes('zstd', bytes.subarray(4), bytes.readUInt32LE(0)) !== undefined
}

const crcAt = (from: number, offset: (bytes: Buffer) => number) => (bytes: Buffer) => {
  const at = offset(bytes)
  if (at >= from && at + 4 <= bytes.length) bytes.writeUInt32LE(crc32(bytes.subarray(from, at)), at)
}

function mendFrame(bytes: Buffer): void {
  const frame = bytes.subarray(logIdBytes)
  if (frame.length < 24) return
  frame.writeUInt32LE(frame.length - 20, 4)
  frame.writeUInt32LE(frame.length - 20, frame.length - 4)
  const seed = crc32(frame.subarray(4, 8), frameSeed(bytes.subarray(0, logIdBytes)))
  frame.writeUInt32LE(crc32(frame.subarray(12, -4), seed), 8)
}

function mendTrace(bytes: Buffer): void {
  for (let at = 8; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32LE(at)
    if (end > bytes.length) return
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 8, end), crc32(bytes.subarray(at, at + 4))), at + 4)
    at = end
  }
}

function mendBinding(bytes: Buffer): void {
  const at = bytes.lastIndexOf(',"crc32":"')
  if (at < 0 || at + 18 > bytes.length) return
  bytes.write(crc32(bytes.subarray(0, at)).toString(16).padStart(8, '0'), at + 10)
}

const kinds: Readonly<Record<string, Kind>> = {
  cbor: { accepts: bytes => decode(bytes) !== undefined },
  node: { accepts: decodeNode },
  list: { accepts: decodeList },
  state: { accepts: decodeState },
  changes: { accepts: decodeChanges },
  envelope: { accepts: decodeEnvelope },
  body: { accepts: decodeBody },
  frame: { accepts: isFrame, mend: mendFrame },
  'segment-header': { accepts: decodeSegmentHeader },
  'marks-slot': { accepts: bytes => decodeMarks(bytes).state === 'ok', mend: crcAt(0, () => 108) },
  'marks-file': { accepts: bytes => decodeMarksFile(bytes).newest !== undefined, mend: crcAt(0, () => 108) },
  note: { accepts: bytes => parseNote(bytes) },
  checkpoint: { accepts: text(parseCheckpoint) },
  origin: { accepts: text(parseOrigin) },
  'verifier-key': { accepts: text(key => parseVerifierKey(key)) },
  inclusion: { accepts: parseInclusion },
  binding: { accepts: decodeBinding, mend: mendBinding },
  format: { accepts: decodeFormatFile },
  'pack-header': { accepts: decodePackHeader, mend: crcAt(0, () => 12) },
  'pack-entry': { accepts: bytes => decodeEntryHeader(bytes, 0) },
  'pack-index': { accepts: checkIndex, mend: crcAt(0, bytes => bytes.length - 4) },
  'recycle-lock': { accepts: text(parseSnapshotList) },
  'recycle-trace': { accepts: isTrace, mend: mendTrace },
  cid: { accepts: text(parseCid) },
  displayed: { accepts: text(shown => parseDisplayed(shown)) },
  zstd: { accepts: isZstd },
}

function isAccepted(kind: Kind, bytes: Buffer): boolean {
  try {
    return kind.accepts(bytes) !== false
  } catch (error) {
    if (!isFormatError(error)) throw error
    return false
  }
}

// What is mutated.

type Corpus = Record<string, Buffer[]>

/** Well-formed inputs of every kind, from the frozen root folder and the known answers. */
export function makeCorpus(): Corpus {
  const corpus: Corpus = Object.fromEntries(Object.keys(kinds).map(kind => [kind, [] as Buffer[]]))
  const add = (kind: string, bytes: Uint8Array): void => void corpus[kind]?.push(Buffer.from(bytes))
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-fuzz-'))
  try {
    execFileSync('tar', ['-xpf', path.join(repository, 'format/fixtures/v1/clean.tar'), '-C', folder])
    fromFolder(path.join(folder, 'root'), add)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  fromVectors(add)
  return corpus
}

type Add = (kind: string, bytes: Uint8Array) => void

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
  add('displayed', Buffer.from('name \\xFF with\\n all \\\\ größe'))
}

function fromSegment(bytes: Buffer, add: Add): void {
  add('segment-header', bytes.subarray(0, segmentHeaderBytes))
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

// How it is mutated.

type Roll = (below: number) => number

export function dice(seed: number): Roll {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return below => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

/** What stands at the borders of the format: heads of items, limits, bytes that text must escape. */
const snippets = [
  ...[
    '00',
    'ff',
    '7f',
    '80',
    '0a',
    '20',
    '22',
    '5c',
    '5c75',
    '5c6e',
    '31',
    '30',
    '2d',
    '2b',
    '2f',
    '3d',
    'f4',
    'f5',
    'f6',
  ],
  ...['1817', '1818', '18ff', '190100', '19ffff', '1a00010000', '1b001fffffffffffff', '1b0020000000000000', '38ff'],
  ...['5f', '9f', 'bf', '60', '40', '80', 'a0', 'a16161', '8181', 'd82a', 'c3a9', 'efbbbf', 'e280a8', 'c285', 'c2a0'],
  ...['eda080', 'f09f9880', '6462697464', '63676964', '63756964', '667861747472', '65636f646563', '626964', 'ffffffff'],
].map(hex => Buffer.from(hex, 'hex'))

const mutations: readonly ((bytes: Buffer, roll: Roll, other: Buffer) => Buffer)[] = [
  (bytes, roll) => withByte(bytes, roll(bytes.length), byte => byte ^ (1 << roll(8))),
  (bytes, roll) => withByte(bytes, roll(bytes.length), () => roll(256)),
  (bytes, roll) => withByte(bytes, roll(bytes.length), byte => byte + roll(3) - 1),
  (bytes, roll) => spliced(bytes, roll(bytes.length + 1), 0, snippets[roll(snippets.length)]!),
  (bytes, roll) => {
    const snippet = snippets[roll(snippets.length)]!
    return spliced(bytes, roll(bytes.length + 1), snippet.length, snippet)
  },
  (bytes, roll) => spliced(bytes, roll(bytes.length + 1), 1 + roll(8), Buffer.alloc(0)),
  (bytes, roll) => {
    const at = roll(bytes.length + 1)
    return spliced(bytes, at, 0, bytes.subarray(at, at + 1 + roll(60)))
  },
  (bytes, roll, other) => {
    const from = roll(other.length + 1)
    return spliced(bytes, roll(bytes.length + 1), roll(40), other.subarray(from, from + roll(60)))
  },
  (bytes, roll) => bytes.subarray(0, roll(bytes.length + 1)),
  (bytes, roll) => Buffer.concat([bytes, snippets[roll(snippets.length)]!]),
]

function withByte(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const changed = Buffer.from(bytes)
  if (at < changed.length) changed[at] = change(changed[at]!) & 0xff
  return changed
}

const spliced = (bytes: Buffer, at: number, removed: number, inserted: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(Math.min(bytes.length, at + removed))])

function mutate(corpus: readonly Buffer[], kind: Kind, roll: Roll): Buffer {
  let bytes = Buffer.from(corpus[roll(corpus.length)]!)
  for (let left = 1 + (roll(2) === 0 ? roll(4) : 0); left > 0; left--)
    bytes = Buffer.from(mutations[roll(mutations.length)]!(bytes, roll, corpus[roll(corpus.length)]!))
  if (kind.mend !== undefined && roll(4) > 0) kind.mend(bytes)
  return bytes
}

// Both sides.

/** A running `sentient-store probe`. */
class Probe {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>
  private answers = Buffer.alloc(0)
  private wake: () => void = () => undefined
  private ended = false

  constructor(kind: string) {
    this.child = spawn(standAloneCommand(), ['probe', kind], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.stdin.on('error', () => undefined)
    this.child.stdout.on('data', (bytes: Buffer) => {
      this.answers = Buffer.concat([this.answers, bytes])
      this.wake()
    })
    this.child.on('exit', () => {
      this.ended = true
      this.wake()
    })
  }

  async ask(inputs: readonly Buffer[]): Promise<boolean[]> {
    for (const input of inputs) {
      const head = Buffer.alloc(4)
      head.writeUInt32LE(input.length)
      this.child.stdin.write(head)
      this.child.stdin.write(input)
    }
    while (this.answers.length < inputs.length) {
      if (this.ended)
        throw new Error(`the probe ended; the last input: ${inputs[this.answers.length]?.toString('hex')}`)
      await new Promise<void>(resolve => {
        this.wake = resolve
      })
    }
    const answers = [...this.answers.subarray(0, inputs.length)].map(byte => byte === 1)
    this.answers = this.answers.subarray(inputs.length)
    return answers
  }

  end(): void {
    this.child.stdin.end()
  }
}

export interface Difference {
  readonly kind: string
  readonly hex: string
  readonly typescript: boolean
  readonly native: boolean
}

export interface FuzzReport {
  readonly inputs: number
  readonly accepted: number
  /** At most a few of each kind. */
  readonly differences: readonly Difference[]
}

const batchInputs = 400
const differencesOfKindMax = 5

export async function fuzz(options: { seconds: number; seed: number; only?: string | undefined }): Promise<FuzzReport> {
  const corpus = makeCorpus()
  const roll = dice(options.seed)
  const names = Object.keys(kinds).filter(name => options.only === undefined || name === options.only)
  const probes = new Map(names.map(name => [name, new Probe(name)]))
  const report = { inputs: 0, accepted: 0, differences: [] as Difference[] }
  const end = Date.now() + options.seconds * 1000
  do {
    for (const name of names) {
      const kind = kinds[name] as Kind
      const pool = corpus[name] as Buffer[]
      if (pool.length === 0) throw new Error(`there is nothing of the kind ${name} to begin with`)
      const inputs = Array.from({ length: batchInputs }, () => mutate(pool, kind, roll))
      const native = await probes.get(name)!.ask(inputs)
      for (const [index, bytes] of inputs.entries()) {
        const typescript = isAccepted(kind, bytes)
        report.inputs++
        if (typescript) report.accepted++
        // What is accepted and new is where the next mutation may begin.
        if (typescript && roll(50) === 0 && pool.length < 2000 && bytes.length < 4096) pool.push(bytes)
        if (typescript === native[index]) continue
        const known = report.differences.filter(difference => difference.kind === name).length
        if (known < differencesOfKindMax)
          report.differences.push({
            kind: name,
            hex: bytes.toString('hex'),
            typescript,
            native: native[index] === true,
          })
      }
    }
  } while (Date.now() < end)
  for (const probe of probes.values()) probe.end()
  return report
}

if (import.meta.main) {
  const [seconds = '60', seed = String(Date.now() % 1_000_000), only] = process.argv.slice(2)
  const report = await fuzz({ seconds: Number(seconds), seed: Number(seed), only })
  console.log(`seed ${seed}: ${report.inputs} inputs, ${report.accepted} accepted`)
  for (const { kind, hex, typescript, native } of report.differences)
    console.log(`${kind}: ${typescript ? 'TypeScript' : ''}${native ? 'native' : ''} alone accepts ${hex}`)
  process.exitCode = report.differences.length === 0 ? 0 : 1
}
