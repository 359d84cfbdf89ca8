// After a kill: what was committed and is not yet visible is made visible, by whoever takes the writer lock next.
// Paths that can not be changed on disk are remembered, so that they are not taken for changes made outside.
import { isSentientError } from '../errors.ts'
import { byteStringOf, bytesOf, displayBytes } from '../format/bytes.ts'
import { type CborValue, decode, encode, isLink, isList } from '../format/cbor.ts'
import { FormatError } from '../format/formatError.ts'
import { dagLink, type Link, type ObjectId, parseObjectId, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString } from '../host/host.ts'
import type { LockSession } from '../journal/model.ts'
import { createSlicer, inSlices, type Progress } from '../progress.ts'
import { readChanges } from '../store/changes.ts'
import { removeIfThere, replaceFile } from '../store/layout.ts'
import { diffTreesInSteps, findPath, type TreeChange } from '../store/tree.ts'
import { removeStale } from '../worktree/stage.ts'
import { readState, type TimelineContext } from './context.ts'
import { type ChangeList, createChangeList } from './diskPlan.ts'
import { finishForgetting } from './forgetting.ts'
import type { Work } from './model.ts'
import { defaultSettings, settingsText } from './settings.ts'
import { readSettingsFile, writeSettingsFile } from './settingsFile.ts'

const unappliedName = 'unapplied'
const unappliedPathsMax = 100_000

/** What everybody does who has just taken the writer lock: what others left unfinished is finished first. */
export async function* beginUnderLock(
  context: TimelineContext,
  session: LockSession,
  signal?: AbortSignal,
): Work<void> {
  const { mark } = session
  context.store.refresh()
  const { packNumber: number, packFlushedBytes: flushedBytes, packId } = mark
  // Also after a clean release: the mark that says so may be an older one, and a pack as long as its mark costs nothing.
  context.store.recoverSharedPack({ number, flushedBytes, packId })
  yield* context.worktree.emptyStage(signal)
  if (session.uncleanTakeover) removeStale(context.directories.runtime, context.clock.nowMicros(), isUnfinishedFile)
  yield* finishApplying(context, signal)
  yield* finishForgetting(context)
}

/** What `writeSettingsFile`, `storeSnapshots` and recycle.redis are written as before they are put in place. */
const isUnfinishedFile = (name: ByteString): boolean => /^(?:settings-|recycle\.(?:lock|redis)\.)[0-9a-f]+$/.test(name)

/** Under the writer lock: finishes what was committed and not applied. */
async function* finishApplying(context: TimelineContext, signal?: AbortSignal): Work<void> {
  const head = context.journal.head()
  if (head.applied >= head.size || head.root === undefined) return
  const slicer = createSlicer(context.clock, signal)
  const progress = (): Progress => ({ phase: 'finishing an earlier change', done: 0, unit: 'paths' })
  const range = yield* inSlices(slicer, readRange(context, head.applied, head.size), progress)
  const changes = yield* inSlices(slicer, netChanges(context, range), progress)
  const { states, seen } = range
  const report = yield* context.worktree.recover({ reader: context.store, changes, states, seen }, signal)
  yield* writeUnapplied(context, report.unapplied)
  finishSettingsFile(context, range)
  context.journal.setApplied(head.size)
  if (changes.count > 0) {
    const text = `finished record ${head.size - 1}, which was committed and not yet visible: ${changes.count} paths`
    context.notices.push({ code: 'recovered', text })
  }
  if (report.drifted.length > 0) {
    const text = `${report.drifted.length} of them were changed outside and left as they are, first ${displayBytes(report.drifted[0])}`
    context.notices.push({ code: 'drift', text })
  }
}

/** What records that are not applied yet say of the disk. */
interface Range {
  /** The files of every state from the one before the range to the last. */
  readonly states: readonly Link[]
  /** The settings of these states. */
  readonly settings: readonly (Link | undefined)[]
  /** What operations of the range saw on disk, kept and were to overwrite. */
  readonly seen: ReadonlyMap<ByteString, readonly (Entry | null)[]>
  /** What the disk shall show where that is not the last state. */
  readonly shown: ReadonlyMap<ByteString, Entry | null>
}

function* readRange(context: TimelineContext, applied: number, size: number): Generator<undefined, Range> {
  const states: Link[] = []
  const seen = new Map<ByteString, (Entry | null)[]>()
  let shown = new Map<ByteString, Entry | null>()
  const settings: (Link | undefined)[] = []
  const add = (root: ObjectId) => {
    const { files, settings: link } = readState(context.store, root)
    settings.push(link)
    if (states.at(-1)?.id !== files.id) states.push(files)
  }
  const before = applied === 0 ? undefined : context.journal.read(applied - 1)
  if (before?.state === 'intact') add(before.record.envelope.root)
  for (const result of context.journal.records({ from: applied, to: size })) {
    if (result.state !== 'intact') continue
    const { body, envelope } = result.record
    add(envelope.root)
    for (const { path, after } of listIn(context, body?.fields?.overwrote)) {
      const known = seen.get(path)
      if (known === undefined) seen.set(path, [after])
      else known.push(after)
      yield
    }
    shown = new Map()
    for (const { path, after } of listIn(context, body?.fields?.shown)) {
      shown.set(path, after)
      yield
    }
  }
  return { states, settings, seen, shown }
}

/** sentient.yaml follows the settings in force when it still shows some from before: nobody edited it since. */
function finishSettingsFile(context: TimelineContext, { settings }: Range): void {
  const last = settings.at(-1)
  if (settings.every(link => sameLink(link, last))) return
  const textOf = (link: Link | undefined) =>
    link === undefined ? settingsText(defaultSettings) : Buffer.from(context.store.get(link)).toString('utf8')
  try {
    const shown = readSettingsFile(context.directories.root)
    const text = textOf(last)
    if (shown !== text && settings.some(link => textOf(link) === shown)) writeSettingsFile(context, text)
  } catch (error) {
    // A candidate that stays one is no reason not to go on.
    if (!isSentientError(error)) throw error
  }
}

function listIn(context: TimelineContext, link: CborValue | undefined): Iterable<TreeChange> {
  return link !== undefined && isLink(link) ? readChanges(context.store, dagLink(parseObjectId(link.id))) : []
}

/** Every path that the range has to do with, and what the disk shall hold there in the end; sorted. */
function* netChanges(context: TimelineContext, { states, seen, shown }: Range): Generator<undefined, ChangeList> {
  const last = states.at(-1) as Link
  const changes = createChangeList()
  const add = (path: ByteString) => {
    const after = shown.has(path) ? shown.get(path) : findPath(context.store, last, path)
    changes.push({ path, before: null, after: after ?? null })
  }
  for (const paths of [seen.keys(), shown.keys()]) {
    for (const path of paths) {
      add(path)
      yield
    }
  }
  for (let i = 1; i < states.length; i++) {
    for (const change of diffTreesInSteps(context.store, states[i - 1], states[i], { order: 'paths' })) {
      if (change !== undefined) add(change.path)
      yield
    }
  }
  yield* changes.sort()
  return changes
}

/** Remembers paths that are committed and could not be made visible; durable before `applied` moves on. */
export async function* writeUnapplied(
  context: TimelineContext,
  unapplied: readonly { readonly path: ByteString }[],
): Work<void> {
  const runtime = context.directories.runtime
  const known = readUnapplied(context)
  if (unapplied.length === 0 && known.size === 0) return
  for (const { path } of unapplied) known.add(path)
  const still: ByteString[] = []
  // Behind the commit: nobody can stop it.
  const slicer = createSlicer(context.clock)
  for (const path of known) {
    if (still.length < unappliedPathsMax && !(yield* isVisible(context, path))) still.push(path)
    if (slicer.due()) {
      yield { phase: 'applying', done: still.length, total: known.size, unit: 'paths' }
      await slicer.pause()
    }
  }
  if (still.length === 0) {
    removeIfThere(runtime, unappliedName)
    return
  }
  const bytes = encode(still.sort().map(path => bytesOf(path)))
  replaceFile(runtime, unappliedName, bytes, true)
}

async function* isVisible(context: TimelineContext, path: ByteString): Work<boolean> {
  const root = context.journal.head().root
  if (root === undefined) return false
  const entry = findPath(context.store, readState(context.store, root).files, path)
  const { stat, content } = yield* context.worktree.look(path)
  if (entry === undefined || stat === undefined) return entry === undefined && stat === undefined
  if (stat.kind !== entry.kind || (entry.kind !== 'symlink' && stat.mode !== entry.mode)) return false
  return entry.kind === 'dir' || sameLink(entry.content, content)
}

/** Paths that are committed and could not be made visible. */
export function readUnapplied(context: TimelineContext): Set<ByteString> {
  const runtime = context.directories.runtime
  try {
    const file = runtime.open(unappliedName, 'read')
    try {
      const bytes = new Uint8Array(file.stat().size)
      file.read(bytes, 0, bytes.length, 0)
      const value = decode(bytes)
      if (!isList(value)) return new Set()
      return new Set(value.map(item => byteStringOf(item as Uint8Array)))
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error) || error instanceof FormatError) return new Set()
    throw error
  }
}
