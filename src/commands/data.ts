// From the core's words to the plain data that verbs return: byte strings become displayed text, microseconds ISO
// times, objects CIDs. The shapes in resultShapes.ts describe what comes out.

import { displayBytes, hexOf } from '../core/format/bytes.ts'
import { cidText } from '../core/format/id.ts'
import type { Entry } from '../core/format/node.ts'
import type { ByteString } from '../core/host/host.ts'
import type { System } from '../core/system.ts'
import type {
  CheckpointView,
  Finding,
  IntegrityMark,
  ListedEntry,
  LostPlace,
  OperationResult,
  RecordView,
  SnapshotView,
  StatePoint,
  TreeChange,
} from '../core/timeline/model.ts'
import type {
  checkpointShape,
  entryShape,
  findingShape,
  listedShape,
  lostPlaceShape,
  operationShape,
  pathShape,
  pointShape,
  recordShape,
  snapshotShape,
  treeChangeShape,
} from './resultShapes.ts'
import type { DataOf } from './shape.ts'

export type PathData = DataOf<typeof pathShape>
export type EntryData = DataOf<typeof entryShape>
export type PointData = DataOf<typeof pointShape>
export type OperationData = DataOf<typeof operationShape>
export type RecordData = DataOf<typeof recordShape>
export type TreeChangeData = DataOf<typeof treeChangeShape>
export type ListedData = DataOf<typeof listedShape>
export type FindingData = DataOf<typeof findingShape>
export type LostPlaceData = DataOf<typeof lostPlaceShape>
export type SnapshotData = DataOf<typeof snapshotShape>
export type CheckpointData = DataOf<typeof checkpointShape>

/** Lists of changed paths in results end here; the count beside them does not. */
export const listedPathsMax = 10_000

export function pathData(path: ByteString): PathData {
  const shown = displayBytes(path)
  return isItself(path, shown)
    ? { path: shown }
    : { path: shown, pathBytes: Buffer.from(path, 'latin1').toString('base64') }
}

function isItself(path: ByteString, shown: string): boolean {
  return shown === path || Buffer.from(shown, 'utf8').equals(Buffer.from(path, 'latin1'))
}

/** ISO 8601 with microseconds, UTC. */
export function isoTime(micros: number): string {
  const milliseconds = Math.floor(micros / 1000)
  const rest = (micros - milliseconds * 1000).toString().padStart(3, '0')
  return new Date(milliseconds).toISOString().replace('Z', `${rest}Z`)
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

export function entryData(entry: Entry): EntryData {
  return { kind: entry.kind, mode: octal(entry.mode), size: entry.size, object: cidText(entry.content) }
}

export function pointData(point: StatePoint): PointData {
  const { text, seq, time, root, snapshot } = point
  return { text, seq, time: isoTime(time), root, ...(snapshot === undefined ? {} : { snapshot }) }
}

export function operationData(system: System, result: OperationResult): OperationData {
  return {
    ...(result.seq >= 0 ? { seq: result.seq, summary: system.record(result.seq).summary } : {}),
    action: result.action,
    changedCount: result.changedCount,
    changed: result.changed.toSorted(byBytes).slice(0, listedPathsMax).map(pathData),
    ...(result.snapshot === undefined ? {} : { snapshot: result.snapshot }),
    ...(result.protectedAs === undefined ? {} : { protectedAs: result.protectedAs }),
    unapplied: result.unapplied.map(pathData),
    drifted: result.drifted.map(pathData),
    ...(result.lost === undefined ? {} : { lost: result.lost.slice(0, listedPathsMax).map(pathData) }),
    notices: result.notices.map(({ code, text }) => ({ code, text })),
  }
}

const byBytes = (a: ByteString, b: ByteString): number => (a < b ? -1 : a > b ? 1 : 0)

export function recordData(record: RecordView): RecordData {
  return {
    seq: record.seq,
    time: isoTime(record.time),
    actor: record.actor,
    action: record.action,
    subject: { kind: record.subject.kind, id: displayBytes(record.subject.id) },
    effect: record.effect,
    rule: record.rule,
    changed: record.changed,
    root: record.root,
    leaf: record.leaf,
    ...(record.cause === undefined ? {} : { cause: record.cause }),
    doubtful: record.doubtful,
    forgotten: record.forgotten,
    summary: record.summary,
    fields: plain(record.fields),
  }
}

/** Anything a record can hold as JSON-ready data: bytes as hex, links as CIDs. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hexOf(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  if ('codec' in value && 'id' in value) return cidText(value as Parameters<typeof cidText>[0])
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

export function treeChangeData({ path, before, after }: TreeChange): TreeChangeData {
  return {
    ...pathData(path),
    change: before === null ? 'created' : after === null ? 'deleted' : 'changed',
    ...(before === null ? {} : { before: entryData(before) }),
    ...(after === null ? {} : { after: entryData(after) }),
  }
}

const markWords = {
  '=': 'recorded',
  '~': 'changed',
  '+': 'new',
  '-': 'gone',
  '!': 'damaged',
  s: 'skipped',
  '?': 'unchecked',
  ' ': 'ignored',
} as const satisfies Record<IntegrityMark, ListedData['mark']>

export function listedData(entry: ListedEntry): ListedData {
  const { below, target } = entry
  return {
    name: displayBytes(entry.name),
    ...pathData(entry.path),
    kind: entry.kind,
    mode: octal(entry.mode),
    size: entry.size,
    ...(entry.mtime > 0 ? { modified: isoTime(entry.mtime) } : {}),
    mark: markWords[entry.mark],
    reason: entry.reason,
    ...(below === undefined ? {} : { below: { count: below.count, worst: markWords[below.worst] } }),
    ...(target === undefined ? {} : { target: displayBytes(target) }),
  }
}

export function findingData(finding: Finding): FindingData {
  const { path, ...rest } = finding
  return { ...rest, ...(path === undefined ? {} : { path: displayBytes(path) }) }
}

export function lostPlaceData({ path, object, snapshots, now }: LostPlace): LostPlaceData {
  return { ...pathData(path), object, snapshots: [...snapshots], now }
}

export function snapshotData(
  snapshot: SnapshotView,
  { space, lost = 0 }: { readonly space?: number | undefined; readonly lost?: number } = {},
): SnapshotData {
  const { name, label, seq, kind, pinned, root } = snapshot
  return {
    ...{ name, label, seq, time: isoTime(snapshot.time), kind, pinned, root },
    ...(lost === 0 ? {} : { lost }),
    ...(space === undefined ? {} : { space }),
  }
}

export function checkpointData({ origin, size, root, verifierKey, text }: CheckpointView): CheckpointData {
  return { origin, size, root, verifierKey, text }
}
