// Undo and redo: records that set the paths of an earlier record back, refused when something else touched them since.
import { SentientError } from '../errors.ts'
import { bytesOfText } from '../format/bodyBytes.ts'
import { displayBytes } from '../format/bytes.ts'
import { isLink } from '../format/cbor.ts'
import { dagLink, parseObjectId, sameLink } from '../format/id.ts'
import type { State } from '../format/state.ts'
import type { ByteString } from '../host/host.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer, inSlices, type Progress } from '../progress.ts'
import { readChanges } from '../store/changes.ts'
import { entriesInSteps, findPath, sameApartFromChildren } from '../store/tree.ts'
import { joinPath, parentOf } from '../worktree/paths.ts'
import { readState, type TimelineContext } from './context.ts'
import { type ChangeList, createChangeList, type PlannedChange } from './diskPlan.ts'
import { withLeftOut, withoutForgotten } from './forgotten.ts'
import { settingsFollow } from './governing.ts'
import { withLost, withoutLost } from './lostContents.ts'
import type { GovernedPath, OperationResult, TreeChange, Work } from './model.ts'
import { gcHorizon } from './pruned.ts'
import { bytesOfPath, changeAt, changesOf, requireRecord } from './records.ts'
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

type Target = JournalRecord | undefined

interface TargetOptions extends Cancellable {
  readonly session?: string
}

/** The first of the actor's (or the session's) operations, newest first and what was undone left out, that is taken. */
async function* newestOperation(
  context: TimelineContext,
  options: TargetOptions,
  take: (action: string) => 'this' | 'none' | 'older',
): Work<Target> {
  const { session, signal } = options
  const slicer = createSlicer(context.clock, signal)
  const size = context.journal.head().size
  const from = Math.max(0, size - lookBackMax)
  const own = session === undefined ? bytesOfText('actor', context.actor) : bytesOfText('session', session)
  const gone = new Set<number>()
  for (const result of context.journal.search({ from, to: size, reverse: true }, [own])) {
    if (slicer.due()) {
      const seq = result.state === 'intact' ? result.record.seq : result.seq
      yield { phase: 'searching', done: size - seq, total: size - from, unit: 'records' }
      await slicer.pause()
    }
    if (result.state !== 'intact' || result.record.body === undefined) continue
    const { record } = result
    const body = record.body as NonNullable<JournalRecord['body']>
    if (body.actor !== context.actor || body.decision.effect !== 'permit') continue
    if (session !== undefined && body.fields?.session !== session) continue
    if (gone.has(record.seq)) continue
    const { action, cause } = body
    const reverses = action === 'undo' || action === 'redo'
    if (!reverses && !undoable.has(action)) continue
    if (reverses && cause !== undefined) gone.add(cause)
    const taken = take(action)
    if (taken !== 'older') return taken === 'this' ? record : undefined
  }
  return undefined
}

/** The record that `undo` would undo. */
export const undoTarget = (context: TimelineContext, options: TargetOptions = {}): Work<Target> =>
  newestOperation(context, options, action => (action === 'undo' || action === 'redo' ? 'older' : 'this'))

/** The undo that `redo` would take back: none once another operation followed it. */
export const redoTarget = (context: TimelineContext, options: TargetOptions = {}): Work<Target> =>
  newestOperation(context, options, action => (action === 'undo' ? 'this' : action === 'redo' ? 'older' : 'none'))

interface UndoOptions extends Cancellable {
  readonly seq?: number
  readonly session?: string
}

export const undo = (context: TimelineContext, options: UndoOptions = {}): Work<OperationResult> =>
  namingErrors(context, undoRecord(context, options))

async function* undoRecord(context: TimelineContext, options: UndoOptions): Work<OperationResult> {
  const target = options.seq === undefined ? yield* undoTarget(context, options) : requireRecord(context, options.seq)
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
  const target = yield* redoTarget(context, options)
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
  let leftOut: readonly GovernedPath[] = []
  let lostOut: readonly GovernedPath[] = []
  const options = { label: action, signal, leavesOutLost: true }
  const result = yield* transact(context, options, async function* (tx): Work<Plan> {
    const slicer = createSlicer(context.clock, signal)
    const all = createChangeList()
    const progress = (): Progress => ({ phase: 'planning', done: all.count, unit: 'paths' })
    const touched = yield* inSlices(slicer, reversedChanges(context, tx, target, all), progress)
    if (touched !== undefined) throw await touchedSince(context, target, touched, signal)
    const steps = function* () {
      yield* refuseFullDirectories(tx, all, target)
      yield* showOverwritten(tx, target, all)
      yield* overwriteAgain(context, tx, target, all)
      yield* requireParents(tx, all, target)
      return yield* withoutForgotten(context, all)
    }
    const known = yield* inSlices(slicer, steps(), progress)
    const { domains, follow } = reverseDomains(context, tx, target)
    const others = Object.keys(domains).length > 0
    const { changes, lost } = yield* withoutLost(context, tx, known.changes, { signal, others })
    leftOut = known.leftOut
    lostOut = lost
    const path = changes.count === 1 ? changes.at(0).path : ''
    return {
      action,
      subject: { kind: 'file', id: path },
      changes,
      domains,
      cause: target.seq,
      fields: { of: target.body?.action ?? '' },
      recordEmpty: true,
      afterwards: follow,
    }
  })
  return withLost(withLeftOut(result as OperationResult, leftOut), lostOut)
}

/** Plans the record's changes the other way round; comes back with a path that something else touched since. */
function* reversedChanges(
  context: TimelineContext,
  tx: Transaction,
  target: JournalRecord,
  changes: ChangeList,
): Generator<undefined, ByteString | undefined> {
  for (const { path, before, after } of changesOf(context, target)) {
    const now = findPath(tx.ingest, tx.state.files, path) ?? null
    if (!sameApartFromChildren(now, after)) return path
    changes.push({ path, before: now, after: before })
    yield
  }
  yield* changes.sort()
  return undefined
}

/** How many records after the target are looked at for the one that is in the way. */
const lookOnMax = 100_000

async function touchedSince(
  context: TimelineContext,
  target: JournalRecord,
  path: ByteString,
  signal: AbortSignal | undefined,
): Promise<SentientError> {
  const slicer = createSlicer(context.clock, signal)
  const size = context.journal.head().size
  const from = Math.max(target.seq + 1, size - lookOnMax)
  let later: number | undefined
  for (const result of context.journal.search({ from, to: size, reverse: true }, bytesOfPath(path))) {
    if (result.state === 'intact' && changeAt(context, result.record, path) !== undefined) {
      later = result.record.seq
      break
    }
    if (slicer.due()) await slicer.pause()
  }
  return new SentientError('NOT_UNDOABLE', {
    what: `A later record touched a path of #${target.seq}`,
    where: displayBytes(path),
    found: later === undefined ? undefined : `#${later}`,
    hint: `Undo #${later ?? '...'} first, or bring single paths back with sentctl restore.`,
  })
}

/** A directory may go only when all that is recorded in it goes too. */
function* refuseFullDirectories(tx: Transaction, changes: ChangeList, target: JournalRecord): Generator<undefined> {
  for (const { path: directory, before, after } of changes) {
    yield
    if (after?.kind === 'dir' || before?.kind !== 'dir') continue
    for (const entry of yield* entriesInSteps(tx.ingest, before.content)) {
      yield
      const path = joinPath(directory, entry.name)
      if (changes.find(path)?.after !== null) {
        throw new SentientError('NOT_UNDOABLE', {
          what: `#${target.seq} made a directory that holds other things now`,
          where: displayBytes(directory),
          found: displayBytes(path),
        })
      }
    }
  }
}

/** What comes back needs a directory to be in. */
function* requireParents(tx: Transaction, changes: ChangeList, target: JournalRecord): Generator<undefined> {
  let last: ByteString | undefined
  for (const { path, after: back } of changes) {
    yield
    const parent = parentOf(path)
    // Neighbours share their directory.
    if (back === null || parent === '' || parent === last) continue
    const planned = changes.find(parent)
    const after = planned === undefined ? findPath(tx.ingest, tx.state.files, parent) : planned.after
    if (after?.kind !== 'dir') {
      throw new SentientError('NOT_UNDOABLE', {
        what: `The directory that #${target.seq} changed is no longer there`,
        where: displayBytes(parent),
        hint: 'Undo the record that removed it first.',
      })
    }
    last = parent
  }
}

/** What a record overwrote on disk that was not recorded. */
function overwrittenBy(tx: Transaction, { body }: JournalRecord): Iterable<TreeChange> {
  const link = body?.fields?.overwrote
  return link !== undefined && isLink(link) ? readChanges(tx.ingest, dagLink(parseObjectId(link.id))) : []
}

/** What the operation overwrote on disk comes back as it was: changed outside, not recorded. */
function* showOverwritten(tx: Transaction, target: JournalRecord, changes: ChangeList): Generator<undefined> {
  const shown = createChangeList()
  for (const { path, after } of overwrittenBy(tx, target)) {
    const now = findPath(tx.ingest, tx.state.files, path) ?? null
    shown.push({ ...(changes.find(path) ?? { path, before: now, after: now }), shown: after })
    yield
  }
  yield* addAll(changes, shown)
}

/** An operation that overwrote changes made outside overwrites them again when its undo is taken back. */
function* overwriteAgain(
  context: TimelineContext,
  tx: Transaction,
  target: JournalRecord,
  changes: ChangeList,
): Generator<undefined> {
  if (target.body?.action !== 'undo' || target.body.cause === undefined) return
  const again = createChangeList()
  for (const { path } of overwrittenBy(tx, requireRecord(context, target.body.cause))) {
    const now = findPath(tx.ingest, tx.state.files, path) ?? null
    if (!changes.has(path)) again.push({ path, before: now, after: now })
    yield
  }
  yield* addAll(changes, again)
}

function* addAll(changes: ChangeList, more: Iterable<PlannedChange>): Generator<undefined> {
  for (const change of more) {
    changes.push(change)
    yield
  }
  yield* changes.sort()
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
