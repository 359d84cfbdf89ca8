// Journals for tests: records made from a number, a journal in a fresh folder of any host, and what a naive reader of
// RFC 6962 would compute.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { hexOf } from '../../../src/core/format/bytes.ts'
import { decodeFrameAt, frameSeed, type GoodFrame, segmentHeaderBytes } from '../../../src/core/format/frame.ts'
import { type ObjectId, objectId } from '../../../src/core/format/id.ts'
import type { Body } from '../../../src/core/format/record.ts'
import type { Directory, Host } from '../../../src/core/host/host.ts'
import {
  type Journal,
  type JournalLimits,
  type JournalRecord,
  type JournalVerification,
  type NewRecord,
  openJournal,
  type PackMark,
  type RecordRange,
  type VerifyOptions,
} from '../../../src/core/journal/journal.ts'

export const logId: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) => i + 1)
export const noPack: PackMark = { number: 0, flushedBytes: 0 }

export function rootOf(value: number | string): ObjectId {
  return objectId(Buffer.from(`state ${value}`))
}

/** A record that says which one it is; `padding` makes its body larger. */
export function recordOf(value: number | string, padding = 0): NewRecord {
  const body: Body = {
    actor: 'owner',
    action: 'write',
    subject: { kind: 'file', id: `home/notes/${value}` },
    decision: { effect: 'permit', bundle: null, rule: 'default' },
    ...(padding > 0 ? { fields: { padding: new Uint8Array(padding).fill(0x61) } } : {}),
  }
  return { root: rootOf(value), body }
}

export function recordsOf(from: number, to: number, padding = 0): NewRecord[] {
  return Array.from({ length: to - from }, (_, i) => recordOf(from + i, padding))
}

export interface JournalPlace {
  readonly host: Host
  /** Holds `.runtime` and `.db`. */
  readonly directory: Directory
}

export interface OpenTestOptions {
  readonly access?: 'read' | 'write'
  readonly limits?: Partial<JournalLimits>
  readonly logId?: Uint8Array
  readonly earlierLogIds?: readonly Uint8Array[]
  /** Without offset tables on disk. */
  readonly underived?: boolean
}

function folder(directory: Directory, name: string): Directory {
  if (directory.stat(name) === undefined) {
    directory.makeDirectory(name, 0o700)
    directory.flush()
  }
  return directory.child(name)!
}

/** Opens the journal of a folder; `.runtime` and `.db` are made when they are missing. */
export function openTest({ host, directory }: JournalPlace, options: OpenTestOptions = {}): Journal {
  const { access = 'write', limits = {}, earlierLogIds = [] } = options
  return openJournal({
    directory: folder(directory, '.runtime'),
    derived: options.underived ? undefined : folder(directory, '.db'),
    clock: host.clock,
    random: host.random,
    processes: host.processes,
    locks: host.locks,
    access,
    logId: options.logId ?? logId,
    earlierLogIds,
    limits,
  })
}

export function append(journal: Journal, records: readonly NewRecord[]): Promise<JournalRecord[]> {
  return journal.writerLock.hold('append', undefined, () => journal.append(records, noPack))
}

/** What a record says it is: the part of its path behind the last slash; its state and seq where it cannot be read. */
export function namesOf(journal: Journal, range: RecordRange = { from: 0 }): string[] {
  return [...journal.records(range)].map(result => {
    if (result.state !== 'intact') return `${result.state} ${result.seq}`
    return nameOf(result.record)
  })
}

export function nameOf(record: JournalRecord): string {
  return record.body === undefined ? `forgotten ${record.seq}` : record.body.subject.id.split('/').at(-1)!
}

export function names(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i))
}

export async function verify(journal: Journal, options: VerifyOptions = {}): Promise<JournalVerification> {
  const work = journal.verify(options)
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

/** Asserts that a journal is whole, that one opened anew says the same, and that it holds these records. */
export async function assertHolds(journal: Journal, expected: readonly string[]): Promise<void> {
  assert.equal(journal.damage(), undefined)
  assert.equal(journal.head().size, expected.length)
  assert.deepEqual(namesOf(journal), expected)
  const verification = await verify(journal)
  assert.deepEqual(verification.findings, [])
  assert.equal(verification.records, expected.length)
  assert.equal(hexOf(verification.root!), hexOf(journal.rootHash(expected.length)))
}

/** The frames of a segment's bytes, which must all be valid. */
export function framesOf(segment: Uint8Array): GoodFrame[] {
  const frames: GoodFrame[] = []
  for (let at = segmentHeaderBytes; at < segment.length; ) {
    const frame = decodeFrameAt(segment, at, frameSeed(logId))
    assert.ok(frame.state === 'ok')
    frames.push(frame)
    at = frame.nextOffset
  }
  return frames
}

const sha = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hasher = createHash('sha256')
  for (const part of parts) hasher.update(part)
  return hasher.digest()
}

/** Merkle Tree Hash of RFC 6962, section 2.1, word for word, over leaf hashes. */
export function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha()
  if (leaves.length === 1) return leaves[0]!
  const k = split(leaves.length)
  return sha(Uint8Array.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)))
}

/** PATH(m, D[n]) of RFC 6962, section 2.1.1. */
export function naivePath(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return []
  const k = split(leaves.length)
  if (m < k) return [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
  return [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))]
}

/** PROOF(m, D[n]) of RFC 6962, section 2.1.2. */
export function naiveProof(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  const subproof = (size: number, below: readonly Uint8Array[], whole: boolean): Uint8Array[] => {
    if (size === below.length) return whole ? [] : [naiveRoot(below)]
    const k = split(below.length)
    if (size <= k) return [...subproof(size, below.slice(0, k), whole), naiveRoot(below.slice(k))]
    return [...subproof(size - k, below.slice(k), false), naiveRoot(below.slice(0, k))]
  }
  return m === 0 ? [] : subproof(m, leaves, true)
}

function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
