// The list of snapshots: a replay of their records. recycle.lock, its signed copy, saves reading the journal from the
// start; without it, or when its signature is not ours, the list is made anew.

import { SentientError } from '../errors.ts'
import { bytesOfSubject } from '../format/bodyBytes.ts'
import { hexOf } from '../format/bytes.ts'
import { isLink, isList } from '../format/cbor.ts'
import { FormatError } from '../format/formatError.ts'
import { verifyNote } from '../format/note.ts'
import type { SnapshotKind } from '../format/recycleLock.ts'
import { parseSnapshotList, parseSnapshotNote, signSnapshotList } from '../format/recycleLock.ts'
import { isHostError } from '../host/error.ts'
import type { JournalRecord, RecordResult } from '../journal/model.ts'
import { createSlicer } from '../progress.ts'
import type { TimelineContext } from './context.ts'
import type { SnapshotView, Work } from './model.ts'

const lockName = 'recycle.lock'
const recycleLockBytesMax = 16 << 20
/** The list is signed anew when it changed, or when this many records would have to be read to catch up. */
const catchUpMax = 1_000

interface Projection {
  size: number
  /** Oldest first. */
  list: SnapshotView[]
  /** What recycle.lock stands for; undefined: not read or not ours. */
  storedSize: number | undefined
  changed: boolean
}

const projections = new WeakMap<TimelineContext['journal'], Projection>()

/** All kept snapshots, oldest first, as of the journal's head. */
export function currentSnapshots(context: TimelineContext): readonly SnapshotView[] {
  return projectionOf(context).list
}

function projectionOf(context: TimelineContext): Projection {
  const projection = knownProjection(context)
  for (const _ of catchUp(context, projection));
  return projection
}

function knownProjection(context: TimelineContext): Projection {
  const known = projections.get(context.journal) ?? readStored(context) ?? unknownProjection()
  projections.set(context.journal, known)
  return known
}

const unknownProjection = (): Projection => ({ size: 0, list: [], storedSize: undefined, changed: true })

const aboutSnapshots = [bytesOfSubject('snapshot')]

/** Replays what the list does not know yet; yields now and then. Several may be at it: each step starts anew. */
function* catchUp({ journal }: TimelineContext, projection: Projection): Generator<void> {
  const size = journal.head().size
  while (projection.size < size) {
    const from = projection.size
    for (const result of journal.search({ from, to: size }, aboutSnapshots)) {
      const next = result.state === 'passed' ? result.seq : seqOf(result) + 1
      if (result.state === 'intact' && result.record.body?.subject.kind === 'snapshot') {
        replay(projection.list, result.record)
        projection.changed = true
      }
      projection.size = next
      yield
      // Somebody else went on meanwhile.
      if (projection.size !== next) break
    }
    if (projection.size === from) projection.size = size
  }
}

const seqOf = (result: Exclude<RecordResult, { state: 'passed' }>): number =>
  result.state === 'intact' ? result.record.seq : result.seq

/**
 * Makes the list ready where recycle.lock is missing or far behind, giving way to the event loop: what asks for it then
 * finds it at once. It does the same by itself, but in one go.
 */
export async function* readySnapshots(context: TimelineContext, signal: AbortSignal | undefined): Work<void> {
  const slicer = createSlicer(context.clock, signal)
  const projection = knownProjection(context)
  for (const _ of catchUp(context, projection)) {
    if (!slicer.due()) continue
    yield { phase: 'reading snapshots', done: projection.size, total: context.journal.head().size, unit: 'records' }
    await slicer.pause()
  }
}

/** Forgets what is known, so that the list is made from the journal alone. */
export function rebuildSnapshots(context: TimelineContext): void {
  projections.set(context.journal, unknownProjection())
}

/** Applies one record to the list. Actions that are not about snapshots leave it as it is. */
export function replay(list: SnapshotView[], record: JournalRecord): void {
  const body = record.body
  if (body === undefined || body.subject.kind !== 'snapshot') return
  const name = Buffer.from(body.subject.id, 'latin1').toString('utf8')
  const fields = body.fields ?? {}
  const at = list.findIndex(snapshot => snapshot.name === name)
  const change = (part: Partial<SnapshotView>) => {
    if (at >= 0) list[at] = { ...list[at], ...part }
  }
  const drop = (names: readonly unknown[]) => {
    for (const dropped of names) {
      const index = list.findIndex(snapshot => snapshot.name === dropped)
      if (index >= 0) list.splice(index, 1)
    }
  }
  switch (body.action) {
    case 'snapshot': {
      const root = fields.root
      if (root === undefined || !isLink(root)) return
      list.push({
        name,
        label: typeof fields.label === 'string' ? fields.label : '',
        seq: record.seq,
        root: root.id,
        time: record.envelope.time,
        kind: (fields.kind as SnapshotKind | undefined) ?? 'manual',
        pinned: false,
      })
      if (isList(fields.dropped)) drop(fields.dropped)
      return
    }
    case 'snapshot-label':
      change({ label: typeof fields.label === 'string' ? fields.label : '' })
      return
    case 'snapshot-pin':
      change({ pinned: true })
      return
    case 'snapshot-unpin':
      change({ pinned: false })
      return
    case 'snapshot-remove':
      drop([name])
      return
    default:
      return
  }
}

/** The snapshot of that name; throws STATE_NOT_FOUND. */
export function namedSnapshot(context: TimelineContext, name: string): SnapshotView {
  const found = currentSnapshots(context).find(snapshot => snapshot.name === name)
  if (found === undefined) throw new SentientError('STATE_NOT_FOUND', { what: 'No snapshot of that name', where: name })
  return found
}

/**
 * The first record whose state, and those of all after it, stays whole: the oldest unpinned snapshot's, or the journal's
 * end when there is none.
 */
export function retentionHorizon(context: TimelineContext): number {
  const unpinned = currentSnapshots(context).filter(snapshot => !snapshot.pinned)
  const last = Math.max(0, context.journal.head().size - 1)
  return unpinned.reduce((oldest, snapshot) => Math.min(oldest, snapshot.seq), last)
}

function readStored(context: TimelineContext): Projection | undefined {
  const bytes = readSmall(context, lockName)
  if (bytes === undefined) return undefined
  try {
    const note = parseSnapshotNote(bytes)
    const signer = context.verifier()
    if (verifyNote(note, [signer]).state !== 'ok') return undefined
    const list = parseSnapshotList(note.text)
    if (list.origin !== signer.name || list.journalSize > context.journal.head().size) return undefined
    return { size: list.journalSize, list: [...list.snapshots], storedSize: list.journalSize, changed: false }
  } catch (error) {
    if (error instanceof FormatError || error instanceof SentientError) return undefined
    throw error
  }
}

function readSmall(context: TimelineContext, name: string): Uint8Array | undefined {
  try {
    const file = context.directories.root.open(name, 'read')
    try {
      const size = file.stat().size
      if (size > recycleLockBytesMax) return undefined
      const bytes = new Uint8Array(size)
      file.read(bytes, 0, size, 0)
      return bytes
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}

/**
 * Whether this process knows a list that recycle.lock should be brought up to: because that says another one, or because
 * so many records would have to be read again.
 */
export function snapshotsAreStale(context: TimelineContext, records?: number): boolean {
  const known = projections.get(context.journal)
  if (known === undefined) return false
  const behind = known.size - (known.storedSize ?? 0)
  return records === undefined ? known.changed || behind >= catchUpMax : behind >= records
}

/** Writes recycle.lock when it does not stand for the journal's head. */
export function storeSnapshots(context: TimelineContext): void {
  const projection = projectionOf(context)
  if (!projection.changed && projection.size - (projection.storedSize ?? 0) < catchUpMax) return
  const signer = context.signer()
  const bytes = signSnapshotList(
    { origin: signer.name, journalSize: projection.size, snapshots: projection.list },
    signer,
  )
  const { root, runtime } = context.directories
  const temporary = `recycle.lock.${hexOf(context.random.bytes(4))}`
  const file = runtime.open(temporary, 'create', 0o600)
  try {
    file.write(bytes, 0)
    // A power cut must not leave a torn list under this name: what is signed and does not verify counts as damage.
    file.flush()
  } finally {
    file.close()
  }
  runtime.rename(temporary, root, lockName)
  projection.storedSize = projection.size
  projection.changed = false
}
