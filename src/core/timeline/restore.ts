// Going back: one path, one hunk or everything. Each is a record like any other, so it can be undone; what was changed
// outside and is overwritten is kept as a snapshot first.
import { SentientError } from '../errors.ts'
import { displayBytes, equalBytes } from '../format/bytes.ts'
import { dagLink, type Link, sameLink } from '../format/id.ts'
import { type Entry, sameEntry } from '../format/node.ts'
import type { State } from '../format/state.ts'
import { createSlicer, inSlices, type Progress } from '../progress.ts'
import { ingestContent } from '../store/content.ts'
import { diffTreesInSteps, findPath, type ObjectReader, walkTreeInSteps } from '../store/tree.ts'
import { ancestorsOf, checkGovernedPath, nameOf } from '../worktree/paths.ts'
import { stateInForce, type TimelineContext } from './context.ts'
import { type ChangeList, createChangeList, type PlannedChange } from './diskPlan.ts'
import { diskBytes, revertHunks, storedBytes } from './fileDiff.ts'
import { requireRemembered, withLeftOut, withoutForgotten } from './forgotten.ts'
import { settingsFollow } from './governing.ts'
import { type LeaveOutOptions, previewWithoutLost, withLost, withoutLost } from './lostContents.ts'
import type { GovernedPath, OperationResult, RollbackPreview, StatePoint, TreeChange, Work } from './model.ts'
import { nothingDone } from './operations.ts'
import { stateAt } from './pruned.ts'
import { firstPaths, type Transaction, transact } from './transact.ts'

export interface RestoreOptions {
  readonly signal?: AbortSignal
  /** 1-based hunks of the difference between the state and the disk; of one file only. */
  readonly hunks?: readonly number[]
  /** Puts a single path there instead. */
  readonly as?: GovernedPath
}

const bulkPaths = 10
/** A preview names its first paths and counts them all. */
const previewedPathsMax = 10_000
const bulk = (action: string, paths: number): string | undefined => (paths >= bulkPaths ? action : undefined)

/** Brings paths, with what lies below them, back to a state. */
export async function* restore(
  context: TimelineContext,
  paths: readonly GovernedPath[],
  to: StatePoint,
  options: RestoreOptions = {},
): Work<OperationResult> {
  for (const path of paths) checkGovernedPath(path)
  if (options.hunks !== undefined) return yield* restoreHunks(context, single(paths, '--hunk'), to, options)
  if (options.as !== undefined) return yield* restoreAs(context, single(paths, '--as'), to, options)
  const unread: Unread = []
  const left = nothingLeftOut()
  const { signal } = options
  const result = yield* transact(context, { label: 'restore', signal, leavesOutLost: true }, async function* (tx) {
    const target = stateAt(context, to, tx.ingest)
    for (const path of paths) requireSomewhere(context, tx, target, path)
    if (paths.length === 1)
      requireRemembered(context, findPath(tx.ingest, target.files, paths[0]), displayBytes(paths[0]))
    const all = createChangeList()
    yield* addDrift(context, tx, target.files, { under: paths, changes: all, unread, removeNew: true, signal })
    for (const path of paths) {
      yield* addDiff(context, tx, target.files, { under: path, changes: all, signal })
      addParents(tx, target, path, all)
    }
    const changes = yield* sortedPossible(context, tx, all, { left, signal })
    return {
      action: 'restore',
      subject: { kind: 'file', id: paths.length === 1 ? paths[0] : '' },
      changes,
      fields: { to: dagLink(to.root), state: to.text },
      snapshotBefore: bulk('restore', firstPaths(tx.ingest, changes, bulkPaths).length),
    }
  })
  return withAllLeftOut(withUnread(result ?? nothingDone('restore'), unread), left)
}

/** What an operation on many paths does without. */
interface LeftOut {
  forgotten: readonly GovernedPath[]
  lost: readonly GovernedPath[]
}

const nothingLeftOut = (): LeftOut => ({ forgotten: [], lost: [] })

const withAllLeftOut = (result: OperationResult, { forgotten, lost }: LeftOut): OperationResult =>
  withLost(withLeftOut(result, forgotten), lost)

function single(paths: readonly GovernedPath[], flag: string): GovernedPath {
  if (paths.length !== 1)
    throw new SentientError('USAGE', { what: `${flag} takes one path`, found: `${paths.length} paths` })
  return paths[0]
}

function requireSomewhere(context: TimelineContext, tx: Transaction, target: State, path: GovernedPath): void {
  if (findPath(tx.ingest, target.files, path) !== undefined || findPath(tx.ingest, tx.state.files, path) !== undefined)
    return
  if (context.worktree.stat(path) !== undefined) {
    throw new SentientError('PATH_NOT_FOUND', {
      what: 'That state did not have the path, nor is it recorded now',
      where: displayBytes(path),
      hint: 'To remove it: sentctl rm.',
    })
  }
  throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(path) })
}

/** Directories of the target above the path that the state in force lacks. */
function addParents(tx: Transaction, target: State, path: GovernedPath, changes: ChangeList): void {
  if (findPath(tx.ingest, target.files, path) === undefined) return
  for (const ancestor of ancestorsOf(path)) {
    const now = findPath(tx.ingest, tx.state.files, ancestor) ?? null
    if (now?.kind === 'dir') continue
    const after = findPath(tx.ingest, target.files, ancestor) ?? null
    if (after !== null) changes.push({ path: ancestor, before: now, after })
  }
}

/** What could not be looked at: whether something there was changed outside nobody knows. */
type Unread = { readonly path: GovernedPath; readonly reason: string }[]

function withUnread(result: OperationResult, unread: Unread): OperationResult {
  const first = unread[0]
  if (first === undefined) return result
  const count = unread.length === 1 ? '1 path' : `${unread.length} paths`
  const text = `${count} could not be looked at and may differ, first ${displayBytes(first.path)}: ${first.reason}`
  const paths = unread.map(({ path }) => path)
  return { ...result, drifted: [...result.drifted, ...paths], notices: [...result.notices, { code: 'drift', text }] }
}

interface DriftRequest {
  readonly under: readonly GovernedPath[]
  readonly changes: ChangeList
  /** New paths of an explicitly restored directory go; in a rollback they stay, unless something needs their place. */
  readonly removeNew: boolean
  readonly unread: Unread
  /** Gets the paths that are on disk otherwise than recorded. */
  readonly drift?: GovernedPath[]
  readonly signal: AbortSignal | undefined
}

const comparing = (done: number): Progress => ({ phase: 'comparing', done, unit: 'paths' })

/**
 * Adds recorded paths that only the disk has otherwise, so that the disk follows too. Comes before what differs between
 * the states: of two changes of a path the later counts.
 */
async function* addDrift(context: TimelineContext, tx: Transaction, target: Link, request: DriftRequest): Work<void> {
  const { ignore, gitignore } = context.settings()
  const allowed = tx.whole && context.worktree.canPlaceWhole()
  yield* context.worktree.scan({
    reader: tx.ingest,
    files: tx.state.files,
    ignore: { ignore, gitignore },
    under: request.under,
    found: ({ path, recorded, disk, unreadable, whole }) => {
      if (unreadable !== undefined) request.unread.push({ path, reason: unreadable })
      const after = findPath(tx.ingest, target, path) ?? null
      if (recorded === null && after === null && !request.removeNew) return
      if (disk !== undefined) request.drift?.push(path)
      request.changes.push({ path, before: recorded, after, ...(whole === true ? { whole } : {}) })
    },
    asOne: (path, recorded) => allowed && sameEntry(recorded, findPath(tx.ingest, target, path) ?? null),
    signal: request.signal,
  })
}

/** Adds what differs between the state in force and the target. */
async function* addDiff(
  context: TimelineContext,
  tx: Transaction,
  target: Link,
  request: { readonly under: GovernedPath; readonly changes: ChangeList; readonly signal: AbortSignal | undefined },
): Work<void> {
  const { under, changes } = request
  const steps = function* () {
    for (const change of diffTreesInSteps(tx.ingest, tx.state.files, target, { under, order: 'paths' })) {
      if (change !== undefined) changes.push(change)
      yield
    }
  }
  yield* inSlices(createSlicer(context.clock, request.signal), steps(), () => comparing(changes.count))
}

/** In order of their paths, without those whose contents were forgotten or are lost; says which these are. */
async function* sortedPossible(
  context: TimelineContext,
  tx: Transaction,
  all: ChangeList,
  options: LeaveOutOptions & { readonly left: LeftOut },
): Work<ChangeList> {
  const { left, signal } = options
  const slicer = createSlicer(context.clock, signal)
  yield* inSlices(slicer, all.sort(), () => comparing(all.count))
  const known = yield* inSlices(slicer, withoutForgotten(context, all), () => comparing(all.count))
  const { changes, lost } = yield* withoutLost(context, tx, known.changes, options)
  left.forgotten = known.leftOut
  left.lost = lost
  return changes
}

async function* restoreAs(
  context: TimelineContext,
  path: GovernedPath,
  to: StatePoint,
  options: RestoreOptions,
): Work<OperationResult> {
  const as = options.as as GovernedPath
  const left = nothingLeftOut()
  const { signal } = options
  checkGovernedPath(as)
  const result = yield* transact(context, { label: 'restore', signal, leavesOutLost: true }, async function* (tx) {
    const target = stateAt(context, to, tx.ingest)
    const old = findPath(tx.ingest, target.files, path)
    if (old === undefined) throw new SentientError('PATH_NOT_FOUND', { where: `${displayBytes(path)} in ${to.text}` })
    requireRemembered(context, old, `${displayBytes(path)} in ${to.text}`)
    if (findPath(tx.ingest, tx.state.files, as) !== undefined || context.worktree.stat(as) !== undefined) {
      throw new SentientError('PATH_EXISTS', { where: displayBytes(as) })
    }
    const all = createChangeList()
    for (const ancestor of ancestorsOf(as)) {
      if (findPath(tx.ingest, tx.state.files, ancestor) === undefined)
        throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(ancestor) })
    }
    const steps = function* () {
      for (const item of walkTreeInSteps(tx.ingest, target.files, { under: path })) {
        yield
        if (item === undefined) continue
        const there = as + item.path.slice(path.length)
        all.push({ path: there, before: null, after: { ...item.entry, name: nameOf(there) } })
      }
    }
    yield* inSlices(createSlicer(context.clock, signal), steps(), () => comparing(all.count))
    const changes = yield* sortedPossible(context, tx, all, { left, signal })
    return {
      action: 'restore',
      subject: { kind: 'file', id: as },
      changes,
      fields: { to: dagLink(to.root), state: to.text, from: Buffer.from(path, 'latin1') },
    }
  })
  return withAllLeftOut(result ?? nothingDone('restore'), left)
}

/** Brings single hunks of a text file back. A file that was changed outside stays so, without those hunks. */
async function* restoreHunks(
  context: TimelineContext,
  path: GovernedPath,
  to: StatePoint,
  options: RestoreOptions,
): Work<OperationResult> {
  const hunks = options.hunks ?? []
  const result = yield* transact(context, { label: 'restore', signal: options.signal }, async function* (tx) {
    const old = findPath(tx.ingest, stateAt(context, to, tx.ingest).files, path)
    const recorded = findPath(tx.ingest, tx.state.files, path)
    const look = yield* context.worktree.look(path, options.signal)
    if (old?.kind !== 'file' || look.stat?.kind !== 'file' || look.content === undefined) {
      throw new SentientError('PATH_NOT_FOUND', {
        what: 'Hunks need a text file on both sides',
        where: displayBytes(path),
      })
    }
    requireRemembered(context, old, displayBytes(path))
    const [older, newer] = [storedBytes(tx.ingest, old), diskBytes(context, path)]
    if (equalBytes(older, newer)) throw nothingDiffers(path, to)
    const reverted = revertHunks(older, newer, hunks)
    const stored = ingestContent(tx.ingest, bytesSource(reverted))
    const next: Entry = {
      name: nameOf(path),
      kind: 'file',
      mode: look.stat.mode,
      size: stored.size,
      content: stored.link,
    }
    const drifted =
      recorded === undefined || !sameLink(recorded.content, look.content) || recorded.mode !== look.stat.mode
    const change: PlannedChange = drifted
      ? { path, before: recorded ?? null, after: recorded ?? null, shown: next }
      : { path, before: recorded, after: next }
    return {
      action: 'restore',
      subject: { kind: 'file', id: path },
      changes: [change],
      fields: { to: dagLink(to.root), state: to.text, hunks: [...hunks] },
    }
  })
  return result ?? nothingDone('restore')
}

const nothingDiffers = (path: GovernedPath, to: StatePoint): SentientError =>
  new SentientError('USAGE', {
    what: 'There is nothing to bring back',
    where: displayBytes(path),
    found: `the same content as at ${to.text}`,
    hint: 'See sentctl when PATH for states that had it otherwise.',
  })

function bytesSource(bytes: Uint8Array) {
  return {
    size: bytes.length,
    read(target: Uint8Array, offset: number, length: number, position: number): number {
      const part = bytes.subarray(position, position + length)
      target.set(part, offset)
      return part.length
    },
  }
}

/** What a rollback would touch; nothing is changed and no lock is taken. */
export async function* rollbackPreview(
  context: TimelineContext,
  to: StatePoint,
  options: { readonly signal?: AbortSignal } = {},
): Work<RollbackPreview> {
  const { state } = stateInForce(context)
  const target = stateAt(context, to)
  const { ignore, gitignore } = context.settings()
  const changes = createChangeList()
  const drift: GovernedPath[] = []
  yield* context.worktree.scan({
    reader: context.store,
    files: state.files,
    ignore: { ignore, gitignore },
    found: ({ path, recorded, disk }) => {
      const after = findPath(context.store, target.files, path) ?? null
      if (recorded === null && after === null) return
      if (disk !== undefined) drift.push(path)
      changes.push({ path, before: recorded, after })
    },
    signal: options.signal,
  })
  const slicer = createSlicer(context.clock, options.signal)
  const gather = function* () {
    for (const change of diffTreesInSteps(context.store, state.files, target.files, { order: 'paths' })) {
      if (change !== undefined) changes.push(change)
      yield
    }
    yield* changes.sort()
    return yield* withoutForgotten(context, changes)
  }
  const known = yield* inSlices(slicer, gather(), () => comparing(changes.count))
  const possible = yield* previewWithoutLost(context, known.changes, options.signal)
  const counted = yield* inSlices(slicer, countChanges(context.store, possible.changes), () => comparing(changes.count))
  const settingsChange = !sameLink(state.settings, target.settings)
  return { ...counted, target: to, drift, lost: possible.lost, settingsChange }
}

/** The first of the changes, and how many there are, what lies below directories that come whole among them. */
function* countChanges(
  reader: ObjectReader,
  changes: ChangeList,
): Generator<undefined, Pick<RollbackPreview, 'changes' | 'counts' | 'bytes'>> {
  const counts = { created: 0, changed: 0, deleted: 0 }
  const shown: TreeChange[] = []
  let bytes = 0
  const count = ({ path, before, after }: TreeChange) => {
    if (before === null) counts.created++
    else if (after === null) counts.deleted++
    else counts.changed++
    if (after?.kind === 'file') bytes += after.size
    if (shown.length < previewedPathsMax) shown.push({ path, before, after })
  }
  for (const change of changes) {
    count(change)
    yield
    if (change.whole !== true || change.after === null) continue
    for (const below of diffTreesInSteps(reader, undefined, change.after.content, { order: 'paths' })) {
      if (below !== undefined) count({ ...below, path: `${change.path}/${below.path}`, before: below.after })
      yield
    }
  }
  return { changes: shown, counts, bytes }
}

/** Everything back to a state, in one record. Files that are new and in nobody's way stay. */
export async function* rollback(
  context: TimelineContext,
  to: StatePoint,
  options: { readonly signal?: AbortSignal; readonly decided?: (preview: RollbackPreview) => void } = {},
): Work<OperationResult> {
  const unread: Unread = []
  const left = nothingLeftOut()
  const { signal } = options
  const result = yield* transact(context, { label: 'rollback', signal, leavesOutLost: true }, async function* (tx) {
    const target = stateAt(context, to, tx.ingest)
    const all = createChangeList()
    const drift: GovernedPath[] = []
    yield* addDrift(context, tx, target.files, { under: [], changes: all, unread, drift, removeNew: false, signal })
    yield* addDiff(context, tx, target.files, { under: '', changes: all, signal })
    const { files: _, metadataSet: __, ...domains } = target
    const settingsMove = !sameLink(domains.settings, tx.state.settings)
    const changes = yield* sortedPossible(context, tx, all, { left, signal, others: settingsMove })
    const follow = settingsMove ? settingsFollow(context, tx.ingest, domains.settings) : undefined
    if (options.decided !== undefined) {
      const slicer = createSlicer(context.clock, signal)
      const counted = yield* inSlices(slicer, countChanges(tx.ingest, changes), () => comparing(changes.count))
      options.decided({ ...counted, target: to, drift, lost: [...left.lost], settingsChange: settingsMove })
    }
    return {
      action: 'rollback',
      subject: { kind: 'snapshot', id: to.snapshot ?? '' },
      changes,
      domains: {
        contracts: domains.contracts,
        boxes: domains.boxes,
        services: domains.services,
        settings: domains.settings,
      },
      fields: { to: dagLink(to.root), seq: to.seq, state: to.text },
      snapshotBefore: 'rollback',
      afterwards: follow,
    }
  })
  return withAllLeftOut(withUnread(result ?? nothingDone('rollback'), unread), left)
}
