// What commands and screens can ask of a root folder, as types. `system.ts` makes it; nothing above needs more.

import type { ArchiveReport } from './backup/archive.ts'
import type { BackupReport } from './backup/backup.ts'
import type { Since } from './carrying.ts'
import type { SentientError } from './errors.ts'
import type { CarReport } from './export/car.ts'
import type { TlogReport } from './export/tlog.ts'
import type { Entry } from './format/node.ts'
import type { VerifierKey } from './format/note.ts'
import type { ByteString, FileKind } from './host/host.ts'
import type { RedisReport, SessionState } from './lastState.ts'
import type { Progress } from './progress.ts'
import type { Decide } from './timeline/context.ts'
import type {
  CheckpointView,
  DiffReport,
  FileDiff,
  ForgetReport,
  GcReport,
  GovernedPath,
  ListedEntry,
  LostPlace,
  Notice,
  OperationResult,
  RecordFilter,
  RecordView,
  RepairReport,
  RollbackPreview,
  SnapshotView,
  StatePoint,
  StatusReport,
  TreeChange,
  VerifyReport,
  Version,
  Work,
} from './timeline/model.ts'
import type { Settings } from './timeline/settings.ts'
import type { BindingState } from './verify/bindingCheck.ts'
import type { ConsistencyText, OlderTree } from './verify/consistency.ts'

/** Random access to some bytes: a file on disk, standard input kept aside, an object of the store. */
export interface ByteSource {
  readonly size: number
  read(target: Uint8Array, offset: number, length: number, position: number): number
}

export interface OpenedFile extends ByteSource {
  close(): void
}

export interface Cancellable {
  readonly signal?: AbortSignal
}

export interface OpenOptions extends Cancellable {
  readonly rootPath: string
  readonly access: 'read' | 'write'
  readonly actor?: string
  /** An id of the interactive session; its records carry it, so that `undo` in a session finds only its own. */
  readonly session?: string
  /** Decides every operation of this System; without it everything is permitted. */
  readonly decide?: Decide
  /**
   * Whether opening does what `ready` does, when that was not said: true. Where snapshots and past states are not asked
   * for, nothing has to be read for them.
   */
  readonly ready?: boolean
  /** Told how far a long opening came. */
  readonly progress?: (progress: Progress) => void
}

/** What this device knows of the folder that was opened. */
export interface FolderBinding {
  /** `unasked`: it was opened for reading, and nothing hangs on it. */
  readonly state: BindingState['state'] | 'unasked'
  /** Why nothing is recorded here before `adoptRoot` is told what the folder is: what a write fails with. */
  readonly refusal: SentientError | undefined
}

export interface AdoptOptions extends Cancellable {
  readonly rootPath: string
  readonly as: 'moved' | 'copy'
}

export interface InitOptions extends Cancellable {
  readonly path: string
  readonly zk: boolean
  /** Replaces the default ignore patterns. */
  readonly ignore?: readonly string[]
}

export interface InitResult extends OperationResult {
  readonly files: number
  readonly bytes: number
  readonly logId: string
  readonly origin: string
  readonly verifierKey: string
}

export interface SettingsCandidate {
  readonly state: 'none' | 'changed' | 'missing' | 'invalid'
  readonly problem?: { readonly line: number; readonly column: number; readonly message: string }
  readonly differences: readonly { readonly key: string; readonly inForce: string; readonly candidate: string }[]
}

export interface WitnessChoices extends Cancellable {
  /** Where it remembers what it has seen; the device's own place when left out. */
  readonly statePath?: string
  /** Of its key, when that is made. */
  readonly name?: string | undefined
  /** Keys of logs, by which they are known from elsewhere. */
  readonly keys: readonly VerifierKey[]
}

export interface WatchEvent {
  readonly kind: 'watching' | 'drift' | 'absorbed' | 'healed' | 'record' | 'rescan' | 'snapshot' | 'problem'
  readonly time: number
  readonly paths: readonly GovernedPath[]
  readonly text: string
  readonly seq?: number
}

export interface DoctorCheck {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'bad'
  readonly text: string
  readonly hint?: string
}

export interface VerifyOptions extends Cancellable {
  readonly quick?: boolean
  readonly deep?: boolean
  readonly since?: number
}

export interface System {
  readonly rootPath: string
  readonly access: 'read' | 'write'
  readonly binding: FolderBinding
  readonly notices: readonly Notice[]
  /** The settings in force, and the text they were read from. */
  settings(): { readonly values: Settings; readonly text: string }
  now(): { readonly records: number; readonly root: string; readonly time: number; readonly applied: number }
  /** Looks for records of other processes; true when there were some. */
  refresh(): boolean
  /** A user's text (escapes as displayed) relative to `cwd` (an absolute path) as a path below the root folder. */
  governedPath(text: string, cwd: string): GovernedPath
  /**
   * Reads what `resolve`, `snapshots` and every past state need of a long journal whose derived data are gone, in
   * slices. They do the same when it was not called, but in one go.
   */
  ready(options?: Cancellable): Work<void>
  resolve(text: string): StatePoint

  status(options?: Cancellable & { readonly under?: readonly GovernedPath[] }): Work<StatusReport>
  lastStatus(): StatusReport | undefined
  directory(path: GovernedPath, options?: { readonly at?: StatePoint }): ListedEntry[]
  /** The same in slices, for a screen. */
  list(path: GovernedPath, options?: Cancellable & { readonly at?: StatePoint }): Work<ListedEntry[]>
  entry(path: GovernedPath, options?: { readonly at?: StatePoint }): ListedEntry | undefined
  openFile(path: GovernedPath, at: StatePoint | 'disk'): OpenedFile | undefined
  find(
    options: Cancellable & {
      readonly under?: GovernedPath
      readonly name?: string
      readonly kind?: FileKind
      readonly at?: StatePoint
    },
  ): AsyncGenerator<ListedEntry>
  walkState(point: StatePoint, under?: GovernedPath): Generator<{ readonly path: GovernedPath; readonly entry: Entry }>

  /** In one go: for a short range, or a filter that lets nearly all through. */
  records(filter?: RecordFilter): Generator<RecordView>
  /** The same in slices, saying how far it came: for any filter. */
  scanRecords(
    filter?: RecordFilter & Cancellable,
  ): AsyncGenerator<{ readonly record: RecordView } | { readonly progress: Progress }>
  record(seq: number): RecordView
  recordChanges(seq: number): Generator<TreeChange>
  versions(path: GovernedPath, options?: Cancellable & { readonly limit?: number }): Work<Version[]>
  diff(
    from: StatePoint,
    to: StatePoint | 'disk',
    options?: Cancellable & { readonly under?: readonly GovernedPath[] },
  ): Work<DiffReport>
  fileDiff(
    path: GovernedPath,
    from: StatePoint,
    to: StatePoint | 'disk',
    options?: { readonly context?: number },
  ): FileDiff
  snapshots(): SnapshotView[]
  /** Bytes that dropping a snapshot and all older unpinned ones would free, by name. */
  snapshotSpace(options?: Cancellable): Work<ReadonlyMap<string, number>>

  put(
    path: GovernedPath,
    source: ByteSource,
    options?: Cancellable & { readonly mode?: number; readonly parents?: boolean },
  ): Work<OperationResult>
  makeDirectory(
    path: GovernedPath,
    options?: Cancellable & { readonly parents?: boolean; readonly mode?: number },
  ): Work<OperationResult>
  makeSymlink(path: GovernedPath, target: ByteString, options?: Cancellable): Work<OperationResult>
  setMode(
    paths: readonly GovernedPath[],
    mode: (current: number, kind: FileKind) => number,
    options?: Cancellable & { readonly recursive?: boolean },
  ): Work<OperationResult>
  remove(
    paths: readonly GovernedPath[],
    options?: Cancellable & { readonly recursive?: boolean },
  ): Work<OperationResult>
  /** Into `to` when it is a directory, else to that name (one path only); refuses to replace unless `force`. */
  move(
    from: readonly GovernedPath[],
    to: GovernedPath,
    options?: Cancellable & { readonly force?: boolean },
  ): Work<OperationResult>
  copy(
    from: readonly GovernedPath[],
    to: GovernedPath,
    options?: Cancellable & { readonly force?: boolean; readonly recursive?: boolean },
  ): Work<OperationResult>
  /** The first keeping of a new root folder's content; part of `initRoot`, and to be run again when that was killed. */
  adopt(options?: Cancellable): Work<OperationResult>
  /** Keeps drift: of the paths and what lies below them; of everything when there are none. */
  absorb(paths: readonly GovernedPath[], options?: Cancellable): Work<OperationResult>
  restore(
    paths: readonly GovernedPath[],
    to: StatePoint,
    options?: Cancellable & { readonly hunks?: readonly number[]; readonly as?: GovernedPath },
  ): Work<OperationResult>
  rollbackPreview(to: StatePoint, options?: Cancellable): Work<RollbackPreview>
  /** `decided` is told what it touches before it does: as the preview has it, under the lock. */
  rollback(
    to: StatePoint,
    options?: Cancellable & { readonly decided?: (preview: RollbackPreview) => void },
  ): Work<OperationResult>
  /** The record that `undo` would undo. */
  undoTarget(options?: Cancellable & { readonly session?: string }): Work<RecordView | undefined>
  undo(options?: Cancellable & { readonly seq?: number; readonly session?: string }): Work<OperationResult>
  redoTarget(options?: Cancellable & { readonly session?: string }): Work<RecordView | undefined>
  redo(options?: Cancellable & { readonly session?: string }): Work<OperationResult>
  snapshotCreate(
    options?: Cancellable & {
      readonly label?: string
      readonly name?: string
      readonly absorb?: boolean
      readonly automatic?: boolean
    },
  ): Work<OperationResult>
  snapshotLabel(name: string, label: string): Work<OperationResult>
  snapshotPin(name: string, pinned: boolean): Work<OperationResult>
  snapshotRemove(name: string): Work<OperationResult>
  settingsCandidate(): Promise<SettingsCandidate>
  applySettings(options?: Cancellable): Work<OperationResult>
  /** Edits one key of sentient.yaml (value as YAML text, comments kept) and applies it. */
  setSetting(key: string, value: string, options?: Cancellable): Work<OperationResult>

  verify(options?: VerifyOptions): Work<VerifyReport>
  /** `from`: another copy of the folder (an absolute path), from which what is lost here is taken. */
  repair(options?: Cancellable & { readonly from?: string | undefined }): Work<RepairReport>
  gc(options?: Cancellable & { readonly dryRun?: boolean }): Work<GcReport>
  /**
   * Takes what paths ever held out of every state and record. Throws PATH_EXISTS for one that is still there,
   * PATH_NOT_FOUND when nothing knows them.
   */
  forget(paths: readonly GovernedPath[], options?: Cancellable & { readonly dryRun?: boolean }): Work<ForgetReport>
  /** Which paths of which snapshots need what is lost for good; looks through all of them. */
  findLost(options?: Cancellable): Work<readonly LostPlace[]>
  /** What the last `findLost` found, as far as those snapshots are still kept. */
  knownLost(): readonly LostPlace[]
  checkpoint(): CheckpointView | undefined
  signCheckpoint(): Promise<CheckpointView>
  verifierKey(): string
  /** Of all epochs, and of the logs that this one is a copy of; the first is the oldest. */
  verifierKeys(): string[]
  /** A small text file that proves a record's inclusion; see format/README.md. */
  inclusion(seq: number): Promise<string>
  /** A text file that proves that a checkpoint (the newest, when left out) goes on from an older tree; or that it does not. */
  consistency(older: OlderTree, newNote?: Uint8Array): Promise<ConsistencyText>
  /** Writes the log as C2SP tlog-tiles into a directory (an absolute path): what is new since it was written there before. */
  exportTlog(path: string, options?: Cancellable & { readonly all?: boolean }): Work<TlogReport>
  /** Writes a state, or what is below a path of it, as a CARv1 file (an absolute path). */
  exportCar(path: string, at: StatePoint, options?: Cancellable & { readonly under?: GovernedPath }): Work<CarReport>
  /** Brings the backup in a directory (an absolute path, made when missing) up to date; `deep`: all of it looked at. */
  backup(path: string, options?: Cancellable & { readonly deep?: boolean }): Work<BackupReport>
  /**
   * Writes recycle.redis, and tells the Redis of the settings; with an absolute path it writes there and tells nobody.
   * Throws NOT_WRITABLE, DISK_FULL, IO; what the server did not take is a part of the result.
   */
  exportRedis(path?: string, options?: Cancellable): Work<RedisReport>
  /** Keeps where somebody is on the screen, for the next start; false where it cannot be kept. */
  saveSession(state: SessionState): boolean
  /**
   * Writes the history, or what is new since a record or a checkpoint that the other side has, as one archive: into a
   * file (an absolute path), or to whoever takes the bytes.
   */
  exportArchive(
    to: string | { readonly write: (bytes: Uint8Array) => void },
    options?: Cancellable & { readonly since?: Since },
  ): Work<ArchiveReport>
  watch(options: {
    readonly signal: AbortSignal
    readonly absorb?: boolean
    readonly heal?: boolean
  }): AsyncGenerator<WatchEvent>
  /** Records as they come, of all processes, from `from` on (default: the next one). */
  follow(options: { readonly signal: AbortSignal; readonly from?: number }): AsyncGenerator<RecordView>
  doctor(): Promise<DoctorCheck[]>
  /** Signs a checkpoint when the journal grew, writes what is derived, lets everything go. */
  close(): Promise<void>
}
