// The last state for the next start and for Redis: puts together what recycle.redis holds, and sees that it is written
// at snapshots and on the way out. All of it is a copy, so nothing here ever fails what somebody asked for.
import { isSentientError, SentientError } from './errors.ts'
import { openParent, writeWhole } from './export/place.ts'
import { hexOf } from './format/bytes.ts'
import { isFormatError } from './format/formatError.ts'
import { cidText, dagLink, type Link, type ObjectId, parseCid } from './format/id.ts'
import {
  decodeRecycleRedis,
  encodeRecycleRedis,
  type RedisFacts,
  type RedisHash,
  type RedisSnapshot,
  redisInteger,
  type StoredRedis,
} from './format/recycleRedis.ts'
import { parseRedisAddress } from './format/redisAddress.ts'
import { isSessionId, type ScreenMemory } from './format/session.ts'
import { isHostError } from './host/error.ts'
import type { Host } from './host/host.ts'
import type { FileCounts } from './native/native.ts'
import { createSlicer, inSlices } from './progress.ts'
import { type Pushed, pushToRedis, readRecycleRedis, recycleRedisName, writeRecycleRedis } from './redis/redis.ts'
import { type Resumed, readSessions, resume, storeSession } from './sessions/sessions.ts'
import { readSmallFile, removeIfThere, storeError, writeSmallFile } from './store/layout.ts'
import { diffTreesInSteps } from './store/tree.ts'
import type { WatchEvent } from './systemApi.ts'
import { readState, requireWritable, type TimelineContext } from './timeline/context.ts'
import type { Finding, RepairReport, VerifyReport, Work } from './timeline/model.ts'
import { currentSnapshots } from './timeline/snapshots.ts'

/** Where somebody is on the screen, to be kept. */
export interface SessionState {
  readonly ended: boolean
  readonly lastSeq: number
  readonly operation: string
  readonly again: string
  readonly screen: ScreenMemory
}

export interface RedisReport {
  readonly path: string
  readonly bytes: number
  readonly facts: RedisFacts
  /** Undefined: the settings name no Redis. */
  readonly pushed: Pushed | undefined
}

export interface LastState {
  /** Quietly, as on every occasion but an export. */
  store(): Promise<void>
  /** Spares counting the files of a directory. */
  know(files: Link, counted: FileCounts): void
  /** Where a server is named: told soon, without anybody waiting. */
  pushSoon(): void
  /** On the way out, when the journal grew or a session was saved. */
  leave(grew: boolean): Promise<void>
  /** Into recycle.redis, or to an absolute path; counts what was too much to count on the other occasions. */
  export(path: string | undefined, signal: AbortSignal | undefined): Work<RedisReport>
  /** What verify says of recycle.redis; `counted`: also the files and bytes of the snapshot. */
  check(options: { readonly counted: boolean; readonly signal?: AbortSignal | undefined }): Work<Checked>
  rebuild(signal: AbortSignal | undefined): Work<boolean>
  /** False where nothing can be kept. */
  saveSession(state: SessionState): boolean
}

export interface Checked {
  readonly text: string
  readonly findings: readonly Finding[]
}

/** A snapshot is counted by its difference to the one before; beyond so many paths not by the way. */
const countedByTheWayMax = 10_000
/** Where nothing is known to go on from. */
const countedAnewMax = 1_000
const pushMs = 1_000
const pushSoonMs = 500
/** A server that failed is left alone for so long by all processes; an export asks it all the same. */
const retryMicros = 60_000_000
const passwordName = 'redis-password'
const failedName = 'redis-failed'

export function createLastState(
  host: Host,
  parts: { readonly context: TimelineContext; readonly origin: string },
): LastState {
  const { context, origin } = parts
  const { directories, random, clock } = context
  const sizeAtOpening = context.journal.head().size
  const leaving = new AbortController()
  let sessionSaved = false
  let known: { readonly files: ObjectId; readonly counted: FileCounts } | undefined

  const facts = async function* (most: number, signal?: AbortSignal): Work<RedisFacts> {
    const snapshot = currentSnapshots(context).at(-1)
    const counted =
      snapshot === undefined ? undefined : yield* countFiles(context, snapshot.root, { most, signal, known })
    return factsOf(context, origin, counted)
  }
  const write = async function* (most: number, signal?: AbortSignal): Work<RedisFacts> {
    const made = yield* facts(most, signal)
    writeRecycleRedis(directories, made, random)
    return made
  }
  const quietly = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!isHostError(error) && !isSentientError(error) && !isFormatError(error)) throw error
    }
  }
  const store = (): Promise<void> => quietly(async () => void (await ended(write(countedByTheWayMax))))
  const push = async (made: RedisFacts, signal?: AbortSignal): Promise<Pushed | undefined> => {
    const pushed = await pushFacts(host, context, made, signal)
    if (pushed !== undefined) remember(context, pushed.state === 'failed' ? clock.nowMicros() : undefined)
    return pushed
  }
  const pushQuietly = (): Promise<void> =>
    quietly(async () => {
      if (context.settings().redis.url === null || failedLately(context)) return
      const pushed = await push(await ended(facts(countedByTheWayMax)))
      if (pushed?.state !== 'failed') return
      const text = `${context.settings().redis.url} was not told the last state: ${pushed.reason}; sentctl export redis tries again`
      context.notices.push({ code: 'redis', text })
    })
  const check = async function* ({ counted, signal }: Parameters<LastState['check']>[0]): Work<Checked> {
    const found = readRecycleRedis(directories.root)
    if (found.state === 'missing') return { text: 'no recycle.redis; sentctl export redis writes it', findings: [] }
    if (found.state === 'wrong') return checked('redis-damaged', found.reason)
    const stale = staleness(context, found.stored, sizeAtOpening)
    if (stale !== undefined) return stale
    const wrong = difference(found.stored, factsOf(context, origin, undefined))
    if (wrong !== undefined) return checked('redis-wrong', wrong)
    if (counted && !(yield* rightlyCounted(context, found.stored, signal)))
      return checked('redis-wrong', 'it counts other files in the snapshot')
    return { text: `recycle.redis: as of ${found.stored.state.get('records')} records`, findings: [] }
  }
  return {
    store,
    know(files, counted) {
      known = { files: files.id, counted }
    },
    pushSoon() {
      if (context.settings().redis.url === null) return
      void clock.sleep(pushSoonMs, leaving.signal).then(() => (leaving.signal.aborted ? undefined : pushQuietly()))
    },
    async leave(grew) {
      leaving.abort()
      if (context.access !== 'write' || (!grew && !sessionSaved)) return
      await store()
      await pushQuietly()
    },
    async *export(path, signal) {
      if (path === undefined) requireWritable(context)
      const made = yield* facts(Number.POSITIVE_INFINITY, signal)
      const bytes = encodeRecycleRedis(made)
      try {
        if (path === undefined) writeRecycleRedis(directories, made, random)
        else writeOutside(host, path, bytes)
      } catch (error) {
        throw storeError(error, `${recycleRedisName} cannot be written`)
      }
      const pushed = path === undefined ? await push(made, signal) : undefined
      return { path: path ?? `${directories.root.path}/${recycleRedisName}`, bytes: bytes.length, facts: made, pushed }
    },
    async *check(options) {
      try {
        return yield* check(options)
      } catch (error) {
        // What it is compared with is damaged, which is found and said elsewhere.
        if (!isHostError(error) && !isFormatError(error) && !isSentientError(error, 'DAMAGED', 'OBJECT_MISSING'))
          throw error
        return { text: `recycle.redis: not compared, ${error.message}`, findings: [] }
      }
    },
    async *rebuild(signal) {
      if (context.access !== 'write') return false
      removeIfThere(directories.root, recycleRedisName)
      try {
        yield* write(Number.POSITIVE_INFINITY, signal)
        return true
      } catch (error) {
        if (!isHostError(error) && !isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
        return false
      }
    },
    saveSession({ ended: isEnded, ...state }) {
      const id = context.session
      if (context.access !== 'write' || id === undefined || !isSessionId(id)) return false
      const own = { id, process: host.processes.id, saved: clock.nowMicros(), ended: isEnded }
      const kept = storeSession(directories.root, { ...own, ...state })
      sessionSaved ||= kept
      return kept
    },
  }
}

/** A verification, and what there is to say of recycle.redis beside it. */
export async function* withRedisChecked(
  work: Work<VerifyReport>,
  last: LastState,
  options: { readonly deep?: boolean; readonly signal?: AbortSignal } = {},
): Work<VerifyReport> {
  const report = yield* work
  const { text, findings } = yield* last.check({ counted: options.deep ?? false, signal: options.signal })
  const check = { name: recycleRedisName, checked: 1, findings: 0, text }
  return { ...report, checks: [...report.checks, check], findings: [...report.findings, ...findings] }
}

/** A repair, after which recycle.redis is new, too. */
export async function* withRedisRebuilt(
  work: Work<RepairReport>,
  last: LastState,
  signal: AbortSignal | undefined,
): Work<RepairReport> {
  const report = yield* work
  return (yield* last.rebuild(signal)) ? { ...report, rebuilt: [...report.rebuilt, recycleRedisName] } : report
}

/** A snapshot, after which the last state is kept. */
export async function* withRedisStored<T>(work: Work<T>, last: LastState): Work<T> {
  const result = yield* work
  await last.store()
  last.pushSoon()
  return result
}

/** The same for the snapshots that a watcher makes. */
export async function* withSnapshotsStored(
  events: AsyncGenerator<WatchEvent>,
  last: LastState,
): AsyncGenerator<WatchEvent> {
  for await (const event of events) {
    if (event.kind === 'snapshot') {
      await last.store()
      last.pushSoon()
    }
    yield event
  }
}

/** What the next screen of a root folder goes on from; throws nothing for what is in it. */
export function resumeSession(host: Host, rootPath: string): Resumed {
  const root = host.files.openDirectory(rootPath)
  if (root === undefined) return { id: hexOf(host.random.bytes(8)), last: undefined, notices: [] }
  try {
    return resume(root, host)
  } finally {
    root.close()
  }
}

async function ended<T>(work: Work<T>): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done === true) return step.value
  }
}

function factsOf(context: TimelineContext, origin: string, counted: RedisSnapshot['counted']): RedisFacts {
  const { size, root, time } = context.journal.head()
  if (root === undefined) throw new SentientError('DAMAGED', { what: 'The journal holds no record' })
  const checkpoint = context.journal.checkpoint()
  const latest = currentSnapshots(context).at(-1)
  return {
    state: {
      origin,
      records: size,
      root: cidText(dagLink(root)),
      time,
      checkpoint: checkpoint === undefined ? undefined : { size: checkpoint.size, root: hexOf(checkpoint.root) },
    },
    snapshot: latest === undefined ? undefined : { ...latest, root: cidText(dagLink(latest.root)), counted },
    sessions: [...readSessions(context.directories.root).sessions].sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
}

/** The files of a state and their bytes: on from what recycle.redis says of an earlier one, where that can be read. */
async function* countFiles(
  context: TimelineContext,
  root: ObjectId,
  options: {
    readonly most: number
    readonly signal?: AbortSignal | undefined
    readonly known: { readonly files: ObjectId; readonly counted: FileCounts } | undefined
  },
): Work<RedisSnapshot['counted']> {
  const found = readRecycleRedis(context.directories.root)
  const base = found.state === 'read' ? baseOf(found.stored) : undefined
  const slicer = createSlicer(context.clock, options.signal)
  const progress = () => ({ phase: 'counting files', done: 0, unit: 'files' }) as const
  try {
    const { files } = readState(context.store, root)
    if (options.known?.files === files.id) return options.known.counted
    const before = base === undefined ? undefined : knownFiles(context, base.root)
    const from = before === undefined || base === undefined ? { files: 0, bytes: 0 } : base.counted
    const most = before === undefined && Number.isFinite(options.most) ? countedAnewMax : options.most
    const natively = before === undefined ? yield* countNatively(context, files, options.signal) : undefined
    if (natively !== undefined) return natively
    return yield* inSlices(slicer, countSteps(context, { before, after: files, from, most }), progress)
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return undefined
  }
}

/** In one call of the native core; undefined where there is none, or where it leaves this to us. */
async function* countNatively(
  { native, store }: TimelineContext,
  files: Link,
  signal: AbortSignal | undefined,
): Work<FileCounts | undefined> {
  const packs = native && store.locate(files)?.packs
  return packs && (yield* native.countFiles({ files, packs, signal }))
}

function* countSteps(
  { store }: TimelineContext,
  job: {
    readonly before: Link | undefined
    readonly after: Link
    readonly from: { readonly files: number; readonly bytes: number }
    readonly most: number
  },
): Generator<undefined, RedisSnapshot['counted']> {
  let { files, bytes } = job.from
  let steps = 0
  for (const change of diffTreesInSteps(store, job.before, job.after)) {
    yield
    if (change === undefined) continue
    const { before, after } = change
    if (++steps > job.most) return undefined
    if (before?.kind === 'file') [files, bytes] = [files - 1, bytes - before.size]
    if (after?.kind === 'file') [files, bytes] = [files + 1, bytes + after.size]
  }
  // What it went on from was wrong.
  return files < 0 || bytes < 0 ? undefined : { files, bytes }
}

function baseOf({ snapshot }: StoredRedis) {
  if (snapshot === undefined) return undefined
  const [files, bytes] = [redisInteger(snapshot, 'files'), redisInteger(snapshot, 'bytes')]
  const root = snapshot.get('root')
  return files === undefined || bytes === undefined || root === undefined
    ? undefined
    : { root, counted: { files, bytes } }
}

function knownFiles({ store }: TimelineContext, root: string): Link | undefined {
  try {
    return readState({ get: link => store.get(link) }, parseCid(root).id).files
  } catch (error) {
    if (!isFormatError(error) && !isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return undefined
  }
}

const checked = (code: string, found: string): Checked => ({
  text: `recycle.redis: ${found}`,
  findings: [{ code, severity: 'note', where: recycleRedisName, found }],
})

/** It stands for another number of records than there are. What this process appended, it writes when it leaves. */
function staleness({ journal }: TimelineContext, { state }: StoredRedis, sizeAtOpening: number): Checked | undefined {
  const { size } = journal.head()
  const records = redisInteger(state, 'records') ?? 0
  if (records === size) return undefined
  if (records > size || records === 0) return checked('redis-wrong', `it stands for ${records} records of ${size}`)
  const at = journal.read(records - 1)
  if (at.state === 'intact' && cidText(dagLink(at.record.envelope.root)) !== state.get('root'))
    return checked('redis-wrong', `it says another state after ${records} records`)
  const text = `it stands for ${records} of ${size} records`
  return records >= sizeAtOpening ? { text: `recycle.redis: ${text}`, findings: [] } : checked('redis-stale', text)
}

/** A phrase for what differs from what is so; a session that was saved since, and a newer checkpoint, are no difference. */
function difference(stored: StoredRedis, facts: RedisFacts): string | undefined {
  const right = decodeRecycleRedis(encodeRecycleRedis(facts))
  if (!sameHash(stored.state, right.state, ['checkpointSize', 'checkpointRoot'])) return 'it says another state'
  const [size, known] = [redisInteger(stored.state, 'checkpointSize'), facts.state.checkpoint]
  const isNewest = size !== undefined && size >= (known?.size ?? 0)
  if (isNewest && (size !== known?.size || stored.state.get('checkpointRoot') !== known.root))
    return 'it says another checkpoint'
  if (!sameHash(stored.snapshot, right.snapshot, ['files', 'bytes'])) return 'it says another snapshot'
  for (const [id, session] of stored.sessions) {
    const known = right.sessions.get(id)
    if (known === undefined || (known.get('saved') === session.get('saved') && !sameHash(session, known, [])))
      return `it says another session ${id}`
  }
  return undefined
}

function sameHash(a: RedisHash | undefined, b: RedisHash | undefined, but: readonly string[]): boolean {
  const entries = (hash: RedisHash | undefined) =>
    JSON.stringify([...(hash ?? [])].filter(([field]) => !but.includes(field)))
  return (a === undefined) === (b === undefined) && entries(a) === entries(b)
}

async function* rightlyCounted(
  context: TimelineContext,
  stored: StoredRedis,
  signal: AbortSignal | undefined,
): Work<boolean> {
  const base = baseOf(stored)
  const files = base === undefined ? undefined : knownFiles(context, base.root)
  if (base === undefined || files === undefined) return true
  const job = { before: undefined, after: files, from: { files: 0, bytes: 0 }, most: Number.POSITIVE_INFINITY }
  const progress = () => ({ phase: 'counting files', done: 0, unit: 'files' }) as const
  try {
    const counted =
      (yield* countNatively(context, files, signal)) ??
      (yield* inSlices(createSlicer(context.clock, signal), countSteps(context, job), progress))
    return counted?.files === base.counted.files && counted.bytes === base.counted.bytes
  } catch (error) {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    return true
  }
}

function writeOutside(host: Host, path: string, bytes: Uint8Array): void {
  const { parent, name } = openParent(host.files, path)
  try {
    writeWhole(parent, name, 0o600, file => {
      file.write(bytes, 0)
      file.flush()
    })
    parent.flush()
  } finally {
    parent.close()
  }
}

async function pushFacts(
  { network }: Host,
  context: TimelineContext,
  facts: RedisFacts,
  signal: AbortSignal | undefined,
): Promise<Pushed | undefined> {
  const { url } = context.settings().redis
  if (url === null) return undefined
  const address = parseRedisAddress(url)
  if (typeof address === 'string') return { state: 'failed', reason: address }
  if (network === undefined) return { state: 'failed', reason: 'this program has no network here' }
  const password = passwordOf(context)
  return await pushToRedis(network, { ...address, password }, facts, { timeoutMs: pushMs, signal })
}

function passwordOf({ directories }: TimelineContext): string {
  const home = directories.root.child('.auth')
  try {
    const text = home === undefined ? undefined : readSmallFile(home, passwordName)
    return Buffer.from(text ?? '', 'latin1')
      .toString('utf8')
      .replace(/\r?\n$/, '')
  } finally {
    home?.close()
  }
}

/** For the processes that come after this one; `undefined`: it was told. */
function remember({ directories: { derived } }: TimelineContext, failedMicros: number | undefined): void {
  if (derived === undefined) return
  try {
    if (failedMicros === undefined) removeIfThere(derived, failedName)
    else writeSmallFile(derived, failedName, `${failedMicros}\n`, false)
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

function failedLately({ directories: { derived }, clock }: TimelineContext): boolean {
  const failed = Number(derived === undefined ? undefined : readSmallFile(derived, failedName))
  const ago = clock.nowMicros() - failed
  return ago >= 0 && ago < retryMicros
}
