// The rule of commit: the record is the commit, the tree on disk a view of it. Decide; make objects durable; stage;
// append the record and flush it: that is the commit point; then put the change in place.
import { isSentientError, SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import type { CborValue } from '../format/cbor.ts'
import { dagLink, type Link, type ObjectId, sameLink } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import { encodeState, type State } from '../format/state.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString } from '../host/host.ts'
import type { LockSession, NewRecord } from '../journal/model.ts'
import { createSlicer, inSlices, type Progress, throwIfCancelled } from '../progress.ts'
import { readChanges, writeChangesSteps } from '../store/changes.ts'
import type { Ingest } from '../store/store.ts'
import { diffTrees, diffTreesInSteps, editSorted, type ObjectReader } from '../store/tree.ts'
import { writeProblem } from '../worktree/apply.ts'
import { type DecisionRequest, requireWritable, stateInForce, type TimelineContext } from './context.ts'
import {
  type ChangeList,
  createChangeList,
  isChange,
  type KeptDrift,
  keepDrift,
  keepingChildren,
  noDiskWork,
  type PlannedChange,
  planDisk,
  shownBy,
} from './diskPlan.ts'
import { explainMissing } from './forgotten.ts'
import type { Notice, OperationResult, TreeChange, Work } from './model.ts'
import { beginUnderLock, writeUnapplied } from './recovery.ts'
import { automaticSnapshot, protectSnapshot } from './snapshotRecords.ts'

/** What an operation wants to commit. */
export interface Plan {
  readonly action: string
  readonly subject: Body['subject']
  /** At most one of each path; many as a list of `createChangeList`. */
  readonly changes: readonly PlannedChange[] | ChangeList
  /** Instead of `changes`, for the first keeping of a whole tree: its files and the list of them, both stored. */
  readonly adopted?: { readonly files: Link; readonly changes: Link; readonly count: number }
  /** Domains of the state that change beside the files. */
  readonly domains?: Partial<Pick<State, 'settings' | 'contracts' | 'boxes' | 'services'>>
  readonly cause?: number
  readonly fields?: Readonly<Record<string, CborValue>>
  /** The disk shows it already: keeping drift. */
  readonly onDisk?: boolean
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
  /** Why a first attempt failed: contents are lost that it needed. What needs them is to be left out. */
  readonly loss?: SentientError | undefined
  /** Whether changes may be `whole`. */
  readonly whole: boolean
}

export interface TransactOptions {
  readonly label: string
  readonly signal?: AbortSignal
  /** Objects that were made before the lock, in a private pack; the transaction takes it over. */
  readonly ingest?: Ingest
  /** Where contents turn out to be lost, it is planned once more, with the `loss`. */
  readonly leavesOutLost?: boolean
}

type Build = (transaction: Transaction) => Work<Plan | undefined>

/** Runs one operation from its decision to its being visible; undefined when there was nothing to do. */
export async function* transact(
  context: TimelineContext,
  options: TransactOptions,
  build: Build,
): Work<OperationResult | undefined> {
  requireWritable(context)
  return yield* underLock(context, options, async function* (session) {
    yield* beginUnderLock(context, session, options.signal)
    await context.loadSettings()
    let committed = false
    const attempt = async function* (loss: SentientError | undefined): Work<OperationResult | undefined> {
      const ingest = options.ingest ?? context.store.beginIngest({ shared: true })
      try {
        const { root, state } = stateInForce(context)
        checkStillThere(ingest)
        const { size } = context.journal.head()
        for (const whole of loss === undefined ? [true, false] : [false]) {
          const transaction = { root, state, ingest, size, loss, whole }
          const plan = yield* build(transaction)
          if (plan === undefined) return undefined
          const result = yield* commit(context, transaction, plan, options.signal, () => {
            committed = true
          })
          if (result !== 'path by path') return result
        }
        throw new SentientError('INTERNAL', { what: 'A plan of single paths was not carried out' })
      } finally {
        if (!committed) ingest.abort()
      }
    }
    try {
      return yield* attempt(undefined)
    } catch (error) {
      const again = options.leavesOutLost === true && !committed && isSentientError(error, 'OBJECT_MISSING', 'DAMAGED')
      if (!again) throw error
      return yield* attempt(error)
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
    throw explainMissing(context, writeProblem(error, context.directories.root.path))
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

/** A result names its first changed paths; the record has them all. */
export const changedPathsMax = 1_000

async function* commit(
  context: TimelineContext,
  transaction: Transaction,
  plan: Plan,
  signal: AbortSignal | undefined,
  committed: () => void,
): Work<OperationResult | undefined | 'path by path'> {
  const { ingest } = transaction
  const survey = yield* surveyChanges(context, plan.changes, signal)
  const { changes, recorded } = survey
  const domainsChange = changesDomains(transaction, plan)
  const disk = plan.onDisk === true ? noDiskWork() : yield* planDisk(context, transaction, changes, signal)
  if (disk === undefined) return 'path by path'
  const needed =
    plan.adopted !== undefined ||
    recorded.count > 0 ||
    domainsChange ||
    disk.targets.count > 0 ||
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
  const staged = yield* context.worktree.stageChange(ingest, disk.targets, signal)
  if (staged === undefined) return 'path by path'
  const belowTrees = staged.trees?.counts.reduce((sum, { paths }) => sum + paths, 0) ?? 0
  let made: MadeRecords
  let appended: readonly { readonly seq: number }[]
  try {
    const decided = { survey, decision, kept, onDiskOnly: disk.onDiskOnly + belowTrees, signal }
    made = yield* makeRecords(context, transaction, plan, decided)
    ingest.flush()
    throwIfCancelled(signal)
    appended = context.journal.append(made.records, context.store.sharedPack())
  } catch (error) {
    await staged.discard()
    throw error
  }
  committed()
  const report = yield* context.worktree.applyChange(context.store, staged)
  yield* writeUnapplied(context, report.unapplied)
  const notices = noticesOf(report, made.protectedAs, kept?.seen.count ?? 0)
  if (domainsChange) await afterwards(context, plan, notices)
  context.journal.setApplied(context.journal.head().size)
  return {
    seq: (appended.at(-1) as { seq: number }).seq,
    action: plan.action,
    changed: firstPaths(ingest, changes, changedPathsMax),
    changedCount: plan.adopted?.count ?? changes.count + belowTrees,
    protectedAs: made.protectedAs,
    unapplied: report.unapplied.map(item => item.path),
    drifted: report.drifted,
    notices,
  }
}

/** The first paths of changes, those below directories that come whole among them; sorted. */
export function firstPaths(reader: ObjectReader, changes: ChangeList, most: number): ByteString[] {
  const paths: ByteString[] = []
  for (const { path, after, whole } of changes) {
    if (paths.length >= most) break
    paths.push(path)
    if (whole !== true || after === null) continue
    for (const below of diffTrees(reader, undefined, after.content, { order: 'paths' })) {
      if (paths.length >= most) break
      paths.push(`${path}/${below.path}`)
    }
  }
  return paths.sort()
}

/** Changes that can be gone through again and again, each time made anew. */
interface Changes extends Iterable<TreeChange> {
  readonly count: number
}

interface Survey {
  /** Sorted. */
  readonly changes: ChangeList
  /** Those that change the record. */
  readonly recorded: Changes
  /** Where the disk shall show something else than the new state: from the one to the other. */
  readonly shown: Changes
  /** A directory comes or changes. */
  readonly directories: boolean
}

async function* surveyChanges(
  context: TimelineContext,
  given: Plan['changes'],
  signal: AbortSignal | undefined,
): Work<Survey> {
  const slicer = createSlicer(context.clock, signal)
  const changes = 'length' in given ? listOf(given) : given
  const progress = (): Progress => ({ phase: 'checking', done: 0, total: changes.count, unit: 'paths' })
  yield* inSlices(slicer, changes.sort(), progress)
  const recorded: number[] = []
  const shown: number[] = []
  let directories = false
  const look = function* () {
    let index = 0
    for (const change of changes) {
      if (isChange(change)) {
        recorded.push(index)
        directories ||= change.after?.kind === 'dir'
      }
      if (isChange(shownInstead(change))) shown.push(index)
      index++
      yield
    }
  }
  yield* inSlices(slicer, look(), progress)
  return {
    changes,
    recorded: picked(recorded, index => changes.at(index)),
    shown: picked(shown, index => shownInstead(changes.at(index))),
    directories,
  }
}

function listOf(changes: Iterable<PlannedChange>): ChangeList {
  const list = createChangeList()
  for (const change of changes) list.push(change)
  return list
}

const shownInstead = (change: PlannedChange): TreeChange => ({
  path: change.path,
  before: change.after,
  after: shownBy(change),
})

function picked(indexes: readonly number[], at: (index: number) => TreeChange): Changes {
  return {
    count: indexes.length,
    *[Symbol.iterator]() {
      for (const index of indexes) yield at(index)
    },
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
  readonly survey: Survey
  readonly decision: Body['decision']
  readonly kept: KeptDrift | undefined
  readonly onDiskOnly: number
  readonly signal: AbortSignal | undefined
}

interface MadeRecords {
  readonly records: NewRecord[]
  readonly protectedAs: string | undefined
}

/** The operation's record, and before it that of the snapshot that keeps what was there, where one is due. */
async function* makeRecords(
  context: TimelineContext,
  transaction: Transaction,
  plan: Plan,
  decided: Decided,
): Work<MadeRecords> {
  const { ingest, state } = transaction
  const { kept, survey, onDiskOnly, signal } = decided
  const slicer = createSlicer(context.clock, signal)
  const total = survey.changes.count
  const writing = (): Progress => ({ phase: 'recording', done: 0, total, unit: 'paths' })
  const list = async function* (changes: Iterable<TreeChange | undefined>): Work<Link> {
    return (yield* inSlices(slicer, writeChangesSteps(ingest, changes), writing)).link
  }
  const now = context.clock.nowMicros()
  const before =
    kept !== undefined
      ? protectSnapshot(context, transaction, { kept: kept.root, paths: kept.seen.count, reason: plan.action })
      : automaticSnapshot(context, transaction, { reason: plan.snapshotBefore, now })
  const files = plan.adopted?.files ?? (yield* inSlices(slicer, filesAfter(transaction, survey.recorded), writing))
  const after = stateWith(transaction, files, plan)
  const fields: Record<string, CborValue> = { ...plan.fields }
  if (context.session !== undefined) fields.session = context.session
  if (kept !== undefined) fields.kept = dagLink(kept.root)
  // What was overwritten, and what the disk shall show when that is not the new state: for undo, and after a kill.
  if (kept !== undefined && kept.seen.count > 0) fields.overwrote = yield* list(kept.seen)
  if (survey.shown.count > 0) fields.shown = yield* list(survey.shown)
  // Changes outside that were taken back are no changes of the record: say how many there were.
  if (onDiskOnly > 0) fields.disk = onDiskOnly
  // Directories that came or changed with the size and content that they have in the new state; a plan does not say them.
  const recorded = survey.directories
    ? diffTreesInSteps(ingest, state.files, files, { order: 'paths' })
    : survey.recorded
  const { count } = survey.recorded
  const only = count === 1 ? [...recorded].find(change => change !== undefined) : undefined
  const isSingle = only !== undefined && plan.subject.kind === 'file' && only.path === plan.subject.id
  const changes = plan.adopted?.changes ?? (isSingle || count === 0 ? undefined : yield* list(only ? [only] : recorded))
  const body = bodyOf(context, plan, { only: isSingle ? only : undefined, changes, decision: decided.decision, fields })
  const records = [...(before === undefined ? [] : [before.record]), { root: after, body }]
  return { records, protectedAs: kept === undefined ? undefined : before?.name }
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

const filesAfter = ({ ingest, state }: Transaction, recorded: Iterable<TreeChange>): Generator<undefined, Link> =>
  editSorted(ingest, state.files, keepingChildren(recorded))

function stateWith({ ingest, state }: Transaction, files: Link, plan: Plan): ObjectId {
  const next: Record<string, unknown> = { ...state, files }
  for (const [domain, link] of Object.entries(plan.domains ?? {})) {
    if (link === undefined) delete next[domain]
    else next[domain] = link
  }
  return ingest.put('dag-cbor', 'state', encodeState(next as unknown as State)).id
}

function bodyOf(
  context: TimelineContext,
  plan: Plan,
  made: {
    readonly only: TreeChange | undefined
    readonly changes: Link | undefined
    readonly decision: Body['decision']
    readonly fields: Record<string, CborValue>
  },
): Body {
  const body: { -readonly [key in keyof Body]: Body[key] } = {
    actor: context.actor,
    action: plan.action,
    subject: plan.subject,
    decision: made.decision,
  }
  if (made.only !== undefined) {
    body.before = made.only.before
    body.after = made.only.after
  } else if (made.changes !== undefined) body.changes = made.changes
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
  requireWritable(context)
  return yield* underLock(context, options, async function* (session) {
    yield* beginUnderLock(context, session, options.signal)
    await context.loadSettings()
    const record = make(stateInForce(context).root)
    const [{ seq }] = context.journal.append([record], context.store.sharedPack())
    context.journal.setApplied(context.journal.head().size)
    return { seq, action: record.body.action, changed: [], changedCount: 0, unapplied: [], drifted: [], notices: [] }
  })
}
