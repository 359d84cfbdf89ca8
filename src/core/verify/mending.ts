// Where lost objects can come from: another copy, the damaged entry itself, the files on disk, and the history itself, which tells how each state
// came from the one before. Everything is only offered; what counts is whether its hash is the name that is missing.
import { isSentientError } from '../errors.ts'
import { bytesOf } from '../format/bytes.ts'
import { decode } from '../format/cbor.ts'
import { objectBytesMax } from '../format/constants.generated.ts'
import { type Codec, idBytes, type Link, type ObjectId, objectId } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { entryHeaderBytes, type ObjectKind, packFileName } from '../format/pack.ts'
import { decodeTraceHeader, decodeTraceItemAt } from '../format/recycleTrace.ts'
import { encodeState, type State } from '../format/state.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory } from '../host/host.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer, type Slicer } from '../progress.ts'
import { sortChanges, writeChanges } from '../store/changes.ts'
import { ingestContentSteps } from '../store/content.ts'
import { createIdTable } from '../store/idTable.ts'
import { readFully } from '../store/layout.ts'
import { linksIn } from '../store/reach.ts'
import type { Ingest, Store } from '../store/store.ts'
import { buildDirectory, diffTrees, editTree, emptyDirectory, type ObjectWriter } from '../store/tree.ts'
import { readState, type TimelineContext } from '../timeline/context.ts'
import { isForgotten } from '../timeline/forgotten.ts'
import type { TreeChange, Work } from '../timeline/model.ts'
import { keptHorizon } from '../timeline/pruned.ts'
import { changesOf } from '../timeline/records.ts'
import { settingsBytesMax } from '../timeline/settings.ts'
import { type IgnoreRule, matchRules } from '../worktree/ignore.ts'
import { joinPath, nameOf, parentOf } from '../worktree/paths.ts'
import { isOutsideFiles, settingsName } from '../worktree/reserved.ts'
import { openBelow, sameStat } from '../worktree/walk.ts'
import type { Affected } from './affected.ts'
import { mendEntry } from './bitRot.ts'
import { readFile } from './files.ts'
import type { DamagedEntry } from './packsCheck.ts'
import { lastReadable } from './retained.ts'

/** The objects of another copy of the folder; each is checked against its name. */
export type OtherObjects = Pick<Store, 'read'>

/** Objects that are looked for, and those that came. */
interface Search {
  readonly context: TimelineContext
  readonly ingest: Ingest
  readonly wanted: Map<ObjectId, Link>
  readonly writer: ObjectWriter
  readonly slicer: Slicer
  offered: number
}

/** Looks for the objects and stores what it finds, by force; the result is what came. Nothing is flushed. */
export async function* mendObjects(
  context: TimelineContext,
  ingest: Ingest,
  request: {
    readonly wanted: ReadonlyMap<ObjectId, Link>
    readonly affected: readonly Affected[]
    readonly damaged: readonly DamagedEntry[]
    /** Another copy of the folder. */
    readonly other?: OtherObjects | undefined
    readonly signal: AbortSignal | undefined
  },
): Work<ReadonlySet<ObjectId>> {
  const wanted = new Map(request.wanted)
  const search: Search = {
    ...{ context, ingest, wanted, offered: 0 },
    writer: collector(context, ingest, wanted),
    slicer: createSlicer(context.clock, request.signal),
  }
  offerCopies(search)
  if (request.other !== undefined) yield* offerOther(search, request.other)
  yield* offerEntries(search, request.damaged)
  for (const path of new Set(request.affected.map(one => one.path))) {
    if (wanted.size > 0) yield* offerPath(search, path)
  }
  offerSettings(search)
  if (hasNodes(search)) yield* offerHistory(search)
  // Moved or copied since: the same content may lie anywhere.
  if (wanted.size > 0) yield* offerPath(search, '')
  if (hasNodes(search)) yield* offerHistory(search)
  return new Set([...request.wanted.keys()].filter(id => !wanted.has(id)))
}

const hasNodes = ({ wanted }: Search): boolean => [...wanted.values()].some(link => link.codec === 'dag-cbor')

/** Writes what is wanted, and nodes that can not be read: behind one that is lost others may be, of which nobody knows. */
function collector(context: TimelineContext, ingest: Ingest, wanted: Map<ObjectId, Link>): ObjectWriter {
  return {
    get: link => ingest.get(link),
    put(codec: Codec, kind: ObjectKind, bytes: Uint8Array) {
      const id = objectId(bytes)
      const isWanted = wanted.get(id)?.codec === codec
      if (isWanted || (codec === 'dag-cbor' && context.store.read(id).state !== 'intact')) {
        ingest.put(codec, kind, bytes, { force: true })
        wanted.delete(id)
      }
      return { codec, id }
    },
  }
}

/** A pack that was passed over, or one that gc set aside less than an hour ago. */
function offerCopies({ context, wanted, writer }: Search): void {
  for (const { id, codec } of [...wanted.values()]) {
    const result = context.store.read(id)
    if (result.state === 'intact') writer.put(codec, 'unknown', result.bytes)
  }
}

/** What another copy has of it, with what that leads to and is not here either: it may be lost without being missed yet. */
async function* offerOther(search: Search, other: OtherObjects): Work<void> {
  const { context, wanted, writer } = search
  const met = createIdTable()
  const stack = [...wanted.values()]
  for (let link = stack.pop(); link !== undefined; link = stack.pop()) {
    const before = met.size
    met.add(idBytes(link.id))
    if (met.size === before || isForgotten(context, link.id)) continue
    yield* pause(search)
    const result = other.read(link.id)
    if (result.state !== 'intact') continue
    wanted.set(link.id, link)
    writer.put(link.codec, 'unknown', result.bytes)
    if (link.codec === 'raw') continue
    for (const below of quietly(() => linksIn(decode(result.bytes))) ?? []) {
      const isHere =
        below.codec === 'raw' ? context.store.has(below.id) : context.store.read(below.id).state === 'intact'
      if (!isHere) stack.push(below)
    }
  }
}

/** Damaged entries of which one byte was changed. */
async function* offerEntries(search: Search, damaged: readonly DamagedEntry[]): Work<void> {
  const packs = search.context.directories.tree.child('packs')
  try {
    for (const { pack, offset, bytes } of damaged) {
      yield* pause(search)
      const entry = bytes > entryBytesMax ? undefined : quietly(() => readPart(packs, pack.number, { offset, bytes }))
      const object = entry === undefined ? undefined : mendEntry(entry)
      if (object !== undefined) search.writer.put(object.codec, 'unknown', object.bytes)
    }
  } finally {
    packs?.close()
  }
}

/** The largest object and its header. */
const entryBytesMax = objectBytesMax + entryHeaderBytes

function readPart(
  packs: Directory | undefined,
  packNumber: number,
  { offset, bytes }: { readonly offset: number; readonly bytes: number },
): Uint8Array | undefined {
  const file = packs?.open(packFileName(packNumber), 'read')
  try {
    return file === undefined ? undefined : readFully(file, offset, bytes)
  } finally {
    file?.close()
  }
}

function offerSettings({ context, writer }: Search): void {
  const file = readFile(context.directories.root, settingsName, settingsBytesMax)
  if (file.state === 'read') writer.put('raw', 'other', file.bytes)
}

async function* pause(search: Search): Work<void> {
  search.offered++
  if (!search.slicer.due()) return
  yield { phase: 'looking for what is lost', done: search.offered, unit: 'files' }
  await search.slicer.pause()
}

/** The content of a file or symlink on disk; of a directory its nodes and all below. */
async function* offerPath(search: Search, path: ByteString): Work<void> {
  const { root } = search.context.worktree
  const parent = quietly(() => openBelow(root, parentOf(path)))
  if (parent === undefined) return
  try {
    const stat = path === '' ? root.selfStat() : quietly(() => parent.stat(nameOf(path)))
    if (stat?.kind === 'dir') {
      const handle = quietly(() => (path === '' ? root.clone() : parent.child(nameOf(path))))
      if (handle === undefined) return
      const { link } = yield* offerDirectory(search, { handle, path, rules: rulesOf(search) })
      if (path === '') offerStates(search, link)
    } else if (stat !== undefined) yield* offerLeaf(search, parent, nameOf(path))
  } finally {
    parent.close()
  }
}

/** The states that may have these files: with the settings that the disk or a readable state has. */
function offerStates({ context, writer }: Search, files: Link): void {
  const last = lastReadable(context)
  const known = last === undefined ? undefined : quietly(() => readState(writer, last.envelope.root))
  const file = readFile(context.directories.root, settingsName, settingsBytesMax)
  const settings = file.state === 'read' ? writer.put('raw', 'other', file.bytes) : undefined
  const states: State[] = [{ metadataSet: [], files }, ...(known === undefined ? [] : [{ ...known, files }])]
  for (const state of states) {
    writer.put('dag-cbor', 'state', encodeState(state))
    if (settings !== undefined) writer.put('dag-cbor', 'state', encodeState({ ...state, settings }))
  }
}

function rulesOf({ context }: Search): readonly IgnoreRule[] {
  const { ignore, gitignore } = context.settings()
  return context.worktree.rules({ ignore, gitignore })
}

interface Frame {
  /** Closed when its directory is done. */
  readonly handle: Directory
  readonly path: ByteString
  readonly rules: readonly IgnoreRule[]
}

/** The nodes that the directory would have if all of it were recorded. */
async function* offerDirectory(search: Search, { handle, path, rules }: Frame): Work<{ link: Link; count: number }> {
  const entries: Entry[] = []
  try {
    for (const { name, kind } of quietly(() => handle.list()) ?? []) {
      const below = joinPath(path, name)
      if (path === '' && isOutsideFiles(name)) continue
      if (matchRules(rules, below, kind === 'dir') !== undefined) continue
      if (kind !== 'dir') {
        const entry = yield* offerLeaf(search, handle, name)
        if (entry !== undefined) entries.push(entry)
        continue
      }
      const child = quietly(() => handle.child(name))
      const mode = quietly(() => handle.stat(name)?.mode)
      if (child === undefined || mode === undefined) continue
      const { link, count } = yield* offerDirectory(search, { handle: child, path: below, rules })
      entries.push({ name, kind: 'dir', mode, size: count, content: link })
    }
  } finally {
    handle.close()
  }
  return buildDirectory(search.writer, entries)
}

async function* offerLeaf(search: Search, parent: Directory, name: ByteString): Work<Entry | undefined> {
  yield* pause(search)
  const stat = quietly(() => parent.stat(name))
  try {
    if (stat?.kind === 'symlink') {
      const target = bytesOf(parent.readLink(name))
      const content = search.writer.put('raw', 'chunk', target)
      return { name, kind: 'symlink', mode: 0o777, size: target.length, content }
    }
    if (stat?.kind !== 'file') return undefined
    const file = parent.open(name, 'read')
    try {
      const steps = ingestContentSteps(search.writer, file, { expectedBytes: stat.size })
      let step = steps.next()
      while (!step.done) {
        yield* pause(search)
        step = steps.next()
      }
      const { link, size } = step.value
      return sameStat(stat, file.stat()) ? { name, kind: 'file', mode: stat.mode, size, content: link } : undefined
    } finally {
      file.close()
    }
  } catch (error) {
    if (!isHostError(error)) throw error
    return undefined
  }
}

/** What the disk refuses can not be offered. */
function quietly<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (!isHostError(error) && !isSentientError(error)) throw error
    return undefined
  }
}

/** Does what the records say again, from the first kept state on: the same nodes come out, and the same lists. */
async function* offerHistory(search: Search): Work<void> {
  const { context } = search
  const from = Math.max(0, keptHorizon(context) - 1)
  let before: JournalRecord | undefined
  let traced: ReadonlyMap<number, readonly TreeChange[]> | undefined
  for (const result of context.journal.records({ from })) {
    if (!hasNodes(search)) return
    yield* pause(search)
    if (result.state !== 'intact') {
      before = undefined
      continue
    }
    const { record } = result
    const changes = quietly(() => [...changesOf(context, record)])
    if (changes === undefined) traced ??= quietly(() => readTrace(context)) ?? new Map()
    offerRecord(search, { before, record, changes: changes ?? traced?.get(record.seq) })
    before = record
  }
}

interface Step {
  readonly before: JournalRecord | undefined
  readonly record: JournalRecord
  readonly changes: readonly TreeChange[] | undefined
}

function offerRecord(search: Search, { before, record, changes }: Step): void {
  const { writer, wanted } = search
  const stateOf = (one: JournalRecord | undefined): State | undefined =>
    one === undefined ? undefined : quietly(() => readState(writer, one.envelope.root))
  const old = stateOf(before) ?? firstState(search, record)
  const now = stateOf(record)
  const list = record.body?.changes
  if (list !== undefined && wanted.has(list.id)) {
    if (changes !== undefined) quietly(() => writeChanges(writer, changes))
    if (old !== undefined && now !== undefined)
      quietly(() => writeChanges(writer, sortChanges(diffTrees(writer, old.files, now.files))))
  }
  if (old === undefined || changes === undefined) return
  quietly(() => {
    const edits = changes.map(({ path, after }) => ({ path, after, keepChildren: after?.kind === 'dir' }))
    const files = editTree(writer, old.files, edits)
    writer.put('dag-cbor', 'state', encodeState({ ...(now ?? old), files }))
  })
}

/** Before anything was adopted there was nothing but the settings. */
function firstState({ context, writer }: Search, record: JournalRecord): State | undefined {
  if (record.seq > 1) return undefined
  const file = readFile(context.directories.root, settingsName, settingsBytesMax)
  const files = emptyDirectory(writer)
  const settings = file.state === 'read' ? writer.put('raw', 'other', file.bytes) : undefined
  return { metadataSet: [], files, ...(settings && { settings }) }
}

const traceBytesMax = 256 << 20

/** The changes of each record that recycle.trace tells of. */
function readTrace(context: TimelineContext): ReadonlyMap<number, readonly TreeChange[]> {
  const changes = new Map<number, TreeChange[]>()
  const file = readFile(context.directories.root, 'recycle.trace', traceBytesMax)
  if (file.state !== 'read') return changes
  const header = decodeTraceHeader(file.bytes)
  let offset = header.state === 'ok' ? header.nextOffset : file.bytes.length
  while (offset < file.bytes.length) {
    const item = decodeTraceItemAt(file.bytes, offset)
    if (item.state !== 'ok') break
    offset = item.nextOffset
    const { seq } = item.value
    changes.set(seq, [...(changes.get(seq) ?? []), ...item.value.changes])
  }
  return changes
}
