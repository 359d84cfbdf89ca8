// Files: one directory of the governed tree, now or in a past state, with how each path stands against the record.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { Change, GovernedPath, ListedEntry } from '../../../core/timeline/model.ts'
import { type Content, type ContentWish, contentReceived, noContent, wish } from '../../state/content.ts'
import { flagFact, type PaneMemory, textFact } from '../../state/facts.ts'
import { createFilter } from '../../state/filter.ts'
import { initialList, type ListState, settled } from '../../state/list.ts'
import type { Context, Effect, Message, Problem, Step, Target } from '../../state/model.ts'
import { joined, nameOf, parentOf, stateTextOf } from '../../state/paths.ts'
import { toast } from '../pane.ts'

export type SortOrder = 'name' | 'size' | 'time'
const sortOrders: readonly SortOrder[] = ['name', 'size', 'time']

export interface FilesState {
  readonly list: ListState
  readonly path: GovernedPath
  /** Which state the entries are of; undefined: the disk now. */
  readonly at: string | undefined
  /** All of the directory; undefined before the first answer. */
  readonly entries: readonly ListedEntry[] | undefined
  /** What of it is shown, in order. */
  readonly rows: readonly ListedEntry[]
  readonly problem: Problem | undefined
  readonly filter: string
  readonly filterOn: boolean
  readonly sort: SortOrder
  readonly showHidden: boolean
  readonly marks: ReadonlySet<GovernedPath>
  /** The name that gets the cursor when the entries come. */
  readonly wantedName: string | undefined
  readonly content: Content
}

export const initialFiles: FilesState = {
  list: initialList,
  path: '',
  at: undefined,
  entries: undefined,
  rows: [],
  problem: undefined,
  filter: '',
  filterOn: true,
  sort: 'name',
  showHidden: true,
  marks: new Set(),
  wantedName: undefined,
  content: noContent,
}

const listChannel = 'files.list'
const listedTwiceMax = 3000
const contentChannel = 'files.content'

export const currentEntry = (state: FilesState): ListedEntry | undefined => state.rows[state.list.cursor]

/** The marked entries, else the one under the cursor. */
export function chosenEntries(state: FilesState): readonly ListedEntry[] {
  if (state.marks.size > 0) return (state.entries ?? []).filter(({ path }) => state.marks.has(path))
  const current = currentEntry(state)
  return current === undefined ? [] : [current]
}

/** Asks for the directory again: after marks, the state or the disk may have changed. */
function relist(state: FilesState, context: Context): Step<FilesState> {
  const at = context.past === undefined ? undefined : stateTextOf(context.past)
  return [state, [{ type: 'ask', channel: listChannel, query: { ask: 'directory', path: state.path, at } }]]
}

/** Goes to another directory, with the cursor on `name` when it is there. */
export function goTo(
  state: FilesState,
  path: GovernedPath,
  name: string | undefined,
  context: Context,
): Step<FilesState> {
  const next = { ...state, path, wantedName: name, marks: new Set<GovernedPath>(), problem: undefined }
  // Until the names are there no key may mean a row of the directory that was left.
  return relist({ ...next, entries: undefined, rows: [], content: noContent }, context)
}

export function enterFiles(state: FilesState, context: Context, target: Target | undefined): Step<FilesState> {
  if (target?.path === undefined) return relist(state, context)
  return goTo(state, parentOf(target.path), nameOf(target.path), context)
}

export function rememberFiles(state: FilesState): PaneMemory {
  const { path, filter, filterOn, sort, showHidden } = state
  return {
    directory: path,
    name: currentEntry(state)?.name ?? state.wantedName ?? '',
    filter,
    filterOn,
    sort,
    showHidden,
  }
}

export function recallFiles(state: FilesState, memory: PaneMemory): Step<FilesState> {
  const sort = sortOrders.find(order => order === memory.sort) ?? state.sort
  const next: FilesState = {
    ...state,
    path: textFact(memory, 'directory'),
    wantedName: textFact(memory, 'name') || undefined,
    filter: textFact(memory, 'filter'),
    filterOn: flagFact(memory, 'filterOn', state.filterOn),
    sort,
    showHidden: flagFact(memory, 'showHidden', state.showHidden),
  }
  return [next, []]
}

export function receiveFiles(state: FilesState, message: Message, context: Context): Step<FilesState> {
  if (message.type === 'answer' && message.channel === listChannel && message.ask === 'directory') {
    const { path, at } = message.query
    return path === state.path ? listed(state, message.answer, at, context) : [state, []]
  }
  if (message.type === 'refused' && message.channel === listChannel) return notListed(state, message.problem, context)
  if (message.type === 'promptChanged' && message.id === 'files.filter')
    return showRows({ ...state, filter: message.text, filterOn: true }, context)
  if (message.type === 'promptLeft' && message.id === 'files.filter')
    return showRows({ ...state, filter: message.data }, context)
  // A big directory is listed once, after the look that follows, and not before it as well.
  if (message.type === 'treeChanged' && context.visible && (state.entries?.length ?? 0) < listedTwiceMax)
    return relist(state, context)
  if (message.type === 'operated') return receiveContent({ ...state, marks: new Set() }, message)
  return receiveContent(state, message)
}

function receiveContent(state: FilesState, message: Message): Step<FilesState> {
  const content = contentReceived(state.content, contentChannel, message)
  return [content === state.content ? state : { ...state, content }, []]
}

function listed(
  state: FilesState,
  entries: readonly ListedEntry[],
  at: string | undefined,
  context: Context,
): Step<FilesState> {
  const name = state.wantedName ?? currentEntry(state)?.name
  const next = { ...state, entries, at, problem: undefined, wantedName: undefined }
  return showRows(next, context, name, true)
}

/** The directory is gone, or is none: its parent is shown instead. */
function notListed(state: FilesState, problem: Problem, context: Context): Step<FilesState> {
  const lost = problem.code === 'PATH_NOT_FOUND' || problem.code === 'NOT_A_DIRECTORY'
  if (!lost || state.path === '') return [{ ...state, problem, entries: [], rows: [] }, []]
  const [next, effects] = goTo(state, parentOf(state.path), nameOf(state.path), context)
  return [next, [toast(`${displayBytes(state.path)} is not there${context.past ? ' in that state' : ''}.`), ...effects]]
}

/** Filter, order and cursor over the entries that are there; `fresh` asks for the preview again. */
export function showRows(state: FilesState, context: Context, name?: string, fresh = false): Step<FilesState> {
  const wanted = name ?? currentEntry(state)?.name
  const rows = rowsOf(state)
  const at = wanted === undefined ? -1 : rows.findIndex(entry => entry.name === wanted)
  const cursor = at >= 0 ? at : Math.min(state.list.cursor, rows.length - 1)
  const list = settled({ ...state.list, cursor }, rows.length, context.list.height)
  return showContent({ ...state, rows, list }, context, fresh)
}

function rowsOf({ entries = [], filter, filterOn, showHidden, sort }: FilesState): readonly ListedEntry[] {
  const passes = createFilter(filterOn ? filter : '')
  const all = entries.filter(({ name, mark }) => {
    if (!showHidden && (name.startsWith('.') || mark === ' ')) return false
    return passes(displayBytes(name))
  })
  if (sort === 'size') return all.sort((a, b) => b.size - a.size)
  if (sort === 'time') return all.sort((a, b) => b.mtime - a.mtime)
  return all
}

/** Asks for what belongs beside the row under the cursor. */
export function showContent(state: FilesState, context: Context, fresh = false): Step<FilesState> {
  const entry = currentEntry(state)
  const wanted = entry === undefined || !context.detailShown ? undefined : wishFor(entry, state.at)
  const [content, effects] = wish(state.content, contentChannel, wanted, fresh)
  return [{ ...state, content }, effects]
}

function wishFor(entry: ListedEntry, at: string | undefined): ContentWish | undefined {
  const { path, kind, mark } = entry
  if (kind === 'other') return undefined
  if (at !== undefined) return { show: 'file', path, at }
  if (mark === '~' && kind === 'file') return { show: 'diff', path, from: 'now', to: 'disk' }
  return { show: 'file', path, at: mark === '-' ? 'now' : 'disk' }
}

/** What the last look found out about a path. */
export const changeOf = (context: Context, path: GovernedPath): Change | undefined =>
  context.status.report?.changes.find(change => change.path === path)

export const inDirectory = (state: FilesState, name: GovernedPath): GovernedPath => joined(state.path, name)

export const effectsOnly = (state: FilesState, ...effects: readonly Effect[]): Step<FilesState> => [state, effects]
