// Records for people and programs: plain views of the journal's records, the changes they hold, filters over them.
import { isSentientError, SentientError } from '../errors.ts'
import { bytesOfKey, bytesOfSubject, bytesOfText } from '../format/bodyBytes.ts'
import { byteStringOf, bytesOf, displayBytes, hexOf } from '../format/bytes.ts'
import { type CborValue, isLink, isList } from '../format/cbor.ts'
import { parseOrigin } from '../format/checkpoint.ts'
import { isFormatError } from '../format/formatError.ts'
import type { Link } from '../format/id.ts'
import { parseVerifierKey, type VerifierKey } from '../format/note.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer, type Progress } from '../progress.ts'
import { countChanges, findChange, readChanges } from '../store/changes.ts'
import { isWithin } from '../worktree/paths.ts'
import type { TimelineContext } from './context.ts'
import type { GovernedPath, RecordFilter, RecordView, TreeChange } from './model.ts'
import { gcHorizon } from './pruned.ts'

/** The record; throws STATE_NOT_FOUND or DAMAGED. */
const newEpochAction = 'new-epoch'

/** The key that a record brings in force; undefined for a record that brings none. */
export function keyNamedBy({ body }: JournalRecord): VerifierKey | undefined {
  const key = body?.action === 'init' || body?.action === newEpochAction ? body.fields?.key : undefined
  if (typeof key !== 'string') return undefined
  try {
    const named = parseVerifierKey(key)
    parseOrigin(named.name)
    return named
  } catch (error) {
    if (!isFormatError(error)) throw error
    return undefined
  }
}

/** The keys that records brought in force, in their order, as far as these can be read. */
export function* keysNamed(journal: TimelineContext['journal']): Generator<VerifierKey> {
  const { size } = journal.head()
  const first = journal.read(0)
  const later = journal.search({ from: 1, to: size }, [bytesOfText('action', newEpochAction)])
  for (const result of size === 0 ? [] : [first, ...later]) {
    const key = result.state === 'intact' ? keyNamedBy(result.record) : undefined
    if (key !== undefined) yield key
  }
}

export function requireRecord(context: TimelineContext, seq: number): JournalRecord {
  const result = context.journal.read(seq)
  if (result.state === 'intact') return result.record
  if (result.state === 'damaged') {
    throw new SentientError('DAMAGED', { what: `Record #${seq} is damaged`, where: result.where, found: result.reason })
  }
  const size = context.journal.head().size
  throw new SentientError('STATE_NOT_FOUND', { what: 'No such record', where: `#${seq}`, expected: `0 to ${size - 1}` })
}

/**
 * Every path that the record changed, sorted; nothing for a record whose body was removed. Throws STATE_PRUNED when gc
 * took the list.
 */
export function* changesOf(context: TimelineContext, record: JournalRecord): Generator<TreeChange> {
  const body = record.body
  if (body === undefined) return
  if (body.changes !== undefined) {
    try {
      yield* readChanges(context.store, body.changes)
    } catch (error) {
      if (!isSentientError(error, 'OBJECT_MISSING') || record.seq >= gcHorizon(context)) throw error
      throw new SentientError('STATE_PRUNED', { where: `#${record.seq}` }, error)
    }
  } else if (body.before !== undefined || body.after !== undefined) {
    yield { path: body.subject.id, before: body.before ?? null, after: body.after ?? null }
  }
}

/** What the record did to this very path; undefined when nothing, or when that can not be read. */
export function changeAt(context: TimelineContext, record: JournalRecord, path: GovernedPath): TreeChange | undefined {
  const body = record.body
  if (body?.changes !== undefined) {
    try {
      return findChange(context.store, body.changes, path)
    } catch (error) {
      if (error instanceof SentientError) return undefined
      throw error
    }
  }
  if (body?.subject.kind !== 'file' || body.subject.id !== path) return undefined
  if (body.before === undefined && body.after === undefined) return undefined
  return { path, before: body.before ?? null, after: body.after ?? null }
}

/** What the body of a record that changed this very path holds. */
export const bytesOfPath = (path: GovernedPath): readonly Uint8Array[] => [
  bytesOfSubject('file', path),
  bytesOfKey('changes'),
]

export function viewOf(context: TimelineContext, record: JournalRecord): RecordView {
  const { envelope, body, seq } = record
  const common = { seq, time: envelope.time, root: envelope.root, leaf: hexOf(record.leaf) }
  if (body === undefined) {
    return {
      ...common,
      actor: '',
      action: 'forgotten',
      subject: { kind: 'journal', id: '' },
      effect: 'permit',
      rule: '',
      changed: 0,
      doubtful: false,
      forgotten: true,
      fields: {},
      summary: 'forgotten: only the proof of its place remains',
    }
  }
  const changed = changedCount(context, record)
  return {
    ...common,
    actor: body.actor,
    action: body.action,
    subject: body.subject,
    effect: body.decision.effect,
    rule: body.decision.rule,
    changed,
    before: body.before,
    after: body.after,
    changes: body.changes,
    cause: body.cause,
    doubtful: body.doubtful === true,
    forgotten: false,
    fields: body.fields ?? {},
    summary: summaryOf(body, changed),
  }
}

function changedCount(context: TimelineContext, { body }: JournalRecord): number {
  if (body?.changes !== undefined) {
    try {
      return countChanges(context.store, body.changes)
    } catch (error) {
      if (error instanceof SentientError) return 0
      throw error
    }
  }
  return body?.before !== undefined || body?.after !== undefined ? 1 : 0
}

function summaryOf(body: NonNullable<JournalRecord['body']>, changed: number): string {
  const { action, subject, fields = {} } = body
  const id = displayBytes(subject.id)
  const disk = typeof fields.disk === 'number' ? fields.disk : 0
  const counted = changed === 0 && disk > 0 ? disk : changed
  const paths = counted === 1 ? '1 path' : `${counted} paths`
  const scope = subject.id === '' ? paths : changed > 1 ? `${id} (${paths})` : id
  switch (action) {
    case 'init':
      return 'a new root folder'
    case 'forget':
      return `forgot ${countIn(fields.objects)} objects and the bodies of ${countIn(fields.records)} records`
    case 'gc':
    case 'repair':
      return action
    case 'adopt':
      return `adopted ${paths}`
    case 'move':
    case 'copy': {
      const from = isList(fields.from) && fields.from.length === 1 ? displayField(fields.from[0]) : scope
      return `${action} ${from} to ${displayField(fields.to) || '.'}`
    }
    case 'rollback':
      return `rollback to ${String(fields.state ?? id)} (${paths})`
    case 'restore':
      return fields.state === 'now'
        ? `restore ${scope} as recorded`
        : `restore ${scope} from ${String(fields.state ?? '')}`
    case 'undo':
    case 'redo':
      return `${action} of ${action === 'undo' ? String(fields.of ?? '') : 'undo'} #${body.cause ?? '?'}${counted === 0 ? '' : ` (${paths})`}`
    case 'snapshot':
      return `snapshot ${id}${fields.label ? ` "${displayText(String(fields.label))}"` : ''}`
    case 'snapshot-label':
      return `label ${id} "${displayText(String(fields.label ?? ''))}"`
    case 'govern':
      return `settings ${Array.isArray(fields.keys) ? fields.keys.join(', ') : ''}`.trim()
    case 'denied':
      return `denied ${String(fields.wanted ?? '')} ${id}`
    default:
      return `${action} ${scope}`
  }
}

/** How many a list of seqs, ranges of seqs and ids has. */
function countIn(list: CborValue | undefined): number {
  const spanOf = (item: CborValue): number => {
    const [from, to] = isList(item) ? item : []
    return typeof from === 'number' && typeof to === 'number' ? to - from : 1
  }
  return list !== undefined && isList(list) ? list.reduce((sum: number, item) => sum + spanOf(item), 0) : 0
}

const displayField = (value: unknown): string => (value instanceof Uint8Array ? displayBytes(byteStringOf(value)) : '')

const displayText = (text: string): string => displayBytes(Buffer.from(text).toString('latin1'))

/** Records that a filter lets through, in one go: callers name a short range, or stop when they have enough. */
export function* filteredRecords(context: TimelineContext, filter: RecordFilter = {}): Generator<RecordView> {
  for (const step of passingRecords(context, filter)) if (typeof step === 'object') yield step
}

/** The same for a range of any length: gives way to the event loop and says how far it came. */
export async function* scanRecords(
  context: TimelineContext,
  { signal, ...filter }: RecordFilter & { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<{ readonly record: RecordView } | { readonly progress: Progress }> {
  const slicer = createSlicer(context.clock, signal)
  const total = context.journal.head().size
  for (const step of passingRecords(context, filter)) {
    if (typeof step === 'object') yield { record: step }
    if (!slicer.due()) continue
    const seq = typeof step === 'object' ? step.seq : step
    const done = filter.newestFirst === true ? total - seq : seq
    yield { progress: { phase: 'searching', done, total, unit: 'records' } }
    await slicer.pause()
  }
}

/** Views of what passes, and now and then the seq at which it is. */
function* passingRecords(context: TimelineContext, filter: RecordFilter): Generator<RecordView | number> {
  const size = context.journal.head().size
  const range = {
    from: Math.max(0, filter.from ?? 0),
    to: Math.min(size, filter.to ?? size),
    ...(filter.newestFirst !== undefined && { reverse: filter.newestFirst }),
  }
  const wanted = bytesWanted(filter)
  let left = filter.limit ?? Number.POSITIVE_INFINITY
  if (left <= 0) return
  const { journal } = context
  for (const result of wanted === undefined ? journal.records(range) : journal.search(range, wanted)) {
    const seq = result.state === 'intact' ? result.record.seq : result.seq
    const passes = result.state === 'intact' && (yield* letThrough(context, filter, result.record))
    if (passes) yield viewOf(context, result.record)
    else yield seq
    if (passes && --left <= 0) return
  }
}

/** What only bodies that pass hold; undefined when a body that passes need not hold anything. */
function bytesWanted({ under, action, actor }: RecordFilter): readonly Uint8Array[] | undefined {
  if (under !== undefined && under !== '') return [...bytesOfPath(under), bytesOf(`${under}/`)]
  if (action !== undefined) return [bytesOfText('action', action)]
  return actor === undefined ? undefined : [bytesOfText('actor', actor)]
}

function* letThrough(
  context: TimelineContext,
  filter: RecordFilter,
  record: JournalRecord,
): Generator<number, boolean> {
  const { time } = record.envelope
  const body = record.body
  if (filter.since !== undefined && time < filter.since) return false
  if (filter.until !== undefined && time > filter.until) return false
  if (filter.actor !== undefined && body?.actor !== filter.actor) return false
  if (filter.action !== undefined && body?.action !== filter.action) return false
  return filter.under === undefined || (yield* touches(context, record, filter.under))
}

/** Whether the record changed the path or something below it; a long list is read in steps. */
function* touches(context: TimelineContext, record: JournalRecord, under: GovernedPath): Generator<number, boolean> {
  const subject = record.body?.subject
  if (subject?.kind === 'file' && subject.id !== '' && isWithin(subject.id, under)) return true
  if (subject?.kind === 'file' && subject.id !== '' && !isWithin(under, subject.id)) return false
  try {
    for (const change of changesOf(context, record)) {
      if (isWithin(change.path, under)) return true
      yield record.seq
    }
  } catch (error) {
    if (!isSentientError(error, 'STATE_PRUNED')) throw error
  }
  return false
}

/** Links that a record's body names: nothing that they lead to may be pruned while the record is retained. */
export function linksOf(record: JournalRecord): Link[] {
  const links: Link[] = []
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return
    if (isLink(value)) links.push(value)
    else for (const below of Object.values(value)) walk(below)
  }
  if (record.body !== undefined) walk(record.body)
  return links
}
