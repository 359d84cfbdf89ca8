// What has to go so that some paths are forgotten: the records that tell of nothing else, and the contents that nothing
// but these paths leads to in any state that is kept. What something else leads to as well stays, and is named.
import { isSentientError } from '../errors.ts'
import { bytesOfSubject } from '../format/bodyBytes.ts'
import { bytesOf, hexOf } from '../format/bytes.ts'
import { decodeList } from '../format/content.ts'
import { blake3 } from '../format/hash.ts'
import { idBytes, type Link, type ObjectId } from '../format/id.ts'
import { decodeNode, type Entry } from '../format/node.ts'
import type { Body } from '../format/record.ts'
import type { State } from '../format/state.ts'
import type { ByteString } from '../host/host.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer } from '../progress.ts'
import { readChanges } from '../store/changes.ts'
import { createIdTable, type IdTable } from '../store/idTable.ts'
import { reachable } from '../store/reach.ts'
import { readState, type TimelineContext } from '../timeline/context.ts'
import type { SeqRange } from '../timeline/forgotten.ts'
import type { GovernedPath, SharedContent, Work } from '../timeline/model.ts'
import { gcHorizon } from '../timeline/pruned.ts'
import { changesOf, linksOf } from '../timeline/records.ts'
import { currentSnapshots } from '../timeline/snapshots.ts'
import { isWithin, joinPath, topmost } from '../worktree/paths.ts'
import { settingsName } from '../worktree/reserved.ts'
import { linkUse } from './retained.ts'

export interface ForgetPlan {
  /** Whose bodies go; sorted, neighbours joined. */
  readonly records: readonly SeqRange[]
  readonly recordCount: number
  /** In no order. */
  readonly objects: readonly ObjectId[]
  /** That these objects take in packs. */
  readonly bytes: number
  /** Paths at or below those asked for that some state or record has. */
  readonly known: boolean
  readonly shared: readonly SharedContent[]
  readonly sharedBytes: number
}

const sharedMax = 1_000

export async function* planForget(
  context: TimelineContext,
  paths: readonly GovernedPath[],
  signal: AbortSignal | undefined,
): Work<ForgetPlan> {
  const slicer = createSlicer(context.clock, signal)
  const search: Search = {
    context,
    targets: topmost(paths),
    contents: createContents(),
    nodes: { target: createIdTable(), other: createIdTable() },
    shared: new Map(),
    sharedIds: createIdTable(),
  }
  const listed = new Set<number>()
  let done = 0
  const pause = async function* (phase: string, unit: 'records' | 'objects'): Work<void> {
    done++
    if (!slicer.due()) return
    yield { phase, done, unit }
    await slicer.pause()
  }
  for (const seq of recordsOf(search)) {
    if (seq !== undefined) listed.add(seq)
    yield* pause('finding records', 'records')
  }
  // First all that the paths ever held, then what else leads there.
  for (const role of ['target', 'other'] as const) {
    for (const _ of walkKept(search, role, listed)) yield* pause('finding contents', 'objects')
  }
  return finish(search, listed)
}

interface Search {
  readonly context: TimelineContext
  readonly targets: readonly ByteString[]
  readonly contents: Contents
  /** Nodes that were gone through, on the way to a target together with the path at which they hang. */
  readonly nodes: Readonly<Record<Role, IdTable>>
  readonly shared: Map<string, SharedContent>
  readonly sharedIds: IdTable
}

/** What a walk looks at: what lies at or below the targets, or all else. */
type Role = 'target' | 'other'

interface Contents {
  readonly ids: IdTable
  /** By ordinal: the first path that had it. */
  readonly paths: ByteString[]
}

const createContents = (): Contents => ({ ids: createIdTable(), paths: [] })

function relationOf({ targets }: Search, path: ByteString): 'target' | 'above' | 'other' {
  if (targets.some(target => isWithin(path, target))) return 'target'
  return targets.some(target => path === '' || isWithin(target, path)) ? 'above' : 'other'
}

/** Records that tell of nothing but the targets; undefined now and then. */
function* recordsOf(search: Search): Generator<number | undefined> {
  const { journal } = search.context
  const wanted = search.targets.flatMap(path => [bytesOfSubject('file', path), bytesOf(`${path}/`)])
  for (const result of journal.search({ from: 0, to: journal.head().size }, wanted)) {
    yield result.state === 'intact' && isAboutTargets(search, result.record) ? result.record.seq : undefined
  }
}

function isAboutTargets(search: Search, record: JournalRecord): boolean {
  const subject = record.body?.subject
  if (subject?.kind !== 'file' || subject.id === '' || relationOf(search, subject.id) !== 'target') return false
  try {
    for (const { path } of changesOf(search.context, record)) if (relationOf(search, path) !== 'target') return false
    return true
  } catch (error) {
    // The list is gone: what is left of it is the subject.
    if (!isSentientError(error, 'STATE_PRUNED', 'OBJECT_MISSING', 'DAMAGED')) throw error
    return true
  }
}

/** Everything that is kept, as far as no earlier gc has pruned it. */
function* walkKept(search: Search, role: Role, listed: ReadonlySet<number>): Generator<void> {
  const { journal } = search.context
  for (const { root, seq } of currentSnapshots(search.context)) yield* walkState(search, role, { root, seq })
  const horizon = gcHorizon(search.context)
  const from = Math.max(0, horizon - 1)
  for (const result of journal.records({ from, to: journal.head().size })) {
    yield
    if (result.state !== 'intact') continue
    const { seq, envelope, body } = result.record
    yield* walkState(search, role, { root: envelope.root, seq })
    // What only a listed record leads to is nobody's once its body is gone.
    if (body === undefined || seq < horizon || (role === 'other' && listed.has(seq))) continue
    yield* walkBody(search, role, { body, record: result.record })
  }
}

function* walkBody(
  search: Search,
  role: Role,
  { body, record }: { readonly body: Body; readonly record: JournalRecord },
): Generator<void> {
  const { before, after, subject } = body
  const own = new Set<Link>()
  for (const entry of [before, after]) {
    if (entry === undefined || entry === null) continue
    own.add(entry.content)
    yield* walkEntry(search, role, { entry, path: subject.id })
  }
  const { seq } = record
  for (const link of linksOf(record)) {
    const use = own.has(link) ? undefined : linkUse(link, body)
    if (use === 'state') yield* walkState(search, role, { root: link.id, seq })
    else if (use === 'changes') yield* walkChanges(search, role, link)
    else if (use === 'other') yield* walkUnknown(search, role, { link, where: `record #${seq}` })
  }
}

/** What is missing or damaged leads nowhere; others tell of it. */
function quietly<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return undefined
  }
}

function isNew(table: IdTable, id: Uint8Array): boolean {
  const { size } = table
  table.add(id)
  return table.size > size
}

function* walkState(
  search: Search,
  role: Role,
  { root, seq }: { readonly root: ObjectId; readonly seq: number },
): Generator<void> {
  if (!isNew(search.nodes[role], keyOf(root, 'state'))) return
  const state = quietly(() => readState(search.context.store, root))
  if (state === undefined) return
  yield* walkDirectory(search, role, { link: state.files, path: '' })
  for (const domain of ['settings', 'contracts', 'boxes', 'services'] as const) {
    const link = state[domain as keyof State] as Link | undefined
    const where = domain === 'settings' ? settingsName : `${domain} of record #${seq}`
    if (link !== undefined) yield* walkUnknown(search, role, { link, where })
  }
}

/** An id that stands for an object in a place. */
const keyOf = (id: ObjectId, place: string): Uint8Array => blake3(Buffer.from(`${id} ${place}`, 'latin1'))

interface Place {
  readonly link: Link
  readonly path: ByteString
}

function* walkDirectory(search: Search, role: Role, top: Place): Generator<void> {
  const { store } = search.context
  const stack: Place[] = [top]
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { link, path } = place
    const relation = relationOf(search, path)
    if (relation !== 'above' && relation !== role) continue
    // What lies below is all the same, wherever it hangs, unless a target may be in it.
    const key = relation === 'above' ? keyOf(link.id, path) : idBytes(link.id)
    if (!isNew(search.nodes[role], key)) continue
    yield
    const result = store.read(link.id)
    if (result.state !== 'intact') continue
    const node = decodeNode(result.bytes)
    if (node.kind === 'branch') {
      for (const slot of node.slots) if (slot !== null) stack.push({ link: slot.link, path })
      continue
    }
    for (const entry of node.entries) {
      const below = joinPath(path, entry.name)
      if (entry.kind === 'dir') stack.push({ link: entry.content, path: below })
      else yield* walkContent(search, role, { link: entry.content, path: below })
    }
  }
}

function* walkEntry(
  search: Search,
  role: Role,
  { entry, path }: { readonly entry: Entry | null; readonly path: ByteString },
): Generator<void> {
  if (entry === null) return
  const place = { link: entry.content, path }
  if (entry.kind === 'dir') yield* walkDirectory(search, role, place)
  else yield* walkContent(search, role, place)
}

function* walkChanges(search: Search, role: Role, link: Link): Generator<void> {
  if (!isNew(search.nodes[role], keyOf(link.id, 'changes'))) return
  try {
    for (const { path, before, after } of readChanges(search.context.store, link)) {
      yield* walkEntry(search, role, { entry: before, path })
      yield* walkEntry(search, role, { entry: after, path })
    }
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
  }
}

/** A file's or symlink's content: the object, and of a list all that it is made of. */
function* walkContent(search: Search, role: Role, { link, path }: Place): Generator<void> {
  const relation = relationOf(search, path)
  if (relation !== role && !(relation === 'above' && role === 'other')) return
  meet(search, role, { link, path })
  if (link.codec === 'raw' || !isNew(search.nodes[role], keyOf(link.id, 'list'))) return
  const stack: Link[] = [link]
  for (let list = stack.pop(); list !== undefined; list = stack.pop()) {
    yield
    const result = search.context.store.read(list.id)
    if (result.state !== 'intact') continue
    for (const { link: part } of decodeList(result.bytes).entries) {
      meet(search, role, { link: part, path })
      if (part.codec !== 'raw') stack.push(part)
    }
  }
}

/** Whatever a link that nobody knows leads to stays. */
function* walkUnknown(
  search: Search,
  role: Role,
  { link, where }: { readonly link: Link; readonly where: ByteString },
): Generator<void> {
  if (role === 'target') return
  const seen = (below: Link): boolean =>
    below.codec === 'raw' ? false : !isNew(search.nodes.other, keyOf(below.id, 'unknown'))
  for (const below of reachable(search.context.store, link, { seen, unreadable: () => undefined })) {
    meet(search, role, { link: below, path: where })
    yield
  }
}

function meet(search: Search, role: Role, { link, path }: Place): void {
  const { contents, shared, sharedIds, context } = search
  const id = idBytes(link.id)
  if (role === 'target') {
    if (isNew(contents.ids, id)) contents.paths.push(path)
    return
  }
  const ordinal = contents.ids.find(id)
  if (ordinal < 0) return
  const isFirst = isNew(sharedIds, id)
  const own = contents.paths[ordinal] as ByteString
  const key = `${own}\0${path}`
  const known = shared.get(key)
  const bytes = isFirst ? (context.store.storedBytes(link.id) ?? 0) : 0
  if (known !== undefined) shared.set(key, { ...known, bytes: known.bytes + bytes })
  else if (shared.size < sharedMax) shared.set(key, { path: own, with: path, bytes })
}

function finish({ context, contents, shared, sharedIds }: Search, listed: ReadonlySet<number>): ForgetPlan {
  const objects: ObjectId[] = []
  let bytes = 0
  let sharedBytes = 0
  for (let ordinal = 0; ordinal < contents.ids.size; ordinal++) {
    const id = contents.ids.idAt(ordinal)
    const name = hexOf(id) as ObjectId
    const stored = context.store.storedBytes(name)
    if (sharedIds.find(id) >= 0) sharedBytes += stored ?? 0
    else if (stored !== undefined) {
      objects.push(name)
      bytes += stored
    }
  }
  return {
    ...{ records: rangesOf(listed), recordCount: listed.size, objects, bytes, sharedBytes },
    known: listed.size > 0 || contents.ids.size > 0,
    shared: [...shared.values()],
  }
}

function rangesOf(seqs: ReadonlySet<number>): SeqRange[] {
  const ranges: { from: number; to: number }[] = []
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last?.to === seq) last.to++
    else ranges.push({ from: seq, to: seq + 1 })
  }
  return ranges
}
