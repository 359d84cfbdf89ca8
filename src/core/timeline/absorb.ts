// Keeping what was changed outside: the disk's side becomes the record. Contents are stored before the lock is taken;
// under it every path is checked to be still what was stored.
import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import type { Entry } from '../format/node.ts'
import type { FileStat } from '../host/host.ts'
import { throwIfCancelled } from '../progress.ts'
import { emptyDirectory, findPath, sameApartFromChildren } from '../store/tree.ts'
import { ancestorsOf, checkGovernedPath, compareDepthFirst, nameOf } from '../worktree/paths.ts'
import type { Difference } from '../worktree/scan.ts'
import { sameStat } from '../worktree/walk.ts'
import { type Captured, captureDifferences } from './capture.ts'
import { stateInForce, type TimelineContext } from './context.ts'
import type { PlannedChange } from './diskPlan.ts'
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
  if (context.access !== 'write') throw new SentientError('READ_ONLY', { where: context.directories.root.path })
  for (const path of paths) checkGovernedPath(path)
  throwIfCancelled(options.signal)
  // What another process recorded meanwhile is no drift.
  if (context.journal.refresh()) {
    context.store.refresh()
    await context.loadSettings()
  }
  const { ignore, gitignore } = context.settings()
  const { state } = stateInForce(context)
  const look = yield* context.worktree.scan({
    reader: context.store,
    files: state.files,
    ignore: { ignore, gitignore },
    under: paths,
    signal: options.signal,
  })
  const unapplied = readUnapplied(context)
  const wanted = look.differences.filter(
    difference =>
      (options.only?.(difference) ?? true) &&
      // What could not be made visible is no edit of anybody, unless its owner names it.
      (!unapplied.has(difference.path) || paths.includes(difference.path)),
  )
  const differences = [...newParents(context, wanted, state.files), ...wanted]
  if (differences.length === 0) return nothingDone(action)
  const ingest = isLarge(differences) ? context.store.beginIngest({ shared: false }) : undefined
  try {
    const early = ingest && (yield* captureDifferences(context, ingest, differences, options.signal))
    let problems: Captured['problems'] = []
    const transactOptions = { label: action, signal: options.signal, ingest }
    const result = yield* transact(context, transactOptions, async function* (tx) {
      const captured = early ?? (yield* captureDifferences(context, tx.ingest, differences, options.signal))
      problems = captured.problems
      const plan = planAbsorb(context, tx, captured)
      if (plan.changes.length === 0 && action !== 'adopt') return undefined
      const subject = plan.changes.length === 1 ? plan.changes[0].path : paths.length === 1 ? paths[0] : ''
      return {
        action,
        subject: { kind: 'file', id: subject },
        ...plan,
        snapshotBefore: action === 'absorb' && plan.changes.length >= bulkPaths ? action : undefined,
      }
    })
    return withProblems(result ?? nothingDone(action), problems)
  } catch (error) {
    ingest?.abort()
    throw error
  }
}

const privateIngestBytes = 1 << 20

function isLarge(differences: readonly Difference[]): boolean {
  return differences.reduce((sum, { disk }) => sum + (disk?.kind === 'file' ? disk.size : 0), 0) > privateIngestBytes
}

/** Directories that are new themselves and hold wanted paths. */
function newParents(context: TimelineContext, wanted: readonly Difference[], files: Entry['content']): Difference[] {
  const known = new Set(wanted.map(difference => difference.path))
  const parents: Difference[] = []
  for (const { path, disk } of wanted) {
    if (disk === undefined) continue
    for (const ancestor of ancestorsOf(path)) {
      if (known.has(ancestor)) continue
      known.add(ancestor)
      const entry = findPath(context.store, files, ancestor)
      if (entry?.kind === 'dir') continue
      parents.push({ path: ancestor, recorded: entry ?? null, disk: context.worktree.stat(ancestor) })
    }
  }
  return parents
}

/** The captured edits against the state under the lock; what moved in the meantime is left for the next look. */
function planAbsorb(
  context: TimelineContext,
  tx: Transaction,
  captured: Captured,
): { changes: PlannedChange[]; onDisk: ReadonlyMap<GovernedPath, FileStat> } {
  const changes = new Map<GovernedPath, PlannedChange>()
  const dropped = new Set<GovernedPath>()
  const edits = [...captured.edits].sort((a, b) => compareDepthFirst(a.path, b.path))
  for (const { path, after } of edits) {
    const now = context.worktree.stat(path)
    const still = after === null ? now === undefined : sameStat(now, captured.stats.get(path))
    const orphan = ancestorsOf(path).some(ancestor => dropped.has(ancestor))
    if (!still || (orphan && after !== null)) {
      dropped.add(path)
      continue
    }
    const before = findPath(tx.ingest, tx.state.files, path) ?? null
    if (!sameApartFromChildren(before, after)) changes.set(path, { path, before, after })
  }
  addParents(context, tx, changes)
  return { changes: [...changes.values()], onDisk: captured.stats }
}

/** Directories that another process took out of the record while contents were stored. */
function addParents(context: TimelineContext, tx: Transaction, changes: Map<GovernedPath, PlannedChange>): void {
  for (const { path, after } of [...changes.values()]) {
    if (after === null) continue
    for (const ancestor of ancestorsOf(path)) {
      const before = findPath(tx.ingest, tx.state.files, ancestor) ?? null
      const stat = context.worktree.stat(ancestor)
      if (before?.kind === 'dir' || changes.has(ancestor) || stat?.kind !== 'dir') continue
      const made = { kind: 'dir', mode: stat.mode, size: 0, content: emptyDirectory(tx.ingest) } as const
      changes.set(ancestor, { path: ancestor, before, after: { ...made, name: nameOf(ancestor) } })
    }
  }
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
