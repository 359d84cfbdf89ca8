// Changes: the flat list of what differs from the record, and the difference of the one under the cursor.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { Change, GovernedPath } from '../../../core/timeline/model.ts'
import { type Content, type ContentWish, contentReceived, noContent, wish } from '../../state/content.ts'
import { flagFact, type PaneMemory, textFact } from '../../state/facts.ts'
import { createFilter } from '../../state/filter.ts'
import { initialList, type ListState, settled } from '../../state/list.ts'
import type { Context, Message, Step, Target } from '../../state/model.ts'

export interface ChangesState {
  readonly list: ListState
  readonly all: readonly Change[]
  readonly rows: readonly Change[]
  readonly filter: string
  readonly filterOn: boolean
  readonly marks: ReadonlySet<GovernedPath>
  readonly content: Content
  /** The path that gets the cursor when the first look has ended. */
  readonly wanted: GovernedPath | undefined
}

export const initialChanges: ChangesState = {
  list: initialList,
  all: [],
  rows: [],
  filter: '',
  filterOn: true,
  marks: new Set(),
  content: noContent,
  wanted: undefined,
}

const contentChannel = 'changes.content'

export const currentChange = (state: ChangesState): Change | undefined => state.rows[state.list.cursor]

export function chosenChanges(state: ChangesState): readonly Change[] {
  if (state.marks.size > 0) return state.all.filter(({ path }) => state.marks.has(path))
  const current = currentChange(state)
  return current === undefined ? [] : [current]
}

export function enterChanges(state: ChangesState, context: Context, target: Target | undefined): Step<ChangesState> {
  return showRows(state, context, target?.path, true)
}

export const rememberChanges = (state: ChangesState): PaneMemory => ({
  path: currentChange(state)?.path ?? state.wanted ?? '',
  filter: state.filter,
  filterOn: state.filterOn,
})

export function recallChanges(state: ChangesState, memory: PaneMemory): Step<ChangesState> {
  const wanted = textFact(memory, 'path') || undefined
  const filterOn = flagFact(memory, 'filterOn', state.filterOn)
  return [{ ...state, wanted, filter: textFact(memory, 'filter'), filterOn }, []]
}

export function receiveChanges(state: ChangesState, message: Message, context: Context): Step<ChangesState> {
  if (message.type === 'answer' && message.ask === 'status') return looked(state, message.answer.changes, context)
  if (message.type === 'promptChanged' && message.id === 'changes.filter')
    return showRows({ ...state, filter: message.text, filterOn: true }, context)
  if (message.type === 'promptLeft' && message.id === 'changes.filter')
    return showRows({ ...state, filter: message.data }, context)
  const content = contentReceived(state.content, contentChannel, message)
  return [content === state.content ? state : { ...state, content }, []]
}

/** A look has ended: damage first, then by path; marks of what no longer differs go. */
function looked(state: ChangesState, changes: readonly Change[], context: Context): Step<ChangesState> {
  const all = [
    ...changes.filter(change => change.state === 'damaged'),
    ...changes.filter(change => change.state !== 'damaged'),
  ]
  const paths = new Set(all.map(({ path }) => path))
  const marks = new Set([...state.marks].filter(path => paths.has(path)))
  return showRows({ ...state, all, marks, wanted: undefined }, context, state.wanted, true)
}

export function showRows(
  state: ChangesState,
  context: Context,
  path?: GovernedPath,
  fresh = false,
): Step<ChangesState> {
  const wanted = path ?? currentChange(state)?.path
  const passes = createFilter(state.filterOn ? state.filter : '')
  const rows = state.all.filter(change => passes(displayBytes(change.path)))
  const at = wanted === undefined ? -1 : rows.findIndex(change => change.path === wanted)
  const cursor = at >= 0 ? at : state.list.cursor
  const list = settled({ ...state.list, cursor }, rows.length, context.list.height)
  return showContent({ ...state, rows, list }, context, fresh)
}

export function showContent(state: ChangesState, context: Context, fresh = false): Step<ChangesState> {
  const change = currentChange(state)
  const wanted = change === undefined || !context.detailShown ? undefined : wishFor(change)
  const [content, effects] = wish(state.content, contentChannel, wanted, fresh)
  return [{ ...state, content }, effects]
}

function wishFor({ path, state, recorded, disk }: Change): ContentWish | undefined {
  if (state === 'gone' || disk === null) return recorded?.kind === 'dir' ? undefined : { show: 'file', path, at: 'now' }
  if (state === 'changed' && disk.kind === 'file' && recorded?.kind === 'file')
    return { show: 'diff', path, from: 'now', to: 'disk' }
  return disk.kind === 'dir' || disk.kind === 'other' ? undefined : { show: 'file', path, at: 'disk' }
}
