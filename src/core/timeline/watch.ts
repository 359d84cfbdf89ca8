// The watcher: sees changes made outside as they come, and does with them what the settings say: show them, keep them,
// or bring the record back. It also makes the quiet-time snapshots while it runs.

import { isSentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import type { Files } from '../host/host.ts'
import { findPath, sameApartFromChildren } from '../store/tree.ts'
import { absorb } from './absorb.ts'
import { stateInForce, type TimelineContext } from './context.ts'
import type { PlannedChange } from './diskPlan.ts'
import type { Change, DriftRule, GovernedPath, OperationResult, RecordView, StatusReport, Work } from './model.ts'
import { viewOf } from './records.ts'
import { snapshotCreate } from './snapshotOperations.ts'
import { currentSnapshots } from './snapshots.ts'
import { driftRules, status } from './status.ts'
import { transact } from './transact.ts'
import { coveredBy, watchDirectories } from './watchDirectories.ts'

export interface WatchOptions {
  readonly signal: AbortSignal
  /** Keeps where the settings only warn. */
  readonly absorb?: boolean
  /** Brings the record back where the settings only warn. */
  readonly heal?: boolean
}

export interface WatchEvent {
  readonly kind: 'watching' | 'drift' | 'absorbed' | 'healed' | 'record' | 'rescan' | 'snapshot' | 'problem'
  readonly time: number
  readonly paths: readonly GovernedPath[]
  readonly text: string
  readonly seq?: number
}

/** What happened is looked at when nothing more came for so long, or when it went on for longer than that. */
const settleMs = 300
const settleMsMax = 5_000
const tickMs = 250
/** A tree of which not every directory can be watched is looked at as a whole this often. */
const pollMs = 15_000
const healAfterMs = 2_000
const healTriesMax = 3
const healBackOffMs = 60_000
const healForgetMs = 10 * 60_000
/** When at least this many recorded paths, and half of what was looked at, vanish at once, a mount went away. */
const massGoneMin = 100

interface Healing {
  tries: number
  notBefore: number
}

/** Runs until the signal aborts or the root folder itself is gone. */
export async function* watch(
  context: TimelineContext,
  files: Files,
  options: WatchOptions,
): AsyncGenerator<WatchEvent> {
  const { clock } = context
  const { signal } = options
  const touched = createTouched(() => clock.monotonicMs())
  const watches = watchDirectories(context, files, path => touched.add(path))
  const event: MakeEvent = (kind, text, paths = [], seq) => ({ kind, time: clock.nowMicros(), paths, text, seq })
  const acting: Acting = { options, event, healing: new Map(), shown: new Map(), hindered: { until: 0, told: '' } }
  try {
    let complete = await watches.renew([''], signal)
    const count = `${watches.count()} directories`
    yield event('watching', complete ? count : `${count}, the whole tree every ${pollMs / 1000} s`)
    let records = context.journal.head().size
    let waiting = (await settled(status(context, { signal }))).changes
    let lastLookMs = clock.monotonicMs()
    while (!signal.aborted) {
      // First what others recorded: that is no drift.
      for (const seen of await newRecords(context, records)) yield event('record', seen.summary, [], seen.seq)
      records = context.journal.head().size
      const now = clock.monotonicMs()
      const under = touched.take() ?? (!complete && now - lastLookMs >= pollMs ? [''] : [])
      if (under.length > 0) {
        if (under.includes('')) yield event('rescan', 'looking at everything again')
        lastLookMs = now
        // Watched first, then looked at: what comes in between is told once more, and nothing is missed.
        complete = (await watches.renew(under, signal)) && (complete || under.includes(''))
        const report = await lookAt(context, under, acting)
        if (report === undefined) for (const path of under) touched.add(path)
        else waiting = merged(waiting, report, under, acting)
        if (report !== undefined && massGone(report)) {
          const { gone } = report.counts
          yield event('problem', `${gone} recorded paths are gone at once; none of it is kept or healed by itself`)
          waiting = waiting.filter(change => change.state !== 'gone')
        }
      }
      if (now >= acting.hindered.until) {
        const acted = await act(context, waiting, acting)
        waiting = acted.left
        yield* acted.events
      }
      if (!watches.rootIsThere()) {
        yield event('problem', 'the root folder itself is gone')
        return
      }
      await clock.sleep(tickMs, signal)
    }
  } catch (error) {
    if (!signal.aborted || !isSentientError(error, 'CANCELLED')) throw error
  } finally {
    watches.close()
  }
}

type MakeEvent = (kind: WatchEvent['kind'], text: string, paths?: readonly GovernedPath[], seq?: number) => WatchEvent

/** Paths that something happened to, until it is time to look at them. */
function createTouched(nowMs: () => number) {
  const paths = new Set<GovernedPath>()
  let firstMs = 0
  let lastMs = 0
  return {
    add(path: GovernedPath): void {
      lastMs = nowMs()
      if (paths.size === 0) firstMs = lastMs
      paths.add(path)
    },
    take(): GovernedPath[] | undefined {
      const now = nowMs()
      if (paths.size === 0 || (now - lastMs < settleMs && now - firstMs < settleMsMax)) return undefined
      const taken = [...paths]
      paths.clear()
      return taken
    },
  }
}

/** Undefined when the disk does not let itself be looked at just now. */
async function lookAt(
  context: TimelineContext,
  paths: readonly GovernedPath[],
  { options, hindered }: Acting,
): Promise<StatusReport | undefined> {
  const under = paths.includes('') ? [] : paths
  try {
    return await settled(status(context, { under, signal: options.signal }))
  } catch (error) {
    if (!isSentientError(error, 'IO')) throw error
    hindered.until = context.clock.monotonicMs() + hinderedMs
    return undefined
  }
}

/** What waits for its time, with what a look at some paths found. What is no drift any more is told when it comes again. */
function merged(
  waiting: readonly Change[],
  report: StatusReport,
  under: readonly GovernedPath[],
  { shown }: Acting,
): Change[] {
  const isCovered = coveredBy(under)
  const still = new Set(report.changes.map(change => change.path))
  for (const path of shown.keys()) if (isCovered(path) && !still.has(path)) shown.delete(path)
  return [...waiting.filter(change => !isCovered(change.path)), ...report.changes]
}

/** Why nothing can be recorded at the moment, and until when it is not tried again. */
interface Hindrance {
  until: number
  told: string
}

const hinderedMs = 5_000

async function settled<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done) return step.value
  }
}

function massGone(report: StatusReport): boolean {
  return report.counts.gone >= massGoneMin && report.counts.gone * 2 > report.counts.gone + report.filesChecked
}

/** What a watch carries from turn to turn. */
interface Acting {
  readonly options: WatchOptions
  readonly healing: Map<GovernedPath, Healing>
  readonly shown: Map<GovernedPath, string>
  readonly hindered: Hindrance
  readonly event: MakeEvent
}

/** Does with each change what its rule says; those whose time has not come are left for the next turn. */
async function act(
  context: TimelineContext,
  waiting: readonly Change[],
  acting: Acting,
): Promise<{ left: Change[]; events: WatchEvent[] }> {
  const left: Change[] = []
  const events: WatchEvent[] = []
  const keep: Change[] = []
  const heal: Change[] = []
  const nowMs = context.clock.monotonicMs()
  const driftRule = driftRules(context.settings())
  for (const change of waiting) {
    tellOnce(change, acting, events)
    if (!['changed', 'new', 'gone'].includes(change.state) || change.kind === 'other') continue
    const rule = ruleFor(driftRule(change.path), context, acting.options)
    if (rule === 'absorb') keep.push(change)
    else if (rule === 'heal') {
      if (isRipe(context, change, acting.healing.get(change.path), nowMs)) heal.push(change)
      else left.push(change)
    }
  }
  const { hindered, event } = acting
  try {
    await keepPaths(context, keep, acting, events)
    await healRipe(context, heal, { ...acting, nowMs }, events)
    const quiet = await quietSnapshot(context, acting.options.signal)
    if (quiet !== undefined) events.push(event('snapshot', quiet, [], context.journal.head().size - 1))
    hindered.told = ''
  } catch (error) {
    // Somebody else writes, the disk is full, a rule forbids it: the watch goes on.
    if (!isSentientError(error, 'LOCKED', 'DISK_FULL', 'NOT_WRITABLE', 'IO', 'DENIED')) throw error
    if (hindered.told !== error.message) events.push(event('problem', error.message))
    hindered.told = error.message
    // What is forbidden stays changed outside; everything else is tried again.
    if (error.code === 'DENIED') return { left, events }
    hindered.until = nowMs + hinderedMs
    return { left: [...left, ...keep, ...heal], events }
  }
  return { left, events }
}

function tellOnce(change: Change, { shown, event }: Acting, events: WatchEvent[]): void {
  const fingerprint = `${change.state} ${change.disk?.size ?? ''} ${change.disk?.mtime ?? ''}`
  if (shown.get(change.path) === fingerprint) return
  shown.set(change.path, fingerprint)
  events.push(event('drift', `${change.state}: ${change.reason}`, [change.path]))
}

async function keepPaths(
  context: TimelineContext,
  keep: readonly Change[],
  acting: Acting,
  events: WatchEvent[],
): Promise<void> {
  if (keep.length === 0) return
  const { signal } = acting.options
  const paths = keep.map(change => change.path)
  const result = await settled(absorb({ ...context, actor: 'unknown' }, paths, { signal }))
  if (result.changedCount === 0) return
  events.push(acting.event('absorbed', `kept ${pathsText(result.changedCount)}`, result.changed, result.seq))
}

const pathsText = (count: number): string => (count === 1 ? '1 path' : `${count} paths`)

async function healRipe(
  context: TimelineContext,
  heal: readonly Change[],
  acting: Acting & { readonly nowMs: number },
  events: WatchEvent[],
): Promise<void> {
  if (heal.length === 0) return
  const paths = heal.map(change => change.path)
  try {
    const { seq } = (await healPaths(context, heal, acting.options.signal)) ?? {}
    if (seq !== undefined) events.push(acting.event('healed', `brought back ${pathsText(heal.length)}`, paths, seq))
  } catch (error) {
    if (!isSentientError(error, 'NOT_WRITABLE')) throw error
    // One path that can not be brought back must not keep the others from it.
    if (heal.length > 1) for (const change of heal) await healRipe(context, [change], acting, events)
    else {
      acting.healing.set(paths[0], { tries: healTriesMax, notBefore: acting.nowMs + healBackOffMs })
      events.push(acting.event('problem', error.message, paths))
    }
    return
  }
  for (const path of paths) backOff(path, acting, events)
}

/** A path is brought back again only after a while, a longer one each time. */
function backOff(path: GovernedPath, acting: Acting & { readonly nowMs: number }, events: WatchEvent[]): void {
  const { healing, nowMs, event } = acting
  const before = healing.get(path)
  const isForgotten = before !== undefined && nowMs - before.notBefore > healForgetMs
  const tries = (isForgotten ? 0 : (before?.tries ?? 0)) + 1
  const isFought = tries >= healTriesMax
  const wait = isFought ? healBackOffMs * 2 ** Math.min(6, tries - healTriesMax) : healAfterMs
  healing.set(path, { tries, notBefore: nowMs + wait })
  if (tries !== healTriesMax) return
  const text = `something keeps changing ${displayBytes(path)}; healing it waits longer each time`
  events.push(event('problem', text, [path]))
}

function ruleFor(rule: DriftRule, context: TimelineContext, options: WatchOptions): DriftRule {
  if (context.access !== 'write') return 'warn'
  if (rule !== 'warn') return rule
  if (options.heal) return 'heal'
  return options.absorb || context.settings().watch.absorb ? 'absorb' : 'warn'
}

/** Two seconds without a change, and not fought over lately. */
function isRipe(context: TimelineContext, change: Change, healing: Healing | undefined, nowMs: number): boolean {
  if (healing !== undefined && nowMs < healing.notBefore) return false
  const stat = context.worktree.stat(change.path)
  const changedAt = stat === undefined ? 0 : Number((stat.ctimeNs > stat.mtimeNs ? stat.ctimeNs : stat.mtimeNs) / 1000n)
  return context.clock.nowMicros() - changedAt >= healAfterMs * 1000
}

/** Puts the recorded entries back, where the record is still what it was; the transaction keeps what was there. */
async function healPaths(
  context: TimelineContext,
  heal: readonly Change[],
  signal: AbortSignal,
): Promise<OperationResult | undefined> {
  return await settled(
    transact(context, { label: 'heal', signal }, async function* (tx) {
      const changes: PlannedChange[] = []
      for (const { path, recorded } of heal) {
        const now = findPath(tx.ingest, tx.state.files, path) ?? null
        if (sameApartFromChildren(now, recorded)) changes.push({ path, before: now, after: now })
      }
      const subject = changes.length === 1 ? changes[0].path : ''
      return { action: 'heal', subject: { kind: 'file', id: subject }, changes, fields: { paths: changes.length } }
    }),
  )
}

/** What others recorded; settings among it hold from now on. */
async function newRecords(context: TimelineContext, from: number): Promise<RecordView[]> {
  if (context.journal.refresh()) context.store.refresh()
  if (context.journal.head().size > from) await context.loadSettings()
  const views: RecordView[] = []
  for (const result of context.journal.records({ from })) {
    if (result.state === 'intact') views.push(viewOf(context, result.record))
  }
  return views
}

/** After the quiet time that follows a change, the state is kept; the label of the snapshot, or undefined. */
async function quietSnapshot(context: TimelineContext, signal: AbortSignal): Promise<string | undefined> {
  if (context.access !== 'write') return undefined
  const head = context.journal.head()
  const quietMicros = context.settings().watch.quietMinutes * 60_000_000
  if (context.clock.nowMicros() - head.time < quietMicros) return undefined
  if (currentSnapshots(context).at(-1)?.root === stateInForce(context).root) return undefined
  const result = await settled(snapshotCreate(context, { label: 'quiet time', automatic: true, signal }))
  return result.snapshot
}
