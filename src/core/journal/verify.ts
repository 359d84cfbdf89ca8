// Verification of the journal itself: every frame, the chain, the bodies, the order, the Merkle tree against tiles and
// checkpoint, the marks. What is wrong is data; nothing is repaired.

import { isSentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { tileHashes } from '../format/constants.generated.ts'
import { faultOfBase, frameBytes, type GoodFrame, segmentHeaderBytes } from '../format/frame.ts'
import type { MarksFile } from '../format/marks.ts'
import { type CompactRange, compactRange, compactRangeNodes, leafHash, rootAt } from '../format/merkle.ts'
import type { Body, Envelope } from '../format/record.ts'
import { tileBytes, tileHeight, tilePath } from '../format/tile.ts'
import { createSlicer, type Progress } from '../progress.ts'
import { readCheckpointFile } from './checkpointFile.ts'
import type { JournalContext } from './context.ts'
import { bodyOf, envelopeOf, keepFrame } from './frames.ts'
import { createFrameWindow, type FrameAt } from './frameWindow.ts'
import type { JournalCheckpoint, JournalFinding, JournalRecord, JournalVerification, VerifyOptions } from './model.ts'
import { locate, readRecord, segmentEndBytes, segmentOf } from './reader.ts'
import { placeText } from './segments.ts'

/** The action and the field of the record that says which bodies were removed: a list of seqs or [from, to) pairs. */
export const forgetAction = 'forget'
const forgetField = 'records'

interface Verification {
  readonly context: JournalContext
  readonly from: number
  readonly to: number
  readonly each: ((record: JournalRecord) => void) | undefined
  /** The stored checkpoint; a text when it cannot be read. */
  readonly checkpoint: JournalCheckpoint | string | undefined
  readonly findings: JournalFinding[]
  omitted: number
  records: number
  segments: number
  bytes: number
  tiles: number
  doubtful: number
  /** The record that comes next. */
  seq: number
  /** Leaf and time of the record before; undefined behind a gap. */
  prev: Uint8Array | undefined
  time: number
  /** The Merkle tree so far; undefined once a leaf is unknown. */
  range: CompactRange | undefined
  readonly forgotten: Map<number, string>
  readonly allowed: Set<number>
}

const progressRecords = 64

export async function* verifyJournal(
  context: JournalContext,
  options: VerifyOptions,
): AsyncGenerator<Progress, JournalVerification, void> {
  const slicer = createSlicer(context.clock, options.signal)
  const state = begin(context, options)
  const total = state.to - state.from
  checkMarks(state)
  await slicer.pause()
  for (const _ of checkRecords(state)) {
    if (!slicer.due()) continue
    yield { phase: 'journal', done: state.records, total, unit: 'records' }
    await slicer.pause()
  }
  checkCheckpoint(state)
  checkForgotten(state)
  yield { phase: 'journal', done: total, total, unit: 'records' }
  return {
    from: state.from,
    to: state.to,
    records: state.records,
    segments: state.segments,
    bytes: state.bytes,
    tiles: state.tiles,
    forgotten: state.forgotten.size,
    doubtful: state.doubtful,
    root: state.range?.size === state.to ? state.range.root() : undefined,
    findings: state.findings,
    findingsOmitted: state.omitted,
  }
}

function begin(context: JournalContext, options: VerifyOptions): Verification {
  context.segments.relist()
  const to = context.state.head.size
  const from = Math.min(Math.max(0, options.since ?? 0), to)
  const before = from === 0 ? undefined : readRecord(context, from - 1)
  const intact = before?.state === 'intact' ? before.record : undefined
  const state: Verification = {
    ...{
      context,
      from,
      to,
      each: options.each,
      checkpoint: readCheckpointFile(context.runtime),
      findings: [],
      omitted: 0,
    },
    ...{ records: 0, segments: 0, bytes: 0, tiles: 0, doubtful: 0, seq: from },
    prev: from === 0 ? new Uint8Array(32) : intact?.leaf,
    time: intact?.envelope.time ?? 0,
    range: undefined,
    forgotten: new Map(),
    allowed: new Set(),
  }
  const completed = createTileCheck(state)
  try {
    const hashes = compactRangeNodes(from).map(({ level, index }) => context.tree.hashAt(level, index))
    state.range = compactRange({ from: { size: from, hashes }, completed })
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED')) throw error
  }
  return state
}

function report(state: Verification, finding: JournalFinding): void {
  if (state.findings.length < state.context.limits.findingsMax) state.findings.push(finding)
  else state.omitted++
}

/** Yields now and then, so that the caller can give way. */
function* checkRecords(state: Verification): Generator<void> {
  const { context } = state
  while (state.seq < state.to) {
    const segment = segmentOf(context, state.seq)
    const later = context.segments.list().find(first => first > state.seq)
    const end = Math.min(state.to, later ?? state.to)
    if (segment === undefined)
      reportGap(state, end, { code: 'segment', where: 'journal', reason: 'the segment is missing' })
    else yield* checkSegment(state, segment, end)
    yield
  }
}

function* checkSegment(state: Verification, segment: number, endSeq: number): Generator<void> {
  const { context } = state
  const { segments } = context
  const place = (bytes: number): string => placeText({ segment, bytes })
  const fault = segments.fault(segment)
  if (fault !== undefined) report(state, { code: 'segment', where: place(0), reason: fault, seq: segment })
  const end = segmentEndBytes(context, segment)
  state.segments++
  const window = createFrameWindow(segments, { segment, end, tolerant: true })
  let offset = startOf(context, segment, state.seq)
  let isShifted = false
  for (let count = 1; state.seq < endSeq; count++) {
    const found = window.at(offset)
    const envelope = found.state === 'ok' ? envelopeOf(found.frame) : undefined
    if (found.state === 'ok' && typeof envelope === 'object' && envelope.seq === state.seq) {
      const wrong = isShifted ? undefined : faultOfBase(found.frame, offset)
      if (wrong !== undefined) {
        report(state, { code: 'frame', where: place(offset), reason: wrong, seq: state.seq })
        isShifted = true
      }
      checkRecord(state, found.frame, envelope, { segment, bytes: offset })
      offset = found.next
      if (count % progressRecords === 0) yield
      continue
    }
    const next = window.search(offset, frame => {
      const candidate = envelopeOf(frame)
      return typeof candidate === 'object' && candidate.seq >= state.seq && candidate.seq < endSeq
    })
    const resumed = next.state === 'ok' ? envelopeOf(next.frame) : undefined
    const gap = { where: place(offset), ...faultOf(found, envelope) }
    reportGap(state, typeof resumed === 'object' ? resumed.seq : endSeq, gap)
    offset = next.offset
    isShifted = true
    yield
  }
  if (endSeq < state.to && offset < end) {
    report(state, {
      code: 'frame',
      where: place(offset),
      reason: 'there are bytes behind the last record',
      seq: endSeq,
    })
  }
}

// Where the first record to check lies; the segment's start when that record cannot be found.
function startOf(context: JournalContext, segment: number, seq: number): number {
  if (seq === segment) return segmentHeaderBytes
  const { at, found } = locate(context, seq)
  return found.state === 'ok' ? at.bytes : segmentHeaderBytes
}

function faultOf(found: FrameAt, envelope: Envelope | string | undefined): Pick<JournalFinding, 'code' | 'reason'> {
  if (typeof envelope === 'object') return { code: 'sequence', reason: `record ${envelope.seq} stands here` }
  if (typeof envelope === 'string') return { code: 'frame', reason: envelope }
  return { code: 'frame', reason: found.state === 'bad' ? found.reason : 'the segment ends here' }
}

// Records [state.seq, next) cannot be read; nothing behind them can be compared with what comes before.
function reportGap(state: Verification, next: number, gap: Pick<JournalFinding, 'code' | 'where' | 'reason'>): void {
  const count = next - state.seq
  report(state, { ...gap, seq: state.seq, ...(count > 1 && { found: `${count} records cannot be read` }) })
  if (count > 0) state.prev = undefined
  if (count > 1) state.range = undefined
  state.seq = next
}

function pushLeaf(state: Verification, leaf: Uint8Array): void {
  const { range, checkpoint } = state
  if (range === undefined) return
  range.push(leaf)
  if (typeof checkpoint === 'object' && range.size === checkpoint.size) checkRoot(state, checkpoint, range.root())
}

function checkRecord(
  state: Verification,
  frame: GoodFrame,
  envelope: Envelope,
  at: { segment: number; bytes: number },
): void {
  const { seq } = envelope
  const where = (): string => placeText(at)
  // A single lost record: the one behind it holds its leaf hash.
  if (state.range !== undefined && state.range.size === seq - 1) pushLeaf(state, Uint8Array.from(envelope.prev))
  if (state.prev !== undefined && !equalBytes(envelope.prev, state.prev)) {
    const expected = hexOf(state.prev)
    report(state, {
      code: 'chain',
      where: where(),
      reason: 'it does not follow the record before',
      seq,
      expected,
      found: hexOf(envelope.prev),
    })
  }
  const kept = state.each === undefined ? frame : keepFrame(frame)
  const body = bodyOf(kept, envelope)
  const leaf = leafHash(frame.envelopeBytes)
  if (typeof body === 'string') report(state, { code: 'body', where: where(), reason: body, seq })
  else if (body === undefined) state.forgotten.set(seq, where())
  else noteBody(state, body)
  const doubtful = typeof body === 'object' && body.doubtful === true
  if (envelope.time < state.time && typeof body === 'object' && !doubtful) {
    report(state, {
      code: 'time',
      where: where(),
      reason: 'it is earlier than the record before and not marked doubtful',
      seq,
    })
  }
  const bytes = frameBytes(frame.envelopeBytes.length, frame.bodyBytes?.length ?? null)
  state.prev = leaf
  state.time = envelope.time
  state.seq = seq + 1
  state.records++
  state.bytes += bytes
  pushLeaf(state, leaf)
  if (state.each === undefined || typeof body === 'string') return
  const own = envelopeOf(kept) as Envelope
  state.each({ seq, envelope: own, body, bytes, leaf })
}

function noteBody(state: Verification, body: Body): void {
  if (body.doubtful === true) state.doubtful++
  if (body.action !== forgetAction || body.subject.kind !== 'journal') return
  const listed = body.fields?.[forgetField]
  if (!Array.isArray(listed)) return
  for (const item of listed) {
    if (typeof item === 'number') state.allowed.add(item)
    else if (Array.isArray(item)) {
      const [from, to] = item
      if (typeof from !== 'number' || typeof to !== 'number') continue
      for (const seq of state.forgotten.keys()) if (seq >= from && seq < to) state.allowed.add(seq)
    }
  }
}

/** Compares each full tile that the checkpoint covers with the stored one as soon as its last hash is known. */
function createTileCheck(state: Verification): (level: number, index: number, hash: Uint8Array) => void {
  const open = new Map<number, { bytes: Uint8Array; count: number }>()
  return (level, index, hash) => {
    if (level % tileHeight !== 0) return
    const tileLevel = level / tileHeight
    const slot = index % tileHashes
    let tile = open.get(tileLevel)
    if (tile === undefined || slot === 0) {
      tile = { bytes: new Uint8Array(tileBytes), count: 0 }
      open.set(tileLevel, tile)
    }
    tile.bytes.set(hash, slot * 32)
    tile.count++
    if (slot < tileHashes - 1 || tile.count < tileHashes) return
    const tileIndex = Math.floor(index / tileHashes)
    const covered = typeof state.checkpoint === 'object' ? state.checkpoint.size : 0
    if ((tileIndex + 1) * tileHashes ** (tileLevel + 1) > covered) return
    const stored = state.context.tree.storedTile({ tileLevel, tileIndex })
    state.tiles++
    if (stored !== undefined && equalBytes(stored, tile.bytes)) return
    const reason = stored === undefined ? 'the tile is missing' : 'the tile does not hold the hashes of the records'
    report(state, { code: 'tile', where: `tile/${tilePath({ tileLevel, tileIndex })}`, reason })
  }
}

function checkRoot(state: Verification, checkpoint: JournalCheckpoint, root: Uint8Array): void {
  if (equalBytes(root, checkpoint.root)) return
  report(state, {
    code: 'checkpoint',
    where: 'checkpoint',
    reason: `the first ${checkpoint.size} records do not have the root of the checkpoint`,
    expected: hexOf(checkpoint.root),
    found: hexOf(root),
  })
}

function checkCheckpoint(state: Verification): void {
  const { checkpoint, from, to, context } = state
  if (checkpoint === undefined) return
  const where = 'checkpoint'
  if (typeof checkpoint === 'string') report(state, { code: 'checkpoint', where, reason: checkpoint })
  else if (checkpoint.size > to) {
    const reason = `the journal has ${to} records, its checkpoint ${checkpoint.size}`
    report(state, { code: 'checkpoint', where, reason, seq: to })
  } else if (checkpoint.size <= from) {
    try {
      checkRoot(state, checkpoint, rootAt(checkpoint.size, context.tree.hashAt))
    } catch (error) {
      if (!isSentientError(error, 'DAMAGED')) throw error
    }
  }
}

// A body may be missing when a record says that it was removed; that record may lie before `since`.
function checkForgotten(state: Verification): void {
  for (const [seq, where] of state.forgotten) {
    if (state.allowed.has(seq)) continue
    state.forgotten.delete(seq)
    report(state, {
      code: 'forgotten',
      where,
      reason: 'the body is missing and no record says that it was removed',
      seq,
    })
  }
}

function checkMarks(state: Verification): void {
  const { context } = state
  const where = 'marks'
  const file = readSettledMarks(context)
  if (file === undefined) {
    if (context.segments.list().length > 0) report(state, { code: 'marks', where, reason: 'the marks are missing' })
    return
  }
  if (!file.restIsZero) report(state, { code: 'marks', where, reason: 'there are bytes beside the slots' })
  for (const [index, slot] of file.slots.entries()) {
    const at = `${where} slot ${index}`
    if (slot.state !== 'ok') {
      report(state, { code: 'marks', where: at, reason: slot.state === 'bad' ? slot.reason : 'the slot is empty' })
      continue
    }
    const { nextSeq, lastLeaf } = slot.marks
    const last = nextSeq === 0 ? undefined : readRecord(context, nextSeq - 1)
    if (last?.state === 'intact' && !equalBytes(last.record.leaf, lastLeaf)) {
      report(state, { code: 'marks', where: at, reason: 'it names another last record', seq: nextSeq - 1 })
    }
  }
}

// A writer may be writing a slot right now.
function readSettledMarks(context: JournalContext): MarksFile | undefined {
  let file = context.marks.read()
  for (let attempt = 0; attempt < 3 && file?.slots.some(slot => slot.state !== 'ok'); attempt++)
    file = context.marks.read()
  return file
}
