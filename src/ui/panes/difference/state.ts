// The difference of two states, path by path: what the Timeline opens, and where one path or hunk is brought back.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { DiffReport, GovernedPath, TreeChange } from '../../../core/timeline/model.ts'
import { askCounts, type ChangeCounts, countsReceived, noCounts } from '../../state/changeCounts.ts'
import {
  type Content,
  type ContentWish,
  contentReceived,
  hunkMarked,
  hunkMoved,
  markedHunks,
  noContent,
  wish,
} from '../../state/content.ts'
import { type PaneMemory, textFact } from '../../state/facts.ts'
import { createFilter } from '../../state/filter.ts'
import { initialList, type ListState, moved, settled } from '../../state/list.ts'
import type { Context, Effect, Message, Problem, Step, Target } from '../../state/model.ts'
import type { Operation, StateText } from '../../state/operation.ts'
import { pathsText } from '../../state/operation.ts'
import { announce, askText, operate, send } from '../pane.ts'

export interface DifferenceState {
  readonly list: ListState
  readonly from: StateText
  readonly to: StateText | 'disk'
  readonly report: DiffReport | undefined
  readonly rows: readonly TreeChange[]
  readonly filter: string
  readonly marks: ReadonlySet<GovernedPath>
  readonly problem: Problem | undefined
  readonly content: Content
  readonly counts: ChangeCounts
}

export const initialDifference: DifferenceState = {
  list: initialList,
  from: 'now',
  to: 'disk',
  report: undefined,
  rows: [],
  filter: '',
  marks: new Set(),
  problem: undefined,
  content: noContent,
  counts: noCounts,
}

const listChannel = 'difference.list'
const contentChannel = 'difference.content'
const countsChannel = 'difference.counts'

export const currentDifference = (state: DifferenceState): TreeChange | undefined => state.rows[state.list.cursor]

export function enterDifference(state: DifferenceState, _: Context, target: Target | undefined): Step<DifferenceState> {
  const from = target?.from ?? state.from
  const to = target?.to ?? state.to
  const next = target === undefined ? state : { ...initialDifference, from, to }
  return [next, [askList(next)]]
}

export const rememberDifference = ({ from, to, filter }: DifferenceState): PaneMemory => ({ from, to, filter })

export function recallDifference(state: DifferenceState, memory: PaneMemory): Step<DifferenceState> {
  const from = textFact(memory, 'from') || state.from
  const to = textFact(memory, 'to') || state.to
  return [{ ...state, from, to, filter: textFact(memory, 'filter') }, []]
}

const askList = ({ from, to }: DifferenceState): Effect => ({
  type: 'ask',
  channel: listChannel,
  query: { ask: 'diff', from, to },
})

export function receiveDifference(state: DifferenceState, message: Message, context: Context): Step<DifferenceState> {
  if (message.type === 'answer' && message.channel === listChannel && message.ask === 'diff')
    return showRows({ ...state, report: message.answer, counts: noCounts, problem: undefined }, context, true)
  if (message.type === 'refused' && message.channel === listChannel) return [{ ...state, problem: message.problem }, []]
  // What was brought back no longer differs.
  if (message.type === 'operated' && context.visible) return [{ ...state, marks: new Set() }, [askList(state)]]
  if (message.type === 'promptChanged' && message.id === 'difference.filter')
    return showRows({ ...state, filter: message.text }, context)
  if (message.type === 'promptLeft' && message.id === 'difference.filter')
    return showRows({ ...state, filter: message.data }, context)
  const content = contentReceived(state.content, contentChannel, message)
  const counts = countsReceived(state.counts, message, { channel: countsChannel, from: state.from })
  return [content === state.content && counts === state.counts ? state : { ...state, content, counts }, []]
}

export function showRows(state: DifferenceState, context: Context, fresh = false): Step<DifferenceState> {
  const path = currentDifference(state)?.path
  const passes = createFilter(state.filter)
  const rows = (state.report?.changes ?? []).filter(change => passes(displayBytes(change.path)))
  const at = rows.findIndex(change => change.path === path)
  const list = settled({ ...state.list, cursor: at >= 0 ? at : state.list.cursor }, rows.length, context.list.height)
  return showContent({ ...state, rows, list }, context, fresh)
}

export function showContent(state: DifferenceState, context: Context, fresh = false): Step<DifferenceState> {
  const change = currentDifference(state)
  const wanted = change === undefined || !context.detailShown ? undefined : wishFor(state, change)
  const [content, effects] = wish(state.content, contentChannel, wanted, fresh)
  const seen = state.rows.slice(state.list.top, state.list.top + context.list.height)
  const { from, to } = state
  return [{ ...state, content }, [...effects, ...askCounts(seen, state.counts, { channel: countsChannel, from, to })]]
}

function wishFor({ from, to }: DifferenceState, { path, before, after }: TreeChange): ContentWish | undefined {
  if (before?.kind === 'file' && after?.kind === 'file') return { show: 'diff', path, from, to }
  const [entry, at] = before === null ? [after, to] : [before, from]
  return entry === null || entry.kind === 'dir' ? undefined : { show: 'file', path, at }
}

type Difference = Step<DifferenceState>

export const differenceActions = {
  bringBack(state: DifferenceState, context: Context): Difference {
    const chosen = chosenChanges(state)
    if (chosen.length === 0) return [state, []]
    const paths = chosen.map(({ path }) => path)
    const hunks = paths.length === 1 ? markedHunks(state.content) : undefined
    const operation: Operation = { do: 'restore', paths, to: state.from, ...(hunks === undefined ? {} : { hunks }) }
    const removed = chosen.filter(({ before }) => before === null).map(({ path }) => path)
    if (removed.length === 0 && paths.length === 1) return [state, [operate(operation, context)]]
    const text =
      removed.length > 0
        ? `${pathsText(removed)} did not exist then: b again deletes, u can undo it`
        : `b again brings back ${pathsText(paths)}`
    return [state, [announce(operation, context, { scope: 'difference', action: 'bringBack', text })]]
  },
  bringAllBack: (state: DifferenceState): Difference => [
    state,
    [{ type: 'ask', channel: 'global.rollback', query: { ask: 'rollbackPreview', to: state.from } }],
  ],
  versions(state: DifferenceState): Difference {
    const change = currentDifference(state)
    return [
      state,
      change === undefined ? [] : [send({ type: 'show', pane: 'versions', target: { path: change.path } })],
    ]
  },
  open: (state: DifferenceState): Difference => [state, [send({ type: 'focus', area: 'detail' })]],
  mark(state: DifferenceState, context: Context): Difference {
    const change = currentDifference(state)
    if (change === undefined) return [state, []]
    const marks = new Set(state.marks)
    if (!marks.delete(change.path)) marks.add(change.path)
    const list = moved(state.list, state.list.cursor + 1, state.rows.length, context.list.height)
    return showContent({ ...state, marks, list }, context)
  },
  filter: (state: DifferenceState): Difference => [
    state,
    [askText('difference.filter', 'filter (! not, ~ fuzzy)', { text: state.filter, data: state.filter, live: true })],
  ],
  nextHunk: (state: DifferenceState, { detail }: Context): Difference => [
    { ...state, content: hunkMoved(state.content, 1, detail.height) },
    [],
  ],
  previousHunk: (state: DifferenceState, { detail }: Context): Difference => [
    { ...state, content: hunkMoved(state.content, -1, detail.height) },
    [],
  ],
  markHunk: (state: DifferenceState): Difference => [{ ...state, content: hunkMarked(state.content) }, []],
  focusList: (state: DifferenceState): Difference => [state, [send({ type: 'focus', area: 'list' })]],
}

function chosenChanges(state: DifferenceState): readonly TreeChange[] {
  if (state.marks.size > 0) return state.rows.filter(({ path }) => state.marks.has(path))
  const current = currentDifference(state)
  return current === undefined ? [] : [current]
}
