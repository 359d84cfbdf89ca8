// Snapshots as records: making one, and deciding which older ones it displaces. What is dropped is written into the
// record, so that the list is a plain replay and never changes because settings or this code did.

import { SentientError } from '../errors.ts'
import { byteStringOfText } from '../format/bytes.ts'
import type { CborValue } from '../format/cbor.ts'
import { dagLink, type ObjectId } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import type { SnapshotKind } from '../format/recycleLock.ts'
import type { NewRecord } from '../journal/model.ts'
import type { TimelineContext } from './context.ts'
import type { SnapshotView } from './model.ts'
import type { Settings } from './settings.ts'
import { currentSnapshots } from './snapshots.ts'

export interface NewSnapshot {
  readonly name: string
  readonly record: NewRecord
}

interface SnapshotRequest {
  readonly kind: SnapshotKind
  readonly label: string
  /** The state that is kept. */
  readonly root: ObjectId
  /** The state in force, which a snapshot never changes. */
  readonly inForce: ObjectId
  readonly name?: string
  readonly fields?: Readonly<Record<string, CborValue>>
}

const hourMicros = 3_600_000_000
const dayMicros = 24 * hourMicros
/** Automatic snapshots younger than this are never thinned. */
const freshMicros = hourMicros
/** A snapshot that holds somebody's edit stays at least this long. */
const keptDriftMicros = 14 * dayMicros
/** A lowered retention takes effect over several snapshots, so that one slip does not empty the list. */
const droppedOwnMax = 2

export function snapshotRecord(context: TimelineContext, request: SnapshotRequest): NewSnapshot {
  const now = context.clock.nowMicros()
  const list = currentSnapshots(context)
  const name = request.name ?? freeName(list, timeName(context, now))
  checkSnapshotName(name, list)
  const added: SnapshotView = {
    name,
    label: request.label,
    seq: context.journal.head().size,
    root: request.root,
    time: now,
    kind: request.kind,
    pinned: false,
  }
  const dropped = displaced([...list, added], context.settings().retention, {
    now,
    offsetMinutes: context.clock.utcOffsetMinutes(now),
    holdsDrift: snapshot => {
      const result = context.journal.read(snapshot.seq)
      return result.state === 'intact' && result.record.body?.fields?.drift !== undefined
    },
  })
  const fields: Record<string, CborValue> = {
    ...request.fields,
    kind: request.kind,
    label: request.label,
    root: dagLink(request.root),
  }
  if (dropped.length > 0) fields.dropped = dropped
  if (context.session !== undefined) fields.session = context.session
  const body: Body = {
    actor: context.actor,
    action: 'snapshot',
    subject: { kind: 'snapshot', id: byteStringOfText(name) },
    decision: { effect: 'permit', bundle: null, rule: '' },
    fields,
  }
  return { name, record: { root: request.inForce, body } }
}

/** Keeps what was changed outside and is about to be overwritten; never in force, but restorable. */
export function protectSnapshot(
  context: TimelineContext,
  transaction: { readonly root: ObjectId },
  drift: { readonly kept: ObjectId; readonly paths: number; readonly reason: string },
): NewSnapshot {
  return snapshotRecord(context, {
    kind: 'protect',
    label: `changed outside, before ${drift.reason}`,
    root: drift.kept,
    inForce: transaction.root,
    fields: { drift: drift.paths },
  })
}

/** Before a bulk operation (`reason`), or when the tree was quiet since the last change; undefined when none is due. */
export function automaticSnapshot(
  context: TimelineContext,
  transaction: { readonly root: ObjectId },
  options: { readonly reason: string | undefined; readonly now: number },
): NewSnapshot | undefined {
  const head = context.journal.head()
  const quietMicros = context.settings().watch.quietMinutes * 60_000_000
  const quiet = options.now - head.time >= quietMicros
  if (options.reason === undefined && !quiet) return undefined
  if (currentSnapshots(context).at(-1)?.root === transaction.root) return undefined
  const label = options.reason === undefined ? 'quiet time' : `before ${options.reason}`
  const kind = options.reason === undefined ? 'auto' : 'protect'
  return snapshotRecord(context, { kind, label, root: transaction.root, inForce: transaction.root })
}

/** Names dropped when the last of these was added: own ones beyond their number, automatic ones thinned. */
export function displaced(
  list: readonly SnapshotView[],
  retention: Settings['retention'],
  at: {
    readonly now: number
    readonly offsetMinutes: number
    /** Whether a snapshot keeps what somebody changed outside, which nothing else may hold. */
    readonly holdsDrift: (snapshot: SnapshotView) => boolean
  },
): string[] {
  const unpinned = list.filter(snapshot => !snapshot.pinned)
  const own = unpinned.filter(snapshot => snapshot.kind === 'manual')
  const surplus = Math.min(droppedOwnMax, Math.max(0, own.length - retention.snapshots))
  const ring = unpinned.filter(snapshot => snapshot.kind !== 'manual')
  const kept = new Set<SnapshotView>()
  for (const snapshot of ring) {
    const age = at.now - snapshot.time
    if (age < freshMicros) kept.add(snapshot)
    if (snapshot.kind === 'protect' && age < keptDriftMicros && at.holdsDrift(snapshot)) {
      kept.add(snapshot)
    }
  }
  const local = (micros: number) => micros + at.offsetMinutes * 60_000_000
  const newestOf = (bucketMicros: number, count: number) => {
    const buckets = new Set<number>()
    for (const snapshot of ring.toReversed()) {
      const bucket = Math.floor(local(snapshot.time) / bucketMicros)
      if (buckets.has(bucket)) continue
      if (buckets.size === count) break
      buckets.add(bucket)
      kept.add(snapshot)
    }
  }
  newestOf(hourMicros, retention.hourly)
  newestOf(dayMicros, retention.daily)
  newestOf(7 * dayMicros, retention.weekly)
  const thinned = ring.filter(snapshot => !kept.has(snapshot))
  return [...own.slice(0, surplus), ...thinned].map(snapshot => snapshot.name)
}

function timeName(context: TimelineContext, micros: number): string {
  const local = new Date(micros / 1000 + context.clock.utcOffsetMinutes(micros) * 60_000).toISOString()
  return `${local.slice(0, 10).replaceAll('-', '')}-${local.slice(11, 16).replace(':', '')}`
}

function freeName(list: readonly SnapshotView[], wanted: string): string {
  const taken = new Set(list.map(snapshot => snapshot.name))
  if (!taken.has(wanted)) return wanted
  for (let i = 2; ; i++) if (!taken.has(`${wanted}-${i}`)) return `${wanted}-${i}`
}

function checkSnapshotName(name: string, list: readonly SnapshotView[]): void {
  const reserved = /^(?:now|today|yesterday|\d+)$/i
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) || reserved.test(name)) {
    throw new SentientError('USAGE', {
      what: 'Not a snapshot name',
      expected: 'letters, digits, ".", "_", "-", 64 at most, not only digits',
      found: JSON.stringify(name),
    })
  }
  if (list.some(snapshot => snapshot.name === name)) {
    throw new SentientError('PATH_EXISTS', { what: 'There is a snapshot of that name', where: name })
  }
}
