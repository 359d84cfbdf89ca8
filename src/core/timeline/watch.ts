// The watcher: sees changes made outside as they come, and does with them what the settings say: show them, keep them,
// or bring the record back. It also makes the quiet-time snapshots while it runs.

import { isSentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, Files } from '../host/host.ts'
import { createSlicer } from '../progress.ts'
import { findPath, sameApartFromChildren } from '../store/tree.ts'
import { joinPath } from '../worktree/paths.ts'
import { isOutsideFiles } from '../worktree/reserved.ts'
import { openBelow, sameStat } from '../worktree/walk.ts'
import { absorb } from './absorb.ts'
import { stateInForce, type TimelineContext } from './context.ts'
import type { PlannedChange } from './diskPlan.ts'
import type { Change, DriftRule, GovernedPath, OperationResult, RecordView, StatusReport, Work } from './model.ts'
import { viewOf } from './records.ts'
import { snapshotCreate } from './snapshotOperations.ts'
import { currentSnapshots } from './snapshots.ts'
import { driftRules, status } from './status.ts'
import { transact } from './transact.ts'

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

/** Directories watched at most; a larger tree is looked at whole every `pollMs`. */
const watchesMax = 16_384
const settleMs = 300
const tickMs = 250
const pollMs = 15_000
const healAfterMs = 2_000
const healTriesMax = 3
const healBackOffMs = 60_000
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
  const dirty = new Set<GovernedPath>()
  const watches = createWatches(context, files, path => dirty.add(path))
  const healing = new Map<GovernedPath, Healing>()
  const shown = new Map<GovernedPath, string>()
  let records = context.journal.head().size
  const event = (
    kind: WatchEvent['kind'],
    text: string,
    paths: readonly GovernedPath[] = [],
    seq?: number,
  ): WatchEvent => ({
    kind,
    time: clock.nowMicros(),
    paths,
    text,
    seq,
  })
  try {
    let complete = await watches.add('', options.signal)
    yield event(
      'watching',
      complete
        ? `${watches.count()} directories`
        : `${watches.count()} directories, the whole tree every ${pollMs / 1000} s`,
    )
    let waiting: Change[] = [...(await settled(status(context, { signal: options.signal }))).changes]
    let lastLookMs = clock.monotonicMs()
    let lastEventMs = -settleMs
    let known = 0
    const hindered: Hindrance = { until: 0, told: '' }
    while (!options.signal.aborted) {
      if (dirty.size !== known) lastEventMs = clock.monotonicMs()
      known = dirty.size
      const now = clock.monotonicMs()
      const due = dirty.size > 0 && now - lastEventMs >= settleMs
      const poll = !complete && now - lastLookMs >= pollMs
      if (due || poll) {
        const whole = poll || dirty.has('')
        const under = whole ? [] : [...dirty]
        dirty.clear()
        known = 0
        lastLookMs = now
        if (whole) yield event('rescan', 'looking at everything again')
        const report = await settled(status(context, { under, signal: options.signal }))
        for (const path of whole ? [''] : under) complete = (await watches.add(path, options.signal)) && complete
        forgetSeen(shown, report, under)
        waiting = [...waiting.filter(change => !covered(change.path, under)), ...report.changes]
        if (massGone(report)) {
          yield event(
            'problem',
            `${report.counts.gone} recorded paths are gone at once; nothing is kept or healed until that is looked at`,
          )
          waiting = waiting.filter(change => change.state !== 'gone')
        }
      }
      for (const seen of await newRecords(context, records)) yield event('record', seen.summary, [], seen.seq)
      records = context.journal.head().size
      if (now >= hindered.until) {
        const acted = await act(context, { waiting, options, healing, shown, event, hindered })
        waiting = acted.left
        yield* acted.events
      }
      if (!watches.rootIsThere()) {
        yield event('problem', 'the root folder itself is gone')
        return
      }
      await clock.sleep(tickMs, options.signal)
    }
  } catch (error) {
    if (!options.signal.aborted || !isSentientError(error, 'CANCELLED')) throw error
  } finally {
    watches.close()
  }
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

const covered = (path: ByteString, under: readonly ByteString[]): boolean =>
  under.length === 0 || under.some(top => path === top || path.startsWith(`${top}/`))

/** What is no drift any more is told again when it comes back. */
function forgetSeen(shown: Map<GovernedPath, string>, report: StatusReport, under: readonly ByteString[]): void {
  const still = new Set(report.changes.map(change => change.path))
  for (const path of shown.keys()) if (covered(path, under) && !still.has(path)) shown.delete(path)
}

function massGone(report: StatusReport): boolean {
  return report.counts.gone >= massGoneMin && report.counts.gone * 2 > report.counts.gone + report.filesChecked
}

interface ActRequest {
  readonly waiting: readonly Change[]
  readonly options: WatchOptions
  readonly healing: Map<GovernedPath, Healing>
  readonly shown: Map<GovernedPath, string>
  readonly hindered: Hindrance
  readonly event: (kind: WatchEvent['kind'], text: string, paths?: readonly GovernedPath[], seq?: number) => WatchEvent
}

/** Does with each change what its rule says; those whose time has not come are left for the next turn. */
async function act(context: TimelineContext, request: ActRequest): Promise<{ left: Change[]; events: WatchEvent[] }> {
  const left: Change[] = []
  const events: WatchEvent[] = []
  const keep: Change[] = []
  const heal: Change[] = []
  const nowMs = context.clock.monotonicMs()
  const driftRule = driftRules(context.settings())
  for (const change of request.waiting) {
    const fingerprint = `${change.state} ${change.disk?.size ?? ''} ${change.disk?.mtime ?? ''}`
    if (request.shown.get(change.path) !== fingerprint) {
      request.shown.set(change.path, fingerprint)
      events.push(request.event('drift', `${change.state}: ${change.reason}`, [change.path]))
    }
    if (!['changed', 'new', 'gone'].includes(change.state)) continue
    const rule = ruleFor(driftRule(change.path), context, request.options)
    if (rule === 'absorb') keep.push(change)
    else if (rule === 'heal') {
      if (isRipe(context, change, request.healing.get(change.path), nowMs)) heal.push(change)
      else left.push(change)
    }
  }
  try {
    await keepPaths(context, keep, request, events)
    await healRipe(context, heal, { ...request, nowMs }, events)
    const quiet = await quietSnapshot(context, request.options.signal)
    if (quiet !== undefined) events.push(request.event('snapshot', quiet, [], context.journal.head().size - 1))
    request.hindered.told = ''
  } catch (error) {
    // Somebody else writes, or the disk is full: that passes, and the watch goes on.
    if (!isSentientError(error, 'LOCKED', 'DISK_FULL', 'NOT_WRITABLE', 'IO')) throw error
    request.hindered.until = nowMs + hinderedMs
    if (request.hindered.told !== error.message) events.push(request.event('problem', error.message))
    request.hindered.told = error.message
    return { left: [...left, ...keep, ...heal], events }
  }
  return { left, events }
}

async function keepPaths(
  context: TimelineContext,
  keep: readonly Change[],
  request: ActRequest,
  events: WatchEvent[],
): Promise<void> {
  if (keep.length === 0) return
  const { signal } = request.options
  const paths = keep.map(change => change.path)
  const result = await settled(absorb({ ...context, actor: 'unknown' }, paths, { signal }))
  if (result.changedCount === 0) return
  events.push(request.event('absorbed', `kept ${result.changedCount} paths`, result.changed, result.seq))
}

async function healRipe(
  context: TimelineContext,
  heal: readonly Change[],
  request: ActRequest & { readonly nowMs: number },
  events: WatchEvent[],
): Promise<void> {
  if (heal.length === 0) return
  const result = await healPaths(context, heal, request.options.signal)
  const paths = heal.map(change => change.path)
  if (result !== undefined) events.push(request.event('healed', `brought back ${heal.length} paths`, paths, result.seq))
  for (const path of paths) {
    const tries = (request.healing.get(path)?.tries ?? 0) + 1
    const fought = tries >= healTriesMax
    const wait = fought ? healBackOffMs * 2 ** Math.min(6, tries - healTriesMax) : healAfterMs
    request.healing.set(path, { tries, notBefore: request.nowMs + wait })
    if (tries === healTriesMax) {
      const text = `something keeps changing ${displayBytes(path)}; healing it waits longer each time`
      events.push(request.event('problem', text, [path]))
    }
  }
}

function ruleFor(rule: DriftRule, context: TimelineContext, options: WatchOptions): DriftRule {
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

/** One watch a directory; a directory that is made anew gets a new one when its parent tells. */
function createWatches(context: TimelineContext, files: Files, changed: (path: GovernedPath) => void) {
  const open = new Map<GovernedPath, { readonly directory: Directory; close(): void }>()
  const identity = context.worktree.root.selfStat()

  const drop = (path: GovernedPath) => {
    open.get(path)?.close()
    open.delete(path)
  }

  const watchOne = (path: GovernedPath): Directory | undefined => {
    let directory: Directory | undefined
    try {
      directory = openBelow(context.worktree.root, path)
      if (directory === undefined) return undefined
      const held = open.get(path)
      if (
        held !== undefined &&
        sameStat(held.directory.selfStat(), directory.selfStat()) &&
        held.directory.selfStat().links > 0
      ) {
        return directory
      }
      drop(path)
      const watched = directory.clone()
      const watcher = files.watch(watched, ({ name, overflow }) => {
        if (path === '' && name !== undefined && isOutsideFiles(name)) return
        changed(overflow ? '' : name === undefined ? path : joinPath(path, name))
      })
      open.set(path, {
        directory: watched,
        close() {
          watcher.close()
          watched.close()
        },
      })
      return directory
    } catch (error) {
      directory?.close()
      if (isHostError(error) || isSentientError(error)) return undefined
      throw error
    }
  }

  return {
    count: () => open.size,
    /** Watches a directory and all below it; false when there are too many. */
    async add(path: GovernedPath, signal: AbortSignal): Promise<boolean> {
      for (const known of [...open.keys()])
        if (known !== '' && covered(known, [path]) && known !== path && context.worktree.stat(known)?.kind !== 'dir')
          drop(known)
      const slicer = createSlicer(context.clock, signal)
      const { ignore, gitignore } = context.settings()
      const stack = [path]
      for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
        if (open.size >= watchesMax) return false
        if (at !== '' && context.worktree.stat(at)?.kind !== 'dir') continue
        const directory = watchOne(at)
        if (directory === undefined) continue
        try {
          for (const { name, kind } of directory.list()) {
            const below = joinPath(at, name)
            if (kind !== 'dir' || (at === '' && isOutsideFiles(name))) continue
            if (context.worktree.isIgnored(below, true, { ignore, gitignore }) === undefined) stack.push(below)
          }
        } finally {
          directory.close()
        }
        if (slicer.due()) await slicer.pause()
      }
      return true
    },
    rootIsThere(): boolean {
      const now = files.openDirectory(context.worktree.root.path)
      const there = now !== undefined && sameStat(now.selfStat(), identity)
      now?.close()
      return there
    },
    close() {
      for (const path of [...open.keys()]) drop(path)
    },
  }
}
