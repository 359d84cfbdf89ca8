// Records that are lost here and are still in another copy of the folder: taken over where the hashes that are left here,
// or a signed root, prove that they are the ones. Segments that change are written anew, and what they were is kept aside.

import { bytesOfText } from '../format/bodyBytes.ts'
import { asBuffer, equalBytes } from '../format/bytes.ts'
import { isList } from '../format/cbor.ts'
import { isFormatError } from '../format/formatError.ts'
import {
  decodeFrameAt,
  encodeFrame,
  encodeSegmentHeader,
  findNextValidFrame,
  fitsSegment,
  frameSeed,
  segmentHeaderBytes,
} from '../format/frame.ts'
import { compactRange, leafHash } from '../format/merkle.ts'
import { bodyHash, decodeBody, decodeEnvelope, zeroHash } from '../format/record.ts'
import { createSlicer, type Slicer } from '../progress.ts'
import { readCheckpointFile } from './checkpointFile.ts'
import type { JournalContext } from './context.ts'
import { envelopeOf } from './frames.ts'
import type { MendedFrame } from './mend.ts'
import type { RawRecord } from './model.ts'
import { readPoison } from './poison.ts'
import { openEnd } from './recovery.ts'
import { placeText, readFully } from './segments.ts'
import { keepSegment, replaceSegment } from './torn.ts'

/** Another copy of the log. */
export interface OtherCopy {
  readonly size: number
  rawRecords(range: { readonly from: number; readonly to: number }): Iterable<RawRecord>
  /** A root that this log's own key has signed. */
  readonly signed: { readonly size: number; readonly root: Uint8Array } | undefined
}

/** Records [from, to). */
interface Range {
  readonly from: number
  readonly to: number
}

interface Sound extends Range {
  readonly segment: number
  /** Of the last of them. */
  readonly leaf: Uint8Array
  /** Of the record before the first, as that one says. */
  readonly prev: Uint8Array
}

/** Under the lock, after what can be mended here was. */
export async function takeRecords(
  context: JournalContext,
  other: OtherCopy,
  signal: AbortSignal | undefined,
): Promise<MendedFrame[]> {
  const { segments, state, runtime } = context
  segments.drop()
  segments.relist()
  state.marks = context.marks.read()?.newest ?? state.marks
  if (state.poison !== undefined || readPoison(runtime) !== undefined) return []
  const slicer = createSlicer(context.clock, signal)
  const sound: Sound[] = []
  const forgotten: Range[] = []
  for (const segment of segments.list()) {
    for (const { frame } of soundFrames(context, segment))
      if (frame.bodyBytes !== null && asBuffer(frame.bodyBytes).includes(aboutForget))
        forgotten.push(...listedIn(frame.bodyBytes))
    if (slicer.due()) await slicer.pause()
  }
  for (const segment of segments.list()) {
    sound.push(...soundRuns(context, segment, forgotten))
    if (slicer.due()) await slicer.pause()
  }
  const end = endOf(context, sound, other)
  const taken: Range[] = []
  for (const gap of gapsIn(sound, end)) {
    const proven = await prove(context, { gap, sound, other, slicer })
    if (proven !== undefined) taken.push(proven)
  }
  if (taken.length === 0) return []
  const places = await rewrite(context, { taken, sound, other, forgotten, slicer })
  openEnd(context)
  return places
}

function readSegment(context: JournalContext, segment: number): Buffer {
  const file = context.segments.open(segment)
  const bytes = Buffer.allocUnsafeSlow(file.stat().size)
  return bytes.subarray(0, readFully(file, bytes, 0))
}

/** Frames of a segment that stand where they belong, whole and one after the other. */
function* soundFrames(context: JournalContext, segment: number) {
  if (context.segments.fault(segment) !== undefined) return
  const bytes = readSegment(context, segment)
  const seed = context.segments.seed(segment)
  for (let offset = segmentHeaderBytes; offset < bytes.length; ) {
    const found = decodeFrameAt(bytes, offset, seed)
    const envelope = found.state === 'ok' ? envelopeOf(found) : undefined
    if (found.state === 'ok' && typeof envelope === 'object') {
      yield { frame: found, envelope }
      offset = found.nextOffset
    } else {
      offset = findNextValidFrame(bytes, offset + 1, seed)
      if (offset < 0) return
    }
  }
}

const aboutForget = Buffer.from(bytesOfText('action', 'forget'))

function soundRuns(context: JournalContext, segment: number, forgotten: readonly Range[]): Sound[] {
  const runs: { from: number; to: number; segment: number; leaf: Uint8Array; prev: Uint8Array }[] = []
  for (const { frame, envelope } of soundFrames(context, segment)) {
    const last = runs.at(-1)
    if (last !== undefined && envelope.seq < last.to) continue
    if (!hasItsBody(frame, envelope.bodyHash)) continue
    if (frame.bodyBytes === null && !isIn(forgotten, envelope.seq)) continue
    const leaf = Uint8Array.from(leafHash(frame.envelopeBytes))
    if (last !== undefined && last.to === envelope.seq && equalBytes(last.leaf, envelope.prev)) {
      last.to++
      last.leaf = leaf
    } else runs.push({ from: envelope.seq, to: envelope.seq + 1, segment, leaf, prev: Uint8Array.from(envelope.prev) })
  }
  return runs
}

const isIn = (ranges: readonly Range[], seq: number): boolean => ranges.some(({ from, to }) => seq >= from && seq < to)

/** True also without one: whether it may be missing is another question. */
function hasItsBody(frame: { salt: Uint8Array | null; bodyBytes: Uint8Array | null }, hash: Uint8Array): boolean {
  return frame.salt === null || frame.bodyBytes === null || equalBytes(bodyHash(frame.salt, frame.bodyBytes), hash)
}

function listedIn(bodyBytes: Uint8Array): Range[] {
  try {
    const body = decodeBody(bodyBytes)
    const records = body.action === 'forget' ? body.fields?.records : undefined
    return (isList(records) ? records : []).flatMap((item): Range[] => {
      const [from, to] = typeof item === 'number' ? [item, item + 1] : isList(item) ? item : []
      return typeof from === 'number' && typeof to === 'number' ? [{ from, to }] : []
    })
  } catch (error) {
    if (!isFormatError(error)) throw error
    return []
  }
}

/** How many records there should be, as far as anything tells. */
function endOf(context: JournalContext, sound: readonly Sound[], other: OtherCopy): number {
  const { marks } = context.state
  const checkpoint = readCheckpointFile(context.runtime)
  const last = Math.max(0, ...sound.map(({ to }) => to))
  const known = Math.max(last, marks?.nextSeq ?? 0, typeof checkpoint === 'object' ? checkpoint.size : 0)
  // With the marks gone too, what was signed for and is in the other copy belongs to it.
  return marks === undefined ? Math.max(known, Math.min(other.size, other.signed?.size ?? 0)) : known
}

function gapsIn(sound: readonly Sound[], end: number): Range[] {
  const gaps: Range[] = []
  let seq = 0
  for (const run of sound.toSorted((a, b) => a.from - b.from)) {
    if (run.from > seq) gaps.push({ from: seq, to: run.from })
    seq = Math.max(seq, run.to)
  }
  if (seq < end) gaps.push({ from: seq, to: end })
  return gaps
}

interface Proving {
  readonly gap: Range
  readonly sound: readonly Sound[]
  readonly other: OtherCopy
  readonly slicer: Slicer
}

/** As much of the gap, from its start on, as the other copy has and is proven to be what was here. */
async function prove(context: JournalContext, { gap, sound, other, slicer }: Proving): Promise<Range | undefined> {
  const before = sound.find(({ to }) => to === gap.from)
  const to = Math.min(gap.to, other.size)
  if (gap.from >= to || (gap.from > 0 && before === undefined)) return undefined
  let leaf = before?.leaf ?? zeroHash
  let seq = gap.from
  for (const record of other.rawRecords({ from: gap.from, to })) {
    if (record.state !== 'intact') break
    const envelope = decodeEnvelope(record.envelopeBytes)
    if (!equalBytes(envelope.prev, leaf) || !hasItsBody(record, envelope.bodyHash)) break
    leaf = Uint8Array.from(leafHash(record.envelopeBytes))
    seq++
    if (slicer.due()) await slicer.pause()
  }
  if (seq === gap.to && followedBy(context, sound, seq, leaf)) return gap
  const signed = await signedUpTo(context, { gap: { from: gap.from, to: seq }, sound, other, slicer })
  return signed > gap.from ? { from: gap.from, to: signed } : undefined
}

/** What comes behind the gap here, or the mark, holds the hash of its last record. */
function followedBy({ state }: JournalContext, sound: readonly Sound[], seq: number, leaf: Uint8Array): boolean {
  const next = sound.find(({ from }) => from === seq)
  if (next !== undefined) return equalBytes(next.prev, leaf)
  return state.marks?.nextSeq === seq && equalBytes(state.marks.lastLeaf, leaf)
}

/** How far a signed root, of here or of there, proves the first records of the gap; the gap's start when none does. */
async function signedUpTo(context: JournalContext, { gap, sound, other, slicer }: Proving): Promise<number> {
  const stored = readCheckpointFile(context.runtime)
  const roots = [other.signed, typeof stored === 'object' ? stored : undefined].filter(one => one !== undefined)
  const size = Math.max(0, ...roots.map(root => root.size).filter(covered => covered > gap.from && covered <= gap.to))
  if (size === 0) return gap.from
  const range = compactRange()
  const wanted = roots.filter(root => root.size === size)
  // The records before the gap are the same there: each holds the hash of the one before, up to the first of the gap.
  if (gap.from > 0 && !sound.some(({ to }) => to === gap.from)) return gap.from
  for (const record of other.rawRecords({ from: 0, to: size })) {
    if (record.state !== 'intact') return gap.from
    range.push(Uint8Array.from(leafHash(record.envelopeBytes)))
    if (slicer.due()) await slicer.pause()
  }
  const root = range.root()
  return wanted.some(one => equalBytes(one.root, root)) ? size : gap.from
}

interface Rewriting {
  readonly taken: readonly Range[]
  readonly sound: readonly Sound[]
  readonly other: OtherCopy
  readonly forgotten: readonly Range[]
  readonly slicer: Slicer
}

/** Writes each segment that a taken range begins in, or that is missing for it, anew from what is sound and taken. */
async function rewrite(context: JournalContext, plan: Rewriting): Promise<MendedFrame[]> {
  const { segments } = context
  const places: MendedFrame[] = []
  const existing = [...segments.list()]
  const starts = new Set<number>()
  for (const { from } of plan.taken) starts.add(existing.filter(first => first <= from).at(-1) ?? 0)
  let last: { segment: number; bytes: number; seq: number; leaf: Uint8Array } | undefined
  for (const start of [...starts].sort((a, b) => a - b)) {
    const until = existing.find(first => first > start) ?? Number.MAX_SAFE_INTEGER
    const logId = (segments.list().includes(start) ? segments.logId(start) : undefined) ?? context.logId
    const out = createSegmentOutput(context, { start, logId, existing: new Set(existing) })
    for (const piece of piecesFor(context, plan, { from: start, to: until })) {
      const at = out.append(piece.seq, piece.parts)
      last = { ...at, seq: piece.seq + 1, leaf: leafHash(piece.parts.envelopeBytes) }
      if (piece.taken) places.push({ seq: piece.seq, where: placeText({ segment: at.segment, bytes: at.offset }) })
      if (plan.slicer.due()) await plan.slicer.pause()
    }
    out.finish()
    segments.drop()
    segments.relist()
  }
  if (last !== undefined && segments.list().every(first => first <= last.segment)) remark(context, last)
  return places
}

interface Piece {
  readonly seq: number
  readonly taken: boolean
  readonly parts: {
    readonly envelopeBytes: Uint8Array
    readonly body: { salt: Uint8Array; bodyBytes: Uint8Array } | null
  }
}

/** The records of a stretch that are sound here or taken from there, in order; ends at the first that is neither. */
function* piecesFor(context: JournalContext, { taken, other, forgotten }: Rewriting, range: Range): Generator<Piece> {
  const here = context.segments.list().includes(range.from) ? soundFrames(context, range.from) : []
  const own = new Map<number, Piece>()
  for (const { frame, envelope } of here) {
    const { envelopeBytes, salt, bodyBytes } = frame
    if (!hasItsBody(frame, envelope.bodyHash)) continue
    if (bodyBytes === null && isIn(taken, envelope.seq)) continue
    const body = salt === null || bodyBytes === null ? null : { salt, bodyBytes }
    own.set(envelope.seq, { seq: envelope.seq, taken: false, parts: { envelopeBytes, body } })
  }
  for (let seq = range.from; seq < range.to; ) {
    const mine = own.get(seq)
    const from = taken.find(one => seq >= one.from && seq < one.to)
    if (from !== undefined) {
      for (const record of other.rawRecords({ from: seq, to: Math.min(from.to, range.to) })) {
        if (record.state !== 'intact') return
        const { envelopeBytes, salt, bodyBytes } = record
        const goes = isIn(forgotten, record.seq)
        const body = goes || salt === null || bodyBytes === null ? null : { salt, bodyBytes }
        yield { seq: record.seq, taken: true, parts: { envelopeBytes, body } }
        seq = record.seq + 1
      }
    } else if (mine !== undefined) {
      yield mine
      seq++
    } else {
      // What is not proven stays lost; the sound ones behind it stay.
      const next = [...own.keys()].filter(one => one > seq).sort((a, b) => a - b)[0]
      if (next === undefined) return
      seq = next
    }
  }
}

interface SegmentPlace {
  readonly segment: number
  /** Where the frame begins, and where it ends. */
  readonly offset: number
  readonly bytes: number
}

/** Collects a segment, at most one in memory, and puts it in place; where it is full, a new one begins. */
function createSegmentOutput(
  context: JournalContext,
  options: { readonly start: number; readonly logId: Uint8Array; readonly existing: ReadonlySet<number> },
) {
  const seed = frameSeed(options.logId)
  let segment = options.start
  let pieces: Uint8Array[] = [encodeSegmentHeader({ firstSeq: segment, logId: options.logId })]
  let length = segmentHeaderBytes
  const put = (): void => {
    if (length === segmentHeaderBytes) return
    if (options.existing.has(segment)) keepSegment(context, segment)
    replaceSegment(context, segment, Buffer.concat(pieces))
  }
  return {
    append(seq: number, parts: Piece['parts']): SegmentPlace {
      const bytes = encodeFrame({ ...parts, base: segmentHeaderBytes }, seed)
      if (!fitsSegment(length, bytes.length)) {
        put()
        segment = seq
        pieces = [encodeSegmentHeader({ firstSeq: seq, logId: options.logId })]
        length = segmentHeaderBytes
      }
      pieces.push(bytes)
      const offset = length
      length += bytes.length
      return { segment, offset, bytes: length }
    },
    finish: put,
  }
}

/** The marks say where the last segment ends; what of the pack they know stays. */
function remark(
  context: JournalContext,
  end: { readonly segment: number; readonly bytes: number; readonly seq: number; readonly leaf: Uint8Array },
): void {
  const { state, marks } = context
  const before = state.marks
  if (before !== undefined && end.seq < before.nextSeq) return
  marks.create({
    generation: (before?.generation ?? 0) + 1,
    segmentFirstSeq: end.segment,
    segmentFlushedBytes: end.bytes,
    nextSeq: end.seq,
    lastLeaf: end.leaf,
    // What was shown of it nobody knows without marks: a difference is drift then, and nothing is overwritten.
    applied: before === undefined ? end.seq : Math.min(before.applied, end.seq),
    packNumber: before?.packNumber ?? 0,
    packFlushedBytes: before?.packFlushedBytes ?? 0,
    ...(before?.packId === undefined ? {} : { packId: before.packId }),
    clean: false,
  })
}
