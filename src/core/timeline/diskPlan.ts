// What an operation has to do on disk, and what stands in its way there: every path that it touches is looked at before
// the commit, and what nobody recorded is stored first, so that nothing is overwritten that is kept nowhere.
import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { type Link, type ObjectId, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { encodeState } from '../format/state.ts'
import type { ByteString, FileStat } from '../host/host.ts'
import type { Ingest } from '../store/store.ts'
import { type Edit, editTree, emptyDirectory, findPath, sameApartFromChildren } from '../store/tree.ts'
import type { Target } from '../worktree/apply.ts'
import { ancestorsOf, nameOf, topmost } from '../worktree/paths.ts'
import type { Difference } from '../worktree/scan.ts'
import type { LookResult } from '../worktree/worktree.ts'
import { captureDifferences } from './capture.ts'
import type { TimelineContext } from './context.ts'
import type { TreeChange, Work } from './model.ts'
import type { Transaction } from './transact.ts'

/** One path of a plan. `before` and `after` are recorded entries; equal ones ask only for the disk to follow. */
export interface PlannedChange extends TreeChange {
  /** What the disk shall hold when that is not `after`: undoing an operation that overwrote a change made outside. */
  readonly shown?: Entry | null
}

export interface DiskPlan {
  readonly targets: readonly Target[]
  /** Paths whose disk entry is neither what was recorded nor what shall be. */
  readonly inTheWay: readonly ByteString[]
}

export const noDiskWork: DiskPlan = { targets: [], inTheWay: [] }

/** Files whose times are younger may change again without a trace: they are read again at the last moment. */
const youngNs = 2_000_000_000n

/** Looks at every path that the disk has to follow, and at the directories above it. */
export async function* planDisk(
  context: TimelineContext,
  transaction: Transaction,
  changes: readonly PlannedChange[],
  signal: AbortSignal | undefined,
): Work<DiskPlan> {
  const inTheWay: ByteString[] = []
  const targets: Target[] = []
  const all = [...changes, ...missingAncestors(context, transaction, changes)]
  const youngAfter = BigInt(context.clock.nowMicros()) * 1000n - youngNs
  for (const [i, change] of all.entries()) {
    const wanted = shownBy(change)
    const look = yield* context.worktree.look(change.path, signal)
    if (!diskShows(wanted, look)) {
      if (look.stat?.kind === 'other') throw cannotKeep(change.path, 'a socket, pipe or device')
      if (look.unreadable !== undefined) throw cannotKeep(change.path, look.unreadable)
      if (!diskShows(change.before, look)) inTheWay.push(change.path)
      targets.push(targetOf(change.path, wanted, look, youngAfter))
    }
    if (i % 256 === 255) yield { phase: 'checking', done: i, total: all.length, unit: 'paths' }
  }
  return { targets, inTheWay }
}

function targetOf(path: ByteString, wanted: Entry | null, look: LookResult, youngAfter: bigint): Target {
  const { stat: seen, content } = look
  const isFile = seen?.kind === 'file'
  const young = isFile && (seen.mtimeNs > youngAfter || seen.ctimeNs > youngAfter)
  return {
    path,
    after: wanted,
    seen,
    modeOnly: wanted?.kind === 'file' && isFile && sameLink(wanted.content, content),
    recheck: young ? content : undefined,
  }
}

/** What the disk shall hold once the change is in place. */
export const shownBy = (change: PlannedChange): Entry | null =>
  change.shown === undefined ? change.after : change.shown

function diskShows(entry: Entry | null, look: LookResult): boolean {
  const { stat } = look
  if (entry === null || stat === undefined) return entry === null && stat === undefined
  if (entry.kind !== stat.kind) return false
  if (entry.kind !== 'symlink' && entry.mode !== stat.mode) return false
  return entry.kind === 'dir' || sameLink(entry.content, look.content)
}

/** Directories above planned paths that are recorded but that the disk lacks, or has as something else. */
function missingAncestors(
  context: TimelineContext,
  { ingest, state }: Transaction,
  changes: readonly PlannedChange[],
): PlannedChange[] {
  const planned = new Set(changes.map(change => change.path))
  const seen = new Set<ByteString>()
  const missing: PlannedChange[] = []
  for (const change of changes) {
    if (shownBy(change) === null) continue
    for (const ancestor of ancestorsOf(change.path)) {
      if (seen.has(ancestor) || planned.has(ancestor)) continue
      seen.add(ancestor)
      if (context.worktree.stat(ancestor)?.kind === 'dir') continue
      const entry = findPath(ingest, state.files, ancestor)
      if (entry?.kind === 'dir') missing.push({ path: ancestor, before: entry, after: entry })
    }
  }
  return missing
}

export interface KeptDrift {
  /** The state in force with what the disk holds in its place. */
  readonly root: ObjectId
  /** Every path that is overwritten: as it is recorded, and as the disk has it. */
  readonly seen: readonly TreeChange[]
  /** What lies in a directory that has to give way to something else goes with it: it is kept as well. */
  readonly below: readonly Target[]
}

/** Stores what is in the way; undefined when nothing is. */
export async function* keepDrift(
  context: TimelineContext,
  { ingest, state }: Transaction,
  plan: DiskPlan,
  signal: AbortSignal | undefined,
): Work<KeptDrift | undefined> {
  const inTheWay = new Set(plan.inTheWay)
  const tops = new Set(plan.targets.filter(givesWay).map(target => target.path))
  const paths = new Set([...inTheWay, ...tops])
  if (paths.size === 0) return undefined
  const found = yield* differencesAt(context, { ingest, files: state.files, paths, signal })
  // Other drift, in directories of which only the mode is in the way, stays as it is and is nobody's business here.
  const affected = found.filter(
    ({ path }) => inTheWay.has(path) || ancestorsOf(path).some(ancestor => tops.has(ancestor)),
  )
  const captured = yield* captureDifferences(context, ingest, affected, signal)
  const problem = captured.problems.find(({ path }) => inTheWay.has(path))
  if (problem !== undefined) throw cannotKeep(problem.path, problem.reason)
  if (captured.edits.length === 0) return undefined
  const edits = withParents(context, ingest, state.files, captured.edits)
  const root = ingest.put(
    'dag-cbor',
    'state',
    encodeState({ ...state, files: editTree(ingest, state.files, edits) }),
  ).id
  const seen = edits.map(({ path, after }) => ({ path, before: findPath(ingest, state.files, path) ?? null, after }))
  return { root, seen: seen.filter(isChange), below: targetsBelow(plan, tops, captured) }
}

/** A directory on disk in whose place something else comes. */
const givesWay = ({ after, seen }: Target): boolean => seen?.kind === 'dir' && after !== null && after.kind !== 'dir'

/** How the disk differs at the paths and below them; what a look at a directory leaves out as ignored is named itself. */
async function* differencesAt(
  context: TimelineContext,
  request: { ingest: Ingest; files: Link; paths: ReadonlySet<ByteString>; signal: AbortSignal | undefined },
): Work<Difference[]> {
  const { ignore, gitignore } = context.settings()
  const found = new Map<ByteString, Difference>()
  for (let left = [...request.paths]; left.length > 0; ) {
    const look = yield* context.worktree.scan({
      reader: request.ingest,
      files: request.files,
      ignore: { ignore, gitignore },
      under: left,
      signal: request.signal,
    })
    for (const difference of look.differences) found.set(difference.path, difference)
    const named = new Set(topmost(left))
    left = left.filter(path => !found.has(path) && !named.has(path))
  }
  return [...found.values()]
}

function cannotKeep(path: ByteString, reason: string): SentientError {
  return new SentientError('NOT_WRITABLE', {
    what: 'A change made outside is in the way and can not be kept first',
    where: displayBytes(path),
    found: reason,
    hint: 'Move it away, then run it again.',
  })
}

function targetsBelow(
  plan: DiskPlan,
  tops: ReadonlySet<ByteString>,
  captured: { readonly edits: readonly Edit[]; readonly stats: ReadonlyMap<ByteString, FileStat> },
): Target[] {
  const planned = new Set(plan.targets.map(target => target.path))
  const below: Target[] = []
  for (const { path, after } of captured.edits) {
    const seen = captured.stats.get(path)
    if (after === null || seen === undefined || planned.has(path)) continue
    if (!ancestorsOf(path).some(ancestor => tops.has(ancestor))) continue
    below.push({ path, after: null, seen, recheck: after.kind === 'file' ? after.content : undefined })
  }
  return below
}

export const isChange = ({ before, after }: TreeChange): boolean => !sameApartFromChildren(before, after)

/** What the disk holds at some paths, and the directories there that lead to them and are not recorded. */
function withParents(context: TimelineContext, ingest: Ingest, files: Link, edits: readonly Edit[]): Edit[] {
  const known = new Map(edits.map(edit => [edit.path, edit.after]))
  const all: Edit[] = []
  for (const edit of edits) {
    if (edit.after !== null) {
      for (const ancestor of ancestorsOf(edit.path)) {
        if (known.has(ancestor) || findPath(ingest, files, ancestor)?.kind === 'dir') continue
        const mode = context.worktree.stat(ancestor)?.mode ?? directoryMode
        const after: Entry = { name: nameOf(ancestor), kind: 'dir', mode, size: 0, content: emptyDirectory(ingest) }
        known.set(ancestor, after)
        all.push({ path: ancestor, after, keepChildren: true })
      }
    }
    all.push(edit)
  }
  // What was a directory a moment ago may be something else by now: then nothing is below it.
  const reachable = (path: ByteString) =>
    ancestorsOf(path).every(ancestor => (known.get(ancestor)?.kind ?? 'dir') === 'dir')
  return all.filter(({ path, after }) => after === null || reachable(path))
}

const directoryMode = 0o755
