// What gc took away: which states are still sure to be whole, and the error for those that are not. A state below the
// last horizon may happen to be readable, or only in parts; it is refused as a whole, whatever lies in the packs.
import { SentientError } from '../errors.ts'
import type { ObjectId } from '../format/id.ts'
import type { State } from '../format/state.ts'
import type { ObjectReader } from '../store/tree.ts'
import { readState, type TimelineContext } from './context.ts'
import { currentSnapshots, retentionHorizon } from './snapshots.ts'

interface Known {
  size: number
  horizon: number
}

const horizons = new WeakMap<TimelineContext['journal'], Known>()

/**
 * The horizon of the last gc, 0 when there was none: bodies of the records from it on lead to nothing that is gone, and
 * the states from the one before it on are whole.
 */
export function gcHorizon(context: Pick<TimelineContext, 'journal' | 'directories'>): number {
  const { journal, directories } = context
  const known = horizons.get(journal) ?? { size: 0, horizon: 0 }
  const { size } = journal.head()
  if (known.size >= size) return known.horizon
  // A gc leaves at least one of these; without them nothing has to be read.
  const { tree } = directories
  if (tree.stat('generation') === undefined && tree.stat('dead') === undefined) return known.horizon
  const horizon = Math.max(known.horizon, lastHorizon(context, known.size, size))
  horizons.set(journal, { size, horizon })
  return horizon
}

function lastHorizon(context: Pick<TimelineContext, 'journal'>, from: number, to: number): number {
  for (const result of context.journal.records({ from, to, reverse: true })) {
    if (result.state !== 'intact' || result.record.body?.action !== 'gc') continue
    const horizon = result.record.body.fields?.horizon
    if (typeof horizon === 'number' && horizon <= result.record.seq) return horizon
  }
  return 0
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
