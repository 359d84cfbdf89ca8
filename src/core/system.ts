// The only place that wires subsystems together. Commands and screens hold a `System` and nothing below it.
import { isSentientError, SentientError } from './errors.ts'
import { type CarReport, exportCar } from './export/car.ts'
import { openOrMake } from './export/place.ts'
import { exportTlog } from './export/tlog.ts'
import { displayBytes, hexOf } from './format/bytes.ts'
import { parseOrigin } from './format/checkpoint.ts'
import { FormatError } from './format/formatError.ts'
import { decodeFormatFile, type FormatFile, openable } from './format/formatFile.ts'
import { dagLink } from './format/id.ts'
import type { Database } from './host/database.ts'
import { isHostError } from './host/error.ts'
import type { Directory, Host, Randomness } from './host/host.ts'
import { openJournal } from './journal/journal.ts'
import { writeBinding } from './keys/binding.ts'
import { type LogKeys, openLogKeys } from './keys/keys.ts'
import { hasFirstRecordAlone, makeRoot } from './newRoot.ts'
import { openStore } from './store/store.ts'
import { findPath } from './store/tree.ts'
import type { Cancellable, InitOptions, InitResult, OpenOptions, System, WitnessChoices } from './systemApi.ts'
import { absorb } from './timeline/absorb.ts'
import { adopt } from './timeline/adopt.ts'
import { permitAll, type TimelineContext } from './timeline/context.ts'
import { diffStates, find } from './timeline/diff.ts'
import { fileDiff } from './timeline/fileDiff.ts'
import {
  applySettings,
  type LoadedSettings,
  loadSettingsInForce,
  setSetting,
  settingsCandidate,
} from './timeline/governing.ts'
import { type FolderSurvey, isRootFolder, survey } from './timeline/init.ts'
import type { CheckpointView, GovernedPath, Notice, RecordView, StatePoint, Work } from './timeline/model.ts'
import { copy, makeDirectory, makeSymlink, move, put, remove, setMode } from './timeline/operations.ts'
import { readyHorizon, stateAt } from './timeline/pruned.ts'
import { changesOf, filteredRecords, requireRecord, scanRecords, viewOf } from './timeline/records.ts'
import { resolveState } from './timeline/resolve.ts'
import { restore, rollback, rollbackPreview } from './timeline/restore.ts'
import { defaultSettings, settingsText } from './timeline/settings.ts'
import {
  snapshotCreate,
  snapshotLabel,
  snapshotPin,
  snapshotRemove,
  snapshotSpace,
} from './timeline/snapshotOperations.ts'
import { currentSnapshots, readySnapshots, snapshotsAreStale, storeSnapshots } from './timeline/snapshots.ts'
import { listDirectory, listDirectoryInSlices, listPath } from './timeline/status.ts'
import { createStatusMemory, follow, openFileAt, recoverAtOpening, walkState } from './timeline/timeline.ts'
import { storeTrace } from './timeline/trace.ts'
import { redo, redoTarget, undo, undoTarget } from './timeline/undo.ts'
import { indexName, versions } from './timeline/versions.ts'
import { watch } from './timeline/watch.ts'
import { bindingState } from './verify/bindingCheck.ts'
import { type ConsistencyText, consistencyFileText, type OlderTree } from './verify/consistency.ts'
import { doctor } from './verify/doctor.ts'
import { gc } from './verify/gc.ts'
import { inclusionFileText } from './verify/inclusion.ts'
import { findLost, knownLost } from './verify/lostPlaces.ts'
import { repair } from './verify/repair.ts'
import { verify } from './verify/verify.ts'
import { openWitness as openWitnessIn, type Witness } from './witness/witness.ts'
import { governedPathOf } from './worktree/paths.ts'
import { reservedTopNames } from './worktree/reserved.ts'
import { openWorktree } from './worktree/worktree.ts'

export type {
  ByteSource,
  Cancellable,
  DoctorCheck,
  InitOptions,
  InitResult,
  OpenedFile,
  OpenOptions,
  SettingsCandidate,
  System,
  VerifyOptions,
  WatchEvent,
} from './systemApi.ts'
export type { FolderSurvey } from './timeline/init.ts'

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
    if (options.ready !== false) {
      for await (const progress of ready(parts, options.signal)) options.progress?.(progress)
    }
    const why = context.access === 'write' ? whyNotSigned(host, context) : undefined
    if (why !== undefined) context.notices.push({ code: 'moved', text: `${why}; nothing is signed here` })
    return assemble(host, parts)
  } catch (error) {
    parts.release()
    throw error
  }
}

/** Replayed once more by each opening that is killed: so much is kept at once, less when the folder is closed. */
const longReplayRecords = 50_000

/** Makes ready what is read of the journal where derived data are gone, and keeps it for whoever opens next. */
async function* ready(parts: Parts, signal: AbortSignal | undefined): Work<void> {
  const { context } = parts
  yield* readySnapshots(context, signal)
  yield* readyHorizon(context, signal)
  if (snapshotsAreStale(context, longReplayRecords)) await keepSnapshots(parts, signal)
}

/** Writes recycle.lock, when nobody else is writing. */
async function keepSnapshots({ context, writable, damage }: Parts, signal?: AbortSignal): Promise<void> {
  if (!writable || damage !== undefined) return
  await context.journal.writerLock.tryHold('snapshots', signal, () => storeSnapshots(context))
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
  const staging = derived === undefined ? undefined : derivedChild(runtime, 'stage')
  const stage = staging !== undefined && canWrite(staging, host.random) ? staging : undefined
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
    earlierLogIds: formatFile.earlier ?? [],
    limits: { earliestMicros: host.builtMicros ?? 0 },
  })
  const store = openStore({ directory: tree, clock, random, processes, access: writable ? 'write' : 'read' })
  const worktree = openWorktree({ root, stage, derived, clock, random, native: host.native })
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
    native: host.native,
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

/** Whether files can be made there: media that became read-only still show every directory. */
function canWrite(directory: Directory, random: Randomness): boolean {
  const name = `probe-${hexOf(random.bytes(6))}`
  try {
    directory.open(name, 'create', 0o600).close()
    directory.removeFile(name)
    return true
  } catch (error) {
    // A full disk is no reason to open for reading only: removing things must stay possible.
    if (isHostError(error)) return error.code === 'NO_SPACE'
    throw error
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
    ready: options => ready(parts, options?.signal),
    resolve: text => resolveState(context, text),

    status: options => memory.run(options),
    lastStatus: memory.last,
    directory: (path, options) => listDirectory(context, path, { at: options?.at, known: memory.marks() }),
    list: (path, options) => listDirectoryInSlices(context, path, { ...options, known: memory.marks() }),
    entry: (path, options) => listPath(context, path, { at: options?.at, known: memory.marks() }),
    openFile: (path, at) => openFileAt(context, path, at),
    find: options => find(context, { ...options, known: memory.marks() }),
    walkState: (point, under) => walkState(context, point, under),

    records: filter => filteredRecords(context, filter),
    scanRecords: filter => scanRecords(context, filter),
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
    undoTarget: options => optionalView(context, undoTarget(context, options)),
    undo: options => undo(context, options),
    redoTarget: options => optionalView(context, redoTarget(context, options)),
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
    findLost: options => findLost(context, options?.signal),
    knownLost: () => knownLost(context),
    checkpoint: () => checkpointView(context, keys),
    async signCheckpoint() {
      await signNow(host, parts)
      return checkpointView(context, keys) as CheckpointView
    },
    verifierKey: () => keys.verifierText(),
    async inclusion(seq) {
      return await inclusionText(host, parts, seq)
    },
    async consistency(older, newNote) {
      return await consistencyText(host, parts, older, newNote)
    },
    async *exportTlog(path, options) {
      requireNotOurs(host, context, path)
      const { journal } = context
      return yield* exportTlog({ ...options, journal, ...hostPorts(host), verifier: keys.verifier(), path })
    },
    exportCar: (path, at, options) => exportState(host, context, { ...options, path, at }),
    watch: options => watch(context, host.files, options),
    follow: options => follow(context, options),
    doctor: () => doctor(host, context, keys),
    async close() {
      try {
        if (context.access === 'write' && context.journal.head().size > sizeAtOpening) {
          sizeAtOpening = context.journal.head().size
          await writeProjections(host, parts)
        } else if (snapshotsAreStale(context)) {
          // A reader that had to read the journal spares the next one that.
          await keepSnapshots(parts)
        }
      } catch (error) {
        // On a full disk what was asked for is done all the same: these are made by the next one that has the space.
        if (!isHostError(error, 'NO_SPACE') && !isSentientError(error, 'DISK_FULL')) throw error
      } finally {
        database.close()
        parts.release()
      }
    },
  }
  return system
}

async function* optionalView(
  context: TimelineContext,
  found: ReturnType<typeof undoTarget>,
): Work<RecordView | undefined> {
  const record = yield* found
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

/** Signs the journal's head, if it grew; remembers it outside the folder. */
async function signNow(host: Host, parts: Parts): Promise<void> {
  const { context, keys } = parts
  if (context.access !== 'write') throw new SentientError('READ_ONLY', { where: context.directories.root.path })
  await context.journal.writerLock.hold('checkpoint', undefined, () => {
    const why = whyNotSigned(host, context)
    if (why !== undefined) throw new SentientError('COPY', { what: why, where: context.directories.root.path })
    signHeld(host, parts, keys)
  })
}

/** Says why this folder must not be signed for: two histories under one key would be a forgery. */
function whyNotSigned(host: Host, context: TimelineContext): string | undefined {
  if (host.stateDirectory === undefined) return undefined
  let bound = bindingState(host, host.stateDirectory, context)
  // Another process may have appended and signed since this one looked at the journal.
  if (bound.state === 'behind' && context.journal.refresh()) bound = bindingState(host, host.stateDirectory, context)
  if (bound.state === 'copied') return `this folder is a copy of ${displayBytes(bound.from)}`
  if (bound.state === 'behind') return `this device signed another history of it: ${bound.reason}`
  return undefined
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

/** What one process adds to recycle.trace on its way out; where more is missing, the next ones go on. */
const traceRecordsMax = 10_000

/** On the way out: the checkpoint, recycle.lock and recycle.trace. Skipped when somebody else is writing. */
async function writeProjections(host: Host, parts: Parts): Promise<void> {
  const { context, keys } = parts
  await context.journal.writerLock.tryHold('checkpoint', undefined, async () => {
    if (whyNotSigned(host, context) === undefined) {
      signHeld(host, parts, keys)
      storeSnapshots(context)
    }
    for await (const _ of storeTrace(context, parts.origin, { recordsMax: traceRecordsMax }));
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

const hostPorts = ({ files, clock }: Host): Pick<Host, 'files' | 'clock'> => ({ files, clock })

async function consistencyText(
  host: Host,
  parts: Parts,
  older: OlderTree,
  newNote: Uint8Array | undefined,
): Promise<ConsistencyText> {
  const { journal } = parts.context
  if (newNote === undefined && journal.checkpoint() === undefined) await signNow(host, parts)
  const note = newNote ?? journal.checkpoint()?.bytes
  if (note === undefined) throw new SentientError('KEY', { what: 'There is no checkpoint' })
  return consistencyFileText({ journal, verifier: parts.keys.verifier() }, older, note)
}

/** Nothing is exported into the data of this root folder itself, whatever the path that leads there. */
function requireNotOurs(host: Host, context: TimelineContext, path: string): void {
  const split = path.lastIndexOf('/')
  const parent = host.files.openDirectory(split <= 0 ? '/' : path.slice(0, split))
  const below = parent === undefined ? [] : `${parent.path}${path.slice(split)}`.split('/')
  parent?.close()
  const root = context.directories.root.path.split('/')
  const inside = root.every((name, index) => below[index] === name)
  if (!inside || !reservedTopNames.includes(below[root.length] ?? '')) return
  throw new SentientError('NAME_RESERVED', {
    what: 'An export does not go into the data of the root folder',
    where: path,
    hint: 'Name another place.',
  })
}

function exportState(
  host: Host,
  context: TimelineContext,
  options: Cancellable & { readonly path: string; readonly at: StatePoint; readonly under?: GovernedPath },
): Work<CarReport> {
  const { at, under = '', path, signal } = options
  requireNotOurs(host, context, path)
  const { files } = stateAt(context, at)
  const entry = under === '' ? undefined : findPath(context.store, files, under)
  if (under !== '' && entry === undefined) {
    throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(under), found: `nothing there at ${at.text}` })
  }
  const root = entry?.content ?? dagLink(at.root)
  return exportCar({ store: context.store, ...hostPorts(host), root, path, signal })
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

/** Names at the top of a root folder that belong to SentientOS, sorted. */
export const reservedNames: readonly string[] = reservedTopNames

/**
 * Opens a witness, which needs no root folder of its own, with what it remembers in a directory: at an absolute path,
 * made in a parent that exists, or in what this device remembers of itself.
 */
export function openWitness(host: Host, options: WitnessChoices): Witness {
  const { statePath, ...rest } = options
  const directory = statePath === undefined ? ownDirectory(host, 'witness') : openOrMake(host.files, statePath, 0o700)
  try {
    return openWitnessIn(host, { ...rest, directory })
  } catch (error) {
    directory.close()
    throw error
  }
}

function ownDirectory({ stateDirectory }: Host, name: string): Directory {
  if (stateDirectory === undefined) {
    throw new SentientError('NOT_WRITABLE', {
      what: 'This device has no directory to remember things in',
      hint: 'Name one with --state.',
    })
  }
  if (stateDirectory.stat(name) === undefined) stateDirectory.makeDirectory(name, 0o700)
  return stateDirectory.child(name)!
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

/** True for a root folder whose `init` was ended before its content was recorded. */
export function isUnfinishedRoot(host: Host, path: string): Promise<boolean> {
  return hasFirstRecordAlone(host, path, openSystem)
}

/**
 * Makes a root folder of a directory and records all of its content; names collisions before it writes anything. Where
 * an earlier `init` was ended before the content was recorded, it goes on from there.
 */
export function initRoot(host: Host, options: InitOptions): Work<InitResult> {
  return makeRoot(host, options, { findRoot, openSystem })
}
