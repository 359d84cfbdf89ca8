// How each question of the screen is answered by the core. Long ones are Work and slice themselves; what the core
// answers at once but could be long here (scanning the journal) is sliced here.
import { setImmediate } from 'node:timers/promises'
import { isSentientError } from '../../core/errors.ts'
import type { Progress } from '../../core/progress.ts'
import type { System } from '../../core/system.ts'
import type { GovernedPath, RecordView, StatePoint, Work } from '../../core/timeline/model.ts'
import { matches } from '../panes/trace/filter.ts'
import type { Answers, Ask, LineCounts, QueryOf, RecordDetail, Scan } from '../state/query.ts'
import { readPreview } from './preview.ts'

export interface AskContext {
  readonly system: System
  readonly session: string
  readonly signal: AbortSignal
  readonly progress: (progress: Progress) => void
  /** The answer may come later; else it is wanted at once. */
  readonly inSlices: boolean
}

type Answerers = { readonly [K in Ask]: (query: QueryOf<K>, context: AskContext) => Promise<Answers[K]> | Answers[K] }

const sliceMs = 8
const recordChangesMax = 200
/** Older versions than these are found with `sentctl when`. */
const versionsMax = 5000

/** Runs Work to its end, passing its progress on. */
export async function finish<T>(work: Work<T>, progress: (progress: Progress) => void): Promise<T> {
  for (;;) {
    const step = await work.next()
    if (step.done === true) return step.value
    progress(step.value)
  }
}

const pointOrDisk = (system: System, text: string): StatePoint | 'disk' =>
  text === 'disk' ? 'disk' : system.resolve(text)

export const answerers: Answerers = {
  directory({ path, at }, { system, inSlices, signal, progress }) {
    const state = at === undefined ? {} : { at: system.resolve(at) }
    return inSlices ? finish(system.list(path, { ...state, signal }), progress) : system.directory(path, state)
  },
  file: ({ path, at }, { system }) => readPreview(system, path, pointOrDisk(system, at)),
  fileDiff: ({ path, from, to }, { system }) => system.fileDiff(path, system.resolve(from), pointOrDisk(system, to)),
  versions: ({ path }, { system, signal, progress }) =>
    finish(system.versions(path, { signal, limit: versionsMax }), progress),
  versionCounts,
  changeCounts,
  diff: ({ from, to }, { system, signal, progress }) =>
    finish(system.diff(system.resolve(from), pointOrDisk(system, to), { signal }), progress),
  records: ({ from, to }, { system }) => [...system.records({ from, to })],
  scan,
  seek,
  record: ({ seq }, { system }) => recordDetail(system, seq),
  snapshots: (_, { system }) => system.snapshots(),
  space: (_, { system, signal, progress }) => finish(system.snapshotSpace({ signal }), progress),
  status: (_, { system, signal, progress }) => finish(system.status({ signal }), progress),
  undoable: ({ direction }, { system, session, signal, progress }) =>
    finish(system[direction === 'undo' ? 'undoTarget' : 'redoTarget']({ session, signal }), progress),
  rollbackPreview: ({ to }, { system, signal, progress }) =>
    finish(system.rollbackPreview(system.resolve(to), { signal }), progress),
  state: ({ text }, { system }) => system.resolve(text),
}

/** Lets keys in between slices; true when the work was cancelled. */
function createPauses(signal: AbortSignal): () => Promise<boolean> {
  let startedMs = performance.now()
  return async () => {
    if (performance.now() - startedMs < sliceMs) return signal.aborted
    await setImmediate()
    startedMs = performance.now()
    return signal.aborted
  }
}

async function versionCounts(query: QueryOf<'versionCounts'>, context: AskContext): Promise<Answers['versionCounts']> {
  const { system, signal } = context
  const counts = new Map<number, LineCounts>()
  const pause = createPauses(signal)
  for (const seq of query.seqs) {
    if (await pause()) break
    if (seq === 0) continue
    try {
      const { added, removed } = system.fileDiff(query.path, system.resolve(`#${seq - 1}`), system.resolve(`#${seq}`))
      counts.set(seq, { added, removed })
    } catch (error) {
      // An older version may be pruned, or damaged: its row says less, the others stay.
      if (!isSentientError(error)) throw error
    }
  }
  return counts
}

/** Of what can not be compared by lines the counts are zero. */
async function changeCounts(query: QueryOf<'changeCounts'>, context: AskContext): Promise<Answers['changeCounts']> {
  const { system, signal } = context
  const counts = new Map<GovernedPath, LineCounts>()
  const pause = createPauses(signal)
  const from = system.resolve(query.from)
  const to = pointOrDisk(system, query.to)
  for (const path of query.paths) {
    if (await pause()) break
    try {
      const { added, removed } = system.fileDiff(path, from, to)
      counts.set(path, { added, removed })
    } catch (error) {
      if (!isSentientError(error)) throw error
      counts.set(path, { added: 0, removed: 0 })
    }
  }
  return counts
}

/** How many records are read backwards at a time. */
const scanChunkRecords = 256

async function scan(
  { before, filter, want }: QueryOf<'scan'>,
  { system, signal, progress }: AskContext,
): Promise<Scan> {
  const pause = createPauses(signal)
  const found: RecordView[] = []
  let to = before
  while (to > 0 && found.length < want) {
    const from = Math.max(0, to - scanChunkRecords)
    const passing: RecordView[] = []
    for (const record of system.records({ from, to })) if (matches(record, filter)) passing.push(record)
    found.unshift(...passing)
    to = from
    progress({ phase: 'search', done: before - to, total: before, unit: 'records' })
    if (await pause()) break
  }
  return { records: found, scannedFrom: to }
}

async function seek(query: QueryOf<'seek'>, context: AskContext): Promise<RecordView | undefined> {
  const { system, signal, progress } = context
  const pause = createPauses(signal)
  const total = system.now().records
  for (let at = query.from; at >= 0 && at < total; at += query.direction * scanChunkRecords) {
    const [from, to] =
      query.direction === 1
        ? [at, Math.min(total, at + scanChunkRecords)]
        : [Math.max(0, at - scanChunkRecords + 1), at + 1]
    const passing = [...system.records({ from, to })].filter(record => matches(record, query.filter))
    const hit = query.direction === 1 ? passing[0] : passing.at(-1)
    if (hit !== undefined) return hit
    progress({ phase: 'search', done: Math.abs(at - query.from), unit: 'records' })
    if (await pause()) break
  }
  return undefined
}

function recordDetail(system: System, seq: number): RecordDetail {
  const record = system.record(seq)
  const changes = []
  for (const change of system.recordChanges(seq)) {
    if (changes.length >= recordChangesMax) break
    changes.push(change)
  }
  return { record, changes, checkpointSize: system.checkpoint()?.size }
}
