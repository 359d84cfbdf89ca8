// Undo and redo: records that set the paths of an earlier record back, refused when something else touched them since.
import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { isLink } from '../format/cbor.ts'
import { dagLink, parseObjectId, sameLink } from '../format/id.ts'
import type { State } from '../format/state.ts'
import type { ByteString } from '../host/host.ts'
import type { JournalRecord } from '../journal/model.ts'
import { readChanges } from '../store/changes.ts'
import { findPath, listEntries, sameApartFromChildren } from '../store/tree.ts'
import { joinPath, parentOf } from '../worktree/paths.ts'
import { readState, type TimelineContext } from './context.ts'
import type { PlannedChange } from './diskPlan.ts'
import { settingsFollow } from './governing.ts'
import type { GovernedPath, OperationResult, TreeChange, Work } from './model.ts'
import { gcHorizon } from './pruned.ts'
import { changesOf, requireRecord } from './records.ts'
import { namingErrors, type Plan, type Transaction, transact } from './transact.ts'

interface Cancellable {
  readonly signal?: AbortSignal
}

const undoable: ReadonlySet<string> = new Set([
  'put',
  'delete',
  'move',
  'copy',
  'mkdir',
  'chmod',
  'link',
  'absorb',
  'restore',
  'rollback',
  'govern',
  'heal',
])

/** How far back undo and redo look for their record. */
const lookBackMax = 100_000

/** Walks the actor's (or the session's) operations, newest first, with what was undone already taken out. */
function* liveOperations(context: TimelineContext, session: string | undefined): Generator<JournalRecord> {
  const size = context.journal.head().size
  const gone = new Set<number>()
  for (const result of context.journal.records({ from: Math.max(0, size - lookBackMax), to: size, reverse: true })) {
    if (result.state !== 'intact' || result.record.body === undefined) continue
    const { record } = result
    const body = record.body as NonNullable<JournalRecord['body']>
    if (body.actor !== context.actor || body.decision.effect !== 'permit') continue
    if (session !== undefined && body.fields?.session !== session) continue
    if (gone.has(record.seq)) continue
    if (body.action === 'undo' || body.action === 'redo') {
      if (body.cause !== undefined) gone.add(body.cause)
      yield record
    } else if (undoable.has(body.action)) yield record
  }
}

/** The record that `undo` would undo. */
export function undoTarget(context: TimelineContext, session?: string): JournalRecord | undefined {
  for (const record of liveOperations(context, session)) {
    if (record.body?.action !== 'undo' && record.body?.action !== 'redo') return record
  }
  return undefined
}

/** The undo that `redo` would take back: none once another operation followed it. */
export function redoTarget(context: TimelineContext, session?: string): JournalRecord | undefined {
  for (const record of liveOperations(context, session)) {
    if (record.body?.action === 'undo') return record
    if (record.body?.action !== 'redo') return undefined
  }
  return undefined
}

interface UndoOptions extends Cancellable {
  readonly seq?: number
  readonly session?: string
}

export const undo = (context: TimelineContext, options: UndoOptions = {}): Work<OperationResult> =>
  namingErrors(context, undoRecord(context, options))

async function* undoRecord(context: TimelineContext, options: UndoOptions): Work<OperationResult> {
  const target = options.seq === undefined ? undoTarget(context, options.session) : requireRecord(context, options.seq)
  if (target === undefined)
    throw new SentientError('NOT_UNDOABLE', { what: 'There is nothing to undo', hint: 'See sentctl log.' })
  const action = target.body?.action ?? 'forgotten'
  if (!undoable.has(action)) {
    throw new SentientError('NOT_UNDOABLE', {
      where: `#${target.seq}`,
      expected: 'an operation on paths or settings',
      found: action,
    })
  }
  return yield* reverse(context, target, 'undo', options.signal)
}

export const redo = (context: TimelineContext, options: Omit<UndoOptions, 'seq'> = {}): Work<OperationResult> =>
  namingErrors(context, redoRecord(context, options))

async function* redoRecord(context: TimelineContext, options: Omit<UndoOptions, 'seq'>): Work<OperationResult> {
  const target = redoTarget(context, options.session)
  if (target === undefined)
    throw new SentientError('NOT_UNDOABLE', { what: 'There is nothing to redo', hint: 'See sentctl log.' })
  return yield* reverse(context, target, 'redo', options.signal)
}

async function* reverse(
  context: TimelineContext,
  target: JournalRecord,
  action: 'undo' | 'redo',
  signal: AbortSignal | undefined,
): Work<OperationResult> {
  if (target.seq < gcHorizon(context)) {
    throw new SentientError('NOT_UNDOABLE', { what: 'gc pruned what it would bring back', where: `#${target.seq}` })
  }
  const result = yield* transact(context, { label: action, signal }, async function* (tx): AsyncGenerator<
    never,
    Plan,
    void
  > {
    const changes = new Map<GovernedPath, PlannedChange>()
    for (const { path, before, after } of changesOf(context, target)) {
      const now = findPath(tx.ingest, tx.state.files, path) ?? null
      if (!sameApartFromChildren(now, after)) throw touchedSince(context, target, path)
      changes.set(path, { path, before: now, after: before })
    }
    for (const change of changes.values()) {
      if (change.after?.kind !== 'dir') refuseFullDirectory(tx, change, changes, target)
    }
    showOverwritten(tx, target, changes)
    overwriteAgain(context, tx, target, changes)
    for (const change of changes.values()) if (change.after !== null) requireParent(tx, change, changes, target)
    const { domains, follow } = reverseDomains(context, tx, target)
    const path = changes.size === 1 ? [...changes.keys()][0] : ''
    return {
      action,
      subject: { kind: 'file', id: path },
      changes: [...changes.values()],
      domains,
      cause: target.seq,
      fields: { of: target.body?.action ?? '' },
      recordEmpty: true,
      afterwards: follow,
    }
  })
  return result as OperationResult
}

function touchedSince(context: TimelineContext, target: JournalRecord, path: ByteString): SentientError {
  let later: number | undefined
  for (const result of context.journal.records({ from: target.seq + 1 })) {
    if (result.state !== 'intact') continue
    for (const change of changesOf(context, result.record)) if (change.path === path) later = result.record.seq
  }
  return new SentientError('NOT_UNDOABLE', {
    what: `A later record touched a path of #${target.seq}`,
    where: displayBytes(path),
    found: later === undefined ? undefined : `#${later}`,
    hint: `Undo #${later ?? '...'} first, or bring single paths back with sentctl restore.`,
  })
}

/** A directory may go only when all that is recorded in it goes too. */
function refuseFullDirectory(
  tx: Transaction,
  change: PlannedChange,
  changes: ReadonlyMap<GovernedPath, PlannedChange>,
  target: JournalRecord,
): void {
  if (change.before?.kind !== 'dir') return
  for (const entry of listEntries(tx.ingest, change.before.content)) {
    const path = joinPath(change.path, entry.name)
    if (changes.get(path)?.after !== null) {
      throw new SentientError('NOT_UNDOABLE', {
        what: `#${target.seq} made a directory that holds other things now`,
        where: displayBytes(change.path),
        found: displayBytes(path),
      })
    }
  }
}

/** What comes back needs a directory to be in. */
function requireParent(
  tx: Transaction,
  { path }: PlannedChange,
  changes: ReadonlyMap<GovernedPath, PlannedChange>,
  target: JournalRecord,
): void {
  const parent = parentOf(path)
  if (parent === '') return
  const planned = changes.get(parent)
  const after = planned === undefined ? findPath(tx.ingest, tx.state.files, parent) : planned.after
  if (after?.kind === 'dir') return
  throw new SentientError('NOT_UNDOABLE', {
    what: `The directory that #${target.seq} changed is no longer there`,
    where: displayBytes(parent),
    hint: 'Undo the record that removed it first.',
  })
}

/** What a record overwrote on disk that was not recorded. */
function overwrittenBy(tx: Transaction, { body }: JournalRecord): Iterable<TreeChange> {
  const link = body?.fields?.overwrote
  return link !== undefined && isLink(link) ? readChanges(tx.ingest, dagLink(parseObjectId(link.id))) : []
}

/** What the operation overwrote on disk comes back as it was: changed outside, not recorded. */
function showOverwritten(tx: Transaction, target: JournalRecord, changes: Map<GovernedPath, PlannedChange>): void {
  for (const { path, after } of overwrittenBy(tx, target)) {
    const now = findPath(tx.ingest, tx.state.files, path) ?? null
    const planned = changes.get(path) ?? { path, before: now, after: now }
    changes.set(path, { ...planned, shown: after })
  }
}

/** An operation that overwrote changes made outside overwrites them again when its undo is taken back. */
function overwriteAgain(
  context: TimelineContext,
  tx: Transaction,
  target: JournalRecord,
  changes: Map<GovernedPath, PlannedChange>,
): void {
  if (target.body?.action !== 'undo' || target.body.cause === undefined) return
  const original = requireRecord(context, target.body.cause)
  for (const { path } of overwrittenBy(tx, original)) {
    const now = findPath(tx.ingest, tx.state.files, path) ?? null
    if (!changes.has(path)) changes.set(path, { path, before: now, after: now })
  }
}

function stateBefore(context: TimelineContext, tx: Transaction, target: JournalRecord): State {
  return readState(tx.ingest, requireRecord(context, target.seq - 1).envelope.root)
}

function reverseDomains(context: TimelineContext, tx: Transaction, target: JournalRecord) {
  const before = stateBefore(context, tx, target)
  const after = readState(tx.ingest, target.envelope.root)
  const domains: { [key in 'settings' | 'contracts' | 'boxes' | 'services']?: State[key] } = {}
  for (const domain of ['settings', 'contracts', 'boxes', 'services'] as const) {
    if (sameLink(before[domain], after[domain])) continue
    if (!sameLink(tx.state[domain], after[domain])) {
      throw new SentientError('NOT_UNDOABLE', {
        what: `A later record changed the ${domain} again`,
        where: `#${target.seq}`,
      })
    }
    domains[domain] = before[domain]
  }
  const follow = 'settings' in domains ? settingsFollow(context, tx.ingest, domains.settings) : undefined
  return { domains, follow }
}
