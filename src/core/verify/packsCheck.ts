// The packs' part of a verification: headers, sizes and indexes; and, when it is deep, every entry of every pack against
// its CRC and its name, also of objects that nothing needs.
import { isSentientError } from '../errors.ts'
import { equalBytes } from '../format/bytes.ts'
import { isFormatError } from '../format/formatError.ts'
import { crc32 } from '../format/hash.ts'
import { cidText, codecNumbers, idBytes, type Link, type ObjectId } from '../format/id.ts'
import type { Marks } from '../format/marks.ts'
import { decodePackHeader, entryHeaderBytes, kindNumber, packFileName, packHeaderBytes } from '../format/pack.ts'
import { decodeIndexHeader, type IndexEntry, indexEntries, indexFileBytes } from '../format/packIndex.ts'
import { isHostError } from '../host/error.ts'
import type { Directory } from '../host/host.ts'
import { createSlicer, type Slicer } from '../progress.ts'
import { createPlaceTable, type PlaceTable } from '../store/idTable.ts'
import { readFully } from '../store/layout.ts'
import type { PackInfo } from '../store/store.ts'
import type { ScanItem } from '../store/verifyPack.ts'
import type { TimelineContext } from '../timeline/context.ts'
import type { Work } from '../timeline/model.ts'
import { readFile, readMarks } from './files.ts'
import { placeOf } from './reach.ts'
import { many, type Report } from './report.ts'

export type Depth = 'quick' | 'default' | 'deep'

/** A stretch of a pack that is no sound entry. */
export interface DamagedEntry {
  readonly pack: PackInfo
  readonly offset: number
  readonly bytes: number
  readonly reason: string
  /** What lies, or lay, there, as far as its header or the index tells. */
  readonly links: readonly Link[]
}

export interface PacksOutcome {
  readonly damaged: readonly DamagedEntry[]
  /** The same where nothing has to be sound: no damage but for what something needs. */
  readonly unfinished: readonly DamagedEntry[]
  /** Packs that should be left behind: something in them is not as it was written. */
  readonly packs: ReadonlySet<number>
  /** Packs whose index is missing, wrong or behind. */
  readonly indexes: Set<number>
}

const damagedEntriesMax = 10_000

interface Check {
  readonly context: TimelineContext
  readonly report: Report
  readonly slicer: Slicer
  readonly signal: AbortSignal | undefined
  readonly marks: Marks | undefined
  readonly directory: Directory | undefined
  readonly damaged: DamagedEntry[]
  readonly unfinished: DamagedEntry[]
  readonly packs: Set<number>
  readonly indexes: Set<number>
  indexesChecked: number
  entries: number
  bytes: number
}

export async function* checkPacks(
  context: TimelineContext,
  report: Report,
  options: { readonly depth: Depth; readonly signal: AbortSignal | undefined },
): Work<PacksOutcome> {
  const directory = context.directories.tree.child('packs')
  const check: Check = {
    context,
    report,
    slicer: createSlicer(context.clock, options.signal),
    signal: options.signal,
    marks: readMarks(context.directories.runtime)?.newest,
    directory,
    ...{ damaged: [], unfinished: [], packs: new Set(), indexes: new Set(), indexesChecked: 0, entries: 0, bytes: 0 },
  }
  try {
    const packs = context.store.packs()
    for (const pack of packs) yield* checkPack(check, pack, options.depth)
    const total = packs.reduce((sum, pack) => sum + pack.bytes, 0)
    report.line('packs', packs.length, `${many(packs.length, 'pack')}, ${many(total, 'byte')}: headers and sizes`)
    const parts = options.depth === 'deep' ? 'CRC, every entry' : options.depth === 'quick' ? 'sizes' : 'CRC'
    report.line('indexes', check.indexesChecked, `${many(check.indexesChecked, 'index', 'indexes')} of packs: ${parts}`)
    if (options.depth === 'deep') {
      const { entries, bytes } = check
      const text = `${many(entries, 'object')} in ${many(bytes, 'byte')} of packs, each against its CRC and its name`
      report.line('pack entries', entries, text)
    }
  } finally {
    directory?.close()
  }
  return check
}

async function* checkPack(check: Check, pack: PackInfo, depth: Depth): Work<void> {
  const packId = checkHeader(check, pack)
  const reliable = reliableBytes(check, pack, packId)
  if (pack.bytes < reliable && reliable !== Number.POSITIVE_INFINITY) {
    check.packs.add(pack.number)
    check.report.found('packs', {
      code: 'pack-shortened',
      severity: 'damage',
      where: `.tree/${pack.file}`,
      expected: `${reliable} bytes, as was flushed`,
      found: `${pack.bytes}`,
    })
  }
  const index = yield* checkIndex(check, pack, { packId, depth })
  if (depth !== 'deep' || (yield* isSoundNatively(check, pack, index !== undefined))) return
  const table = createPlaceTable()
  const damaged: ScanItem[] = []
  const unfinished: ScanItem[] = []
  for (const item of scanned(check, pack)) {
    const header = item.offset < packHeaderBytes && item.bytes > 0
    const again = item.state === 'intact' || header ? undefined : lookAgain(check, pack, item)
    if (item.state === 'intact') noteSound(check, table, item)
    else if (again !== undefined && item.offset >= reliable) unfinished.push(again)
    else if (again !== undefined) damaged.push(again)
    if (check.slicer.due()) {
      yield { phase: 'reading objects', done: check.entries, unit: 'objects' }
      await check.slicer.pause()
    }
  }
  for (const item of unfinished) noteUnfinished(check, pack, item)
  if (damaged.length > 0) check.packs.add(pack.number)
  addStretches(check.damaged, pack, damaged, index)
  addStretches(check.unfinished, pack, unfinished, index)
  if (index !== undefined) yield* compareIndex(check, { pack, index, table, unsound: [...damaged, ...unfinished] })
}

/** How much of a pack has to be sound: what lies behind may be a write under way, or one that was cut short. */
function reliableBytes({ marks }: Check, pack: PackInfo, packId: Uint8Array | undefined): number {
  if (pack.goodBytes !== undefined) return pack.goodBytes
  const isMarked = marks?.packNumber === pack.number && (marks.packId === undefined || isSame(marks.packId, packId))
  if (isMarked) return marks.packFlushedBytes
  return pack.shared ? packHeaderBytes : Number.POSITIVE_INFINITY
}

/** Whether the native core finds nothing wrong with the pack; what is wrong is looked for here. */
async function* isSoundNatively(check: Check, pack: PackInfo, hasIndex: boolean): Work<boolean> {
  const { directory, signal } = check
  const { native } = check.context
  if (native === undefined || directory === undefined) return false
  const sound = yield* native.soundPack({ packs: directory, pack: pack.number, signal })
  if (sound === undefined || sound === null || sound.indexed !== hasIndex) return false
  check.entries += sound.entries
  check.bytes += sound.bytes
  return true
}

/** Nothing when a gc has moved the pack away since it was listed. */
function* scanned({ context: { store } }: Check, pack: PackInfo): Generator<ScanItem> {
  try {
    yield* store.scanPack(pack.number, { deep: true })
  } catch (error) {
    if (!isSentientError(error, 'OBJECT_MISSING')) throw error
  }
}

const isSame = (a: Uint8Array, b: Uint8Array | undefined): boolean => b === undefined || equalBytes(a, b)

function checkHeader(check: Check, pack: PackInfo): Uint8Array | undefined {
  let found: string
  try {
    const file = check.directory?.open(packFileName(pack.number), 'read')
    if (file === undefined) return undefined
    try {
      return decodePackHeader(readFully(file, 0, packHeaderBytes))
    } finally {
      file.close()
    }
  } catch (error) {
    // Moved away by a gc in this moment.
    if (isHostError(error, 'NOT_FOUND')) return undefined
    if (!isHostError(error) && !isFormatError(error)) throw error
    found = isFormatError(error) ? error.reason : `the disk reports ${error.code}`
  }
  check.packs.add(pack.number)
  const where = placeOf(pack.file, 0)
  check.report.found('packs', { code: 'pack-header-damaged', severity: 'damage', where, found })
  return undefined
}

const indexBytesMax = 1 << 30
const crcStepBytes = 4 << 20

/** The whole index file, when it is sound. A missing one is no damage: the pack is scanned in its place. */
async function* checkIndex(
  check: Check,
  pack: PackInfo,
  { packId, depth }: { readonly packId: Uint8Array | undefined; readonly depth: Depth },
): Work<Uint8Array | undefined> {
  const name = packFileName(pack.number, 'idx')
  const where = `.tree/packs/${name}`
  if (depth === 'quick') return checkIndexSize(check, pack, name)
  const file = check.directory === undefined ? undefined : readFile(check.directory, name, indexBytesMax)
  if (file === undefined || file.state === 'missing') {
    check.indexes.add(pack.number)
    return undefined
  }
  check.indexesChecked++
  let reason = file.state === 'unreadable' ? file.reason : undefined
  if (file.state === 'read') {
    let crc = 0
    const end = file.bytes.length - 4
    for (let at = 0; at < end; at += crcStepBytes) {
      crc = crc32(file.bytes.subarray(at, Math.min(end, at + crcStepBytes)), crc)
      if (!check.slicer.due()) continue
      yield { phase: 'indexes', done: check.indexesChecked, unit: 'files' }
      await check.slicer.pause()
    }
    reason = indexFault(file.bytes, { crc, packId, packBytes: pack.bytes })
    if (reason === undefined) return file.bytes
  }
  check.indexes.add(pack.number)
  check.report.found('indexes', { code: 'index-damaged', severity: 'damage', where, found: reason ?? '' })
  return undefined
}

function indexFault(
  bytes: Uint8Array,
  expected: { readonly crc: number; readonly packId: Uint8Array | undefined; readonly packBytes: number },
): string | undefined {
  try {
    const { packId, coveredBytes, entryCount } = decodeIndexHeader(bytes)
    if (bytes.length !== indexFileBytes(entryCount)) return 'it has another length than its header says'
    if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(bytes.length - 4) !== expected.crc)
      return 'the CRC does not fit'
    if (expected.packId !== undefined && !equalBytes(packId, expected.packId)) return 'it belongs to another pack'
    if (coveredBytes > expected.packBytes) return `it covers ${coveredBytes} bytes, the pack has ${expected.packBytes}`
    return undefined
  } catch (error) {
    if (!isFormatError(error)) throw error
    return error.reason
  }
}

function checkIndexSize(check: Check, pack: PackInfo, name: string): undefined {
  const bytes = check.directory?.stat(name)?.size
  if (bytes === undefined) {
    check.indexes.add(pack.number)
    return undefined
  }
  check.indexesChecked++
  if (pack.indexed || pack.objects === 0) return undefined
  check.indexes.add(pack.number)
  const found = `${bytes} bytes that do not fit the pack`
  check.report.found('indexes', { code: 'index-damaged', severity: 'damage', where: `.tree/packs/${name}`, found })
  return undefined
}

function noteSound(check: Check, table: PlaceTable, { offset, bytes, entry }: ScanItem): void {
  if (entry === undefined) return
  check.entries++
  check.bytes += bytes
  table.put(idBytes(entry.id), {
    offset,
    storedBytes: entry.storedBytes,
    objectBytes: entry.objectBytes,
    codec: codecNumbers[entry.codec],
    kind: kindNumber(entry.kind),
    packing: 0,
  })
}

/** The item as it is on a second look; undefined when it is sound now, or its pack was moved away by a gc. */
function lookAgain({ context: { store } }: Check, pack: PackInfo, item: ScanItem): ScanItem | undefined {
  if (item.bytes === 0) return item
  try {
    for (const again of store.scanPack(pack.number, { from: item.offset, deep: true })) {
      return again.state === 'intact' ? undefined : again
    }
  } catch (error) {
    if (!isSentientError(error, 'OBJECT_MISSING')) throw error
  }
  return undefined
}

/** What is unsound with what lay there: the index tells the ids of what it was written for; a damaged header may lie. */
function addStretches(
  stretches: DamagedEntry[],
  pack: PackInfo,
  items: readonly ScanItem[],
  index: Uint8Array | undefined,
): void {
  if (items.length === 0) return
  const links = items.map((): Link[] => [])
  for (const { id, codec, offset } of index === undefined ? [] : indexEntries(index)) {
    const at = items.findLastIndex(item => item.offset <= offset)
    const item = items[at]
    if (item !== undefined && offset < item.offset + item.bytes) links[at]?.push({ codec, id })
  }
  for (const [at, { offset, bytes, reason = 'damaged', entry }] of items.entries()) {
    if (stretches.length === damagedEntriesMax) return
    const told = links[at] ?? []
    const claimed = entry === undefined ? [] : [{ codec: entry.codec, id: entry.id }]
    stretches.push({ pack, offset, bytes, reason, links: told.length > 0 ? told : claimed })
  }
}

function noteUnfinished(check: Check, pack: PackInfo, item: ScanItem): void {
  check.report.found('pack entries', {
    code: 'pack-tail-unfinished',
    severity: 'note',
    where: placeOf(pack.file, item.offset),
    found: `${item.reason}; nothing behind the mark was acknowledged`,
  })
}

/** Every entry of the index is where it says, and it knows every entry that it covers. */
async function* compareIndex(
  check: Check,
  compared: {
    readonly pack: PackInfo
    readonly index: Uint8Array
    readonly table: PlaceTable
    readonly unsound: readonly ScanItem[]
  },
): Work<void> {
  const { pack, index, table, unsound } = compared
  const { coveredBytes } = decodeIndexHeader(index)
  const known = createPlaceTable()
  let wrong: string | undefined
  for (const entry of indexEntries(index)) {
    known.put(idBytes(entry.id), { ...entry, codec: 0, kind: 0, packing: 0 })
    wrong ??= wrongEntry(check, pack, { entry, table, unsound })
    if (!check.slicer.due()) continue
    yield { phase: 'indexes', done: check.indexesChecked, unit: 'files' }
    await check.slicer.pause()
  }
  for (let ordinal = 0; ordinal < table.size && wrong === undefined; ordinal++) {
    const { offset, storedBytes } = table.placeAt(ordinal)
    if (offset + entryHeaderBytes + storedBytes > coveredBytes || known.find(table.idAt(ordinal)) >= 0) continue
    wrong = `it lacks the object at offset ${offset}`
  }
  if (wrong === undefined) return
  check.context.store.ignoreIndex(pack.number)
  foundWrong(check, pack, wrong)
}

function foundWrong({ report, indexes }: Pick<Check, 'report' | 'indexes'>, pack: PackInfo, found: string): void {
  indexes.add(pack.number)
  const where = `.tree/packs/${packFileName(pack.number, 'idx')}`
  report.found('indexes', { code: 'index-damaged', severity: 'damage', where, found })
}

/**
 * Looks for objects that seem to be lost in the packs themselves; true when an index did not lead to one that is there.
 * From then on such an index does not count.
 */
export async function* ignoreWrongIndexes(
  context: TimelineContext,
  lost: ReadonlySet<ObjectId>,
  signal: AbortSignal | undefined,
): Work<boolean> {
  const { store } = context
  const slicer = createSlicer(context.clock, signal)
  // Others may have led to where they did not know anything: then it is ignored by now.
  let found = [...lost].some(id => store.read(id).state === 'intact')
  for (const pack of lost.size === 0 ? [] : store.packs()) {
    if (!pack.indexed) continue
    for (const { state, entry, offset } of store.scanPack(pack.number)) {
      const place = state === 'intact' && entry !== undefined && lost.has(entry.id) ? store.locate(entry) : null
      if (place !== null && (place?.pack !== pack.number || place.offset !== offset)) {
        store.ignoreIndex(pack.number)
        found = true
        break
      }
      if (!slicer.due()) continue
      yield { phase: 'looking for what is missing', done: offset, total: pack.bytes, unit: 'bytes' }
      await slicer.pause()
    }
  }
  return found
}

/** Indexes that turned out not to count while objects were read. */
export function noteMisindexed(context: TimelineContext, report: Report, { indexes }: PacksOutcome): void {
  for (const pack of context.store.packs())
    if (pack.misindexed && !indexes.has(pack.number))
      foundWrong({ report, indexes }, pack, 'it does not lead to what the pack holds')
}

function wrongEntry(
  check: Check,
  pack: PackInfo,
  {
    entry,
    table,
    unsound,
  }: { readonly entry: IndexEntry; readonly table: PlaceTable; readonly unsound: readonly ScanItem[] },
): string | undefined {
  const { id, offset, storedBytes } = entry
  const ordinal = table.find(idBytes(id))
  if (ordinal >= 0 && table.placeAt(ordinal).offset === offset) {
    return table.placeAt(ordinal).storedBytes === storedBytes ? undefined : `it gives ${id} another length`
  }
  if (unsound.some(item => offset >= item.offset && offset < item.offset + item.bytes)) return undefined
  // An object may lie in a pack twice; the index names one of the places.
  for (const item of check.context.store.scanPack(pack.number, { from: offset })) {
    if (item.state === 'intact' && item.entry?.id === id) return undefined
    break
  }
  return `it says that ${cidText({ codec: entry.codec, id })} lies at offset ${offset}`
}
