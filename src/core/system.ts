// The only place that wires subsystems together. Commands and screens hold a `System` and nothing below it.
import { type AdoptReport, adoptFolder } from './adoptRoot.ts'
import { backupTo, exportArchiveFile, exportArchiveOf, repairFrom } from './carrying.ts'
import { isSentientError, SentientError } from './errors.ts'
import { type CarReport, exportCar } from './export/car.ts'
import { openOrMake } from './export/place.ts'
import { exportTlog } from './export/tlog.ts'
import { displayBytes, hexOf } from './format/bytes.ts'
import { dagLink } from './format/id.ts'
import { formatVerifierKey } from './format/note.ts'
import type { Database } from './host/database.ts'
import { isHostError } from './host/error.ts'
import type { Directory, Host } from './host/host.ts'
import {
  createLastState,
  withRedisChecked,
  withRedisRebuilt,
  withRedisStored,
  withSnapshotsStored,
} from './lastState.ts'
import { hasFirstRecordAlone, makeRoot } from './newRoot.ts'
import { openParts, type Parts } from './parts.ts'
import { isUnsigned, settleBinding, signNow, whyNotSigned, writeProjections } from './signing.ts'
import { findPath } from './store/tree.ts'
import type {
  AdoptOptions,
  Cancellable,
  FolderBinding,
  InitOptions,
  InitResult,
  OpenOptions,
  System,
  WitnessChoices,
} from './systemApi.ts'
import { absorb } from './timeline/absorb.ts'
import { adopt } from './timeline/adopt.ts'
import type { TimelineContext } from './timeline/context.ts'
import { diffStates, find } from './timeline/diff.ts'
import { fileDiff } from './timeline/fileDiff.ts'
import { applySettings, setSetting, settingsCandidate } from './timeline/governing.ts'
import { type FolderSurvey, isRootFolder, survey } from './timeline/init.ts'
import type { CheckpointView, GovernedPath, RecordView, StatePoint, Work } from './timeline/model.ts'
import { copy, makeDirectory, makeSymlink, move, put, remove, setMode } from './timeline/operations.ts'
import { readyHorizon, stateAt } from './timeline/pruned.ts'
import { changesOf, filteredRecords, requireRecord, scanRecords, viewOf } from './timeline/records.ts'
import { keepReserve, makingRoom } from './timeline/reserve.ts'
import { resolveState } from './timeline/resolve.ts'
import { restore, rollback, rollbackPreview } from './timeline/restore.ts'
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
import { redo, redoTarget, undo, undoTarget } from './timeline/undo.ts'
import { indexName, versions } from './timeline/versions.ts'
import { watch } from './timeline/watch.ts'
import { withBindingChecked } from './verify/bindingCheck.ts'
import { type ConsistencyText, consistencyFileText, type OlderTree } from './verify/consistency.ts'
import { doctor } from './verify/doctor.ts'
import { forget } from './verify/forget.ts'
import { gc } from './verify/gc.ts'
import { inclusionFileText } from './verify/inclusion.ts'
import { findLost, knownLost } from './verify/lostPlaces.ts'
import { verify } from './verify/verify.ts'
import { openWitness as openWitnessIn, type Witness } from './witness/witness.ts'
import { governedPathOf } from './worktree/paths.ts'
import { reservedTopNames } from './worktree/reserved.ts'

export type { AdoptReport } from './adoptRoot.ts'
export type {
  AdoptOptions,
  ByteSource,
  Cancellable,
  DoctorCheck,
  FolderBinding,
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
    if (parts.writable && parts.damage === undefined && hasKey(parts)) await recoverAtOpening(context, options.signal)
    const found = context.access === 'write' ? await settleBinding(host, parts, options.signal) : undefined
    if (options.ready !== false) {
      for await (const progress of ready(host, parts, options.signal)) options.progress?.(progress)
    }
    return assemble(host, parts, {
      state: found?.state ?? 'unasked',
      refusal: found === undefined ? undefined : context.refusal,
    })
  } catch (error) {
    parts.release()
    throw error
  }
}

/** Without one nothing goes on here: a backup, which has no tree that could be brought up to date. */
const hasKey = ({ auth }: Parts): boolean => auth.list().some(({ name }) => name.endsWith('.pem'))

/** Replayed once more by each opening that is killed: so much is kept at once, less when the folder is closed. */
const longReplayRecords = 50_000

/** Makes ready what is read of the journal where derived data are gone, and keeps it for whoever opens next. */
async function* ready(host: Host, parts: Parts, signal: AbortSignal | undefined): Work<void> {
  const { context } = parts
  yield* readySnapshots(context, signal)
  yield* readyHorizon(context, signal)
  if (snapshotsAreStale(context, longReplayRecords)) await keepSnapshots(host, parts, signal)
}

/** Writes recycle.lock, when nobody else is writing. */
async function keepSnapshots(host: Host, parts: Parts, signal?: AbortSignal): Promise<void> {
  const { context, writable, damage } = parts
  if (!writable || damage !== undefined || !hasKey(parts)) return
  try {
    if (whyNotSigned(host, parts) !== undefined) return
    await context.journal.writerLock.tryHold('snapshots', signal, () => storeSnapshots(context))
  } catch (error) {
    // A key that can not sign is told by verify; what is kept here is only a copy.
    if (!isSentientError(error, 'KEY')) throw error
  }
}

function assemble(host: Host, parts: Parts, binding: FolderBinding): System {
  const { context, keys } = parts
  const memory = createStatusMemory(context)
  const database = lazyDatabase(host, context)
  let closed = false
  const sizeAtOpening = context.journal.head().size
  const last = createLastState(host, parts)
  // A journal that came back may again be what this device signed.
  const mended = (): void => parts.refuse(context.refusal && whyNotSigned(host, parts))
  const system: System = {
    rootPath: context.directories.root.path,
    access: context.access,
    binding,
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
    ready: options => ready(host, parts, options?.signal),
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
    remove: (paths, options) => makingRoom(context, () => remove(context, paths, options)),
    move: (from, to, options) => move(context, from, to, options),
    copy: (from, to, options) => copy(context, from, to, options),
    adopt: options => adopt(context, { ...options, counted: last.know }),
    absorb: (paths, options) => absorb(context, paths, options),
    restore: (paths, to, options) => restore(context, paths, to, options),
    rollbackPreview: (to, options) => rollbackPreview(context, to, options),
    rollback: (to, options) => rollback(context, to, options),
    undoTarget: options => optionalView(context, undoTarget(context, options)),
    undo: options => undo(context, options),
    redoTarget: options => optionalView(context, redoTarget(context, options)),
    redo: options => redo(context, options),
    snapshotCreate: options => withRedisStored(snapshotCreate(context, options), last),
    snapshotLabel: (name, label) => snapshotLabel(context, name, label),
    snapshotPin: (name, pinned) => snapshotPin(context, name, pinned),
    snapshotRemove: name => makingRoom(context, () => snapshotRemove(context, name)),
    settingsCandidate: () => settingsCandidate(context),
    applySettings: options => applySettings(context, options),
    setSetting: (key, value, options) => setSetting(context, key, value, options),

    verify: options => withRedisChecked(withBindingChecked(verify(context, options), { host, context }), last, options),
    repair: options => withRedisRebuilt(repairFrom(host, context, { ...options, mended }), last, options?.signal),
    gc: options => makingRoom(context, () => gc(context, options)),
    forget: (paths, options) => makingRoom(context, () => forget(context, paths, options)),
    findLost: options => findLost(context, options?.signal),
    knownLost: () => knownLost(context),
    checkpoint: () => checkpointView(parts),
    async signCheckpoint() {
      await signNow(host, parts)
      return checkpointView(parts) as CheckpointView
    },
    verifierKey: () => keys.verifierText(),
    verifierKeys: () => keys.all().map(key => formatVerifierKey(key)),
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
    backup: (path, options) => backupTo(host, context, path, options),
    exportArchive(to, options = {}) {
      if (typeof to !== 'string') return exportArchiveOf(host, context, { ...options, ...to })
      requireNotOurs(host, context, to)
      return exportArchiveFile(host, context, { ...options, path: to })
    },
    exportCar: (path, at, options) => exportState(host, context, { ...options, path, at }),
    async *exportRedis(path, options) {
      if (path !== undefined) requireNotOurs(host, context, path)
      return yield* last.export(path, options?.signal)
    },
    saveSession: last.saveSession,
    watch: options => withSnapshotsStored(watch(context, host.files, options), last),
    follow: options => follow(context, options),
    doctor: () => doctor(host, context, keys),
    async close() {
      if (closed) return
      closed = true
      try {
        const grew = context.access === 'write' && context.journal.head().size > sizeAtOpening
        if (grew || (context.access === 'write' && isUnsigned(parts))) await writeProjections(host, parts)
        else if (snapshotsAreStale(context)) {
          // A reader that had to read the journal spares the next one that.
          await keepSnapshots(host, parts)
        }
        await last.leave(grew)
        if (context.access === 'write') keepReserve(context)
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

function checkpointView({ context, keys }: Parts): CheckpointView | undefined {
  const stored = context.journal.checkpoint()
  if (stored === undefined) return undefined
  return {
    text: stored.text,
    origin: stored.origin,
    size: stored.size,
    root: hexOf(stored.root),
    verifierKey: formatVerifierKey(keys.all().find(({ name }) => name === stored.origin) ?? keys.verifier()),
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
  return consistencyFileText({ journal, keys: parts.keys.all() }, older, note)
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

/**
 * Says what a folder is that this device does not know as its own: `moved` (or restored) here, or a `copy`, which gets a
 * log id and a key of its own. Where this device signs for it already nothing is done.
 */
export function adoptRoot(host: Host, options: AdoptOptions): Work<AdoptReport> {
  return adoptFolder(host, options)
}
