// recycle.trace: the changes of every record since the oldest snapshot, as one stream that replays to the state in
// force. A projection: appended to when it still fits, made anew when it does not.

import { isSentientError, SentientError } from '../errors.ts'
import { parseOrigin } from '../format/checkpoint.ts'
import type { ObjectId } from '../format/id.ts'
import { decodeTraceHeader, decodeTraceItemAt, encodeTraceHeader, encodeTraceItem } from '../format/recycleTrace.ts'
import { encodeState } from '../format/state.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, OpenFile } from '../host/host.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer, inSlices } from '../progress.ts'
import { sortChanges } from '../store/changes.ts'
import { diffTrees, editTree, type ObjectWriter } from '../store/tree.ts'
import { readState, type TimelineContext } from './context.ts'
import type { TreeChange, Work } from './model.ts'
import { gcHorizon, keptHorizon } from './pruned.ts'
import { changesOf, requireRecord } from './records.ts'

const traceName = 'recycle.trace'
const positionName = 'trace.json'
const changesPerItem = 1_000
const bufferBytes = 1 << 20
/** Rewritten when more than this share of its records lies before the oldest snapshot. */
const staleShare = 0.5

/** Made anew here, by several processes where it is long, and moved into its place when it is whole. */
const unfinishedName = 'trace.new'

interface Position {
  readonly origin: string
  readonly base: number
  readonly next: number
  readonly bytes: number
  /** It is about the file that is being made anew, not about recycle.trace. */
  readonly unfinished: boolean
}

export interface TraceOptions {
  readonly signal?: AbortSignal | undefined
  /** At most so many records are added; the next one goes on. */
  readonly recordsMax?: number
}

/**
 * Brings recycle.trace up to the journal's head. Where records or lists are lost, the states around them tell what was
 * changed; where these can not be read either it is left as it was, for verify to say why: false then.
 */
export async function* storeTrace(context: TimelineContext, origin: string, options: TraceOptions = {}): Work<boolean> {
  try {
    yield* bringUpToDate(context, origin, options)
    return true
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return false
  }
}

async function* bringUpToDate(context: TimelineContext, origin: string, options: TraceOptions): Work<void> {
  const { root, derived } = context.directories
  const size = context.journal.head().size
  if (size === 0 || derived === undefined) return
  const horizon = firstReadable(context, keptHorizon(context))
  if (horizon === undefined) return
  const start = goOn(context, { origin, horizon, size })
  if (start?.unfinished === false && start.next === size) return
  const unfinished = start?.unfinished !== false
  const to = Math.min(size, (start?.next ?? horizon + 1) + (options.recordsMax ?? size))
  const file = openAt(context, start)
  let position: Position
  try {
    const base = start?.base ?? horizon
    const out = appender(file, start?.bytes ?? 0)
    if (start === undefined) {
      out.write(encodeTraceHeader({ baseSeq: base, baseRoot: requireRecord(context, base).envelope.root, origin }))
    }
    const from = start?.next ?? base + 1
    const before = context.journal.read(from - 1)
    if (before.state !== 'intact') throw new SentientError('DAMAGED', { where: `#${from - 1}` })
    yield* writeItems(context, out, { from, to, before: before.record.envelope.root, signal: options.signal })
    position = { origin, base, next: to, bytes: out.end(), unfinished: unfinished && to < size }
    // What a power cut tears lies behind the end that is noted, or under no name yet.
    file.flush()
  } finally {
    file.close()
  }
  if (unfinished && !position.unfinished) derived.rename(unfinishedName, root, traceName)
  writePosition(derived, position)
}

/** Where an earlier process left off, when what it wrote is still of use. */
function goOn(
  context: TimelineContext,
  { origin, horizon, size }: { readonly origin: string; readonly horizon: number; readonly size: number },
): Position | undefined {
  const { root, derived } = context.directories
  const known = derived === undefined ? undefined : readPosition(derived)
  if (known === undefined) return undefined
  const file = known.unfinished ? derived?.stat(unfinishedName) : root.stat(traceName)
  const fits =
    known.origin === origin &&
    known.base <= horizon &&
    // What the replay starts from must not have been pruned.
    known.base >= gcHorizon(context) - 1 &&
    known.next <= size &&
    file?.size === known.bytes &&
    (known.unfinished || (horizon - known.base) / Math.max(1, known.next - known.base) <= staleShare)
  return fits ? known : undefined
}

function openAt(context: TimelineContext, start: Position | undefined): OpenFile {
  const { root, derived } = context.directories as { root: Directory; derived: Directory }
  if (start !== undefined)
    return start.unfinished ? derived.open(unfinishedName, 'modify') : root.open(traceName, 'modify')
  if (derived.stat(unfinishedName) !== undefined) derived.removeFile(unfinishedName)
  return derived.open(unfinishedName, 'create', 0o600)
}

function firstReadable(context: TimelineContext, from: number): number | undefined {
  for (const result of context.journal.records({ from })) if (result.state === 'intact') return result.record.seq
  return undefined
}

function appender(file: OpenFile, from: number) {
  let position = from
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  const drain = () => {
    const bytes = Buffer.concat(waiting)
    if (bytes.length > 0) file.write(bytes, position)
    position += bytes.length
    waiting = []
    waitingBytes = 0
  }
  return {
    write(bytes: Uint8Array) {
      waiting.push(bytes)
      waitingBytes += bytes.length
      if (waitingBytes >= bufferBytes) drain()
    },
    end() {
      drain()
      return position
    },
  }
}

async function* writeItems(
  context: TimelineContext,
  out: { write(bytes: Uint8Array): void },
  range: { from: number; to: number; before: ObjectId; signal: AbortSignal | undefined },
): Work<void> {
  const slicer = createSlicer(context.clock, range.signal)
  let { before } = range
  let next = range.from
  for (const result of context.journal.records({ from: range.from, to: range.to })) {
    if (result.state !== 'intact') continue
    const { seq, envelope } = result.record
    const progress = () => ({ phase: 'writing recycle.trace', done: seq, total: range.to, unit: 'records' }) as const
    const isTold = seq === next && (yield* inSlices(slicer, isReadable(context, result.record), progress))
    const changes = isTold ? changesOf(context, result.record) : changesBetween(context, before, envelope.root)
    yield* inSlices(slicer, writeChangesOf(out, result.record, changes), progress)
    before = envelope.root
    next = seq + 1
    if (!slicer.due()) continue
    context.journal.writerLock.progress()
    yield progress()
    await slicer.pause()
  }
}

/** One record's items; stops after each change. */
function* writeChangesOf(
  out: { write(bytes: Uint8Array): void },
  { seq, envelope }: JournalRecord,
  changes: Iterable<TreeChange>,
): Generator<undefined, void> {
  let part: TreeChange[] = []
  for (const change of changes) {
    if (part.length === changesPerItem) {
      out.write(encodeTraceItem({ seq, root: envelope.root, changes: part, more: true }))
      part = []
    }
    part.push(change)
    yield
  }
  out.write(encodeTraceItem({ seq, root: envelope.root, changes: part, more: false }))
}

/** Whether all that the record says of its changes can be read. */
function* isReadable(context: TimelineContext, record: JournalRecord): Generator<undefined, boolean> {
  if (record.body === undefined) return false
  // What a record says of one path is in itself.
  if (record.body?.changes === undefined) return true
  try {
    for (const _ of changesOf(context, record)) yield
    return true
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return false
  }
}

function changesBetween(context: TimelineContext, before: ObjectId, after: ObjectId): TreeChange[] {
  const { store } = context
  return sortChanges(diffTrees(store, readState(store, before).files, readState(store, after).files))
}

function readPosition(derived: Directory): Position | undefined {
  try {
    const file = derived.open(positionName, 'read')
    try {
      const bytes = Buffer.alloc(4_096)
      const value = JSON.parse(bytes.toString('utf8', 0, file.read(bytes, 0, bytes.length, 0)))
      const numbers = [value.base, value.next, value.bytes]
      if (typeof value.origin !== 'string' || !numbers.every(Number.isSafeInteger)) return undefined
      return { ...value, unfinished: value.unfinished === true }
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}

function writePosition(derived: Directory, position: Position): void {
  if (derived.stat(positionName) !== undefined) derived.removeFile(positionName)
  const file = derived.open(positionName, 'create', 0o600)
  try {
    file.write(Buffer.from(JSON.stringify(position)), 0)
  } finally {
    file.close()
  }
}

/** Replays recycle.trace over its base state and gives the root that it leads to, and the one it claims. */
export function replayTrace(
  context: TimelineContext,
  writer: ObjectWriter,
): { readonly seq: number; readonly root: ObjectId; readonly claimed: ObjectId } {
  const bytes = readTrace(context.directories.root)
  const header = decodeTraceHeader(bytes)
  if (header.state !== 'ok') throw damagedTrace(header.reason, 0)
  parseOrigin(header.value.origin)
  let state = readState(writer, header.value.baseRoot)
  let seq = header.value.baseSeq
  let claimed = header.value.baseRoot
  let pending: TreeChange[] = []
  for (let offset = header.nextOffset; offset < bytes.length; ) {
    const item = decodeTraceItemAt(bytes, offset)
    if (item.state !== 'ok') throw damagedTrace(item.reason, offset)
    offset = item.nextOffset
    pending.push(...item.value.changes)
    if (item.value.more) continue
    const edits = pending.map(({ path, after }) => ({ path, after, keepChildren: after?.kind === 'dir' }))
    const files = edits.length === 0 ? state.files : editTree(writer, state.files, edits)
    pending = []
    seq = item.value.seq
    claimed = item.value.root
    // The domains beside the files are no part of the deltas: they come with the claimed state.
    state = { ...readState(writer, claimed), files }
  }
  const root = writer.put('dag-cbor', 'state', encodeState(state))
  return { seq, root: root.id, claimed }
}

function damagedTrace(reason: string, offset: number): SentientError {
  return new SentientError('DAMAGED', {
    where: `${traceName}, offset ${offset}`,
    found: reason,
    hint: 'It is derived: sentctl repair makes it anew.',
  })
}

function readTrace(root: Directory): Uint8Array {
  const file = root.open(traceName, 'read')
  try {
    const bytes = new Uint8Array(file.stat().size)
    for (let got = 0; got < bytes.length; ) got += file.read(bytes, got, bytes.length - got, got) || bytes.length
    return bytes
  } finally {
    file.close()
  }
}
