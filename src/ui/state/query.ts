// What the screen asks the core, as data, and what comes back. Each question is asked on a channel: a new one on the
// same channel makes the one before it void, so an answer that comes late never overwrites a newer one.
import type {
  DiffReport,
  FileDiff,
  GovernedPath,
  ListedEntry,
  RecordView,
  RollbackPreview,
  SnapshotView,
  StatePoint,
  StatusReport,
  TreeChange,
  Version,
} from '../../core/timeline/model.ts'
import type { StateText } from './operation.ts'

/** The beginning of a file, ready to draw. */
export interface Preview {
  readonly kind: 'text' | 'binary' | 'symlink' | 'none'
  /** Of text: lines, made safe. Of a symlink its target. */
  readonly lines: readonly string[]
  /** Of a binary: its first bytes, for the hex rows. */
  readonly bytes: Uint8Array
  readonly size: number
  /** True when there is more than what was read. */
  readonly partial: boolean
}

/** Which records the Trace shows. Each part that is set must match; texts match anywhere, without case. */
export interface TraceFilter {
  readonly actor: string
  readonly action: string
  readonly text: string
}

export interface Scan {
  /** Matches, oldest first. */
  readonly records: readonly RecordView[]
  /** All records from this one on were looked at. */
  readonly scannedFrom: number
}

export interface RecordDetail {
  readonly record: RecordView
  /** The first of its changes. */
  readonly changes: readonly TreeChange[]
  /** How many records the newest signed checkpoint covers; undefined: there is none. */
  readonly checkpointSize: number | undefined
}

export interface LineCounts {
  readonly added: number
  readonly removed: number
}

export interface Questions {
  directory: { readonly path: GovernedPath; readonly at: StateText | undefined }
  file: { readonly path: GovernedPath; readonly at: StateText | 'disk' }
  fileDiff: { readonly path: GovernedPath; readonly from: StateText; readonly to: StateText | 'disk' }
  versions: { readonly path: GovernedPath }
  versionCounts: { readonly path: GovernedPath; readonly seqs: readonly number[] }
  diff: { readonly from: StateText; readonly to: StateText | 'disk' }
  changeCounts: { readonly from: StateText; readonly to: StateText | 'disk'; readonly paths: readonly GovernedPath[] }
  records: { readonly from: number; readonly to: number }
  scan: { readonly before: number; readonly filter: TraceFilter; readonly want: number }
  seek: { readonly from: number; readonly direction: 1 | -1; readonly filter: TraceFilter }
  record: { readonly seq: number }
  snapshots: Record<never, never>
  space: Record<never, never>
  status: Record<never, never>
  undoable: { readonly direction: 'undo' | 'redo' }
  rollbackPreview: { readonly to: StateText }
  state: { readonly text: string }
}

export interface Answers {
  directory: readonly ListedEntry[]
  file: Preview | undefined
  fileDiff: FileDiff
  versions: readonly Version[]
  versionCounts: ReadonlyMap<number, LineCounts>
  diff: DiffReport
  changeCounts: ReadonlyMap<GovernedPath, LineCounts>
  records: readonly RecordView[]
  scan: Scan
  seek: RecordView | undefined
  record: RecordDetail
  snapshots: readonly SnapshotView[]
  space: ReadonlyMap<string, number>
  status: StatusReport
  undoable: RecordView | undefined
  rollbackPreview: RollbackPreview
  state: StatePoint
}

export type Ask = keyof Questions

/** A question, told apart by `ask`. */
export type Query = { [K in Ask]: { readonly ask: K } & Questions[K] }[Ask]

export type QueryOf<K extends Ask> = Extract<Query, { readonly ask: K }>

/** A question with what came back for it. */
export type Answered = {
  [K in Ask]: { readonly ask: K; readonly query: QueryOf<K>; readonly answer: Answers[K] }
}[Ask]
