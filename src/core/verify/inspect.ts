// One look at everything that can be wrong: what `verify` reports and what `repair` begins and ends with. It changes
// nothing but the derived list of damaged paths.
import { isSentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { cidText, type Link, type ObjectId } from '../format/id.ts'
import type { State } from '../format/state.ts'
import type { ByteString } from '../host/host.ts'
import { createSlicer } from '../progress.ts'
import { reachable } from '../store/reach.ts'
import { findPath } from '../store/tree.ts'
import { readState, type TimelineContext } from '../timeline/context.ts'
import { readDamagedPaths, writeDamagedPaths } from '../timeline/damage.ts'
import { readForgetting } from '../timeline/forgetting.ts'
import type { Finding, Work } from '../timeline/model.ts'
import { settingsName } from '../worktree/reserved.ts'
import { type Affected, affectedPaths } from './affected.ts'
import { type ChangesCheck, createChangesCheck } from './changesCheck.ts'
import { checkJournal, horizonOf, type JournalOutcome } from './journalCheck.ts'
import { type Losses, readLosses } from './losses.ts'
import {
  checkPacks,
  type DamagedEntry,
  type Depth,
  ignoreWrongIndexes,
  noteMisindexed,
  type PacksOutcome,
} from './packsCheck.ts'
import { createReach, placeOf, type Reach, type Trouble } from './reach.ts'
import { createReport, findingsMax, many, type Report } from './report.ts'
import { lastReadable, type Retained, retained } from './retained.ts'
import { checkTrace } from './traceCheck.ts'

export interface InspectOptions {
  readonly depth: Exclude<Depth, 'quick'>
  readonly since: number
  readonly signal: AbortSignal | undefined
}

export interface Inspection {
  readonly report: Report
  readonly journal: JournalOutcome
  readonly packs: PacksOutcome
  /** Objects that are needed, or were, and that no sound copy is left of. */
  readonly troubles: ReadonlyMap<ObjectId, Trouble>
  /** Which object a finding is about. */
  readonly objectOf: ReadonlyMap<Finding, ObjectId>
  /** What of the state in force needs them. */
  readonly affected: readonly Affected[]
}

export async function* inspect(context: TimelineContext, options: InspectOptions): Work<Inspection> {
  const report = createReport()
  context.journal.refresh()
  context.store.refresh()
  const journal = yield* checkJournal(context, report, options)
  const { size } = context.journal.head()
  const packs = yield* checkPacks(context, report, options)
  const reach = yield* walkRetained(context, report, { ...options, horizon: journal.horizon, losses: journal.losses })
  noteMisindexed(context, report, packs)
  yield* checkTrace(context, report, { ...options, horizon: journal.horizon })
  const troubles = new Map(reach.troubles)
  addUnreadable(context, troubles, { damaged: packs.damaged, reach })
  // Only a pack that gc set aside may have another copy: it goes soon.
  const needed = packs.unfinished.map(entry => ({ ...entry, links: entry.links.filter(({ id }) => reach.has(id)) }))
  addUnreadable(context, troubles, { damaged: needed, reach, lasting: true })
  if (options.depth === 'default') addKnownDamage(context, troubles)
  // Another process may have forgotten something since the records were read.
  const known = context.journal.refresh() || context.journal.head().size > size ? undefined : journal.losses
  const losses = troubles.size === 0 ? undefined : (known ?? (yield* readLosses(context, options.signal)))
  reportForgotten(context, report, reach.absent + leaveOutForgotten(troubles, losses))
  const affected =
    troubles.size === 0
      ? []
      : [...rootsAffected(context, troubles), ...(yield* findAffected(context, troubles, options.signal))]
  const objectOf = reportObjects(report, { troubles, affected, losses, damaged: packs.damaged, reach })
  if (context.journal.damage() === undefined || lastReadable(context) !== undefined)
    writeDamagedPaths(context, new Set(affected.map(({ path }) => path)))
  return { report, journal, packs, troubles, objectOf, affected }
}

/** What a `forget` lists is missing as it should be: nobody looks for it, and nobody calls it lost. */
function leaveOutForgotten(troubles: Map<ObjectId, Trouble>, losses: Losses | undefined): number {
  let forgotten = 0
  for (const [id, { state }] of troubles) {
    if (state === 'missing' && losses?.isForgotten(id) === true && troubles.delete(id)) forgotten++
  }
  return forgotten
}

function reportForgotten(context: TimelineContext, report: Report, objects: number): void {
  const isUnfinished = readForgetting(context) !== undefined
  if (objects === 0 && !isUnfinished) return
  if (isUnfinished) {
    const found = 'what a record says to be forgotten may still be here; the next writer finishes that'
    report.found('forgotten', { code: 'forget-unfinished', severity: 'note', where: '.runtime/forgetting', found })
  }
  report.line('forgotten', objects, `${many(objects, 'object')} forgotten by a record that says so`)
}

const attemptsMax = 3

/**
 * Walks what has to stay. When a gc moves the horizon meanwhile, what was found to be missing proves nothing; nor does it
 * where only an index does not lead to what a pack holds.
 */
async function* walkRetained(context: TimelineContext, report: Report, options: WalkOptions): Work<Reach> {
  let { horizon } = options
  for (let attempt = 1; ; attempt++) {
    const { size } = context.journal.head()
    const { reach, links, changes, untrue } = yield* walkOnce(context, { ...options, horizon })
    const moved = reach.troubles.size + untrue.length > 0 && context.journal.refresh()
    context.store.refresh()
    const later = moved ? horizonWithin(context, size) : 0
    if (later > horizon && attempt < attemptsMax) {
      horizon = later
      continue
    }
    const newlyLost = new Set([...reach.troubles.keys()].filter(id => options.losses?.hasObject(id) !== true))
    if (attempt < attemptsMax && (yield* ignoreWrongIndexes(context, newlyLost, options.signal))) continue
    for (const finding of untrue) report.found('changes', finding)
    const { states } = reach
    const before = horizon > 1 ? `; ${many(horizon - 1, 'record')} before #${horizon - 1}: signed, objects pruned` : ''
    const from = Math.max(horizon - 1, options.since)
    const range = from > 0 ? ` from #${from} on` : ''
    report.line('states', states, `${many(states, 'kept state')}${range}, ${many(links, 'link')} of records${before}`)
    report.line('objects', reach.objects, `${many(reach.objects, 'object')} that they need, each looked up`)
    report.line('directory nodes', reach.nodes, `${many(reach.nodes, 'node')} read: content and canonical form`)
    const compared = `${many(changes.records, 'record')}: what each says against its states`
    report.line('changes', changes.changes, `${many(changes.changes, 'change')} of ${compared}`)
    return reach
  }
}

/** The horizon that gc records from this one on name; 0 when there is none. */
function horizonWithin(context: TimelineContext, from: number): number {
  let horizon = 0
  for (const result of context.journal.records({ from }))
    if (result.state === 'intact') horizon = Math.max(horizon, horizonOf(result.record))
  return horizon
}

interface WalkOptions extends InspectOptions {
  readonly horizon: number
  /** Unknown while not all records are read. */
  readonly losses: Losses | undefined
}

interface Walked {
  readonly reach: Reach
  readonly links: number
  readonly changes: ChangesCheck
  readonly untrue: readonly Finding[]
}

async function* walkOnce(context: TimelineContext, { horizon, since, signal, losses }: WalkOptions): Work<Walked> {
  const slicer = createSlicer(context.clock, signal)
  const reach = createReach(context.store, losses && { mayBeAbsent: losses.isForgotten })
  const untrue: Finding[] = []
  const changes = createChangesCheck(reach.reader, finding => {
    if (untrue.length < findingsMax) untrue.push(finding)
  })
  // The state before the horizon is whole; what its record says of it may be pruned.
  const first = Math.max(horizon, since)
  let before = { seq: first - 1, root: rootBefore(context, first) }
  const stepsOf = function* (item: Retained): Generator<void> {
    if (item.kind === 'state') yield* reach.state(item.root, item.seq)
    else if (item.kind === 'link') yield* linkSteps(reach, item)
    else if (item.kind === 'record') {
      const { seq, envelope } = item.record
      if (seq >= first && before.seq === seq - 1 && before.root !== undefined)
        yield* changes.record(item.record, before.root)
      before = { seq, root: envelope.root }
    }
  }
  let links = 0
  for (const item of retained(context, { horizon, since })) {
    if (item.kind === 'link') links++
    for (const _ of stepsOf(item)) {
      if (!slicer.due()) continue
      yield { phase: 'walking states', done: reach.objects, unit: 'objects' }
      await slicer.pause()
    }
  }
  return { reach, links, changes, untrue }
}

function linkSteps(reach: Reach, { link, as, seq }: Extract<Retained, { kind: 'link' }>): Generator<void> {
  if (link.codec === 'raw' || as === 'other') return reach.link(link, seq)
  return as === 'state' ? reach.state(link.id, seq) : reach.changes(link, seq)
}

/** The state before a record, null before the first one; undefined when that can not be told. */
function rootBefore(context: TimelineContext, seq: number): ObjectId | null | undefined {
  if (seq === 0) return null
  const result = context.journal.read(seq - 1)
  return result.state === 'intact' ? result.record.envelope.root : undefined
}

/** Damaged entries whose object has no other, sound copy. */
function addUnreadable(
  context: TimelineContext,
  troubles: Map<ObjectId, Trouble>,
  options: { readonly damaged: readonly DamagedEntry[]; readonly reach: Reach; readonly lasting?: boolean },
): void {
  const { damaged, reach, lasting = false } = options
  const last = Math.max(0, context.journal.head().size - 1)
  for (const { pack, offset, reason, links } of damaged) {
    for (const link of links) {
      if (troubles.has(link.id) || context.store.read(link.id, { lasting }).state === 'intact') continue
      const seq = reach.seqOf(link.id) ?? last
      troubles.set(link.id, { link, state: 'damaged', found: reason, where: placeOf(pack.file, offset), seq })
    }
  }
}

/** Paths that an earlier, deeper look found to be damaged are read again: chunks are not read by the usual one. */
function addKnownDamage(context: TimelineContext, troubles: Map<ObjectId, Trouble>): void {
  const files = filesInForce(context)
  if (files === undefined) return
  const { store } = context
  for (const path of readDamagedPaths(context)) {
    for (const link of objectsOfPath(context, files.link, path)) {
      const result = store.read(link.id)
      if (result.state === 'intact' || troubles.has(link.id)) continue
      const found = result.state === 'damaged' ? result.reason : 'no pack holds it'
      const where = result.state === 'damaged' ? placeOf(result.pack, result.offset) : undefined
      troubles.set(link.id, { link, state: result.state, found, ...(where && { where }), seq: files.seq })
    }
  }
}

function* objectsOfPath(context: TimelineContext, files: Link, path: ByteString): Generator<Link> {
  let content: Link | undefined
  try {
    const entry = findPath(context.store, files, path)
    content = entry?.kind === 'dir' ? undefined : entry?.content
  } catch (error) {
    // A node above it is damaged: the walk of the state has met that.
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return
  }
  if (content !== undefined) yield* reachable(context.store, content, { unreadable: () => undefined })
}

/** The files of the last state that can be read. */
export function filesInForce(context: TimelineContext): { readonly link: Link; readonly seq: number } | undefined {
  const last = lastReadable(context)
  const state = last === undefined ? undefined : quietState(context, last.envelope.root)
  return last === undefined || state === undefined ? undefined : { link: state.files, seq: last.seq }
}

/** The state itself, which everything depends on, and its settings. */
function rootsAffected(context: TimelineContext, troubles: ReadonlyMap<ObjectId, Trouble>): Affected[] {
  const root = lastReadable(context)?.envelope.root
  if (root === undefined) return []
  const affected: Affected[] = []
  if (troubles.has(root)) affected.push({ path: '', id: root, directory: true })
  const settings = quietState(context, root)?.settings
  if (settings !== undefined && troubles.has(settings.id))
    affected.push({ path: settingsName, id: settings.id, directory: false })
  return affected
}

function quietState(context: TimelineContext, root: ObjectId): State | undefined {
  try {
    return readState(context.store, root)
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return undefined
  }
}

const affectedMax = 100_000

async function* findAffected(
  context: TimelineContext,
  troubles: ReadonlyMap<ObjectId, Trouble>,
  signal: AbortSignal | undefined,
): Work<Affected[]> {
  const files = filesInForce(context)
  if (files === undefined) return []
  const slicer = createSlicer(context.clock, signal)
  const found: Affected[] = []
  let nodes = 0
  for (const one of affectedPaths(context.store, files.link, id => troubles.has(id))) {
    if (one !== undefined && found.length < affectedMax) found.push(one)
    nodes++
    if (!slicer.due()) continue
    yield { phase: 'finding paths', done: nodes, unit: 'objects' }
    await slicer.pause()
  }
  return found
}

interface ObjectFindings {
  readonly troubles: ReadonlyMap<ObjectId, Trouble>
  readonly affected: readonly Affected[]
  readonly losses: Losses | undefined
  readonly damaged: readonly DamagedEntry[]
  readonly reach: Reach
}

const objectCodes = { missing: 'object-missing', damaged: 'object-damaged', malformed: 'node-not-canonical' } as const

function reportObjects(
  report: Report,
  { troubles, affected, losses, damaged, reach }: ObjectFindings,
): ReadonlyMap<Finding, ObjectId> {
  const objectOf = new Map<Finding, ObjectId>()
  const pathsOf = new Map<ObjectId, ByteString[]>()
  for (const { path, id } of affected) pathsOf.set(id, [...(pathsOf.get(id) ?? []), path])
  const placed = new Set<string>()
  for (const { pack, offset, reason, links } of damaged) {
    const where = placeOf(pack.file, offset)
    placed.add(where)
    if (links.length === 0) {
      report.found('pack entries', { code: 'pack-entry-damaged', severity: 'damage', where, found: reason })
    }
    for (const link of links) {
      const trouble = troubles.get(link.id)
      const known = trouble !== undefined && losses?.hasObject(link.id) === true
      const note = known ? ' (known to be lost)' : trouble === undefined ? '; the object can be read all the same' : ''
      const finding: Finding = {
        code: 'pack-entry-damaged',
        severity: known && !pathsOf.has(link.id) ? 'note' : 'damage',
        where,
        expected: cidText(link),
        found: `${reason}${note}`,
      }
      for (const part of spread(link.id, pathsOf, reach.has(link.id) ? trouble?.seq : undefined))
        objectOf.set(report.found('pack entries', { ...finding, ...part }), link.id)
    }
  }
  for (const { link, state, found, where, seq, path } of troubles.values()) {
    if (where !== undefined && placed.has(where)) continue
    const known = losses?.hasObject(link.id) === true
    const finding: Finding = {
      code: objectCodes[state],
      severity: known && !pathsOf.has(link.id) ? 'note' : 'damage',
      where: where ?? cidText(link),
      ...(where === undefined ? {} : { expected: cidText(link) }),
      found: `${found}${path === undefined ? '' : ` (${displayBytes(path) || 'the top'})`}${known ? ' (known to be lost)' : ''}`,
    }
    const check = state === 'malformed' ? 'directory nodes' : 'objects'
    for (const part of spread(link.id, pathsOf, seq))
      objectOf.set(report.found(check, { ...finding, ...part }), link.id)
  }
  return objectOf
}

/** One finding for each path of the state in force; one with the record alone for what only the history needs. */
function spread(
  id: ObjectId,
  pathsOf: ReadonlyMap<ObjectId, readonly ByteString[]>,
  seq: number | undefined,
): Pick<Finding, 'path' | 'seq'>[] {
  const paths = pathsOf.get(id)
  if (paths !== undefined) return paths.map(path => (seq === undefined ? { path } : { path, seq }))
  return [seq === undefined ? {} : { seq }]
}
