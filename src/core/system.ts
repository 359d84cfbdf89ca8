// The only place that wires subsystems together. Commands and screens hold a `System` and nothing below it.
import { SentientError } from './errors.ts'
import { displayBytes, hexOf, parseDisplayed } from './format/bytes.ts'
import { parseOrigin } from './format/checkpoint.ts'
import { FormatError } from './format/formatError.ts'
import { decodeFormatFile, type FormatFile, openable } from './format/formatFile.ts'
import type { Entry } from './format/node.ts'
import { parseVerifierKey } from './format/note.ts'
import type { Body } from './format/record.ts'
import { encodeState } from './format/state.ts'
import type { Database } from './host/database.ts'
import { isHostError } from './host/error.ts'
import type { ByteString, Directory, FileKind, Host } from './host/host.ts'
import { openJournal } from './journal/journal.ts'
import { writeBinding } from './keys/binding.ts'
import { createLogKey, type LogKeys, openLogKeys } from './keys/keys.ts'
import { openStore } from './store/store.ts'
import { emptyDirectory } from './store/tree.ts'
import { absorb } from './timeline/absorb.ts'
import { adopt } from './timeline/adopt.ts'
import { type Decide, permitAll, type TimelineContext } from './timeline/context.ts'
import { diffStates, find } from './timeline/diff.ts'
import { fileDiff } from './timeline/fileDiff.ts'
import {
  applySettings,
  type LoadedSettings,
  loadSettingsInForce,
  readSettingsFile,
  setSetting,
  settingsCandidate,
  writeSettingsFile,
} from './timeline/governing.ts'
import { createSkeleton, type FolderSurvey, isRootFolder, survey } from './timeline/init.ts'
import type {
  CheckpointView,
  DiffReport,
  FileDiff,
  GcReport,
  GovernedPath,
  ListedEntry,
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
import { copy, makeDirectory, makeSymlink, move, put, remove, setMode } from './timeline/operations.ts'
import { changesOf, filteredRecords, requireRecord, viewOf } from './timeline/records.ts'
import { resolveState } from './timeline/resolve.ts'
import { restore, rollback, rollbackPreview } from './timeline/restore.ts'
import { defaultSettings, parseSettings, type Settings, settingsError, settingsText } from './timeline/settings.ts'
import {
  snapshotCreate,
  snapshotLabel,
  snapshotPin,
  snapshotRemove,
  snapshotSpace,
} from './timeline/snapshotOperations.ts'
import { currentSnapshots, snapshotsAreStale, storeSnapshots } from './timeline/snapshots.ts'
import { listDirectory, listPath } from './timeline/status.ts'
import { createStatusMemory, follow, openFileAt, recoverAtOpening, walkState } from './timeline/timeline.ts'
import { storeTrace } from './timeline/trace.ts'
import { redo, redoTarget, undo, undoTarget } from './timeline/undo.ts'
import { indexName, versions } from './timeline/versions.ts'
import { watch } from './timeline/watch.ts'
import { doctor } from './verify/doctor.ts'
import { gc } from './verify/gc.ts'
import { inclusionFileText } from './verify/inclusion.ts'
import { repair } from './verify/repair.ts'
import { verify } from './verify/verify.ts'
import { checkGovernedPath } from './worktree/paths.ts'
import { openWorktree } from './worktree/worktree.ts'

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
}

export type { FolderSurvey } from './timeline/init.ts'

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
  readonly notices: readonly Notice[]
  /** The settings in force, and the text they were read from. */
  settings(): { readonly values: Settings; readonly text: string }
  now(): { readonly records: number; readonly root: string; readonly time: number; readonly applied: number }
  /** Looks for records of other processes; true when there were some. */
  refresh(): boolean
  /** A user's text (escapes as displayed) relative to `cwd` (an absolute path) as a path below the root folder. */
  governedPath(text: string, cwd: string): GovernedPath
  resolve(text: string): StatePoint

  status(options?: Cancellable & { readonly under?: readonly GovernedPath[] }): Work<StatusReport>
  lastStatus(): StatusReport | undefined
  directory(path: GovernedPath, options?: { readonly at?: StatePoint }): ListedEntry[]
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

  records(filter?: RecordFilter): Generator<RecordView>
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
  rollback(to: StatePoint, options?: Cancellable): Work<OperationResult>
  /** The record that `undo` would undo. */
  undoTarget(options?: { readonly session?: string }): RecordView | undefined
  undo(options?: Cancellable & { readonly seq?: number; readonly session?: string }): Work<OperationResult>
  redoTarget(options?: { readonly session?: string }): RecordView | undefined
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
  repair(options?: Cancellable): Work<RepairReport>
  gc(options?: Cancellable & { readonly dryRun?: boolean }): Work<GcReport>
  checkpoint(): CheckpointView | undefined
  signCheckpoint(): Promise<CheckpointView>
  verifierKey(): string
  /** A small text file that proves a record's inclusion; see format/README.md. */
  inclusion(seq: number): Promise<string>
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

/** Opens a root folder. Finishes what an earlier process committed and could not show, when nobody holds the lock. */
export async function openSystem(host: Host, options: OpenOptions): Promise<System> {
  const root = host.files.openDirectory(options.rootPath)
  if (root === undefined || !isRootFolder(root)) {
    root?.close()
    throw new SentientError('ROOT_NOT_FOUND', { where: options.rootPath })
  }
  const parts = openParts(host, root, options)
  const { context } = parts
  try {
    await context.loadSettings()
    if (parts.writable && parts.damage === undefined) await recoverAtOpening(context, options.signal)
    return assemble(host, parts)
  } catch (error) {
    parts.release()
    throw error
  }
}

interface Parts {
  readonly context: TimelineContext
  readonly keys: LogKeys
  readonly origin: string
  readonly logId: Uint8Array
  /** Whether this process may write into the dotfolders at all. */
  readonly writable: boolean
  readonly damage: string | undefined
  release(): void
}

function openParts(host: Host, root: Directory, options: OpenOptions): Parts {
  const opened: Directory[] = [root]
  const child = (parent: Directory, name: string): Directory => {
    const directory = parent.child(name)
    if (directory === undefined)
      throw new SentientError('DAMAGED', {
        what: 'A part of the root folder is missing',
        where: `${parent.path}/${name}`,
      })
    opened.push(directory)
    return directory
  }
  const derivedChild = (parent: Directory, name: string): Directory | undefined => {
    try {
      if (parent.stat(name) === undefined) parent.makeDirectory(name, 0o700)
      return child(parent, name)
    } catch (error) {
      if (isHostError(error, 'READ_ONLY', 'DENIED', 'NO_SPACE')) return undefined
      throw error
    }
  }
  const runtime = child(root, '.runtime')
  const formatFile = readFormat(runtime)
  const permission = openable(formatFile)
  if (permission.state === 'refuse') {
    throw new SentientError('FORMAT_UNKNOWN', { where: '.runtime/format', found: permission.unknown.join(', ') })
  }
  const tree = child(root, '.tree')
  const derived = derivedChild(root, '.db')
  const stage = derived === undefined ? undefined : derivedChild(runtime, 'stage')
  const writable = permission.state === 'write' && stage !== undefined
  const access = options.access === 'write' && writable ? 'write' : 'read'
  const { clock, random, processes, locks } = host
  const journal = openJournal({
    directory: runtime,
    derived,
    clock,
    random,
    processes,
    locks,
    // Finishing a committed change is part of opening, also for a reader, wherever the folder can be written.
    access: writable ? 'write' : 'read',
    logId: formatFile.logId,
  })
  const store = openStore({ directory: tree, clock, random, processes, access: writable ? 'write' : 'read' })
  const worktree = openWorktree({ root, stage, derived, clock, random })
  const keys = openLogKeys(child(root, '.auth'))
  let loaded: LoadedSettings | undefined
  const notices: Notice[] = []
  const context: TimelineContext = {
    store,
    journal,
    worktree,
    directories: { root, runtime, tree, derived },
    clock,
    random,
    decide: options.decide ?? permitAll,
    actor: options.actor ?? 'owner',
    session: options.session,
    access: journal.damage() === undefined ? access : 'read',
    signer: () => keys.signer(),
    verifier: () => keys.verifier(),
    notices,
    settings: () => loaded?.values ?? defaultSettings,
    settingsText: () => loaded?.text ?? settingsText(defaultSettings),
    async loadSettings() {
      loaded = await loadSettingsInForce({ store, journal, directories: context.directories }, loaded)
      if (loaded.problem !== undefined && !notices.some(notice => notice.code === 'settings')) {
        notices.push({
          code: 'settings',
          text: `the settings in force can not be read, the defaults stand in: ${loaded.problem}`,
        })
      }
    },
  }
  const damage = journal.damage()
  if (damage !== undefined)
    notices.push({ code: 'damaged', text: `the journal is damaged at ${damage.where}: ${damage.reason}` })
  else if (options.access === 'write' && access === 'read') {
    const why =
      permission.state === 'read'
        ? `unknown options ${permission.unknown.join(', ')}`
        : 'the file system can not be written'
    notices.push({ code: 'read-only', text: `opened for reading: ${why}` })
  }
  return {
    context,
    keys,
    origin: keys.verifier().name,
    logId: formatFile.logId,
    writable,
    damage: damage?.reason,
    release() {
      journal.close()
      store.close()
      for (const directory of opened.reverse()) directory.close()
    },
  }
}

const formatFileBytesMax = 65_536

function readFormat(runtime: Directory): FormatFile {
  const file = runtime.open('format', 'read')
  try {
    const bytes = new Uint8Array(Math.min(file.stat().size, formatFileBytesMax))
    file.read(bytes, 0, bytes.length, 0)
    return decodeFormatFile(bytes)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new SentientError(
      'DAMAGED',
      { what: 'The format file is damaged', where: '.runtime/format', found: error.message },
      error,
    )
  } finally {
    file.close()
  }
}

function assemble(host: Host, parts: Parts): System {
  const { context, keys } = parts
  const memory = createStatusMemory(context)
  const database = lazyDatabase(host, context)
  let sizeAtOpening = context.journal.head().size
  const system: System = {
    rootPath: context.directories.root.path,
    access: context.access,
    notices: context.notices,
    settings: () => ({ values: context.settings(), text: context.settingsText() }),
    now() {
      const { size, root, time, applied } = context.journal.head()
      return { records: size, root: root ?? '', time, applied }
    },
    refresh() {
      const moved = context.journal.refresh()
      if (moved) context.store.refresh()
      return moved
    },
    governedPath: (text, cwd) => governedPathOf(context.directories.root.path, text, cwd),
    resolve: text => resolveState(context, text),

    status: options => memory.run(options),
    lastStatus: memory.last,
    directory: (path, options) => listDirectory(context, path, { at: options?.at, known: memory.marks() }),
    entry: (path, options) => listPath(context, path, { at: options?.at, known: memory.marks() }),
    openFile: (path, at) => openFileAt(context, path, at),
    find: options => find(context, { ...options, known: memory.marks() }),
    walkState: (point, under) => walkState(context, point, under),

    records: filter => filteredRecords(context, filter),
    record: seq => viewOf(context, requireRecord(context, seq)),
    recordChanges: seq => changesOf(context, requireRecord(context, seq)),
    versions: (path, options) => versions(context, path, { ...options, database: database() }),
    diff: (from, to, options) => diffStates(context, from, to, options),
    fileDiff: (path, from, to, options) => fileDiff(context, path, from, to, options),
    snapshots: () => [...currentSnapshots(context)],
    snapshotSpace: options => snapshotSpace(context, options),

    put: (path, source, options) => put(context, path, source, options),
    makeDirectory: (path, options) => makeDirectory(context, path, options),
    makeSymlink: (path, target, options) => makeSymlink(context, path, target, options),
    setMode: (paths, mode, options) => setMode(context, paths, mode, options),
    remove: (paths, options) => remove(context, paths, options),
    move: (from, to, options) => move(context, from, to, options),
    copy: (from, to, options) => copy(context, from, to, options),
    adopt: options => adopt(context, options),
    absorb: (paths, options) => absorb(context, paths, options),
    restore: (paths, to, options) => restore(context, paths, to, options),
    rollbackPreview: (to, options) => rollbackPreview(context, to, options),
    rollback: (to, options) => rollback(context, to, options),
    undoTarget: options => optionalView(context, undoTarget(context, options?.session)),
    undo: options => undo(context, options),
    redoTarget: options => optionalView(context, redoTarget(context, options?.session)),
    redo: options => redo(context, options),
    snapshotCreate: options => snapshotCreate(context, options),
    snapshotLabel: (name, label) => snapshotLabel(context, name, label),
    snapshotPin: (name, pinned) => snapshotPin(context, name, pinned),
    snapshotRemove: name => snapshotRemove(context, name),
    settingsCandidate: () => settingsCandidate(context),
    applySettings: options => applySettings(context, options),
    setSetting: (key, value, options) => setSetting(context, key, value, options),

    verify: options => verify(context, options),
    repair: options => repair(context, options),
    gc: options => gc(context, options),
    checkpoint: () => checkpointView(context, keys),
    async signCheckpoint() {
      await signNow(host, parts)
      return checkpointView(context, keys) as CheckpointView
    },
    verifierKey: () => keys.verifierText(),
    async inclusion(seq) {
      return await inclusionText(host, parts, seq)
    },
    watch: options => watch(context, host.files, options),
    follow: options => follow(context, options),
    doctor: () => doctor(host, context, keys),
    async close() {
      try {
        if (context.access === 'write' && context.journal.head().size > sizeAtOpening) {
          sizeAtOpening = context.journal.head().size
          await writeProjections(host, parts)
        } else if (parts.writable && parts.damage === undefined && snapshotsAreStale(context)) {
          // A reader that had to replay the journal spares the next one that.
          await context.journal.writerLock.tryHold('snapshots', undefined, () => storeSnapshots(context))
        }
      } finally {
        database.close()
        parts.release()
      }
    },
  }
  return system
}

function optionalView(
  context: TimelineContext,
  record: Parameters<typeof viewOf>[1] | undefined,
): RecordView | undefined {
  return record === undefined ? undefined : viewOf(context, record)
}

function lazyDatabase(host: Host, context: TimelineContext) {
  let opened: Database | undefined
  const open = (): Database | undefined => {
    const { derived } = context.directories
    opened ??= derived === undefined ? undefined : host.databases?.open(derived, indexName)
    return opened
  }
  return Object.assign(open, { close: () => opened?.close() })
}

/** See `System.governedPath`. */
function governedPathOf(rootPath: string, text: string, cwd: string): GovernedPath {
  const invalid = (found: string, cause?: unknown) => new SentientError('PATH_INVALID', { where: text, found }, cause)
  let bytes: ByteString
  try {
    bytes = parseDisplayed(text)
  } catch (error) {
    throw invalid('an unknown escape', error)
  }
  const root = parseDisplayed(rootPath)
  const start = bytes.startsWith('/') ? '' : parseDisplayed(cwd)
  const parts: ByteString[] = []
  for (const part of `${start}/${bytes}`.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  const absolute = `/${parts.join('/')}`
  if (absolute === root || root === '/') return absolute === root ? '' : absolute.slice(1)
  if (!absolute.startsWith(`${root}/`)) throw invalid('a path outside the root folder')
  const path = absolute.slice(root.length + 1)
  checkGovernedPath(path)
  return path
}

/** Signs the journal's head, if it grew; remembers it outside the folder. */
async function signNow(host: Host, parts: Parts): Promise<void> {
  const { context, keys } = parts
  if (context.access !== 'write') throw new SentientError('READ_ONLY', { where: context.directories.root.path })
  await context.journal.writerLock.hold('checkpoint', undefined, () => signHeld(host, parts, keys))
}

function signHeld(host: Host, parts: Parts, keys: LogKeys): void {
  const { context } = parts
  const head = context.journal.head()
  if (context.journal.checkpoint()?.size === head.size) return
  const signed = context.journal.signCheckpoint(keys.signer())
  if (host.stateDirectory === undefined) return
  writeBinding(host.stateDirectory, {
    root: context.directories.root,
    logId: parts.logId,
    epoch: parseOrigin(parts.origin).epoch,
    size: signed.size,
    merkleRoot: signed.root,
    random: host.random,
  })
}

/** On the way out: the checkpoint, recycle.lock and recycle.trace. Skipped when somebody else is writing. */
async function writeProjections(host: Host, parts: Parts): Promise<void> {
  const { context, keys } = parts
  await context.journal.writerLock.tryHold('checkpoint', undefined, async () => {
    signHeld(host, parts, keys)
    storeSnapshots(context)
    for await (const _ of storeTrace(context, parts.origin));
  })
}

function checkpointView(context: TimelineContext, keys: LogKeys): CheckpointView | undefined {
  const stored = context.journal.checkpoint()
  if (stored === undefined) return undefined
  return {
    text: stored.text,
    origin: stored.origin,
    size: stored.size,
    root: hexOf(stored.root),
    verifierKey: keys.verifierText(),
  }
}

async function inclusionText(host: Host, parts: Parts, seq: number): Promise<string> {
  const { context } = parts
  requireRecord(context, seq)
  let checkpoint = context.journal.checkpoint()
  if (checkpoint === undefined || checkpoint.size <= seq) {
    await signNow(host, parts)
    checkpoint = context.journal.checkpoint()
  }
  if (checkpoint === undefined || checkpoint.size <= seq)
    throw new SentientError('KEY', { what: 'There is no checkpoint over that record' })
  return inclusionFileText(context, seq, checkpoint)
}

/** The nearest directory upwards of `startPath` that is a root folder. */
export function findRoot(host: Host, startPath: string): string | undefined {
  for (let path = startPath; ; path = path.slice(0, Math.max(1, path.lastIndexOf('/')))) {
    const directory = host.files.openDirectory(path)
    const found = directory !== undefined && isRootFolder(directory)
    directory?.close()
    if (found) return path
    if (path === '/' || !path.includes('/')) return undefined
  }
}

/** What `init` would adopt, and what stands in its way; reads names and sizes only. */
export function surveyFolder(
  host: Host,
  options: Cancellable & { readonly path: string; readonly ignore?: readonly string[] },
): Work<FolderSurvey> {
  return survey(host, options)
}

/** Makes a root folder of a directory and records all of its content; names collisions before it writes anything. */
export async function* initRoot(host: Host, options: InitOptions): Work<InitResult> {
  const above = findRoot(host, options.path)
  if (above !== undefined) throw new SentientError('ROOT_EXISTS', { where: above })
  const found = yield* survey(host, { path: options.path, ignore: options.ignore, signal: options.signal })
  if (found.nestedRoots.length > 0) {
    throw new SentientError('ROOT_EXISTS', {
      what: 'There is a root folder below',
      where: `${options.path}/${displayBytes(found.nestedRoots[0])}`,
    })
  }
  const root = host.files.openDirectory(options.path) as Directory
  try {
    await makeRootFolder(host, root, options)
  } finally {
    root.close()
  }
  const system = await openSystem(host, { rootPath: options.path, access: 'write', signal: options.signal })
  try {
    const adopted = yield* adoptContent(system, options)
    const { files, bytes } = found
    const { name: origin } = parseVerifierKey(system.verifierKey())
    return {
      ...adopted,
      files,
      bytes,
      logId: hexOf(parseOrigin(origin).logId),
      origin,
      verifierKey: system.verifierKey(),
    }
  } finally {
    await system.close()
  }
}

/** The skeleton, the key, the settings and the first record. */
async function makeRootFolder(host: Host, root: Directory, options: InitOptions): Promise<void> {
  const wanted: Settings = { ...defaultSettings, zk: options.zk, ignore: options.ignore ?? defaultSettings.ignore }
  const existing = readSettingsFile(root)
  const text = existing ?? settingsText(wanted)
  const parsed = await parseSettings(text)
  if (parsed.state === 'invalid') throw settingsError(parsed.problem)
  const skeleton = createSkeleton(root, host.random)
  const auth = root.child('.auth') as Directory
  const runtime = root.child('.runtime') as Directory
  const tree = root.child('.tree') as Directory
  try {
    const keys = createLogKey(auth, { logId: skeleton.logId, epoch: 0, random: host.random })
    if (existing === undefined)
      writeSettingsFile({ directories: { root, runtime, tree, derived: undefined }, random: host.random }, text)
    await firstRecord(host, {
      runtime,
      tree,
      text,
      logId: skeleton.logId,
      verifierKey: keys.verifierText(),
      zk: parsed.settings.zk,
    })
    skeleton.finish()
  } finally {
    for (const directory of [auth, runtime, tree]) directory.close()
  }
}

async function firstRecord(
  host: Host,
  made: { runtime: Directory; tree: Directory; text: string; logId: Uint8Array; verifierKey: string; zk: boolean },
): Promise<void> {
  const { clock, random, processes, locks } = host
  const journal = openJournal({
    directory: made.runtime,
    clock,
    random,
    processes,
    locks,
    access: 'write',
    logId: made.logId,
  })
  const store = openStore({ directory: made.tree, clock, random, processes, access: 'write' })
  try {
    await journal.writerLock.hold('init', undefined, () => {
      const ingest = store.beginIngest({ shared: true })
      const settings = ingest.put('raw', 'other', Buffer.from(made.text))
      const files = emptyDirectory(ingest)
      const root = ingest.put('dag-cbor', 'state', encodeState({ metadataSet: [], files, settings })).id
      ingest.flush()
      const body: Body = {
        actor: 'owner',
        action: 'init',
        subject: { kind: 'journal', id: '' },
        decision: { effect: 'permit', bundle: null, rule: '' },
        fields: { key: made.verifierKey, zk: made.zk },
      }
      journal.append([{ root, body }], store.sharedPack())
      journal.setApplied(1)
    })
  } finally {
    journal.close()
    store.close()
  }
}

async function* adoptContent(system: System, options: InitOptions): Work<OperationResult> {
  const adopted = yield* system.adopt({ signal: options.signal })
  yield* system.snapshotCreate({ label: 'as it was adopted', automatic: true, signal: options.signal })
  return adopted
}
