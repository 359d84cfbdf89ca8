// Contents that no copy is left of, where many paths shall get theirs back: the paths that need them are left out and
// named, and the rest is done. Nobody looks for them before one is missed, so that a sound history is read once only.
import { isSentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { type Link, type ObjectId, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { createSlicer, inSlices, type Progress } from '../progress.ts'
import { reachable } from '../store/reach.ts'
import type { Store } from '../store/store.ts'
import type { ObjectReader } from '../store/tree.ts'
import type { TimelineContext } from './context.ts'
import { type ChangeList, shownBy } from './diskPlan.ts'
import { leaveOut } from './forgotten.ts'
import type { GovernedPath, OperationResult, Work } from './model.ts'
import type { Transaction } from './transact.ts'

/** A preview reads so much of what shall come back; of what is beyond it only looks whether it is there. */
const previewedBytesMax = 64 << 20

export interface LeaveOutOptions {
  readonly signal: AbortSignal | undefined
  /** There is something to be done beside the changes. */
  readonly others?: boolean
}

/**
 * The changes that can be made, sorted, and the paths that are left out. All as they are where no attempt has failed;
 * throws the first attempt's error where no content is lost, or nothing is left to be done.
 */
export async function* withoutLost(
  context: TimelineContext,
  { ingest, loss }: Transaction,
  changes: ChangeList,
  { signal, others = false }: LeaveOutOptions,
): Work<{ readonly changes: ChangeList; readonly lost: readonly GovernedPath[] }> {
  if (loss === undefined) return { changes, lost: [] }
  const lost = yield* lostPaths(context, ingest, changes, signal)
  const left = lost.size === 0 ? undefined : yield* leftOf(context, changes, { lost, signal })
  if (left === undefined || (left.count === 0 && !others)) throw loss
  return { changes: left, lost: [...lost].sort() }
}

/** The same before anything was tried: nothing is read again and again, and not very much at once. */
export async function* previewWithoutLost(
  context: TimelineContext,
  changes: ChangeList,
  signal: AbortSignal | undefined,
): Work<{ readonly changes: ChangeList; readonly lost: readonly GovernedPath[] }> {
  const lost = yield* lostPaths(context, previewing(context.store), changes, signal)
  if (lost.size === 0) return { changes, lost: [] }
  return { changes: yield* leftOf(context, changes, { lost, signal }), lost: [...lost].sort() }
}

function leftOf(
  context: TimelineContext,
  changes: ChangeList,
  { lost, signal }: { readonly lost: ReadonlySet<GovernedPath>; readonly signal: AbortSignal | undefined },
): Work<ChangeList> {
  const progress = (): Progress => ({ phase: 'leaving out', done: 0, total: changes.count, unit: 'paths' })
  return inSlices(createSlicer(context.clock, signal), leaveOut(changes, lost), progress)
}

const nothing = new Uint8Array(0)

/** Chunks are not handed out. */
function previewing(store: Store): ObjectReader {
  let bytesRead = 0
  return {
    get(link) {
      if (link.codec !== 'raw') return store.get(link)
      bytesRead += store.objectBytes(link.id) ?? 0
      if (bytesRead > previewedBytesMax && store.has(link.id)) return nothing
      store.get(link)
      return nothing
    },
  }
}

/** Paths that need a lost content, and those at which the disk has what is lost and that the changes would take away. */
async function* lostPaths(
  context: TimelineContext,
  reader: ObjectReader,
  changes: ChangeList,
  signal: AbortSignal | undefined,
): Work<Set<GovernedPath>> {
  const slicer = createSlicer(context.clock, signal)
  const whole = new Map<ObjectId, boolean>()
  let done = 0
  const progress = (): Progress => ({ phase: 'looking for contents', done, total: changes.count, unit: 'paths' })
  const isWhole = async function* ({ id, codec }: Link): Work<boolean> {
    const known = whole.get(id) ?? (yield* inSlices(slicer, contentSteps(reader, { id, codec }), progress))
    whole.set(id, known)
    return known
  }
  const shows = async function* (path: GovernedPath, entry: Entry): Work<boolean> {
    const { stat, content } = yield* context.worktree.look(path, signal)
    return stat?.kind === entry.kind && sameLink(content, entry.content)
  }
  const lost = new Set<GovernedPath>()
  for (const change of changes) {
    done++
    const wanted = shownBy(change)
    if (wanted === null || wanted.kind === 'dir' || (yield* isWhole(wanted.content))) continue
    if (!(yield* shows(change.path, wanted))) lost.add(change.path)
  }
  if (lost.size === 0) return lost
  for (const { path, before, after } of changes) {
    if (before === null || before.kind === 'dir' || whole.get(before.content.id) !== false) continue
    if (after !== null && sameLink(before.content, after.content)) continue
    if (yield* shows(path, before)) lost.add(path)
  }
  return lost
}

/** Whether every object of a content can be read; stops after each. */
function* contentSteps(reader: ObjectReader, content: Link): Generator<undefined, boolean> {
  let whole = true
  const lost = (error: unknown): void => {
    if (!isSentientError(error, 'OBJECT_MISSING', 'DAMAGED')) throw error
    whole = false
  }
  for (const link of reachable(reader, content, { unreadable: (_, error) => lost(error) })) {
    try {
      // What is no chunk is read by who follows its links.
      if (link.codec === 'raw') reader.get(link)
    } catch (error) {
      lost(error)
    }
    yield
    if (!whole) break
  }
  return whole
}

export function withLost(result: OperationResult, lost: readonly GovernedPath[]): OperationResult {
  const [first] = lost
  if (first === undefined) return result
  const [paths, contents] =
    lost.length === 1 ? ['1 path was', 'its content is'] : [`${lost.length} paths were`, 'their contents are']
  const text = `${paths} left out, as ${contents} lost in the history, first ${displayBytes(first)}; sentctl repair says what can be done`
  return { ...result, lost, notices: [...result.notices, { code: 'lost', text }] }
}
