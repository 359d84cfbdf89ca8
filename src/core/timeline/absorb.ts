// Keeping what was changed outside: the disk's side becomes the record. Contents are stored before the lock is taken;
// under it every path is checked to be still what was stored.
import { displayBytes } from '../format/bytes.ts'
import { sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { createSlicer, inSlices, type Progress, throwIfCancelled } from '../progress.ts'
import { emptyDirectory, findPath, sameApartFromChildren } from '../store/tree.ts'
import { ancestorsOf, checkGovernedPath, nameOf, parentOf } from '../worktree/paths.ts'
import type { Difference } from '../worktree/scan.ts'
import { sameStat } from '../worktree/walk.ts'
import { type Captured, captureDifferences, createDifferenceList, type DifferenceList } from './capture.ts'
import { requireWritable, stateInForce, type TimelineContext } from './context.ts'
import { type ChangeList, createChangeList, type PlannedChange } from './diskPlan.ts'
import type { GovernedPath, Notice, OperationResult, Work } from './model.ts'
import { nothingDone } from './operations.ts'
import { readUnapplied } from './recovery.ts'
import { namingErrors, type Transaction, transact } from './transact.ts'

export interface AbsorbOptions {
  readonly signal?: AbortSignal
  /** The action that is recorded; `adopt` for the first record of a root folder. */
  readonly action?: 'absorb' | 'adopt'
  /** Only these differences; for the watcher. */
  readonly only?: (difference: Difference) => boolean
}

const bulkPaths = 10
/** Contents above this are stored before the lock is taken. */
const privateIngestBytes = 1 << 20

/** Records drift: of the paths and what lies below them, or of everything. */
export const absorb = (
  context: TimelineContext,
  paths: readonly GovernedPath[],
  options: AbsorbOptions = {},
): Work<OperationResult> => namingErrors(context, absorbPaths(context, paths, options))

async function* absorbPaths(
  context: TimelineContext,
  paths: readonly GovernedPath[],
  options: AbsorbOptions,
): Work<OperationResult> {
  const action = options.action ?? 'absorb'
  requireWritable(context)
  for (const path of paths) checkGovernedPath(path)
  throwIfCancelled(options.signal)
  // What another process recorded meanwhile is no drift.
  if (context.journal.refresh()) {
    context.store.refresh()
    await context.loadSettings()
  }
  const { ignore, gitignore } = context.settings()
  const { state } = stateInForce(context)
  const unapplied = readUnapplied(context)
  const differences = createDifferenceList()
  let bytes = 0
  yield* context.worktree.scan({
    reader: context.store,
    files: state.files,
    ignore: { ignore, gitignore },
    under: paths,
    found: difference => {
      if (options.only?.(difference) === false) return
      // What could not be made visible is no edit of anybody, unless its owner names it.
      if (unapplied.has(difference.path) && !paths.includes(difference.path)) return
      differences.push(difference)
      if (difference.disk?.kind === 'file') bytes += difference.disk.size
    },
    signal: options.signal,
  })
  const slicer = createSlicer(context.clock, options.signal)
  const progress = (): Progress => ({ phase: 'storing', done: 0, total: differences.count, unit: 'files' })
  yield* inSlices(slicer, differences.sort(), progress)
  const parents = yield* inSlices(slicer, newParents(context, differences, state.files), progress)
  for (const parent of parents) differences.push(parent)
  yield* inSlices(slicer, differences.sort(), progress)
  if (differences.count === 0) return nothingDone(action)
  const ingest = bytes > privateIngestBytes ? context.store.beginIngest({ shared: false }) : undefined
  try {
    const early = ingest && (yield* captureDifferences(context, ingest, differences, options.signal))
    let problems: Captured['problems'] = []
    const transactOptions = { label: action, signal: options.signal, ingest }
    const result = yield* transact(context, transactOptions, async function* (tx) {
      const captured = early ?? (yield* captureDifferences(context, tx.ingest, differences, options.signal))
      problems = captured.problems
      const known = sameLink(tx.state.files, state.files) ? differences : undefined
      const changes = yield* inSlices(slicer, planAbsorb(context, tx, captured, known), progress)
      if (changes.count === 0 && action !== 'adopt') return undefined
      const subject = changes.count === 1 ? changes.at(0).path : paths.length === 1 ? paths[0] : ''
      return {
        action,
        subject: { kind: 'file', id: subject },
        changes,
        onDisk: true,
        snapshotBefore: action === 'absorb' && changes.count >= bulkPaths ? action : undefined,
      }
    })
    return withProblems(result ?? nothingDone(action), problems)
  } catch (error) {
    ingest?.abort()
    throw error
  }
}

/** Directories that are new themselves and hold wanted paths. */
function* newParents(
  context: TimelineContext,
  wanted: DifferenceList,
  files: Entry['content'],
): Generator<undefined, Difference[]> {
  const known = new Set<GovernedPath>()
  const parents: Difference[] = []
  let last: GovernedPath | undefined
  for (const { path, disk, recorded } of wanted) {
    yield
    // What is recorded lies in recorded directories. Neighbours share theirs.
    if (disk === undefined || recorded !== null || parentOf(path) === last) continue
    last = parentOf(path)
    for (const ancestor of ancestorsOf(path)) {
      if (known.has(ancestor) || wanted.has(ancestor)) continue
      known.add(ancestor)
      const entry = findPath(context.store, files, ancestor)
      if (entry?.kind === 'dir') continue
      parents.push({ path: ancestor, recorded: entry ?? null, disk: context.worktree.stat(ancestor) })
    }
  }
  return parents
}

/**
 * The captured edits against the state under the lock; what moved in the meantime is left for the next look. `known` are
 * the differences to this very state, where it is still that of the look.
 */
function* planAbsorb(
  context: TimelineContext,
  tx: Transaction,
  captured: Captured,
  known: DifferenceList | undefined,
): Generator<undefined, ChangeList> {
  const changes = createChangeList()
  const dropped = new Set<GovernedPath>()
  for (const { path, after, stat } of captured.edits) {
    yield
    const now = context.worktree.stat(path)
    const still = after === null ? now === undefined : sameStat(now, stat)
    const orphan = dropped.size > 0 && ancestorsOf(path).some(ancestor => dropped.has(ancestor))
    if (!still || (orphan && after !== null)) {
      dropped.add(path)
      continue
    }
    const difference = known?.find(path)
    const before = difference === undefined ? (findPath(tx.ingest, tx.state.files, path) ?? null) : difference.recorded
    if (!sameApartFromChildren(before, after)) changes.push({ path, before, after })
  }
  yield* changes.sort()
  const parents = yield* goneParents(context, tx, changes)
  for (const parent of parents) changes.push(parent)
  yield* changes.sort()
  return changes
}

/** Directories that another process took out of the record while contents were stored. */
function* goneParents(
  context: TimelineContext,
  tx: Transaction,
  changes: ChangeList,
): Generator<undefined, PlannedChange[]> {
  const parents = new Map<GovernedPath, PlannedChange>()
  let last: GovernedPath | undefined
  for (const { path, before, after } of changes) {
    yield
    if (after === null || before !== null || parentOf(path) === last) continue
    last = parentOf(path)
    for (const ancestor of ancestorsOf(path)) {
      const before = findPath(tx.ingest, tx.state.files, ancestor) ?? null
      if (before?.kind === 'dir' || changes.has(ancestor) || parents.has(ancestor)) continue
      const stat = context.worktree.stat(ancestor)
      if (stat?.kind !== 'dir') continue
      const made = { kind: 'dir', mode: stat.mode, size: 0, content: emptyDirectory(tx.ingest) } as const
      parents.set(ancestor, { path: ancestor, before, after: { ...made, name: nameOf(ancestor) } })
    }
  }
  return [...parents.values()]
}

function withProblems(result: OperationResult, problems: Captured['problems']): OperationResult {
  if (problems.length === 0) return result
  const first = problems[0]
  const count = problems.length === 1 ? '1 path was' : `${problems.length} paths were`
  const text = `${count} not kept, first ${displayBytes(first.path)}: ${first.reason}`
  const notice: Notice = { code: 'drift', text }
  return {
    ...result,
    drifted: [...result.drifted, ...problems.map(problem => problem.path)],
    notices: [...result.notices, notice],
  }
}
