// recycle.trace: the changes of every record since the oldest snapshot, as one stream that replays to the state in
// force. A projection: appended to when it still fits, made anew when it does not.

import { isSentientError, SentientError } from '../errors.ts'
import { hexOf } from '../format/bytes.ts'
import { parseOrigin } from '../format/checkpoint.ts'
import type { ObjectId } from '../format/id.ts'
import { decodeTraceHeader, decodeTraceItemAt, encodeTraceHeader, encodeTraceItem } from '../format/recycleTrace.ts'
import { encodeState } from '../format/state.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, OpenFile } from '../host/host.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer } from '../progress.ts'
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

interface Position {
  readonly origin: string
  readonly base: number
  readonly next: number
  readonly bytes: number
}

/**
 * Brings recycle.trace up to the journal's head. Where records or lists are lost, the states around them tell what was
 * changed; where these can not be read either it is left as it was, for verify to say why: false then.
 */
export async function* storeTrace(context: TimelineContext, origin: string, signal?: AbortSignal): Work<boolean> {
  try {
    yield* bringUpToDate(context, origin, signal)
    return true
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return false
  }
}

async function* bringUpToDate(context: TimelineContext, origin: string, signal?: AbortSignal): Work<void> {
  const { root, derived } = context.directories
  const size = context.journal.head().size
  if (size === 0 || derived === undefined) return
  const horizon = firstReadable(context, keptHorizon(context))
  if (horizon === undefined) return
  const known = readPosition(derived)
  const fits =
    known !== undefined &&
    known.origin === origin &&
    known.base <= horizon &&
    // What the replay starts from must not have been pruned.
    known.base >= gcHorizon(context) - 1 &&
    known.next <= size &&
    root.stat(traceName)?.size === known.bytes &&
    (horizon - known.base) / Math.max(1, known.next - known.base) <= staleShare
  if (fits && known.next === size) return
  const start = fits ? known : undefined
  const temporary = `trace-${hexOf(context.random.bytes(4))}`
  const file = start === undefined ? derived.open(temporary, 'create', 0o600) : root.open(traceName, 'modify')
  let done = false
  try {
    const base = start?.base ?? horizon
    const out = appender(file, start?.bytes ?? 0)
    if (start === undefined) {
      out.write(encodeTraceHeader({ baseSeq: base, baseRoot: requireRecord(context, base).envelope.root, origin }))
    }
    const from = start?.next ?? base + 1
    const before = context.journal.read(from - 1)
    if (before.state !== 'intact') throw new SentientError('DAMAGED', { where: `#${from - 1}` })
    yield* writeItems(context, out, { from, to: size, before: before.record.envelope.root, signal })
    const bytes = out.end()
    if (start === undefined) derived.rename(temporary, root, traceName)
    done = true
    writePosition(derived, { origin, base, next: size, bytes })
  } finally {
    file.close()
    if (!done && start === undefined) derived.removeFile(temporary)
  }
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
  range: { from: number; to: number; before: ObjectId; signal?: AbortSignal },
): Work<void> {
  const slicer = createSlicer(context.clock, range.signal)
  let { before } = range
  let next = range.from
  for (const result of context.journal.records({ from: range.from, to: range.to })) {
    if (result.state !== 'intact') continue
    const { seq, envelope } = result.record
    let part: TreeChange[] = []
    const isTold = seq === next && isReadable(context, result.record)
    const changes = isTold ? changesOf(context, result.record) : changesBetween(context, before, envelope.root)
    for (const change of changes) {
      if (part.length === changesPerItem) {
        out.write(encodeTraceItem({ seq, root: envelope.root, changes: part, more: true }))
        part = []
      }
      part.push(change)
    }
    out.write(encodeTraceItem({ seq, root: envelope.root, changes: part, more: false }))
    before = envelope.root
    next = seq + 1
    if (slicer.due()) {
      yield { phase: 'writing recycle.trace', done: seq, total: range.to, unit: 'records' }
      await slicer.pause()
    }
  }
}

/** Whether all that the record says of its changes can be read. */
function isReadable(context: TimelineContext, record: JournalRecord): boolean {
  try {
    for (const _ of changesOf(context, record));
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
      return typeof value.origin === 'string' && numbers.every(Number.isSafeInteger) ? value : undefined
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
