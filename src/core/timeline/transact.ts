// The rule of commit: the record is the commit, the tree on disk a view of it. Decide; make objects durable; stage;
// append the record and flush it: that is the commit point; then put the change in place.
import { isSentientError, SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import type { CborValue } from '../format/cbor.ts'
import { dagLink, type Link, type ObjectId, sameLink } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import { encodeState, type State } from '../format/state.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, FileStat } from '../host/host.ts'
import type { LockSession, NewRecord } from '../journal/model.ts'
import { type Progress, throwIfCancelled } from '../progress.ts'
import { readChanges, sortChanges, writeChanges } from '../store/changes.ts'
import type { Ingest } from '../store/store.ts'
import { diffTrees, editTree } from '../store/tree.ts'
import { type Target, writeProblem } from '../worktree/apply.ts'
import { type DecisionRequest, readState, stateInForce, type TimelineContext } from './context.ts'
import { isChange, type KeptDrift, keepDrift, noDiskWork, type PlannedChange, planDisk, shownBy } from './diskPlan.ts'
import type { Notice, OperationResult, TreeChange, Work } from './model.ts'
import { beginUnderLock, writeUnapplied } from './recovery.ts'
import { automaticSnapshot, protectSnapshot } from './snapshotRecords.ts'

/** What an operation wants to commit. */
export interface Plan {
  readonly action: string
  readonly subject: Body['subject']
  readonly changes: readonly PlannedChange[]
  /** Instead of `changes`, for the first keeping of a whole tree: its files and the list of them, both stored. */
  readonly adopted?: { readonly files: Link; readonly changes: Link; readonly count: number }
  /** Domains of the state that change beside the files. */
  readonly domains?: Partial<Pick<State, 'settings' | 'contracts' | 'boxes' | 'services'>>
  readonly cause?: number
  readonly fields?: Readonly<Record<string, CborValue>>
  /** The disk shows it already: keeping drift. */
  readonly onDisk?: ReadonlyMap<ByteString, FileStat>
  /** Before it, the state in force is kept as a snapshot with this reason. */
  readonly snapshotBefore?: string
  /** Runs once the change is in place. */
  readonly afterwards?: () => void
  /** An operation that changes nothing is not recorded unless it says so. */
  readonly recordEmpty?: boolean
}

export interface Transaction {
  readonly root: ObjectId
  readonly state: State
  readonly ingest: Ingest
  /** Records before this operation's. */
  readonly size: number
}

export interface TransactOptions {
  readonly label: string
  readonly signal?: AbortSignal
  /** Objects that were made before the lock, in a private pack; the transaction takes it over. */
  readonly ingest?: Ingest
}

type Build = (transaction: Transaction) => Work<Plan | undefined>

/** Runs one operation from its decision to its being visible; undefined when there was nothing to do. */
export async function* transact(
  context: TimelineContext,
  options: TransactOptions,
  build: Build,
): Work<OperationResult | undefined> {
  if (context.access !== 'write') throw new SentientError('READ_ONLY', { where: context.directories.root.path })
  return yield* underLock(context, options, async function* (session) {
    yield* beginUnderLock(context, session, options.signal)
    await context.loadSettings()
    const ingest = options.ingest ?? context.store.beginIngest({ shared: true })
    let committed = false
    try {
      const { root, state } = stateInForce(context)
      checkStillThere(ingest)
      const transaction = { root, state, ingest, size: context.journal.head().size }
      const plan = yield* build(transaction)
      if (plan === undefined) return undefined
      const result = yield* commit(context, transaction, plan, options.signal, () => {
        committed = true
      })
      return result
    } finally {
      if (!committed) ingest.abort()
    }
  })
}

/** What a port says while an operation prepares itself, as what it means to the caller. */
export async function* namingErrors<T>(context: TimelineContext, work: Work<T>): Work<T> {
  try {
    return yield* work
  } catch (error) {
    throw writeProblem(error, context.directories.root.path)
  }
}

/** Holds the writer lock around a generator: the lock's callback is a promise, the progress goes through. */
export async function* underLock<T>(
  context: TimelineContext,
  options: TransactOptions,
  work: (session: LockSession) => Work<T>,
): Work<T> {
  const lock = context.journal.writerLock
  let wake: () => void = () => undefined
  let latest: Progress | undefined
  const finished = lock.hold(options.label, options.signal, async session => {
    const steps = work(session)
    for (;;) {
      const step = await steps.next()
      if (step.done) return step.value
      lock.progress()
      latest = step.value
      wake()
    }
  })
  let settled = false
  const end = finished.then(
    () => void (settled = true),
    () => void (settled = true),
  )
  while (!settled) {
    await Promise.race([end, new Promise<void>(resolve => (wake = resolve))])
    if (latest !== undefined) {
      const progress = latest
      latest = undefined
      yield progress
    }
  }
  try {
    return await finished
  } catch (error) {
    throw writeProblem(error, context.directories.root.path)
  }
}

function checkStillThere(ingest: Ingest): void {
  const gone = ingest.revalidate()
  if (gone.length > 0) {
    throw new SentientError('IO', {
      what: 'gc removed contents while they were being stored',
      found: `${gone.length} objects gone`,
      hint: 'Run it again.',
    })
  }
}

async function* commit(
  context: TimelineContext,
  transaction: Transaction,
  plan: Plan,
  signal: AbortSignal | undefined,
  committed: () => void,
): Work<OperationResult | undefined> {
  const { ingest } = transaction
  const recorded = sortChanges(plan.changes.filter(isChange))
  const domainsChange = changesDomains(transaction, plan)
  const disk = plan.onDisk === undefined ? yield* planDisk(context, transaction, plan.changes, signal) : noDiskWork
  const needed =
    plan.adopted !== undefined ||
    recorded.length > 0 ||
    domainsChange ||
    disk.targets.length > 0 ||
    plan.recordEmpty === true
  if (!needed) return undefined
  const asked = plan.adopted === undefined ? recorded : readChanges(ingest, plan.adopted.changes)
  const decision = context.decide(requestsOf(context.actor, asked, domainsChange))
  if (decision.effect === 'deny') {
    appendDenial(context, transaction, plan, decision)
    committed()
    throw new SentientError('DENIED', { where: displayBytes(plan.subject.id), found: decision.rule })
  }
  const kept = yield* keepDrift(context, transaction, disk, signal)
  const made = makeRecords(context, transaction, plan, { recorded, decision, kept, onDisk: disk.targets })
  ingest.flush()
  const staged = yield* context.worktree.stageChange(ingest, [...disk.targets, ...(kept?.below ?? [])], signal)
  let appended: readonly { readonly seq: number }[]
  try {
    throwIfCancelled(signal)
    appended = context.journal.append(made.records, context.store.sharedPack())
  } catch (error) {
    staged.discard()
    throw error
  }
  committed()
  const report = yield* context.worktree.applyChange(context.store, staged)
  yield* writeUnapplied(context, report.unapplied)
  const notices = noticesOf(report, made.protectedAs, kept?.seen.length ?? 0)
  if (domainsChange) await afterwards(context, plan, notices)
  context.journal.setApplied(context.journal.head().size)
  return {
    seq: (appended.at(-1) as { seq: number }).seq,
    action: plan.action,
    changed: plan.changes.map(change => change.path),
    changedCount: plan.adopted?.count ?? plan.changes.length,
    protectedAs: made.protectedAs,
    unapplied: report.unapplied.map(item => item.path),
    drifted: report.drifted,
    notices,
  }
}

function changesDomains({ state }: Transaction, { domains = {} }: Plan): boolean {
  return Object.entries(domains).some(
    ([domain, link]) => !sameLink(link, state[domain as keyof typeof domains] as Link | undefined),
  )
}

/** Other settings are in force now; the operation stands, whatever becomes of the file that shows them. */
async function afterwards(context: TimelineContext, plan: Plan, notices: Notice[]): Promise<void> {
  try {
    await context.loadSettings()
    plan.afterwards?.()
  } catch (error) {
    if (!isHostError(error) && !isSentientError(error)) throw error
    notices.push({ code: 'settings', text: `sentient.yaml does not show the settings in force: ${error.message}` })
  }
}

interface Decided {
  readonly recorded: readonly TreeChange[]
  readonly decision: Body['decision']
  readonly kept: KeptDrift | undefined
  readonly onDisk: readonly Target[]
}

/** The operation's record, and before it that of the snapshot that keeps what was there, where one is due. */
function makeRecords(
  context: TimelineContext,
  transaction: Transaction,
  plan: Plan,
  decided: Decided,
): { readonly records: NewRecord[]; readonly protectedAs: string | undefined } {
  const { ingest } = transaction
  const { kept, recorded } = decided
  const now = context.clock.nowMicros()
  const before =
    kept !== undefined
      ? protectSnapshot(context, transaction, { kept: kept.root, paths: kept.seen.length, reason: plan.action })
      : automaticSnapshot(context, transaction, { reason: plan.snapshotBefore, now })
  const after = stateAfter(transaction, recorded, plan)
  const fields: Record<string, CborValue> = { ...plan.fields }
  if (context.session !== undefined) fields.session = context.session
  if (kept !== undefined) fields.kept = dagLink(kept.root)
  // What was overwritten, and what the disk shall show when that is not the new state: for undo, and after a kill.
  if (kept !== undefined && kept.seen.length > 0) fields.overwrote = writeChanges(ingest, sortChanges(kept.seen)).link
  const shown = plan.changes.map(change => ({ path: change.path, before: change.after, after: shownBy(change) }))
  const differs = shown.filter(isChange)
  if (differs.length > 0) fields.shown = writeChanges(ingest, sortChanges(differs)).link
  // Changes outside that were taken back are no changes of the record: say how many there were.
  const changedPaths = new Set(recorded.map(change => change.path))
  const onDiskOnly = decided.onDisk.filter(target => !changedPaths.has(target.path)).length
  if (onDiskOnly > 0) fields.disk = onDiskOnly
  const listed = asInStates(transaction, after, recorded)
  const body = bodyOf(context, ingest, plan, { recorded: listed, decision: decided.decision, fields })
  const records = [...(before === undefined ? [] : [before.record]), { root: after, body }]
  return { records, protectedAs: kept === undefined ? undefined : before?.name }
}

/** Directories that came or changed with the size and content that they have in the new state; a plan does not say them. */
function asInStates(
  { ingest, state }: Transaction,
  after: ObjectId,
  recorded: readonly TreeChange[],
): readonly TreeChange[] {
  if (!recorded.some(change => change.after?.kind === 'dir')) return recorded
  return sortChanges(diffTrees(ingest, state.files, readState(ingest, after).files))
}

function* requestsOf(actor: string, changes: Iterable<TreeChange>, govern: boolean): Generator<DecisionRequest> {
  for (const { path, before, after } of changes) {
    const size = after?.size ?? 0
    if (before === null || after === null || before.kind !== after.kind) {
      if (before !== null) yield { actor, action: 'delete', path, size: 0 }
      if (after !== null) yield { actor, action: 'create', path, size }
      continue
    }
    if (!sameLink(before.content, after.content) && after.kind !== 'dir') yield { actor, action: 'write', path, size }
    if (before.mode !== after.mode) yield { actor, action: 'chmod', path, size }
  }
  if (govern) yield { actor, action: 'govern', path: '', size: 0 }
}

function stateAfter({ ingest, state }: Transaction, recorded: readonly TreeChange[], plan: Plan): ObjectId {
  const edits = recorded.map(({ path, after }) => ({ path, after, keepChildren: after?.kind === 'dir' }))
  const files = plan.adopted?.files ?? (edits.length === 0 ? state.files : editTree(ingest, state.files, edits))
  const next: Record<string, unknown> = { ...state, files }
  for (const [domain, link] of Object.entries(plan.domains ?? {})) {
    if (link === undefined) delete next[domain]
    else next[domain] = link
  }
  return ingest.put('dag-cbor', 'state', encodeState(next as unknown as State)).id
}

function bodyOf(
  context: TimelineContext,
  ingest: Ingest,
  plan: Plan,
  made: { recorded: readonly TreeChange[]; decision: Body['decision']; fields: Record<string, CborValue> },
): Body {
  const only = made.recorded.length === 1 ? made.recorded[0] : undefined
  const single = plan.subject.kind === 'file' && only?.path === plan.subject.id ? only : undefined
  const body: { -readonly [key in keyof Body]: Body[key] } = {
    actor: context.actor,
    action: plan.action,
    subject: plan.subject,
    decision: made.decision,
  }
  if (single !== undefined) {
    body.before = single.before
    body.after = single.after
  } else if (plan.adopted !== undefined) body.changes = plan.adopted.changes
  else if (made.recorded.length > 0) body.changes = writeChanges(ingest, made.recorded).link
  if (plan.cause !== undefined) body.cause = plan.cause
  if (Object.keys(made.fields).length > 0) body.fields = made.fields
  return body
}

function appendDenial(
  context: TimelineContext,
  transaction: Transaction,
  plan: Plan,
  decision: Body['decision'],
): void {
  const body: Body = {
    actor: context.actor,
    action: 'denied',
    subject: plan.subject,
    decision,
    fields: { wanted: plan.action },
  }
  transaction.ingest.abort()
  context.journal.append([{ root: transaction.root, body }], context.store.sharedPack())
  context.journal.setApplied(context.journal.head().size)
}

function noticesOf(
  report: { unapplied: readonly { path: ByteString; reason: string }[]; drifted: readonly ByteString[] },
  protectedAs: string | undefined,
  keptPaths: number,
): Notice[] {
  const notices: Notice[] = []
  const count = (n: number) => (n === 1 ? '1 path' : `${n} paths`)
  if (protectedAs !== undefined) {
    const text = `${count(keptPaths)} changed outside stood in the way; kept as snapshot ${protectedAs}`
    notices.push({ code: 'protected', text })
  }
  if (report.unapplied.length > 0) {
    const first = report.unapplied[0]
    notices.push({
      code: 'unapplied',
      text: `${count(report.unapplied.length)} could not be changed on disk, first ${displayBytes(first.path)}: ${first.reason}`,
    })
  }
  if (report.drifted.length > 0) {
    const text = `${count(report.drifted.length)} left on disk as they are, changed at that moment or holding what is not recorded, first ${displayBytes(report.drifted[0])}`
    notices.push({ code: 'drift', text })
  }
  return notices
}

/** Appends one record that changes nothing in the tree; `make` runs under the lock and gets the root in force. */
export async function* transactRecord(
  context: TimelineContext,
  options: Pick<TransactOptions, 'label' | 'signal'>,
  make: (root: ObjectId) => NewRecord,
): Work<OperationResult> {
  if (context.access !== 'write') throw new SentientError('READ_ONLY', { where: context.directories.root.path })
  return yield* underLock(context, options, async function* (session) {
    yield* beginUnderLock(context, session, options.signal)
    await context.loadSettings()
    const record = make(stateInForce(context).root)
    const [{ seq }] = context.journal.append([record], context.store.sharedPack())
    context.journal.setApplied(context.journal.head().size)
    return { seq, action: record.body.action, changed: [], changedCount: 0, unapplied: [], drifted: [], notices: [] }
  })
}
