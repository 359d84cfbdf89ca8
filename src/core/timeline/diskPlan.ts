// What an operation has to do on disk, and what stands in its way there: every path that it touches is looked at before
// the commit, and what nobody recorded is stored first, so that nothing is overwritten that is kept nowhere.
import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { type Link, type ObjectId, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { encodeState } from '../format/state.ts'
import type { ByteString } from '../host/host.ts'
import { createSlicer, inSlices, type Progress } from '../progress.ts'
import { createPackedList, type PackedCodec, type PackedList } from '../store/packedList.ts'
import type { Ingest } from '../store/store.ts'
import { editSorted, emptyDirectory, findPath, sameApartFromChildren } from '../store/tree.ts'
import { ancestorsOf, nameOf, parentOf, topmost } from '../worktree/paths.ts'
import type { Difference } from '../worktree/scan.ts'
import { createTargetList, type Target } from '../worktree/targets.ts'
import type { LookResult } from '../worktree/worktree.ts'
import {
  type CapturedEdit,
  captureDifferences,
  createDifferenceList,
  createEditList,
  type DifferenceList,
} from './capture.ts'
import type { TimelineContext } from './context.ts'
import type { TreeChange, Work } from './model.ts'
import type { Transaction } from './transact.ts'

/** One path of a plan. `before` and `after` are recorded entries; equal ones ask only for the disk to follow. */
export interface PlannedChange extends TreeChange {
  /** What the disk shall hold when that is not `after`: undoing an operation that overwrote a change made outside. */
  readonly shown?: Entry | null
  /** A directory that the disk lacks comes back with everything below it, as it is recorded before and after. */
  readonly whole?: boolean
}

export type ChangeList = PackedList<PlannedChange>

const changeCodec: PackedCodec<PlannedChange> = {
  write(writer, { before, after, shown, whole }) {
    writer.entry(before)
    writer.entry(after)
    writer.entry(shown)
    writer.flag(whole)
  },
  read(reader, path) {
    const before = reader.entry() ?? null
    const after = reader.entry() ?? null
    const shown = reader.entry()
    const whole = reader.flag()
    return { path, before, after, ...(shown === undefined ? {} : { shown }), ...(whole ? { whole } : {}) }
  },
}

/** For changes of any number; of several of one path the last counts. */
export const createChangeList = (): ChangeList => createPackedList(changeCodec)

export interface DiskPlan {
  /** Sorted. */
  readonly targets: PackedList<Target>
  /** How many of them change nothing in the record. */
  readonly onDiskOnly: number
  /** Paths whose disk entry is neither what was recorded nor what shall be. */
  readonly inTheWay: readonly ByteString[]
}

export const noDiskWork = (): DiskPlan => ({ targets: createTargetList(), onDiskOnly: 0, inTheWay: [] })

/** Files whose times are younger may change again without a trace: they are read again at the last moment. */
const youngNs = 2_000_000_000n

/**
 * Looks at every path that the disk has to follow, and at the directories above it. The changes must be sorted. Undefined
 * when a directory can not come back whole, as something is there by now.
 */
export async function* planDisk(
  context: TimelineContext,
  transaction: Transaction,
  changes: ChangeList,
  signal: AbortSignal | undefined,
): Work<DiskPlan | undefined> {
  const slicer = createSlicer(context.clock, signal)
  const inTheWay: ByteString[] = []
  const targets = createTargetList()
  let onDiskOnly = 0
  let done = 0
  const progress = (): Progress => ({ phase: 'checking', done, total: changes.count, unit: 'paths' })
  const youngAfter = BigInt(context.clock.nowMicros()) * 1000n - youngNs
  const add = async function* (change: PlannedChange): Work<void> {
    const wanted = shownBy(change)
    const look = yield* context.worktree.look(change.path, signal)
    if (!diskShows(wanted, look)) {
      if (look.stat?.kind === 'other') throw cannotKeep(change.path, 'a socket, pipe or device')
      if (look.unreadable !== undefined) throw cannotKeep(change.path, look.unreadable)
      if (!diskShows(change.before, look)) inTheWay.push(change.path)
      if (!isChange(change)) onDiskOnly++
      targets.push(targetOf(change.path, wanted, look, youngAfter))
    }
    if (slicer.due()) {
      yield progress()
      await slicer.pause()
    }
  }
  for (const change of changes) {
    if (change.whole === true) {
      if (context.worktree.stat(change.path) !== undefined) return undefined
      targets.push({ path: change.path, after: change.after, seen: undefined, whole: true })
      onDiskOnly++
    } else yield* add(change)
    done++
  }
  const missing = yield* inSlices(slicer, missingAncestors(context, transaction, changes), progress)
  for (const change of missing) yield* add(change)
  yield* inSlices(slicer, targets.sort(), progress)
  return { targets, onDiskOnly, inTheWay }
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
function* missingAncestors(
  context: TimelineContext,
  { ingest, state }: Transaction,
  changes: ChangeList,
): Generator<undefined, PlannedChange[]> {
  const seen = new Set<ByteString>()
  const missing: PlannedChange[] = []
  let last: ByteString | undefined
  for (const change of changes) {
    yield
    // Neighbours share their directories.
    if (shownBy(change) === null || parentOf(change.path) === last) continue
    last = parentOf(change.path)
    for (const ancestor of ancestorsOf(change.path)) {
      if (seen.has(ancestor)) continue
      seen.add(ancestor)
      if (changes.has(ancestor) || context.worktree.stat(ancestor)?.kind === 'dir') continue
      const entry = findPath(ingest, state.files, ancestor)
      if (entry?.kind === 'dir') missing.push({ path: ancestor, before: entry, after: entry })
    }
  }
  return missing
}

export interface KeptDrift {
  /** The state in force with what the disk holds in its place. */
  readonly root: ObjectId
  /** Every path that is overwritten: as it is recorded, and as the disk has it. Sorted. */
  readonly seen: ChangeList
}

/**
 * Stores what is in the way; undefined when nothing is. What lies in a directory that has to give way to something else
 * goes with it: it is kept as well, and becomes a target.
 */
export async function* keepDrift(
  context: TimelineContext,
  { ingest, state }: Transaction,
  plan: DiskPlan,
  signal: AbortSignal | undefined,
): Work<KeptDrift | undefined> {
  const slicer = createSlicer(context.clock, signal)
  const progress = (): Progress => ({ phase: 'keeping what is in the way', done: 0, unit: 'paths' })
  const inTheWay = new Set(plan.inTheWay)
  const tops = yield* inSlices(slicer, topsOf(plan), progress)
  const paths = new Set([...inTheWay, ...tops])
  if (paths.size === 0) return undefined
  const found = yield* differencesAt(context, { ingest, files: state.files, paths, signal })
  // Other drift, in directories of which only the mode is in the way, stays as it is and is nobody's business here.
  const isBelowTop = (path: ByteString) => tops.size > 0 && ancestorsOf(path).some(ancestor => tops.has(ancestor))
  const affected = createDifferenceList()
  const choose = function* () {
    for (const difference of found) {
      if (inTheWay.has(difference.path) || isBelowTop(difference.path)) affected.push(difference)
      yield
    }
  }
  yield* inSlices(slicer, choose(), progress)
  const captured = yield* captureDifferences(context, ingest, affected, signal)
  const problem = captured.problems.find(({ path }) => inTheWay.has(path))
  if (problem !== undefined) throw cannotKeep(problem.path, problem.reason)
  if (captured.edits.count === 0) return undefined
  const edits = yield* inSlices(slicer, withParents(context, ingest, state.files, captured.edits), progress)
  const files = yield* inSlices(slicer, editSorted(ingest, state.files, keepingChildren(edits)), progress)
  const root = ingest.put('dag-cbor', 'state', encodeState({ ...state, files })).id
  const seen = createChangeList()
  const compare = function* () {
    for (const { path, after } of edits) {
      const change = { path, before: findPath(ingest, state.files, path) ?? null, after }
      if (isChange(change)) seen.push(change)
      yield
    }
    for (const target of targetsBelow(plan, isBelowTop, captured.edits)) {
      if (target !== undefined) plan.targets.push(target)
      yield
    }
    yield* plan.targets.sort()
  }
  yield* inSlices(slicer, compare(), progress)
  return { root, seen }
}

/** Directories on disk in whose place something else comes. */
function* topsOf({ targets }: DiskPlan): Generator<undefined, Set<ByteString>> {
  const tops = new Set<ByteString>()
  for (const { path, after, seen } of targets) {
    if (seen?.kind === 'dir' && after !== null && after.kind !== 'dir') tops.add(path)
    yield
  }
  return tops
}

/** How the disk differs at the paths and below them; what a look at a directory leaves out as ignored is named itself. */
async function* differencesAt(
  context: TimelineContext,
  request: { ingest: Ingest; files: Link; paths: ReadonlySet<ByteString>; signal: AbortSignal | undefined },
): Work<DifferenceList> {
  const { ignore, gitignore } = context.settings()
  const slicer = createSlicer(context.clock, request.signal)
  const found = createDifferenceList()
  for (let left = [...request.paths]; left.length > 0; ) {
    yield* context.worktree.scan({
      reader: request.ingest,
      files: request.files,
      ignore: { ignore, gitignore },
      under: left,
      found: (difference: Difference) => found.push(difference),
      signal: request.signal,
    })
    yield* inSlices(slicer, found.sort(), () => ({ phase: 'looking', done: found.count, unit: 'paths' }))
    const named = new Set(topmost(left))
    left = left.filter(path => !found.has(path) && !named.has(path))
  }
  return found
}

function cannotKeep(path: ByteString, reason: string): SentientError {
  return new SentientError('NOT_WRITABLE', {
    what: 'A change made outside is in the way and can not be kept first',
    where: displayBytes(path),
    found: reason,
    hint: 'Move it away, then run it again.',
  })
}

function* targetsBelow(
  plan: DiskPlan,
  isBelowTop: (path: ByteString) => boolean,
  edits: PackedList<CapturedEdit>,
): Generator<Target | undefined> {
  const known = createTargetList()
  for (const { path, after, stat: seen } of edits) {
    yield
    if (after === null || seen === undefined || !isBelowTop(path) || plan.targets.has(path)) continue
    known.push({ path, after: null, seen, recheck: after.kind === 'file' ? after.content : undefined })
  }
  yield* known
}

export const isChange = ({ before, after }: TreeChange): boolean => !sameApartFromChildren(before, after)

/** As edits of a tree: a directory is what it says and keeps what is in it. */
export function* keepingChildren(edits: Iterable<{ readonly path: ByteString; readonly after: Entry | null }>) {
  for (const { path, after } of edits) yield { path, after, keepChildren: after?.kind === 'dir' }
}

/** What the disk holds at some paths, and the directories there that lead to them and are not recorded; sorted. */
function* withParents(
  context: TimelineContext,
  ingest: Ingest,
  files: Link,
  edits: PackedList<CapturedEdit>,
): Generator<undefined, PackedList<CapturedEdit>> {
  const made = new Map<ByteString, Entry>()
  const known = (path: ByteString) => made.get(path) ?? edits.find(path)?.after
  let last: ByteString | undefined
  for (const { path, after } of edits) {
    yield
    if (after === null || parentOf(path) === last) continue
    last = parentOf(path)
    for (const ancestor of ancestorsOf(path)) {
      if (known(ancestor) !== undefined || findPath(ingest, files, ancestor)?.kind === 'dir') continue
      const mode = context.worktree.stat(ancestor)?.mode ?? directoryMode
      made.set(ancestor, { name: nameOf(ancestor), kind: 'dir', mode, size: 0, content: emptyDirectory(ingest) })
    }
  }
  const all = createEditList()
  for (const [path, after] of made) all.push({ path, after, stat: undefined })
  for (const edit of edits) {
    yield
    // What was a directory a moment ago may be something else by now: then nothing is below it.
    const isReachable = ancestorsOf(edit.path).every(ancestor => (known(ancestor) ?? { kind: 'dir' }).kind === 'dir')
    if (edit.after === null || isReachable) all.push(edit)
  }
  yield* all.sort()
  return all
}

const directoryMode = 0o755
