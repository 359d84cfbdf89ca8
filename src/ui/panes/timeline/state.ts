// Timeline: where one can go back to, and what lies between there and now.
import type { DiffReport, RecordView, SnapshotView } from '../../../core/timeline/model.ts'
import { askCounts, type ChangeCounts, countsReceived, noCounts } from '../../state/changeCounts.ts'
import { initialList, type ListState, settled } from '../../state/list.ts'
import type { Context, Effect, Message, Problem, Step } from '../../state/model.ts'
import { rowKey, rowState, type TimelineRow, timelineRows } from './rows.ts'

export interface TimelineState {
  readonly list: ListState
  readonly snapshots: readonly SnapshotView[]
  readonly records: ReadonlyMap<number, RecordView>
  readonly total: number
  readonly expanded: ReadonlySet<number>
  readonly rows: readonly TimelineRow[]
  /** Bytes that removing a snapshot would free, by name. */
  readonly space: ReadonlyMap<string, number>
  /** Which state the preview is of. */
  readonly previewOf: string
  readonly preview: DiffReport | undefined
  readonly counts: ChangeCounts
  readonly problem: Problem | undefined
  readonly scroll: number
  /** Gaps that are being read, by the first record asked for. */
  readonly reading: ReadonlySet<number>
  /** Where the cursor was, to know its direction over the rows of days. */
  readonly cursorBefore: number
}

export const initialTimeline: TimelineState = {
  list: initialList,
  snapshots: [],
  records: new Map(),
  total: 0,
  expanded: new Set(),
  rows: [],
  space: new Map(),
  previewOf: '',
  preview: undefined,
  counts: noCounts,
  problem: undefined,
  scroll: 0,
  reading: new Set(),
  cursorBefore: 0,
}

const gapRecords = 100
/** Beyond this many loaded records the gaps stay closed: the Trace and `t` reach what is older. */
const recordsHeldMax = 20_000
const previewDelayMs = 250
const spaceDelayMs = 400
const previewChannel = 'timeline.preview'
const countsChannel = 'timeline.counts'

export const currentRow = (state: TimelineState): TimelineRow | undefined => state.rows[state.list.cursor]

export function enterTimeline(state: TimelineState, context: Context): Step<TimelineState> {
  const [next, effects] = rebuilt({ ...state, total: context.lastSeq + 1 }, context)
  return [next, [...effects, ...askSnapshots]]
}

const askSnapshots: readonly Effect[] = [
  { type: 'ask', channel: 'timeline.snapshots', query: { ask: 'snapshots' } },
  { type: 'ask', channel: 'timeline.space', query: { ask: 'space' }, delayMs: spaceDelayMs },
]

export function receiveTimeline(state: TimelineState, message: Message, context: Context): Step<TimelineState> {
  if (message.type === 'recorded') return recorded(state, message.records, message.lastSeq, context)
  if (message.type === 'refused' && message.channel === previewChannel)
    return [{ ...state, preview: undefined, problem: message.problem }, []]
  if (message.type !== 'answer' || !message.channel.startsWith('timeline.')) return [state, []]
  if (message.ask === 'snapshots') return rebuilt({ ...state, snapshots: message.answer }, context)
  if (message.ask === 'space') return [{ ...state, space: message.answer }, []]
  if (message.ask === 'records') {
    const records = new Map(state.records)
    for (const record of message.answer) records.set(record.seq, record)
    const reading = new Set(state.reading)
    reading.delete(message.query.from)
    return rebuilt({ ...state, records, reading }, context)
  }
  if (message.ask === 'diff' && message.query.from === state.previewOf)
    return counted({ ...state, preview: message.answer, problem: undefined }, context)
  const counts = countsReceived(state.counts, message, { channel: countsChannel, from: state.previewOf })
  return [counts === state.counts ? state : { ...state, counts }, []]
}

/** Lines are counted for the changes of the preview that can be seen. */
export function counted(state: TimelineState, context: Context): Step<TimelineState> {
  const seen = state.preview?.changes.slice(state.scroll, state.scroll + context.detail.height) ?? []
  return [state, askCounts(seen, state.counts, { channel: countsChannel, from: state.previewOf, to: 'now' })]
}

function recorded(
  state: TimelineState,
  fresh: readonly RecordView[],
  lastSeq: number,
  context: Context,
): Step<TimelineState> {
  const records = new Map(state.records)
  for (const record of fresh) records.set(record.seq, record)
  // The preview is against now, and now has moved on.
  const moved = { ...state, records, total: Math.max(state.total, lastSeq + 1), previewOf: '' }
  const [next, effects] = rebuilt(moved, context)
  const snapshots = fresh.some(
    ({ action }) => action.startsWith('snapshot') || action === 'rollback' || action === 'gc',
  )
  return [next, snapshots ? [...effects, ...askSnapshots] : effects]
}

/** Rows again, with the cursor on the row it was on. */
export function rebuilt(state: TimelineState, context: Context): Step<TimelineState> {
  const current = currentRow(state)
  const rows = timelineRows({ ...state, now: context.now })
  const key = current === undefined ? 'now' : rowKey(current)
  const at = rows.findIndex(row => rowKey(row) === key)
  const by = at < 0 ? 0 : at - state.list.cursor
  const list = settled(
    { ...state.list, cursor: state.list.cursor + by, top: Math.max(0, state.list.top + by) },
    rows.length,
    context.list.height,
  )
  return shown({ ...state, rows, list, cursorBefore: list.cursor }, context)
}

/** The cursor passes over the rows of days. */
export function timelineMoved(state: TimelineState, context: Context): Step<TimelineState> {
  const { cursor } = state.list
  const direction = cursor >= state.cursorBefore ? 1 : -1
  const isDay = (row: number): boolean => state.rows[row]?.kind === 'day'
  const next = !isDay(cursor)
    ? cursor
    : state.rows[cursor + direction] === undefined
      ? cursor - direction
      : cursor + direction
  const list = settled({ ...state.list, cursor: next }, state.rows.length, context.list.height)
  return shown({ ...state, list, cursorBefore: next }, context)
}

/** What is read of a gap in view: the end that faces the cursor, so that what is left of it moves out of sight. */
function partOfGap(row: TimelineRow | undefined, above: boolean): { from: number; to: number } | undefined {
  if (row?.kind !== 'gap') return undefined
  return above
    ? { from: row.from, to: Math.min(row.to, row.from + gapRecords) }
    : { from: Math.max(row.from, row.to - gapRecords), to: row.to }
}

/** Asks for what the window needs: records of gaps in view, and the difference of the row under the cursor. */
function shown(state: TimelineState, context: Context): Step<TimelineState> {
  const effects: Effect[] = []
  const reading = new Set(state.reading)
  if (state.records.size < recordsHeldMax)
    for (let at = state.list.top; at < Math.min(state.rows.length, state.list.top + context.list.height); at++) {
      const part = partOfGap(state.rows[at], at < state.list.cursor)
      if (part === undefined || reading.has(part.from)) continue
      reading.add(part.from)
      effects.push({ type: 'ask', channel: `timeline.gap.${part.from}`, query: { ask: 'records', ...part } })
    }
  const previewOf = rowState(currentRow(state)) ?? ''
  if (previewOf === state.previewOf || !context.detailShown) return [{ ...state, reading }, effects]
  if (previewOf === '') effects.push({ type: 'forget', channel: previewChannel })
  else {
    const query = { ask: 'diff', from: previewOf, to: 'now' } as const
    effects.push({ type: 'ask', channel: previewChannel, query, delayMs: previewDelayMs })
  }
  return [
    { ...state, reading, previewOf, preview: undefined, counts: noCounts, problem: undefined, scroll: 0 },
    effects,
  ]
}
