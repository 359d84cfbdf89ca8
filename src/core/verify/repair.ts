// `sentctl repair`: rebuilds what is derived, brings back what can be had from elsewhere, leaves damaged packs behind,
// and says what is lost for good. What it could not mend is written into its record, so that it is known from then on.
import { isSentientError } from '../errors.ts'
import type { Link, ObjectId } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import type { OtherCopy } from '../journal/takeFrom.ts'
import { createSlicer } from '../progress.ts'
import type { PackInfo } from '../store/store.ts'
import { requireWritable, type TimelineContext } from '../timeline/context.ts'
import type { Finding, RepairReport, Work } from '../timeline/model.ts'
import { beginUnderLock } from '../timeline/recovery.ts'
import { underLock } from '../timeline/transact.ts'
import { type Inspection, inspect } from './inspect.ts'
import { lossField, readLosses, repairAction, type SeqRange } from './losses.ts'
import { mendObjects, type OtherObjects } from './mending.ts'
import { beginNewSharedPack, evacuate, setAside } from './quarantine.ts'
import {
  dropCaches,
  rebuildFormat,
  rebuildIndexes,
  rebuildKeys,
  rebuildSnapshotList,
  rebuildTiles,
  rebuildTrace,
  setCheckpointAside,
} from './rebuild.ts'

export interface RepairOptions {
  /** Another copy of the folder: what is lost here is taken from it, each thing proven by its name or hash. */
  readonly other?: OtherFolder | undefined
  /** Called when records came back: what the folder is may look otherwise now. */
  readonly mended?: (() => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface OtherFolder {
  readonly records: OtherCopy
  readonly objects: OtherObjects
}

/** What is behind a lost node shows only once that is mended: so often it is looked again. */
const roundsMax = 10

export async function* repair(context: TimelineContext, options: RepairOptions = {}): Work<RepairReport> {
  const { signal, other } = options
  const deep = { depth: 'deep', since: 0, signal } as const
  const before = yield* inspect(context, deep)
  const wasShut = context.journal.damage() !== undefined
  // What is missing at the end, marks and all, is missed by nobody here.
  const marks = before.report.findings.some(({ code }) => code === 'marks-damaged')
  const unreadable = before.journal.unreadableRecords || wasShut || marks || other !== undefined
  const isMended = unreadable && (yield* mendRecords(context, other, signal))
  if (isMended) options.mended?.()
  // Nobody may write behind an end that can not be read: what the disk lost there, only a backup has.
  if (context.journal.damage() !== undefined) return { rebuilt: [], restored: [], lost: damageIn(before) }
  // Records that can be read again are needed to say what the folder is; more is not done before that is said.
  if (!wasShut || context.refusal !== undefined) requireWritable(context)
  const rebuilt = new Set<string>()
  let lost = nothingLost
  let now = isMended ? yield* inspect(context, deep) : before
  for (let round = 1; round <= roundsMax; round++) {
    const done = yield* oneRound(context, now, options)
    for (const name of done.rebuilt) rebuilt.add(name)
    lost = done.lost
    if (damageIn(now).length === 0 && !done.progress) break
    now = yield* inspect(context, deep)
    if (!done.progress) break
  }
  await context.loadSettings()
  const gone = lostIn(now, lost)
  return { rebuilt: [...rebuilt], restored: restoredBetween(before, now, gone), lost: gone }
}

/** True when records can be read again. What is left of the others is seen by who looks next. */
async function* mendRecords(
  context: TimelineContext,
  other: OtherFolder | undefined,
  signal: AbortSignal | undefined,
): Work<boolean> {
  yield { phase: 'mending records', done: 0, unit: 'records' }
  const mended = await context.journal.mend(signal, other?.records)
  if (mended.length > 0) await context.loadSettings()
  return mended.length > 0
}

interface Round {
  readonly rebuilt: readonly string[]
  readonly lost: Lost
  /** Another look may find more to do. */
  readonly progress: boolean
}

async function* oneRound(context: TimelineContext, found: Inspection, { signal, other }: RepairOptions): Work<Round> {
  return yield* underLock(context, { label: repairAction, signal }, async function* (session) {
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
    const mended = yield* mend(context, { ...found, other }, signal)
    if (!finished) yield* finish()
    return { rebuilt: yield* rebuild(context, found, signal), ...mended }
  })
}

const damageIn = ({ report }: Inspection): Finding[] => report.findings.filter(finding => finding.severity === 'damage')

interface Lost {
  readonly objects: readonly ObjectId[]
  readonly records: readonly SeqRange[]
}

const nothingLost: Lost = { objects: [], records: [] }

/** Objects and packs. What can not be had is called lost only when nothing else moves any more. */
async function* mend(
  context: TimelineContext,
  { troubles, affected, packs, journal, other }: Inspection & { readonly other: OtherFolder | undefined },
  signal: AbortSignal | undefined,
): Work<{ lost: Lost; progress: boolean }> {
  const wanted = new Map<ObjectId, Link>()
  for (const [id, { link, state }] of troubles) if (state !== 'malformed') wanted.set(id, link)
  // What only an index still leads to, past a damaged header, must come along too.
  for (const { links } of packs.damaged) for (const link of links) wanted.set(link.id, link)
  const damagedPacks = context.store.packs().filter(({ number }) => packs.packs.has(number))
  if (wanted.size === 0 && damagedPacks.length === 0 && !journal.unreadableRecords)
    return { lost: nothingLost, progress: false }
  if (damagedPacks.some(pack => pack.shared)) beginNewSharedPack(context)
  const restored = yield* storeAgain(context, {
    ...{ wanted, affected, signal, other: other?.objects },
    packs: damagedPacks,
    damaged: packs.damaged,
  })
  const objects = [...wanted.keys()].filter(id => !restored.has(id))
  if (restored.size > 0 || damagedPacks.length > 0) {
    appendRecord(context, { restored: restored.size, packs: damagedPacks.map(pack => pack.file) })
    for (const { number } of damagedPacks) {
      const inPack = packs.damaged.filter(({ pack }) => pack.number === number)
      const holdsLost = inPack.some(({ links }) => links.length === 0 || links.some(link => objects.includes(link.id)))
      setAside(context, number, { forGood: holdsLost })
    }
    return { lost: nothingLost, progress: true }
  }
  const known = yield* readLosses(context, signal)
  const records = journal.unreadableRecords ? yield* unreadableRanges(context, signal) : []
  const lost: Lost = {
    objects: objects.filter(id => !known.hasObject(id)),
    records: records.filter(({ from, to }) => !known.hasRecord(from) || !known.hasRecord(to - 1)),
  }
  const isNew = lost.objects.length > 0 || lost.records.length > 0
  if (isNew) appendRecord(context, lossField(lost.objects, lost.records))
  return { lost, progress: false }
}

/** Stores what can be had of the wanted objects, and all that is sound in the damaged packs; durable when it returns. */
async function* storeAgain(
  context: TimelineContext,
  request: {
    readonly wanted: ReadonlyMap<ObjectId, Link>
    readonly affected: Inspection['affected']
    readonly packs: readonly PackInfo[]
    readonly damaged: Inspection['packs']['damaged']
    readonly other: OtherObjects | undefined
    readonly signal: AbortSignal | undefined
  },
): Work<ReadonlySet<ObjectId>> {
  const { signal } = request
  const ingest = context.store.beginIngest({ shared: true })
  try {
    const restored = request.wanted.size === 0 ? new Set<ObjectId>() : yield* mendObjects(context, ingest, request)
    for (const { number } of request.packs) yield* evacuate(context, ingest, { packNumber: number, signal })
    ingest.flush()
    return restored
  } catch (error) {
    ingest.abort()
    throw error
  }
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
  rebuilt.push(...rebuildFormat(context), ...rebuildKeys(context))
  if (journal.tiles) rebuilt.push(...(yield* rebuildTiles(context, signal)))
  if (journal.checkpoint) rebuilt.push(...setCheckpointAside(context))
  if (journal.snapshots && !journal.unreadableRecords) rebuilt.push(...rebuildSnapshotList(context))
  rebuilt.push(...(yield* rebuildTrace(context, signal)))
  rebuilt.push(...dropCaches(context))
  return rebuilt
}

/**
 * Findings of before that are gone: an object's when it can be read again, others' when they are not found again. What
 * was known to be lost, and is a note only, counts when it was found again.
 */
function restoredBetween(before: Inspection, after: Inspection, lost: readonly Finding[]): Finding[] {
  const keyOf = ({ code, where }: Finding): string => `${code} ${where}`
  const still = new Set(lost.map(keyOf))
  const stillNoted = new Set(after.report.findings.map(keyOf))
  return before.report.findings.filter(finding => {
    const id = before.objectOf.get(finding)
    if (id !== undefined) return !after.troubles.has(id)
    if (finding.severity === 'damage') return !still.has(keyOf(finding))
    return finding.code === 'record-damaged' && !stillNoted.has(keyOf(finding))
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
