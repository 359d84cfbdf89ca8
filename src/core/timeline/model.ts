// The words in which the history speaks to commands and screens: plain data, no behaviour. Everything here can be
// printed as JSON once its byte strings are escaped and its bigints are gone.

import type { Link, ObjectId } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import type { ByteString, FileKind } from '../host/host.ts'
import type { Progress } from '../progress.ts'

/** Long work: yields progress, returns its result; stops with CANCELLED when its signal is aborted. */
export type Work<T> = AsyncGenerator<Progress, T, void>

/** A path below the root folder: parts joined by "/", no leading or trailing slash, bytes as chars; '' is the root. */
export type GovernedPath = ByteString

/** One state of the governed tree that the history can show. */
export interface StatePoint {
  readonly root: ObjectId
  /** The record after which this was the state; for a snapshot the record that made it. */
  readonly seq: number
  /** Microseconds since 1970. */
  readonly time: number
  readonly snapshot?: string
  /** For people: `now`, `#4127` or the snapshot's name and label. */
  readonly text: string
}

export type ChangeState =
  | 'changed' // content, mode or kind differ from the record
  | 'new' // on disk, not recorded
  | 'gone' // recorded, not on disk
  | 'damaged' // the recorded content can not be read from the store
  | 'applying' // committed, not yet visible: another process is at it
  | 'unapplied' // committed, could not be made visible
  | 'unreadable' // on disk, but it can not be read

export interface DiskEntry {
  readonly kind: FileKind
  readonly mode: number
  readonly size: number
  /** Microseconds since 1970. */
  readonly mtime: number
}

/** One path that differs between the disk and the last recorded state. */
export interface Change {
  readonly path: GovernedPath
  readonly state: ChangeState
  readonly kind: FileKind
  readonly recorded: Entry | null
  readonly disk: DiskEntry | null
  readonly differs: readonly ('content' | 'mode' | 'kind')[]
  /** Why it is in the list, a phrase for people. */
  readonly reason: string
  /** What the settings say about drift here. */
  readonly drift: DriftRule
}

export type DriftRule = 'absorb' | 'warn' | 'heal'

export type ChangeCounts = Readonly<Record<ChangeState, number>>

export interface StatusReport {
  readonly rootPath: string
  readonly records: number
  readonly root: ObjectId
  readonly time: number
  readonly changes: readonly Change[]
  readonly counts: ChangeCounts
  readonly filesChecked: number
  readonly filesHashed: number
  readonly bytesHashed: number
  /** Sockets, pipes, devices. */
  readonly skipped: readonly GovernedPath[]
  readonly ignored: number
  /** When the tree was last looked at before this look, microseconds; undefined: never. */
  readonly lastLook: number | undefined
  /** sentient.yaml differs from the settings in force. */
  readonly settingsCandidate: 'none' | 'changed' | 'missing' | 'invalid'
  readonly settingsProblem?: string
  readonly snapshots: number
  readonly notices: readonly Notice[]
}

/** Something that opening or an operation wants people to know. */
export interface Notice {
  readonly code:
    | 'recovered'
    | 'applying'
    | 'unapplied'
    | 'read-only'
    | 'damaged'
    | 'torn'
    | 'clock'
    | 'protected'
    | 'drift'
    | 'forgotten'
    | 'moved'
    | 'binding'
    | 'settings'
    | 'links'
    | 'names'
    | 'redis'
    | 'unsigned'
    | 'lost'
  readonly text: string
}

/** How one listed path stands: recorded `=`, changed `~`, new `+`, gone `-`, damaged `!`, skipped `s`, unchecked `?`, ignored blank. */
export type IntegrityMark = '=' | '~' | '+' | '-' | '!' | 's' | '?' | ' '

export interface ListedEntry {
  readonly name: ByteString
  readonly path: GovernedPath
  readonly kind: FileKind
  readonly mode: number
  readonly size: number
  /** Microseconds; 0 when unknown (past states keep no times). */
  readonly mtime: number
  readonly mark: IntegrityMark
  readonly reason: string
  /** For a directory: how many paths below differ, and the worst of their marks. */
  readonly below?: { readonly count: number; readonly worst: IntegrityMark }
  readonly target?: ByteString
}

export interface TreeChange {
  readonly path: GovernedPath
  readonly before: Entry | null
  readonly after: Entry | null
}

export interface RecordView {
  readonly seq: number
  readonly time: number
  readonly actor: string
  readonly action: string
  readonly subject: { readonly kind: string; readonly id: ByteString }
  readonly effect: 'permit' | 'deny'
  readonly rule: string
  readonly root: ObjectId
  /** How many paths it changed. */
  readonly changed: number
  readonly before?: Entry | null
  readonly after?: Entry | null
  readonly changes?: Link
  readonly cause?: number
  readonly doubtful: boolean
  readonly forgotten: boolean
  readonly fields: Readonly<Record<string, unknown>>
  readonly leaf: string
  /** One line for people, foreign text escaped: `write etc/fstab`, `rollback to 20261120-2240`. */
  readonly summary: string
}

export interface RecordFilter {
  readonly from?: number
  /** Exclusive. */
  readonly to?: number
  readonly newestFirst?: boolean
  readonly limit?: number
  readonly actor?: string
  readonly action?: string
  readonly under?: GovernedPath
  /** Microseconds. */
  readonly since?: number
  readonly until?: number
}

export interface Version {
  readonly seq: number
  readonly time: number
  readonly actor: string
  readonly action: string
  readonly before: Entry | null
  readonly after: Entry | null
}

export interface SnapshotView {
  readonly name: string
  readonly label: string
  readonly seq: number
  readonly root: ObjectId
  readonly time: number
  readonly kind: 'manual' | 'auto' | 'protect' | 'init'
  readonly pinned: boolean
}

/** A path whose content is lost for good, and where it is missing. */
export interface LostPlace {
  readonly path: GovernedPath
  /** CID of the object that is gone. */
  readonly object: string
  /** Names of the snapshots that need it. */
  readonly snapshots: readonly string[]
  /** The state in force needs it. */
  readonly now: boolean
}

export interface OperationResult {
  readonly seq: number
  readonly action: string
  /** Paths that changed by it. */
  readonly changed: readonly GovernedPath[]
  readonly changedCount: number
  readonly snapshot?: string
  /** What was in the way was kept in this snapshot. */
  readonly protectedAs?: string
  readonly unapplied: readonly GovernedPath[]
  readonly drifted: readonly GovernedPath[]
  /** Left out: no copy is left of what should come there. */
  readonly lost?: readonly GovernedPath[]
  readonly notices: readonly Notice[]
}

export interface Hunk {
  /** 1-based, as `--hunk N` takes it. */
  readonly number: number
  readonly beforeStart: number
  readonly beforeLines: number
  readonly afterStart: number
  readonly afterLines: number
  /** Lines with their sign: ' ', '-' or '+'; text decoded as UTF-8 with bad bytes replaced, not yet escaped. */
  readonly lines: readonly string[]
}

export interface FileDiff {
  readonly path: GovernedPath
  readonly before: Entry | DiskEntry | null
  readonly after: Entry | DiskEntry | null
  readonly kind: 'text' | 'binary' | 'too-large' | 'same' | 'other'
  readonly hunks: readonly Hunk[]
  readonly added: number
  readonly removed: number
}

export interface DiffReport {
  readonly from: StatePoint
  readonly to: StatePoint | 'disk'
  readonly changes: readonly TreeChange[]
  readonly counts: { readonly created: number; readonly changed: number; readonly deleted: number }
}

export interface RollbackPreview {
  readonly target: StatePoint
  readonly changes: readonly TreeChange[]
  readonly counts: { readonly created: number; readonly changed: number; readonly deleted: number }
  /** Bytes that will be written. */
  readonly bytes: number
  /** Paths changed outside that the rollback would overwrite: they will be kept in a snapshot first. */
  readonly drift: readonly GovernedPath[]
  /** Paths that stay as they are, as no copy is left of what should come there. */
  readonly lost: readonly GovernedPath[]
  readonly settingsChange: boolean
}

export interface Finding {
  /** A stable word: `pack-entry-damaged`, `object-missing`, `record-damaged`, `node-not-canonical`, ... */
  readonly code: string
  readonly severity: 'damage' | 'drift' | 'note'
  readonly path?: GovernedPath
  readonly seq?: number
  readonly where?: string
  readonly expected?: string
  readonly found?: string
}

export interface VerifyCheck {
  /** What was checked, a noun phrase: `records`, `objects`, `directory nodes`. */
  readonly name: string
  readonly checked: number
  readonly findings: number
  readonly text: string
}

export interface VerifyReport {
  readonly checks: readonly VerifyCheck[]
  readonly findings: readonly Finding[]
  readonly damaged: boolean
  readonly drifted: boolean
}

export interface RepairReport {
  readonly rebuilt: readonly string[]
  readonly restored: readonly Finding[]
  readonly lost: readonly Finding[]
}

export interface GcReport {
  readonly objectsBefore: number
  readonly objectsAfter: number
  readonly bytesFreed: number
  readonly horizon: number
  readonly seq: number | undefined
}

/** What a path that is forgotten has in common with something that stays. */
export interface SharedContent {
  readonly path: GovernedPath
  /** The other path, or what else leads there. */
  readonly with: ByteString
  /** In packs; what several share counts with the first. */
  readonly bytes: number
}

export interface ForgetReport {
  /** Whose bodies go, or went. */
  readonly records: number
  readonly objects: number
  /** That these objects take in packs. */
  readonly bytes: number
  /** What stays because something else has it too: the first thousand. */
  readonly shared: readonly SharedContent[]
  readonly sharedBytes: number
  /** Files with what was cut off or damaged, which go as well: nobody can tell what they hold. */
  readonly putAside: { readonly files: number; readonly bytes: number }
  /** Of the last record about it; undefined when nothing was done. */
  readonly seq: number | undefined
  /** False: it is recorded, and damage keeps it from being carried out. */
  readonly finished: boolean
}

export interface CheckpointView {
  readonly text: string
  readonly origin: string
  readonly size: number
  readonly root: string
  readonly verifierKey: string
}
