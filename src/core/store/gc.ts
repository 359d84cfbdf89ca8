// Collecting what nothing reaches: packs with much that is dead are copied without it, then moved aside for an hour, so
// that a reader who found an object in one of them still gets it. What lives is the caller's to say.
import { hexOf } from '../format/bytes.ts'
import { codecOf, idBytes, type ObjectId } from '../format/id.ts'
import {
  encodeEntryHeader,
  entryHeaderBytes,
  kindOf,
  packFileName,
  packHeaderBytes,
  packingOf,
} from '../format/pack.ts'
import { indexEntryBytes } from '../format/packIndex.ts'
import { createSlicer, type Progress } from '../progress.ts'
import { createIdTable, type IdTable, type Place } from './idTable.ts'
import { recordPlace } from './indexFile.ts'
import { asStoreErrors, ignoringHostErrors, type StoreOptions, storeError } from './layout.ts'
import { type Pack, placeOf } from './pack.ts'
import { scanEntries } from './packScan.ts'
import { deadName, type Found, type PackSet, parseDeadName } from './packSet.ts'
import { publishEmptyPack, type SharedPack } from './sharedPack.ts'
import { createStageWriter } from './stageWriter.ts'
import type { ReadResult } from './store.ts'

export interface CollectOptions {
  readonly signal?: AbortSignal
  /** Only counts. */
  readonly dryRun?: boolean
  /** Space is needed now: unlinks moved packs at once. A reader who is on its way to one finds its object missing, and right when it looks again. */
  readonly urgent?: boolean
  /** Leaves nothing that is dead, however little it is, nor what ended processes left, however young. */
  readonly thorough?: boolean
}

export interface CollectReport {
  readonly objectsBefore: number
  readonly objectsAfter: number
  readonly packsBefore: number
  readonly packsAfter: number
  /** By which the packs shrink; the space itself is free when the moved packs are unlinked, at a later collection. */
  readonly bytesFreed: number
  /** Of packs that earlier collections moved aside. */
  readonly bytesUnlinked: number
  /** Packs that were left because something live in them is damaged and has no other copy. */
  readonly packsKeptDamaged: readonly string[]
}

export interface CollectContext {
  readonly options: StoreOptions
  readonly set: PackSet
  readonly shared: SharedPack
  /** Reads one copy and checks it against its name. */
  readFound(id: Uint8Array, found: Found): ReadResult
}

/** Less than a tenth dead is not worth copying the rest. */
const deadShareMin = 0.1
/** Each pack costs every look-up a little: small ones are joined when there are many. */
const smallPackBytes = 16 << 20
const smallPacksMax = 8
/** Of live bytes; the packs without any come first and cost nothing. */
const batchBytesMax = 64 << 20
const deadAgeMicros = 3_600_000_000
const leftoverAgeNanoseconds = 600_000_000_000n

export async function* collect(
  context: CollectContext,
  isLive: (id: ObjectId) => boolean,
  collectOptions: CollectOptions,
): AsyncGenerator<Progress, CollectReport, void> {
  const { options, set } = context
  const slicer = createSlicer(options.clock, collectOptions.signal)
  asStoreErrors('The store can not be read', () => set.refresh(true))
  const packs = [...set.packs()]
  const counted = createIdTable()
  const surveys: Survey[] = []
  const total = packs.reduce((sum, pack) => sum + pack.objects(), 0)
  let done = 0
  for (const pack of packs) {
    const survey: Survey = { pack, liveBytes: 0, liveObjects: 0, deadObjects: 0, objects: pack.objects() }
    surveys.push(survey)
    for (const _ of surveyPack(survey, counted, isLive)) {
      done++
      if (!slicer.due()) continue
      yield { phase: 'count', done, total, unit: 'objects' }
      await slicer.pause()
    }
  }
  const { dryRun = false, thorough = false } = collectOptions
  const chosen = thorough ? surveys.filter(survey => survey.deadObjects > 0) : choose(surveys)
  const before = reportOf(surveys, chosen)
  if (dryRun) return before
  const keptDamaged: string[] = []
  let copied = 0
  let bytesUnlinked = 0
  for (const batch of batches(chosen)) {
    const swap = beginSwap(context, batch, isLive)
    try {
      for (const bytes of swap.copy(keptDamaged)) {
        copied += bytes
        if (!slicer.due()) continue
        yield { phase: 'copy', done: copied, unit: 'bytes' }
        await slicer.pause()
      }
      asStoreErrors('Packs can not be swapped', () => swap.finish())
    } catch (error) {
      swap.abort()
      throw storeError(error, 'Packs can not be swapped')
    }
    if (collectOptions.urgent === true) ignoringHostErrors(() => (bytesUnlinked += sweep(options, set, 0)))
  }
  const age = collectOptions.urgent === true ? 0 : deadAgeMicros
  bytesUnlinked += asStoreErrors('What earlier collections left can not be removed', () => {
    const unlinked = sweep(options, set, age)
    sweepLeftovers(options, set, thorough ? 0n : leftoverAgeNanoseconds)
    return unlinked
  })
  return { ...before, packsAfter: set.packs().length, bytesUnlinked, packsKeptDamaged: keptDamaged }
}

/** Packs that are swapped together: few, so that little space is needed on top of what is there. */
function* batches(chosen: readonly Survey[]): Generator<readonly Survey[]> {
  let batch: Survey[] = []
  let bytes = 0
  for (const survey of chosen.toSorted((a, b) => a.liveBytes - b.liveBytes)) {
    if (batch.length > 0 && bytes + survey.liveBytes > batchBytesMax) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(survey)
    bytes += survey.liveBytes
  }
  if (batch.length > 0) yield batch
}

interface Survey {
  readonly pack: Pack
  liveBytes: number
  liveObjects: number
  deadObjects: number
  readonly objects: number
}

/** Of an object in several packs the newest copy counts as live; yields after each object. */
function* surveyPack(survey: Survey, counted: IdTable, isLive: (id: ObjectId) => boolean): Generator<void> {
  for (const { id, place } of placesOf(survey.pack)) {
    if (!isLive(hexOf(id) as ObjectId)) survey.deadObjects++
    else if (counted.find(id) < 0) {
      counted.add(id)
      survey.liveObjects++
      survey.liveBytes += entryHeaderBytes + place.storedBytes
    }
    yield
  }
}

function* placesOf(pack: Pack): Generator<{ id: Uint8Array; place: Place }> {
  const records = pack.records()
  for (let at = 0; at < records.length; at += indexEntryBytes) {
    yield { id: records.subarray(at, at + 32), place: recordPlace(records, at) }
  }
}

const deadBytes = ({ pack, liveBytes }: Survey): number => Math.max(0, pack.size() - packHeaderBytes - liveBytes)

function choose(surveys: readonly Survey[]): readonly Survey[] {
  const wasteful = surveys.filter(survey => deadBytes(survey) > (survey.pack.size() - packHeaderBytes) * deadShareMin)
  const small = surveys.filter(survey => survey.pack.size() < smallPackBytes)
  if (small.length <= smallPacksMax) return wasteful
  return [...new Set([...wasteful, ...small])]
}

function reportOf(surveys: readonly Survey[], chosen: readonly Survey[]): CollectReport {
  const objectsBefore = surveys.reduce((sum, survey) => sum + survey.objects, 0)
  const dropped = chosen.reduce((sum, survey) => sum + survey.objects - survey.liveObjects, 0)
  return {
    objectsBefore,
    objectsAfter: objectsBefore - dropped,
    packsBefore: surveys.length,
    packsAfter: surveys.length,
    bytesFreed: chosen.reduce((sum, survey) => sum + deadBytes(survey), 0),
    bytesUnlinked: 0,
    packsKeptDamaged: [],
  }
}

/** The copying of what is live in the chosen packs, and the exchange of old for new. */
function beginSwap(context: CollectContext, chosen: readonly Survey[], isLive: (id: ObjectId) => boolean) {
  const { options, set, shared } = context
  const leaving = new Set(chosen.map(survey => survey.pack))
  const sink = createStageWriter(options, set, shared)
  /** Live objects that have a sound copy outside the packs that leave. */
  const safe = createIdTable()

  const isSafe = (id: Uint8Array): boolean => {
    if (safe.find(id) >= 0) return true
    for (const found of set.find(id)) {
      if (leaving.has(found.pack) || context.readFound(id, found).state !== 'intact') continue
      safe.add(id)
      return true
    }
    return false
  }

  const append = (id: Uint8Array, place: Place, entry: { header: Uint8Array; payload: Uint8Array }): void => {
    sink.append(id, place, entry)
    safe.add(id)
  }

  /** Takes any sound copy in the packs that leave; the pack that is being copied may hold a damaged one. */
  const rescue = (id: Uint8Array): boolean => {
    for (const found of set.find(id)) {
      if (context.readFound(id, found).state !== 'intact') continue
      const { place, pack } = found
      const fields = {
        id: hexOf(id) as ObjectId,
        codec: codecOf(place.codec) ?? 'raw',
        kind: kindOf(place.kind),
        packing: packingOf(place.packing),
        storedBytes: place.storedBytes,
        objectBytes: place.objectBytes,
      }
      const payload = pack.payload(place)
      append(id, place, { header: encodeEntryHeader(fields, payload), payload })
      return true
    }
    return false
  }

  /** True when all that is live in the pack is safe now; yields bytes. */
  function* copyPack(pack: Pack): Generator<number, boolean> {
    const damagedOffsets = new Set<number>()
    const file = pack.openFile()
    try {
      for (const item of scanEntries(file, packHeaderBytes, pack.size())) {
        yield item.bytes
        if (item.state === 'damaged') damagedOffsets.add(item.offset)
        if (item.state === 'damaged' || !isLive(item.header.id)) continue
        const id = idBytes(item.header.id)
        const place = placeOf(item.header, item.offset)
        if (isSafe(id) || context.readFound(id, { pack, place }).state !== 'intact') continue
        const entry = { header: item.raw.subarray(0, entryHeaderBytes), payload: item.raw.subarray(entryHeaderBytes) }
        append(id, place, entry)
      }
    } finally {
      file.close()
    }
    let sound = true
    for (const { id, place } of placesOf(pack)) {
      yield 0
      damagedOffsets.delete(place.offset)
      if (isLive(hexOf(id) as ObjectId) && !isSafe(id) && !rescue(id)) sound = false
    }
    // Damage that no index tells the id of may have been anything.
    return sound && damagedOffsets.size === 0
  }

  return {
    *copy(keptDamaged: string[]): Generator<number> {
      // What is copied must not go into a pack that leaves.
      if (chosen.some(({ pack }) => pack.number === set.sharedNumber()))
        set.setShared(publishEmptyPack(options, set).number)
      for (const { pack } of chosen) {
        if (yield* copyPack(pack)) continue
        leaving.delete(pack)
        keptDamaged.push(pack.label)
      }
    },
    finish() {
      sink.publish()
      const last = Math.max(...[...leaving].map(pack => pack.number))
      // Numbers never come back: a mark of the journal may still name the last one.
      if (leaving.size > 0 && set.packs().every(pack => pack.number <= last)) {
        set.setShared(publishEmptyPack(options, set).number)
      }
      if (leaving.size > 0) {
        set.changeGeneration()
        moveAside(options, set, leaving)
      }
      set.refresh(true)
    },
    abort: () => sink.abort(),
  }
}

function moveAside(options: StoreOptions, set: PackSet, leaving: ReadonlySet<Pack>): void {
  const packs = set.folders.need('packs')
  const dead = set.folders.need('dead')
  const now = options.clock.nowMicros()
  for (const pack of leaving) {
    packs.rename(packFileName(pack.number), dead, deadName(now, pack.number))
    ignoringHostErrors(() => packs.rename(packFileName(pack.number, 'idx'), dead, deadName(now, pack.number, 'idx')))
  }
  dead.flush()
  packs.flush()
}

/** Unlinks what was moved aside at least so long ago. */
function sweep(options: StoreOptions, set: PackSet, ageMicros: number): number {
  const now = options.clock.nowMicros()
  const dead = set.folders.find('dead')
  let bytes = 0
  for (const { name } of dead?.list() ?? []) {
    const parsed = parseDeadName(name)
    if (dead === undefined || parsed === undefined) continue
    const index = deadName(parsed.micros, parsed.packNumber, 'idx')
    if (parsed.micros > now && ageMicros > 0) {
      // The clock was wrong then or is now: its hour begins again.
      dead.rename(name, dead, deadName(now, parsed.packNumber))
      ignoringHostErrors(() => dead.rename(index, dead, deadName(now, parsed.packNumber, 'idx')))
    } else if (ageMicros === 0 || now - parsed.micros >= ageMicros) {
      bytes += dead.stat(name)?.size ?? 0
      dead.removeFile(name)
      ignoringHostErrors(() => dead.removeFile(index))
    }
  }
  return bytes
}

function sweepLeftovers(options: StoreOptions, set: PackSet, ageNanoseconds: bigint): void {
  const oldest = BigInt(options.clock.nowMicros()) * 1000n - ageNanoseconds
  for (const folder of ['stage', 'packs'] as const) {
    const directory = set.folders.find(folder)
    for (const { name, kind } of directory?.list() ?? []) {
      const maker =
        folder === 'stage' ? /^(\d+)-[0-9a-f]+\.(?:pack|idx)$/.exec(name) : /\.idx\.(\d+)-[0-9a-f]+\.new$/.exec(name)
      if (directory === undefined || maker === null || kind !== 'file' || options.processes.isAlive(Number(maker[1])))
        continue
      // A process of another container can not be seen, so that the age must tell as well.
      const isOld = ageNanoseconds === 0n || (directory.stat(name)?.mtimeNs ?? oldest) < oldest
      if (isOld) ignoringHostErrors(() => directory.removeFile(name))
    }
  }
}
