// What gc took away: which states are still sure to be whole, and the error for those that are not. A state below the
// last horizon may happen to be readable, or only in parts; it is refused as a whole, whatever lies in the packs.
import { SentientError } from '../errors.ts'
import { bytesOfText } from '../format/bodyBytes.ts'
import { hexOf } from '../format/bytes.ts'
import type { ObjectId } from '../format/id.ts'
import type { State } from '../format/state.ts'
import { isHostError } from '../host/error.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer } from '../progress.ts'
import type { ObjectReader } from '../store/tree.ts'
import { readState, type TimelineContext } from './context.ts'
import type { Work } from './model.ts'
import { currentSnapshots, retentionHorizon } from './snapshots.ts'

type Context = Pick<TimelineContext, 'journal' | 'directories' | 'random'>

/** The last gc among the first `size` records: its seq and its horizon, when there was one. */
interface Known {
  readonly size: number
  readonly gc: { readonly seq: number; readonly horizon: number } | undefined
  /** What of it stands in the file. */
  readonly storedSize: number
}

const nothingKnown: Known = { size: 0, gc: undefined, storedSize: 0 }
const knownOf = new WeakMap<TimelineContext['journal'], Known>()
const fileName = 'pruned.json'
const fileBytesMax = 1_024
/** The file is written anew when reading on from what it says would take more than this many records. */
const storeAfterRecords = 1_000
const aboutGc = [bytesOfText('action', 'gc')]

/**
 * The horizon of the last gc, 0 when there was none: bodies of the records from it on lead to nothing that is gone, and
 * the states from the one before it on are whole. Looks at the records since it was last asked, in this process or, as
 * `.db/pruned.json` remembers, in another; `readyHorizon` does the same in slices.
 */
export function gcHorizon(context: Context): number {
  const steps = findHorizon(context)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Makes the answer of `gcHorizon` ready, giving way to the event loop. */
export async function* readyHorizon(
  context: Context & Pick<TimelineContext, 'clock'>,
  signal: AbortSignal | undefined,
): Work<void> {
  const slicer = createSlicer(context.clock, signal)
  for (const done of findHorizon(context)) {
    if (!slicer.due()) continue
    yield { phase: 'looking for the last gc', done, total: context.journal.head().size, unit: 'records' }
    await slicer.pause()
  }
}

function* findHorizon(context: Context): Generator<number, number> {
  const { journal, directories } = context
  const { size } = journal.head()
  let known = knownOf.get(journal)
  if (known !== undefined && known.size >= size) return known.gc?.horizon ?? 0
  // A gc leaves at least one of these; without them nothing has to be read.
  const { tree } = directories
  if (tree.stat('generation') === undefined && tree.stat('dead') === undefined) return 0
  known ??= readKnown(context)
  let gc = known.gc
  // From the end: what is nearer to it is what counts.
  for (const result of journal.search({ from: known.size, to: size, reverse: true }, aboutGc)) {
    if (result.state === 'passed') yield size - result.seq
    const found = result.state === 'intact' ? horizonOf(result.record) : undefined
    if (found === undefined) continue
    gc = { seq: (result as { record: JournalRecord }).record.seq, horizon: Math.max(found, gc?.horizon ?? 0) }
    break
  }
  const next = { size, gc, storedSize: known.storedSize }
  knownOf.set(journal, next)
  if (size - next.storedSize >= storeAfterRecords) storeKnown(context, next)
  return gc?.horizon ?? 0
}

function horizonOf({ body, seq }: JournalRecord): number | undefined {
  if (body?.action !== 'gc') return undefined
  const horizon = body.fields?.horizon
  return typeof horizon === 'number' && horizon <= seq ? horizon : undefined
}

// Derived, so it is believed only as far as records bear it out: the last record it stands for must be the same, and the
// horizon is read from the gc's own record. A wrong file can make the horizon lower, which prunes nothing.
function readKnown(context: Context): Known {
  const stored = readStored(context)
  if (stored === undefined) return nothingKnown
  const { size, leaf, gc } = stored
  const last = context.journal.read(size - 1)
  if (last.state !== 'intact' || hexOf(last.record.leaf) !== leaf) return nothingKnown
  if (gc === null) return { size, gc: undefined, storedSize: size }
  const result = gc < size ? context.journal.read(gc) : undefined
  const horizon = result?.state === 'intact' ? horizonOf(result.record) : undefined
  return horizon === undefined ? nothingKnown : { size, gc: { seq: gc, horizon }, storedSize: size }
}

function readStored({ directories }: Context): { size: number; leaf: string; gc: number | null } | undefined {
  try {
    const file = directories.derived?.open(fileName, 'read')
    if (file === undefined) return undefined
    try {
      const bytes = Buffer.alloc(fileBytesMax)
      const { size, leaf, gc } = JSON.parse(bytes.toString('utf8', 0, file.read(bytes, 0, bytes.length, 0)))
      const sound = Number.isSafeInteger(size) && typeof leaf === 'string' && (gc === null || Number.isSafeInteger(gc))
      return sound ? { size, leaf, gc } : undefined
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error) || error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

/** Quietly: without it the next process looks once more. */
function storeKnown(context: Context, known: Known): void {
  const { derived } = context.directories
  const last = context.journal.read(known.size - 1)
  if (derived === undefined || last.state !== 'intact') return
  const temporary = `${fileName}.${hexOf(context.random.bytes(4))}`
  try {
    const text = JSON.stringify({ size: known.size, leaf: hexOf(last.record.leaf), gc: known.gc?.seq ?? null })
    const file = derived.open(temporary, 'create', 0o600)
    try {
      file.write(Buffer.from(text), 0)
    } finally {
      file.close()
    }
    derived.rename(temporary, derived, fileName)
    knownOf.set(context.journal, { ...known, storedSize: known.size })
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

/** The first record that is kept whole: by the snapshots, and as far as an earlier gc left it. */
export function keptHorizon(context: TimelineContext): number {
  return Math.max(retentionHorizon(context), gcHorizon(context))
}

/** The state of a point; throws STATE_PRUNED when gc no longer keeps it, DAMAGED or OBJECT_MISSING as `readState`. */
export function stateAt(
  context: TimelineContext,
  point: { readonly seq: number; readonly root: ObjectId; readonly text?: string },
  reader: ObjectReader = context.store,
): State {
  if (isPruned(context, point)) {
    throw new SentientError('STATE_PRUNED', {
      where: point.text ?? `#${point.seq}`,
      expected: `#${Math.max(0, gcHorizon(context) - 1)} or later, or a kept snapshot`,
    })
  }
  return readState(reader, point.root)
}

function isPruned(context: TimelineContext, point: { readonly seq: number; readonly root: ObjectId }): boolean {
  // The state in force is kept by every gc: most questions end here, with nothing read.
  if (point.root === context.journal.head().root) return false
  const horizon = gcHorizon(context)
  if (point.seq >= horizon - 1) return false
  if (currentSnapshots(context).some(snapshot => snapshot.root === point.root)) return false
  const first = context.journal.read(horizon)
  return first.state !== 'intact' || first.record.envelope.root !== point.root
}
