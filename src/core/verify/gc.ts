// `sentctl gc`: drops the objects that nothing kept leads to. What is kept is what retained.ts says; the record that
// names the horizon is durable before the first object goes, so that what is gone is never taken for damage.
import { SentientError } from '../errors.ts'
import { dagLink, type ObjectId } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import { createSlicer } from '../progress.ts'
import type { CollectReport } from '../store/gc.ts'
import { requireWritable, type TimelineContext } from '../timeline/context.ts'
import type { GcReport, Work } from '../timeline/model.ts'
import { keptHorizon } from '../timeline/pruned.ts'
import { beginUnderLock } from '../timeline/recovery.ts'
import { underLock } from '../timeline/transact.ts'
import { readLosses } from './losses.ts'
import { createReach, type Reach } from './reach.ts'
import { type Retained, retained } from './retained.ts'

export interface GcOptions {
  /** Only counts; takes no lock. */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
}

/** With less free space than this, what is set aside is unlinked at once instead of an hour later. */
const urgentBelowBytes = 256 << 20

export async function* gc(context: TimelineContext, options: GcOptions = {}): Work<GcReport> {
  const { dryRun = false, signal } = options
  requireWritable(context)
  if (dryRun) {
    context.journal.refresh()
    context.store.refresh()
    const { horizon, collected } = yield* survey(context, signal)
    return reportOf(collected, horizon, undefined)
  }
  return yield* underLock(context, { label: 'gc', signal }, async function* (session) {
    yield* beginUnderLock(context, session, signal)
    const { horizon, collected, isLive } = yield* survey(context, signal)
    const dropped = collected.objectsBefore - collected.objectsAfter
    const seq = dropped === 0 ? undefined : record(context, { horizon, dropped, bytes: collected.bytesFreed })
    const urgent = context.directories.tree.freeBytes() < urgentBelowBytes
    const done = yield* context.store.collect(isLive, { signal, urgent })
    if (done.packsKeptDamaged.length > 0) {
      const text = `left alone because something in them is damaged: ${done.packsKeptDamaged.join(', ')}; see sentctl verify`
      context.notices.push({ code: 'damaged', text })
    }
    return reportOf(collected, horizon, seq)
  })
}

interface Survey {
  readonly horizon: number
  readonly collected: CollectReport
  readonly isLive: (id: ObjectId) => boolean
}

async function* survey(context: TimelineContext, signal: AbortSignal | undefined): Work<Survey> {
  const horizon = keptHorizon(context)
  const reach = yield* markLive(context, horizon, signal)
  const isLive = (id: ObjectId): boolean => reach.has(id)
  return { horizon, isLive, collected: yield* context.store.collect(isLive, { dryRun: true, signal }) }
}

/**
 * Everything that has to stay. Refuses when a record or a node that may lead to more can not be read, unless a repair
 * said that it is lost for good: what lies behind it would be taken for garbage.
 */
export async function* markLive(
  context: TimelineContext,
  horizon: number,
  signal: AbortSignal | undefined,
): Work<Reach> {
  const slicer = createSlicer(context.clock, signal)
  const reach = createReach(context.store)
  const unreadable: { seq: number; where: string; reason: string }[] = []
  for (const item of retained(context, { horizon })) {
    if (item.kind === 'unreadable') unreadable.push(item)
    for (const _ of stepsOf(reach, item)) {
      if (!slicer.due()) continue
      yield { phase: 'finding what is needed', done: reach.objects, unit: 'objects' }
      await slicer.pause()
    }
  }
  const nodes = [...reach.troubles.values()].filter(({ link }) => link.codec === 'dag-cbor')
  if (unreadable.length === 0 && nodes.length === 0) return reach
  const losses = yield* readLosses(context, signal)
  const record = unreadable.find(({ seq }) => !losses.hasRecord(seq))
  const node = nodes.find(({ link }) => !losses.hasObject(link.id) && !losses.isForgotten(link.id))
  if (record === undefined && node === undefined) return reach
  throw new SentientError('DAMAGED', {
    what: 'Something is damaged, and with it the knowledge of what it keeps; nothing was dropped',
    where: record === undefined ? `a node that record #${node?.seq} needs` : `record #${record.seq}, ${record.where}`,
    found: record?.reason ?? node?.found,
    hint: 'Run sentctl repair first.',
  })
}

function stepsOf(reach: Reach, item: Retained): Iterable<unknown> {
  if (item.kind === 'state') return reach.link(dagLink(item.root), item.seq)
  return item.kind === 'link' ? reach.link(item.link, item.seq) : [undefined]
}

/** Appends the record that says what goes. */
function record(
  context: TimelineContext,
  { horizon, dropped, bytes }: { readonly horizon: number; readonly dropped: number; readonly bytes: number },
): number | undefined {
  const { journal, store } = context
  const { root } = journal.head()
  if (root === undefined) return undefined
  const fields: Body['fields'] = {
    horizon,
    objects: dropped,
    bytes,
    ...(context.session === undefined ? {} : { session: context.session }),
  }
  const body: Body = {
    actor: context.actor,
    action: 'gc',
    subject: { kind: 'journal', id: '' },
    decision: { effect: 'permit', bundle: null, rule: '' },
    fields,
  }
  const [appended] = journal.append([{ root, body }], store.sharedPack())
  // Who only reads goes by the marks: with older ones what goes now would be missing without a word.
  journal.setApplied(journal.head().size, { flush: true })
  return appended?.seq
}

function reportOf(collected: CollectReport, horizon: number, seq: number | undefined): GcReport {
  const { objectsBefore, objectsAfter, bytesFreed } = collected
  return { objectsBefore, objectsAfter, bytesFreed, horizon, seq }
}
