// Trace: the records as they come, newest at the bottom. Without a filter row n is record n and only the chunks around
// the window are held; with a filter the journal is searched backwards as far as the window asks for.
import type { RecordView } from '../../../core/timeline/model.ts'
import { numberFact, type PaneMemory, textFact } from '../../state/facts.ts'
import { initialList, type ListState, settled } from '../../state/list.ts'
import type { Context, Effect, Message, Problem, Step, Target } from '../../state/model.ts'
import type { RecordDetail, TraceFilter } from '../../state/query.ts'
import { toast } from '../pane.ts'
import { matches, noFilter, parseTraceFilter } from './filter.ts'

export interface TraceState {
  readonly list: ListState
  readonly total: number
  /** Records by number of their chunk; the last one may be short. */
  readonly chunks: ReadonlyMap<number, readonly RecordView[]>
  readonly filter: TraceFilter
  readonly filterText: string
  readonly filterOn: boolean
  /** What passes the filter, oldest first; all records from `scannedFrom` on were looked at. */
  readonly found: readonly RecordView[]
  readonly scannedFrom: number
  readonly scanning: boolean
  readonly follow: boolean
  /** Records that came since the cursor left the end. */
  readonly unseen: number
  readonly detail: RecordDetail | undefined
  readonly detailScroll: number
  readonly problem: Problem | undefined
}

export const initialTrace: TraceState = {
  list: initialList,
  total: 0,
  chunks: new Map(),
  filter: noFilter,
  filterText: '',
  filterOn: true,
  found: [],
  scannedFrom: 0,
  scanning: false,
  follow: true,
  unseen: 0,
  detail: undefined,
  detailScroll: 0,
  problem: undefined,
}

const chunkRecords = 128
const chunksHeldMax = 24
const scanWanted = 200
/** Matches beyond this are not collected further: older ones need a narrower filter. */
const foundMax = 20_000
const scanChannel = 'trace.scan'
const detailChannel = 'trace.detail'

export const isFiltered = (state: TraceState): boolean => state.filterOn && state.filter !== noFilter
export const traceLength = (state: TraceState): number => (isFiltered(state) ? state.found.length : state.total)

export function recordAt(state: TraceState, row: number): RecordView | undefined {
  if (isFiltered(state)) return state.found[row]
  return state.chunks.get(Math.floor(row / chunkRecords))?.[row % chunkRecords]
}

export const currentRecord = (state: TraceState): RecordView | undefined => recordAt(state, state.list.cursor)

export function enterTrace(state: TraceState, context: Context, target: Target | undefined): Step<TraceState> {
  const total = context.lastSeq + 1
  if (target?.seq !== undefined) {
    const next = { ...state, total, filter: noFilter, filterText: '', follow: false }
    return windowed({ ...next, list: { ...next.list, cursor: target.seq } }, context)
  }
  return windowed(state.follow ? atEnd({ ...state, total }) : { ...state, total }, context)
}

const atEnd = (state: TraceState): TraceState => ({
  ...state,
  unseen: 0,
  list: { ...state.list, cursor: traceLength(state) - 1 },
})

export const rememberTrace = (state: TraceState): PaneMemory => ({
  filter: isFiltered(state) ? state.filterText : '',
  ...(state.follow ? {} : { seq: currentRecord(state)?.seq ?? state.list.cursor }),
})

export function recallTrace(state: TraceState, memory: PaneMemory, context: Context): Step<TraceState> {
  const filter = textFact(memory, 'filter')
  if (filter !== '') return filtered(state, filter, context)
  const seq = numberFact(memory, 'seq')
  if (seq === undefined) return [state, []]
  return windowed({ ...state, follow: false, list: { ...state.list, cursor: seq } }, context)
}

export function receiveTrace(state: TraceState, message: Message, context: Context): Step<TraceState> {
  switch (message.type) {
    case 'opened':
      return windowed(atEnd({ ...initialTrace, total: message.lastSeq + 1 }), context)
    case 'recorded':
      return recorded(state, message.records, message.lastSeq, context)
    case 'promptChanged':
    case 'promptLeft':
      return [state, []]
    case 'prompted':
      if (message.id === 'trace.filter') return filtered(state, message.text, context)
      return message.id === 'trace.search' ? sought(state, message.text, message.data) : [state, []]
    case 'refused':
      if (!message.channel.startsWith('trace.')) return [state, []]
      return [{ ...state, scanning: false, problem: message.problem }, []]
    case 'answer':
      return message.channel.startsWith('trace.') ? answered(state, message, context) : [state, []]
    default:
      return [state, []]
  }
}

function answered(
  state: TraceState,
  message: Extract<Message, { type: 'answer' }>,
  context: Context,
): Step<TraceState> {
  if (message.ask === 'records') {
    const chunks = new Map(state.chunks).set(Math.floor(message.query.from / chunkRecords), message.answer)
    return [{ ...state, chunks: trimmed(chunks, state), problem: undefined }, []]
  }
  if (message.ask === 'record') return [{ ...state, detail: message.answer, detailScroll: 0 }, []]
  if (message.ask === 'scan') {
    const { records, scannedFrom } = message.answer
    if (message.query.filter !== state.filter) return [state, []]
    const found = [...records, ...state.found]
    const list = { cursor: state.list.cursor + records.length, top: state.list.top + records.length }
    const next = { ...state, found, scannedFrom, scanning: false, list: state.found.length === 0 ? initialList : list }
    return windowed(state.follow ? atEnd(next) : next, context)
  }
  if (message.ask === 'seek') {
    if (message.answer === undefined) return [state, [toast('Nothing found.')]]
    return windowed({ ...state, follow: false, list: { ...state.list, cursor: rowOf(state, message.answer) } }, context)
  }
  return [state, []]
}

const rowOf = (state: TraceState, record: RecordView): number =>
  isFiltered(state) ? state.found.findIndex(({ seq }) => seq === record.seq) : record.seq

/** New records came: into the last chunk, or past the filter. */
function recorded(
  state: TraceState,
  records: readonly RecordView[],
  lastSeq: number,
  context: Context,
): Step<TraceState> {
  const chunks = new Map(state.chunks)
  for (const record of records) {
    const number = Math.floor(record.seq / chunkRecords)
    const chunk = chunks.get(number) ?? (record.seq % chunkRecords === 0 ? [] : undefined)
    if (chunk !== undefined && chunk.length === record.seq % chunkRecords) chunks.set(number, [...chunk, record])
  }
  const passing = isFiltered(state) ? records.filter(record => matches(record, state.filter)) : records
  const known = new Set(state.found.slice(-records.length - 1).map(({ seq }) => seq))
  const found = isFiltered(state) ? [...state.found, ...passing.filter(({ seq }) => !known.has(seq))] : state.found
  const next = { ...state, chunks, found, total: Math.max(state.total, lastSeq + 1) }
  if (state.follow) return windowed(atEnd(next), context)
  return windowed({ ...next, unseen: state.unseen + passing.length }, context)
}

function filtered(state: TraceState, text: string, context: Context): Step<TraceState> {
  const filter = parseTraceFilter(text)
  const next = { ...state, filter, filterText: text.trim(), filterOn: true, found: [], scannedFrom: state.total }
  if (filter === noFilter) return windowed(atEnd({ ...next, follow: true }), context)
  return [{ ...next, scanning: true, list: initialList }, [askScan(next)]]
}

const askScan = (state: TraceState): Effect => ({
  type: 'ask',
  channel: scanChannel,
  query: { ask: 'scan', before: state.scannedFrom, filter: state.filter, want: scanWanted },
})

/** The next record that holds the text, from the cursor on: backwards first, as the newest is at the bottom. */
function sought(state: TraceState, text: string, direction: string): Step<TraceState> {
  if (text === '') return [state, []]
  const by = direction === '-1' ? 1 : -1
  const from = (currentRecord(state)?.seq ?? state.list.cursor) + by
  const filter: TraceFilter = { actor: '', action: '', text: text.toLowerCase() }
  return [state, [{ type: 'ask', channel: 'trace.seek', query: { ask: 'seek', from, direction: by, filter } }]]
}

/** The window moved: the chunks it needs, more matches when its beginning is near, the detail when it is open. */
export function windowed(state: TraceState, context: Context): Step<TraceState> {
  const length = traceLength(state)
  const list = settled(state.list, length, context.list.height)
  const follow = state.follow && list.cursor === length - 1
  const next = { ...state, list, follow, unseen: list.cursor === length - 1 ? 0 : state.unseen }
  const effects: Effect[] = []
  let scanning = state.scanning
  if (isFiltered(next)) {
    if (list.top < scanWanted / 4 && next.scannedFrom > 0 && !scanning && next.found.length < foundMax) {
      scanning = true
      effects.push(askScan(next))
    }
  } else effects.push(...missingChunks(next, list, context.list.height))
  const shown = currentRecord(next)
  if (context.detailShown && shown !== undefined && shown.seq !== next.detail?.record.seq)
    effects.push({ type: 'ask', channel: detailChannel, query: { ask: 'record', seq: shown.seq }, delayMs: 40 })
  return [{ ...next, scanning }, effects]
}

function missingChunks(state: TraceState, list: ListState, height: number): Effect[] {
  const effects: Effect[] = []
  const last = Math.min(list.top + height, state.total) - 1
  for (let number = Math.floor(list.top / chunkRecords); number * chunkRecords <= last; number++) {
    const from = number * chunkRecords
    const to = Math.min(from + chunkRecords, state.total)
    if ((state.chunks.get(number)?.length ?? 0) >= to - from) continue
    effects.push({ type: 'ask', channel: `trace.chunk.${number}`, query: { ask: 'records', from, to } })
  }
  return effects
}

/** Keeps the chunks nearest to the cursor, and the newest for the strip. */
function trimmed(chunks: Map<number, readonly RecordView[]>, state: TraceState): Map<number, readonly RecordView[]> {
  if (chunks.size <= chunksHeldMax) return chunks
  const here = Math.floor(state.list.cursor / chunkRecords)
  const newest = Math.floor((state.total - 1) / chunkRecords) - 1
  const distance = (number: number): number => (number >= newest ? 0 : Math.abs(number - here))
  const byDistance = [...chunks.keys()].sort((a, b) => distance(a) - distance(b))
  return new Map(byDistance.slice(0, chunksHeldMax / 2).map(number => [number, chunks.get(number) ?? []]))
}
