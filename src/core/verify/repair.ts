// `sentctl repair`: rebuilds what is derived, brings back what can be had from elsewhere, leaves damaged packs behind,
// and says what is lost for good. What it could not mend is written into its record, so that it is known from then on.
import { isSentientError, SentientError } from '../errors.ts'
import type { Link, ObjectId } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import { createSlicer } from '../progress.ts'
import type { TimelineContext } from '../timeline/context.ts'
import type { Finding, RepairReport, Work } from '../timeline/model.ts'
import { beginUnderLock } from '../timeline/recovery.ts'
import { underLock } from '../timeline/transact.ts'
import { type Inspection, inspect } from './inspect.ts'
import { lossField, readLosses, repairAction, type SeqRange } from './losses.ts'
import { mendObjects } from './mending.ts'
import { beginNewSharedPack, evacuate, setAside } from './quarantine.ts'
import {
  dropCaches,
  rebuildIndexes,
  rebuildSnapshotList,
  rebuildTiles,
  rebuildTrace,
  setCheckpointAside,
} from './rebuild.ts'

export interface RepairOptions {
  readonly signal?: AbortSignal
}

export async function* repair(context: TimelineContext, options: RepairOptions = {}): Work<RepairReport> {
  const { signal } = options
  const deep = { depth: 'deep', since: 0, signal } as const
  const before = yield* inspect(context, deep)
  // Nobody may write behind an end that can not be read: what the disk lost there, only a backup has.
  if (context.journal.damage() !== undefined) return { rebuilt: [], restored: [], lost: damageIn(before) }
  if (context.access !== 'write') throw new SentientError('READ_ONLY', { where: context.directories.root.path })
  const { rebuilt, lost } = yield* underLock(context, { label: repairAction, signal }, async function* (session) {
    const finish = async function* (): Work<boolean> {
      try {
        yield* beginUnderLock(context, session, signal)
        return true
      } catch (error) {
        // What is committed and not yet visible needs objects that are damaged: perhaps it goes once they are mended.
        if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
        return false
      }
    }
    const finished = yield* finish()
    const mended = yield* mend(context, before, signal)
    if (!finished) yield* finish()
    return { rebuilt: yield* rebuild(context, before, signal), lost: mended }
  })
  await context.loadSettings()
  if (damageIn(before).length === 0) return { rebuilt, restored: [], lost: [] }
  const after = yield* inspect(context, deep)
  const gone = lostIn(after, lost)
  return { rebuilt, restored: restoredBetween(before, after, gone), lost: gone }
}

const damageIn = ({ report }: Inspection): Finding[] => report.findings.filter(finding => finding.severity === 'damage')

interface Lost {
  readonly objects: readonly ObjectId[]
  readonly records: readonly SeqRange[]
}

/** Objects and packs; returns what is newly known to be lost. */
async function* mend(
  context: TimelineContext,
  { troubles, affected, packs, journal }: Inspection,
  signal: AbortSignal | undefined,
): Work<Lost> {
  const known = yield* readLosses(context, signal)
  const records = journal.unreadableRecords ? yield* unreadableRanges(context, signal) : []
  const wanted = new Map<ObjectId, Link>()
  for (const [id, { link, state }] of troubles) if (state !== 'malformed') wanted.set(id, link)
  // What only an index still leads to, past a damaged header, must come along too.
  for (const { links } of packs.damaged) for (const link of links) wanted.set(link.id, link)
  const newRecords = records.filter(({ from, to }) => !known.hasRecord(from) || !known.hasRecord(to - 1))
  if (wanted.size === 0 && packs.packs.size === 0 && newRecords.length === 0) return { objects: [], records: [] }
  const damagedPacks = context.store.packs().filter(({ number }) => packs.packs.has(number))
  if (damagedPacks.some(pack => pack.shared)) beginNewSharedPack(context)
  const ingest = context.store.beginIngest({ shared: true })
  let restored: ReadonlySet<ObjectId>
  try {
    restored = yield* mendObjects(context, ingest, { wanted, affected, signal })
    for (const { number } of damagedPacks) yield* evacuate(context, ingest, { packNumber: number, signal })
    ingest.flush()
  } catch (error) {
    ingest.abort()
    throw error
  }
  const objects = [...wanted.keys()].filter(id => !restored.has(id))
  const newObjects = objects.filter(id => !known.hasObject(id))
  const isTruth = restored.size > 0 || damagedPacks.length > 0 || newObjects.length > 0 || newRecords.length > 0
  if (isTruth) {
    const counts = { restored: restored.size, packs: damagedPacks.map(pack => pack.file) }
    appendRecord(context, { ...counts, ...lossField(newObjects, newRecords) })
  }
  for (const { number } of damagedPacks) {
    const holdsLost = packs.damaged.some(
      ({ pack, links }) =>
        pack.number === number && (links.length === 0 || links.some(link => objects.includes(link.id))),
    )
    setAside(context, number, { forGood: holdsLost })
  }
  return { objects: newObjects, records: newRecords }
}

/** Records that can not be read, as ranges. */
async function* unreadableRanges(context: TimelineContext, signal: AbortSignal | undefined): Work<SeqRange[]> {
  const slicer = createSlicer(context.clock, signal)
  const { size } = context.journal.head()
  const ranges: { from: number; to: number }[] = []
  let seq = 0
  for (const result of context.journal.records({ from: 0, to: size })) {
    if (result.state === 'damaged') {
      const last = ranges.at(-1)
      if (last?.to === result.seq) last.to++
      else ranges.push({ from: result.seq, to: result.seq + 1 })
    }
    seq++
    if (!slicer.due()) continue
    yield { phase: 'unreadable records', done: seq, total: size, unit: 'records' }
    await slicer.pause()
  }
  return ranges
}

function appendRecord(context: TimelineContext, fields: NonNullable<Body['fields']>): void {
  const { journal, store } = context
  const { root } = journal.head()
  if (root === undefined) return
  const body: Body = {
    actor: context.actor,
    action: repairAction,
    subject: { kind: 'journal', id: '' },
    decision: { effect: 'permit', bundle: null, rule: '' },
    fields: context.session === undefined ? fields : { ...fields, session: context.session },
  }
  const allApplied = journal.head().applied === journal.head().size
  journal.append([{ root, body }], store.sharedPack())
  if (allApplied) journal.setApplied(journal.head().size)
}

async function* rebuild(
  context: TimelineContext,
  { packs, journal }: Inspection,
  signal: AbortSignal | undefined,
): Work<string[]> {
  const rebuilt = rebuildIndexes(context, packs.indexes)
  if (journal.tiles) rebuilt.push(...(yield* rebuildTiles(context, signal)))
  if (journal.checkpoint) rebuilt.push(...setCheckpointAside(context))
  if (journal.snapshots && !journal.unreadableRecords) rebuilt.push(...rebuildSnapshotList(context))
  rebuilt.push(...(yield* rebuildTrace(context, signal)))
  rebuilt.push(...dropCaches(context))
  return rebuilt
}

/** Findings of before that are gone: an object's when it can be read again, others' when they are not found again. */
function restoredBetween(before: Inspection, after: Inspection, lost: readonly Finding[]): Finding[] {
  const keyOf = ({ code, where }: Finding): string => `${code} ${where}`
  const still = new Set(lost.map(keyOf))
  return damageIn(before).filter(finding => {
    const id = before.objectOf.get(finding)
    return id === undefined ? !still.has(keyOf(finding)) : !after.troubles.has(id)
  })
}

/** What is still damaged, and what is only from now on known to be lost. */
function lostIn(after: Inspection, { objects, records }: Lost): Finding[] {
  const isNew = (finding: Finding): boolean => {
    const id = after.objectOf.get(finding)
    if (id !== undefined) return objects.includes(id)
    const { seq = -1, code } = finding
    return code === 'record-damaged' && records.some(({ from, to }) => seq >= from && seq < to)
  }
  return after.report.findings.filter(finding => finding.severity === 'damage' || isNew(finding))
}
