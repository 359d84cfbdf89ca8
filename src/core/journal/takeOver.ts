// What a writer does first when it has the lock: sees what others appended, and settles what a holder left behind that
// did not release the lock cleanly.

import { SentientError } from '../errors.ts'
import { segmentFileName, segmentHeaderBytes } from '../format/frame.ts'
import type { Marks, MarksFile } from '../format/marks.ts'
import { readCheckpointSize } from './checkpointFile.ts'
import type { JournalContext } from './context.ts'
import type { JournalDamage, LockSession } from './model.ts'
import { clearPoison, readPoison } from './poison.ts'
import {
  type Boundary,
  boundaryOfMarks,
  damageOfBreak,
  firstBoundary,
  scanTail,
  setBoundary,
  type Tail,
} from './recovery.ts'
import { type Position, placeText } from './segments.ts'
import { copyRange, cutFrom, renameSegment } from './torn.ts'
import { writeMarks } from './writer.ts'

export function takeOver(context: JournalContext): LockSession {
  const { state, segments, marks } = context
  state.intruded = false
  const file = marks.read()
  const known = state.marks?.generation
  if (file?.newest === undefined || file.newest.generation !== known) {
    segments.drop()
    segments.relist()
    context.offsets.settle()
    state.checkpointSize = readCheckpointSize(context.runtime)
  }
  if (file?.newest === undefined) return startOver(context, file)
  if (isUnchanged(context, file, file.newest)) return { uncleanTakeover: false, mark: file.newest }
  const poison = state.poison?.end ?? readPoison(context.runtime)
  const boundary = boundaryOfMarks(context, file.newest)
  if ('where' in boundary) throw damaged(context, boundary)
  state.marks = file.newest
  state.wrote = false
  setBoundary(context, boundary)
  if (poison === undefined && isClean(context, file, file.newest)) return { uncleanTakeover: false, mark: file.newest }
  const tail = poison === undefined ? settleTail(context, boundary) : replacePoisoned(context, boundary, poison)
  setBoundary(context, tail)
  writeMarks(context, { clean: false })
  marks.flush()
  if (poison !== undefined) clearPoison(context)
  return { uncleanTakeover: true, mark: file.newest }
}

// Nobody else wrote since this journal let the lock go; a look at the files before each append sees to the rest.
function isUnchanged(context: JournalContext, file: MarksFile, newest: Marks): boolean {
  const { state } = context
  if (!state.wrote || state.poison !== undefined || newest.generation !== state.marks?.generation) return false
  return newest.clean && file.slots.every(slot => slot.state === 'ok') && state.head.size === newest.nextSeq
}

function isClean(context: JournalContext, file: MarksFile, newest: Marks): boolean {
  const { segments } = context
  if (!newest.clean || file.slots.some(slot => slot.state !== 'ok')) return false
  if (context.state.checkpointSize > newest.nextSeq) return false
  if (segments.open(newest.segmentFirstSeq).stat().size !== newest.segmentFlushedBytes) return false
  const next = segmentFileName(newest.nextSeq)
  return newest.nextSeq === newest.segmentFirstSeq || segments.directory()?.stat(next) === undefined
}

// No valid marks: a new journal, one whose making was interrupted, or lost marks. The records themselves decide.
function startOver(context: JournalContext, file: MarksFile | undefined): LockSession {
  const { state, segments, marks } = context
  segments.directory()
  segments.relist()
  let boundary = firstBoundary(0)
  const fresh = segments.list().length === 0
  if (fresh) {
    if (state.checkpointSize > 0)
      throw damaged(context, { where: 'journal', reason: 'all segments are missing', seq: 0 })
  } else boundary = settleTail(context, boundary)
  if (boundary.end.bytes === 0) {
    segments.create(boundary.end.segment)
    boundary = { ...boundary, end: { ...boundary.end, bytes: segmentHeaderBytes } }
  }
  // What was applied is not known any more. Taking all as applied shows a difference as drift and overwrites nothing.
  setBoundary(context, { end: boundary.end, head: { ...boundary.head, applied: boundary.head.size } })
  const first: Marks = {
    generation: 1,
    segmentFirstSeq: state.end.segment,
    segmentFlushedBytes: state.end.bytes,
    nextSeq: state.head.size,
    lastLeaf: state.head.leaf,
    applied: state.head.applied,
    packNumber: 0,
    packFlushedBytes: 0,
    clean: fresh,
  }
  marks.create(first)
  state.marks = { ...first, generation: 2 }
  clearPoison(context)
  return { uncleanTakeover: !fresh || file !== undefined, mark: state.marks }
}

/** Keeps what is valid behind the boundary, flushed anew; cuts what is torn; throws DAMAGED for what is neither. */
function settleTail(context: JournalContext, from: Boundary): Boundary {
  const tail = scanTail(context, from)
  if (tail.broken !== undefined) {
    const damage = damageOfBreak(context, tail.broken)
    if (damage !== undefined) throw damaged(context, damage)
  }
  checkAgainstCheckpoint(context, tail)
  // The tail may have been written by somebody whose flush failed or never came: pages must be dirty to be flushed.
  // The same bytes go to the same places, so that a power cut in between loses nothing.
  rewriteInPlace(context, from.end, tail.boundary.end)
  if (tail.broken !== undefined) cutFrom(context, tail.broken.at)
  const { end, head } = tail.boundary
  if (end.bytes > 0 || context.segments.list().length === 0) return { end, head }
  return { end: lastEnd(context, end), head }
}

// The scan had gone on to a segment that was cut: the records end in the one before.
function lastEnd(context: JournalContext, end: Position): Position {
  const last = context.segments.list().at(-1)!
  return last === end.segment ? end : { segment: last, bytes: context.segments.open(last).stat().size }
}

function checkAgainstCheckpoint(context: JournalContext, tail: Tail): void {
  const { size } = tail.boundary.head
  if (context.state.checkpointSize <= size) return
  throw damaged(context, {
    where: placeText(tail.boundary.end),
    reason: `the journal has ${size} records, its checkpoint ${context.state.checkpointSize}`,
    seq: size,
  })
}

function rewriteInPlace(context: JournalContext, from: Position, to: Position): void {
  const { segments } = context
  for (const segment of segments.list()) {
    if (segment < from.segment || segment > to.segment) continue
    const file = segments.open(segment)
    const start = segment === from.segment ? from.bytes : 0
    const end = segment === to.segment ? to.bytes : file.stat().size
    if (end > start) copyRange(file, file, start, end, 0)
    file.flush()
  }
  segments.directory()?.flush()
}

// Copies what was acknowledged into new files; what lies behind it belongs to an append that was refused.
function replacePoisoned(context: JournalContext, from: Boundary, poison: Position | 'unknown'): Boundary {
  const { segments } = context
  if (poison !== 'unknown' && segments.list().includes(poison.segment)) {
    cutFrom(context, isBehind(poison, from.end) ? poison : from.end)
  }
  const tail = scanTail(context, from)
  if (poison !== 'unknown' && isBehind(poison, tail.boundary.end)) {
    const reason = tail.broken?.reason ?? 'acknowledged records are missing'
    throw damaged(context, { where: placeText(tail.boundary.end), reason, seq: tail.boundary.head.size })
  }
  if (tail.broken !== undefined) {
    const damage = damageOfBreak(context, tail.broken)
    if (damage !== undefined) throw damaged(context, damage)
    cutFrom(context, tail.broken.at)
  }
  checkAgainstCheckpoint(context, tail)
  const { end } = tail.boundary
  for (const segment of segments.list().filter(first => first >= from.end.segment)) {
    copySegment(context, segment, segment === end.segment ? end.bytes : segments.open(segment).stat().size)
  }
  return tail.boundary
}

function isBehind(a: Position, b: Position): boolean {
  return a.segment > b.segment || (a.segment === b.segment && a.bytes > b.bytes)
}

function copySegment(context: JournalContext, segment: number, bytes: number): void {
  for (const _ of renameSegment(context, segment, target => [
    copyRange(context.segments.open(segment), target, 0, bytes, 0),
  ]));
}

function damaged(context: JournalContext, damage: JournalDamage): SentientError {
  context.state.damage = damage
  return new SentientError('DAMAGED', { where: damage.where, found: damage.reason })
}
