// `sentctl forget`: contents that must not stay. The record that lists what goes comes first; from then on it is carried
// out by whoever holds the lock, however often it is begun. See docs/design/0009-forgetting.md.
import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import type { CborValue } from '../format/cbor.ts'
import { idBytes } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import type { NewRecord } from '../journal/model.ts'
import { findPath } from '../store/tree.ts'
import { requireWritable, stateInForce, type TimelineContext } from '../timeline/context.ts'
import { countPutAside, finishForgetting, noteForgetting, readForgetting } from '../timeline/forgetting.ts'
import { forgetAction } from '../timeline/forgotten.ts'
import type { ForgetReport, GovernedPath, Work } from '../timeline/model.ts'
import { gcHorizon } from '../timeline/pruned.ts'
import { beginUnderLock } from '../timeline/recovery.ts'
import { underLock } from '../timeline/transact.ts'
import { checkGovernedPath } from '../worktree/paths.ts'
import { type ForgetPlan, planForget } from './forgetPlan.ts'
import { markLive } from './gc.ts'

export interface ForgetOptions {
  /** Only says what would go; takes no lock. */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
}

export async function* forget(
  context: TimelineContext,
  paths: readonly GovernedPath[],
  options: ForgetOptions = {},
): Work<ForgetReport> {
  const { dryRun = false, signal } = options
  requireWritable(context)
  if (paths.length === 0) throw new SentientError('USAGE', { what: 'No path was given' })
  for (const path of paths) checkGovernedPath(path)
  if (dryRun) {
    context.journal.refresh()
    context.store.refresh()
    return reportOf(context, yield* plan(context, paths, signal))
  }
  return yield* underLock(context, { label: forgetAction, signal }, async function* (session) {
    yield* beginUnderLock(context, session, signal)
    const planned = yield* plan(context, paths, signal)
    const report = reportOf(context, planned)
    if (planned.recordCount + planned.objects.length === 0) return report
    // Nothing says of garbage which path it was of: all of it goes, before anything is called forgotten.
    const reach = yield* markLive(context, gcHorizon(context), signal)
    yield* context.store.collect(id => reach.has(id), { thorough: true, urgent: true, signal })
    const seq = commit(context, paths, planned)
    yield* finishForgetting(context)
    return { ...report, seq, finished: readForgetting(context) === undefined }
  })
}

async function* plan(
  context: TimelineContext,
  paths: readonly GovernedPath[],
  signal: AbortSignal | undefined,
): Work<ForgetPlan> {
  const { files } = stateInForce(context).state
  for (const path of paths) {
    const isRecorded = findPath(context.store, files, path) !== undefined
    if (!isRecorded && context.worktree.stat(path) === undefined) continue
    throw new SentientError('PATH_EXISTS', {
      what: 'Only what is gone can be forgotten, and this is still there',
      where: displayBytes(path),
      found: isRecorded ? 'it is part of the state in force' : 'it is on disk, and not recorded',
      hint: 'Remove it first: sentctl rm.',
    })
  }
  const planned = yield* planForget(context, paths, signal)
  if (planned.known) return planned
  throw new SentientError('PATH_NOT_FOUND', {
    what: 'No record and no kept state knows it',
    where: paths.map(displayBytes).join(', '),
  })
}

/** Numbers in one record's body, so that it stays well below its limit. */
const objectsPerRecord = 20_000
const rangesPerRecord = 10_000

/** The records, in one flush; the seq of the last. */
function commit(context: TimelineContext, paths: readonly GovernedPath[], planned: ForgetPlan): number {
  const { journal, store } = context
  const { root, size } = journal.head()
  if (root === undefined) throw new SentientError('INTERNAL', { what: 'There is no state' })
  const decision = context.decide(paths.map(path => ({ actor: context.actor, action: 'delete', path, size: 0 })))
  const record = (action: string, fields: Record<string, CborValue>): NewRecord => {
    const body: Body = {
      actor: context.actor,
      action,
      subject: { kind: 'journal', id: '' },
      decision,
      fields: context.session === undefined ? fields : { ...fields, session: context.session },
    }
    return { root, body }
  }
  if (decision.effect === 'deny') {
    journal.append([record('denied', { wanted: forgetAction })], store.sharedPack())
    journal.setApplied(journal.head().size)
    throw new SentientError('DENIED', { where: paths.map(displayBytes).join(', '), found: decision.rule })
  }
  const ids = planned.objects.map(idBytes).sort(Buffer.compare)
  const ranges = planned.records.map(({ from, to }): CborValue => (to === from + 1 ? from : [from, to]))
  const records: NewRecord[] = []
  for (let part = 0; records.length === 0 || more(part, ids, ranges); part++) {
    const fields = {
      records: ranges.slice(part * rangesPerRecord, (part + 1) * rangesPerRecord),
      objects: ids.slice(part * objectsPerRecord, (part + 1) * objectsPerRecord),
    }
    records.push(record(forgetAction, fields))
  }
  noteForgetting(context, { from: size, to: size + records.length })
  // Segments before theirs are written anew: the last one never is.
  journal.append(records, store.sharedPack(), { newSegment: true })
  journal.setApplied(journal.head().size)
  return journal.head().size - 1
}

const more = (part: number, ids: readonly unknown[], ranges: readonly unknown[]): boolean =>
  part * objectsPerRecord < ids.length || part * rangesPerRecord < ranges.length

function reportOf(context: TimelineContext, planned: ForgetPlan): ForgetReport {
  const { recordCount, objects, bytes, shared, sharedBytes } = planned
  return {
    ...{ records: recordCount, objects: objects.length, bytes, shared, sharedBytes },
    putAside: countPutAside(context),
    seq: undefined,
    finished: true,
  }
}
