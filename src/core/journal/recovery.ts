// What happens when the end of the journal is looked at: at opening, and under the lock before anything is written.
// A tail is torn, and cut, only when nothing says that its records were ever flushed; everything else is damage.

import { equalBytes } from '../format/bytes.ts'
import { faultOfBase, segmentHeaderBytes } from '../format/frame.ts'
import type { Marks } from '../format/marks.ts'
import { leafHash } from '../format/merkle.ts'
import { zeroHash } from '../format/record.ts'
import { readCheckpointSize } from './checkpointFile.ts'
import type { JournalContext } from './context.ts'
import { envelopeOf } from './frames.ts'
import { createFrameWindow, type FrameWindow } from './frameWindow.ts'
import type { Head, JournalDamage } from './model.ts'
import { type Position, placeText, type Segments } from './segments.ts'

/** A record boundary: the records before it, and where the next one goes. */
export interface Boundary {
  readonly end: Position
  readonly head: Head
}

/** Where a scan of the tail stopped before the end of the files. */
export interface Break {
  readonly at: Position
  readonly seq: number
  readonly reason: string
}

export interface Tail {
  readonly boundary: Boundary
  readonly broken: Break | undefined
}

/** Checks what the marks say of the last record, reading that record alone. */
export function boundaryOfMarks(context: JournalContext, marks: Marks): Boundary | JournalDamage {
  const { segments } = context
  const end: Position = { segment: marks.segmentFirstSeq, bytes: marks.segmentFlushedBytes }
  const size = marks.nextSeq
  const damage = (reason: string): JournalDamage => ({
    where: placeText(end),
    reason,
    ...(size > 0 ? { seq: size - 1 } : {}),
  })
  const unread = segments.fault(end.segment)
  if (unread !== undefined) return damage(unread)
  const file = segments.open(end.segment)
  if (file.stat().size < end.bytes) return damage('the segment is shorter than what was flushed')
  const applied = marks.applied
  if (size === 0) return { end, head: { size: 0, leaf: zeroHash, root: undefined, time: 0, applied } }
  const from = lastFrameEnd(segments, end)
  if (from === undefined) return damage('the segment before is missing')
  const found = createFrameWindow(segments, { segment: from.segment, end: from.bytes, windowBytes: 8192 }).before(
    from.bytes,
  )
  if (found.state !== 'ok') return damage(found.state === 'bad' ? found.reason : 'there is no record')
  const fault = faultOfBase(found.frame, found.offset)
  if (fault !== undefined) return damage(fault)
  const envelope = envelopeOf(found.frame)
  if (typeof envelope === 'string') return damage(envelope)
  const leaf = leafHash(found.frame.envelopeBytes)
  if (envelope.seq !== size - 1) return damage(`the last record is ${envelope.seq}`)
  if (!equalBytes(leaf, marks.lastLeaf)) return damage('the last record is not the one that was flushed')
  return { end, head: { size, leaf, root: envelope.root, time: envelope.time, applied } }
}

// The end of the last record: of the segment before, when the last one holds nothing yet.
function lastFrameEnd(segments: Segments, end: Position): Position | undefined {
  if (end.bytes > segmentHeaderBytes) return end
  const before = segments
    .list()
    .filter(first => first < end.segment)
    .at(-1)
  return before === undefined ? undefined : { segment: before, bytes: segments.open(before).stat().size }
}

/** The very beginning, for when no marks can be read. */
export function firstBoundary(applied: number): Boundary {
  return { end: { segment: 0, bytes: 0 }, head: { size: 0, leaf: zeroHash, root: undefined, time: 0, applied } }
}

/** Follows the chain of records from a boundary to the end of the files. */
export function scanTail(context: JournalContext, from: Boundary): Tail {
  const { segments } = context
  let { end, head } = from
  const stop = (at: Position, reason: string): Tail => ({
    boundary: { end, head },
    broken: { at, seq: head.size, reason },
  })
  for (;;) {
    if (end.bytes === 0) {
      if (!segments.list().includes(end.segment)) return stop(end, 'the segment is missing')
      const fault = segments.fault(end.segment)
      if (fault !== undefined) return stop({ segment: end.segment, bytes: 0 }, fault)
      end = { segment: end.segment, bytes: segmentHeaderBytes }
    }
    const { segment } = end
    const size = segments.open(segment).stat().size
    const window = createFrameWindow(segments, { segment, end: size })
    while (end.bytes < size) {
      const next = step(window, end, head)
      if (typeof next === 'string') return stop(end, next)
      ;({ end, head } = next)
    }
    const later = segments.list().find(first => first > segment)
    if (later === undefined) return { boundary: { end, head }, broken: undefined }
    if (later !== head.size)
      return stop({ segment: later, bytes: 0 }, `record ${head.size} is missing before this segment`)
    end = { segment: later, bytes: 0 }
  }
}

function step(window: FrameWindow, end: Position, head: Head): Boundary | string {
  const found = window.at(end.bytes)
  if (found.state !== 'ok') return found.state === 'bad' ? found.reason : 'the file ends'
  const fault = faultOfBase(found.frame, end.bytes)
  if (fault !== undefined) return fault
  const envelope = envelopeOf(found.frame)
  if (typeof envelope === 'string') return envelope
  if (envelope.seq !== head.size) return `record ${envelope.seq} stands where ${head.size} belongs`
  if (!equalBytes(envelope.prev, head.leaf)) return 'the record does not follow the one before'
  return {
    end: { segment: end.segment, bytes: found.next },
    head: {
      size: head.size + 1,
      leaf: leafHash(found.frame.envelopeBytes),
      root: envelope.root,
      time: envelope.time,
      applied: head.applied,
    },
  }
}

/**
 * Why a broken tail is damage; undefined when it is torn and may be cut. Pages reach the disk in any order, so a valid
 * frame behind the break proves nothing by itself; but it says how much had been flushed before it was written.
 */
export function damageOfBreak(context: JournalContext, broken: Break): JournalDamage | undefined {
  const damage = (reason: string): JournalDamage => ({ where: placeText(broken.at), reason, seq: broken.seq })
  if (context.state.checkpointSize > broken.seq) return damage(`${broken.reason}; a checkpoint covers the record`)
  const { segments } = context
  for (const segment of segments.list()) {
    if (segment < broken.at.segment) continue
    const end = segments.open(segment).stat().size
    const same = segment === broken.at.segment
    const window = createFrameWindow(segments, { segment, end })
    const later = window.search(same ? broken.at.bytes : 0, frame => !same || frame.base > broken.at.bytes)
    if (later.state === 'ok') return damage(`${broken.reason}; something was written after it`)
  }
  return undefined
}

/** What opening does: finds the end of the flushed records, and whether it is as it should be. */
export function openEnd(context: JournalContext): void {
  const { state, segments, runtime } = context
  for (let attempt = 1; ; attempt++) {
    segments.drop()
    segments.relist()
    state.checkpointSize = readCheckpointSize(runtime)
    const damage = findEnd(context)
    state.damage = damage
    // A writer may be in the middle of something; what is really damaged stays so.
    if (damage === undefined || attempt === settleAttempts) return
  }
}

/** Looks at the marks again; true when the head moved. */
export function refreshEnd(context: JournalContext): boolean {
  const { state, marks, segments } = context
  const newest = marks.read()?.newest
  // An older generation: the newest slot is being written right now.
  if (newest === undefined || newest.generation <= (state.marks?.generation ?? 0)) return false
  const before = state.head
  segments.dropReplaced()
  if (!segments.list().includes(newest.segmentFirstSeq)) segments.relist()
  const boundary = boundaryOfMarks(context, newest)
  if ('where' in boundary) openEnd(context)
  else {
    state.marks = newest
    state.wrote = false
    setBoundary(context, boundary)
  }
  const { size, applied, leaf } = state.head
  return size !== before.size || applied !== before.applied || !equalBytes(leaf, before.leaf)
}

/** The records end here, as far as this journal knows. */
export function setBoundary(context: JournalContext, { end, head }: Boundary, flushedSize = head.size): void {
  const { state } = context
  if (state.head.size > Math.min(head.size, state.flushedSize)) context.tree.reset()
  state.end = end
  state.head = head
  state.flushedSize = flushedSize
}

const settleAttempts = 3

// What nobody is writing any more is shown although its flush is not certain: after a power cut the marks may be older
// than what was acknowledged. Who signs, or proves, holds the lock and has flushed it anew.
function isTailSettled(context: JournalContext, newest: Marks): boolean {
  const { segments } = context
  const end: Position = { segment: newest.segmentFirstSeq, bytes: newest.segmentFlushedBytes }
  const later = segments.list().some(first => first > end.segment)
  if (!later && segments.open(end.segment).stat().size <= end.bytes) return false
  return newest.clean || !context.lock.holderAlive()
}

function findEnd(context: JournalContext): JournalDamage | undefined {
  const { state, segments } = context
  const file = context.marks.read()
  const newest = file?.newest
  state.marks = newest
  state.wrote = false
  let boundary = firstBoundary(0)
  if (newest !== undefined) {
    const marked = boundaryOfMarks(context, newest)
    if ('where' in marked) {
      // The marks tell how many records there should be, so that the others can still be read.
      state.end = { segment: newest.segmentFirstSeq, bytes: newest.segmentFlushedBytes }
      state.head = { size: newest.nextSeq, leaf: newest.lastLeaf, root: undefined, time: 0, applied: newest.applied }
      return marked
    }
    boundary = marked
  } else if (segments.list().length === 0) {
    if (state.checkpointSize === 0) return undefined
    return {
      where: 'journal',
      reason: `the journal is empty, its checkpoint has ${state.checkpointSize} records`,
      seq: 0,
    }
  }
  let damage: JournalDamage | undefined
  const certain = newest !== undefined && file!.slots.every(slot => slot.state === 'ok')
  if (!certain || state.checkpointSize > newest.nextSeq || isTailSettled(context, newest)) {
    const tail = scanTail(context, boundary)
    boundary = tail.boundary
    damage = tail.broken && damageOfBreak(context, tail.broken)
  }
  const applied = newest === undefined ? boundary.head.size : boundary.head.applied
  setBoundary(context, { end: boundary.end, head: { ...boundary.head, applied } }, newest?.nextSeq ?? 0)
  if (damage === undefined && state.checkpointSize > state.head.size) {
    const reason = `the journal has ${state.head.size} records, its checkpoint ${state.checkpointSize}`
    return { where: placeText(state.end), reason, seq: state.head.size }
  }
  return damage
}
