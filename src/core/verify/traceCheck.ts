// recycle.trace, block by block: each record's part says what the record says, so that its replay leads to the states
// that the records name. That a record says what its states differ in is another check's business. Where a block is not
// whole the file ends, as one that was being written: worth a note, for whoever wants to replay it, and no damage.
import { isSentientError } from '../errors.ts'
import { parseOrigin } from '../format/checkpoint.ts'
import { traceItemBytesMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import type { ObjectId } from '../format/id.ts'
import { sameEntry } from '../format/node.ts'
import { decodeTraceHeader, decodeTraceItemAt, type TraceItem, type TraceResult } from '../format/recycleTrace.ts'
import { isHostError } from '../host/error.ts'
import type { OpenFile } from '../host/host.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer } from '../progress.ts'
import { changesBetween } from '../store/difference.ts'
import { readFully } from '../store/layout.ts'
import type { TreeChange } from '../store/tree.ts'
import { readState, type TimelineContext } from '../timeline/context.ts'
import type { Work } from '../timeline/model.ts'
import { changesOf } from '../timeline/records.ts'
import { many, type Report } from './report.ts'

const where = 'recycle.trace'
const windowBytes = 1 << 20

export interface TraceCheckOptions {
  /** What only older records say of their changes may be pruned. */
  readonly horizon: number
  /** Parts of older records are passed over. */
  readonly since: number
  readonly signal: AbortSignal | undefined
}

/** Only the first thing that is wrong is told: the file is derived and made anew as a whole. */
export async function* checkTrace(context: TimelineContext, report: Report, options: TraceCheckOptions): Work<void> {
  const file = openTrace(context)
  if (file === undefined) {
    report.line(where, 0, 'no recycle.trace; it is written at the next snapshot')
    return
  }
  const walk: Walk = { context, options, seq: 0, root: undefined, changes: undefined, compared: 0, count: 0 }
  const slicer = createSlicer(context.clock, options.signal)
  try {
    for (const _ of checkBlocks(walk, blocksOf(file))) {
      if (!slicer.due()) continue
      yield { phase: 'recycle.trace', done: walk.seq, total: context.journal.head().size, unit: 'records' }
      await slicer.pause()
    }
  } catch (error) {
    if (!(error instanceof Wrong)) throw error
    const { offset, seq, torn, message } = error
    const place = { where: `${where}, offset ${offset}`, seq, found: message }
    report.found(where, { code: 'trace-damaged', severity: torn ? 'note' : 'damage', ...place })
  } finally {
    file.close()
  }
  const text = `recycle.trace: ${many(walk.count, 'change')} of ${many(walk.compared, 'record')}, as the records say`
  report.line(where, walk.compared, text)
}

interface Walk {
  readonly context: TimelineContext
  readonly options: TraceCheckOptions
  /** The record whose part is read, and the state that it led to, or that before it. */
  seq: number
  root: ObjectId | undefined
  /** What is still to come of the record that is read. Undefined between records, null where it can not be told. */
  changes: Iterator<TreeChange> | null | undefined
  compared: number
  count: number
}

class Wrong extends Error {
  readonly offset: number
  readonly seq: number | undefined
  /** The file is not whole, and says nothing wrong up to there. */
  readonly torn: boolean

  constructor(found: string, at: { offset: number; seq?: number; torn?: boolean }) {
    super(found)
    this.offset = at.offset
    this.seq = at.seq
    this.torn = at.torn === true
  }
}

function openTrace({ directories }: TimelineContext): OpenFile | undefined {
  try {
    return directories.root.open(where, 'read')
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}

/** Decodes what stands at an offset of the file; undefined behind the last whole block. */
type ReadAt = <T>(
  offset: number,
  decode: (bytes: Uint8Array, at: number) => TraceResult<T>,
) => Extract<TraceResult<T>, { state: 'ok' }> | undefined

function blocksOf(file: OpenFile): ReadAt {
  let start = 0
  let window = readFully(file, 0, windowBytes)
  return (offset, decode) => {
    let result = decode(window, offset - start)
    if (result.state === 'short') {
      start = offset
      window = readFully(file, offset, windowBytes)
      result = decode(window, 0)
    }
    if (result.state === 'short') {
      window = readFully(file, offset, traceItemBytesMax + 16)
      result = decode(window, 0)
    }
    if (result.state === 'bad') throw new Wrong(result.reason, { offset, torn: true })
    return result.state === 'ok' ? { ...result, nextOffset: result.nextOffset + start } : undefined
  }
}

function* checkBlocks(walk: Walk, readAt: ReadAt): Generator<void> {
  const header = readAt(0, bytes => decodeTraceHeader(bytes))
  if (header === undefined) throw new Wrong('it ends within its first block', { offset: 0, torn: true })
  const { baseSeq, baseRoot, origin } = header.value
  try {
    parseOrigin(origin)
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new Wrong(error.reason, { offset: 8 })
  }
  const base = recordAt(walk, baseSeq, 8)
  if (base !== undefined && base.envelope.root !== baseRoot)
    throw new Wrong('it begins with another state', { offset: 8, seq: baseSeq })
  walk.seq = baseSeq
  walk.root = baseRoot
  let offset = header.nextOffset
  for (;;) {
    const block = readAt(offset, decodeTraceItemAt)
    if (block === undefined) break
    checkItem(walk, block.value, offset)
    offset = block.nextOffset
    yield
  }
  if (walk.changes !== undefined) throw new Wrong('it ends within a record', { offset, seq: walk.seq, torn: true })
}

function checkItem(walk: Walk, item: TraceItem, offset: number): void {
  const { seq } = item
  if (walk.changes === undefined) {
    for (let skipped = walk.seq + 1; skipped < seq; skipped++)
      if (recordAt(walk, skipped, offset) !== undefined)
        throw new Wrong('a record is left out', { offset, seq: skipped })
    if (seq <= walk.seq) throw new Wrong(`record ${seq} after record ${walk.seq}`, { offset, seq })
    const record = recordAt(walk, seq, offset)
    const before = walk.seq === seq - 1 ? 'read' : 'lost'
    walk.changes = record === undefined ? null : toldBy(walk, record, before)
    if (record !== undefined && record.envelope.root !== item.root)
      throw new Wrong('another state than the record has', { offset, seq })
    walk.seq = seq
    walk.root = item.root
  } else if (walk.seq !== seq || walk.root !== item.root) {
    throw new Wrong('another record where more of one is said to follow', { offset, seq })
  }
  for (const change of item.changes) {
    const wanted = next(walk)
    if (wanted === null) continue
    const isSame =
      wanted !== undefined &&
      wanted.path === change.path &&
      sameEntry(wanted.before, change.before) &&
      sameEntry(wanted.after, change.after)
    if (!isSame) throw new Wrong('it says other changes than the record', { offset, seq })
    walk.count++
  }
  if (item.more) return
  const rest = next(walk)
  if (rest !== null && rest !== undefined) throw new Wrong('it lacks changes of the record', { offset, seq })
  if (rest !== null) walk.compared++
  walk.changes = undefined
}

/** The next change that the record says; null where that can not be read, as others have told. */
function next(walk: Walk): TreeChange | undefined | null {
  const { changes } = walk
  if (changes === null || changes === undefined) return null
  try {
    const step = changes.next()
    return step.done === true ? undefined : step.value
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING', 'STATE_PRUNED')) throw error
    walk.changes = null
    return null
  }
}

/** What a record changed; behind one that is lost, or without a body, what the states differ in. */
function toldBy(walk: Walk, record: JournalRecord, before: 'read' | 'lost'): Iterator<TreeChange> | null {
  const { context, options, root } = walk
  if (record.seq < options.since || record.seq < options.horizon) return null
  if (record.body !== undefined && before === 'read') return changesOf(context, record)
  return root === undefined ? null : differing(context, root, record.envelope.root)
}

function* differing({ store }: TimelineContext, before: ObjectId, after: ObjectId): Generator<TreeChange> {
  yield* changesBetween(store, readState(store, before).files, readState(store, after).files)
}

/** Undefined when it can not be read; a record that is not there is wrong. */
function recordAt({ context }: Walk, seq: number, offset: number): JournalRecord | undefined {
  let result = context.journal.read(seq)
  // Perhaps another process has appended it by now.
  if (result.state === 'missing' && context.journal.refresh()) result = context.journal.read(seq)
  if (result.state === 'missing') throw new Wrong(`there is no record ${seq}`, { offset, seq })
  return result.state === 'intact' ? result.record : undefined
}
