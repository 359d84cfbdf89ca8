// Versions: all recorded states of one path, newest first, and how each differs from what is on disk.
import type { Change, GovernedPath, Version } from '../../../core/timeline/model.ts'
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
import { initialList, type ListState, settled } from '../../state/list.ts'
import type { Context, Effect, Message, Problem, Step, Target } from '../../state/model.ts'
import type { Operation } from '../../state/operation.ts'
import type { LineCounts } from '../../state/query.ts'
import { announce, operate, send, toast } from '../pane.ts'

export type VersionRow =
  | { readonly kind: 'outside'; readonly change: Change }
  | { readonly kind: 'version'; readonly version: Version }

export interface VersionsState {
  readonly list: ListState
  readonly path: GovernedPath
  readonly versions: readonly Version[] | undefined
  readonly rows: readonly VersionRow[]
  readonly counts: ReadonlyMap<number, LineCounts>
  readonly problem: Problem | undefined
  readonly content: Content
}

export const initialVersions: VersionsState = {
  list: initialList,
  path: '',
  versions: undefined,
  rows: [],
  counts: new Map(),
  problem: undefined,
  content: noContent,
}

const listChannel = 'versions.list'
const countsChannel = 'versions.counts'
const contentChannel = 'versions.content'
/** For how many versions the lines are counted. */
const countedVersionsMax = 60

export const currentVersion = (state: VersionsState): VersionRow | undefined => state.rows[state.list.cursor]

export function enterVersions(state: VersionsState, context: Context, target: Target | undefined): Step<VersionsState> {
  const path = target?.path ?? state.path
  const next = path === state.path ? state : { ...initialVersions, path }
  return [next, [askList(next, context)]]
}

export const rememberVersions = ({ path }: VersionsState): PaneMemory => ({ path })

export const recallVersions = (_: VersionsState, memory: PaneMemory): Step<VersionsState> => [
  { ...initialVersions, path: textFact(memory, 'path') },
  [],
]

/** Beside another pane the list follows that one's cursor, once it rests. */
const asideDelayMs = 350

const askList = ({ path }: VersionsState, { visible }: Context): Effect => ({
  type: 'ask',
  channel: listChannel,
  query: { ask: 'versions', path },
  ...(visible ? {} : { delayMs: asideDelayMs }),
})

export function receiveVersions(state: VersionsState, message: Message, context: Context): Step<VersionsState> {
  if (message.type === 'answer' && message.channel === listChannel && message.ask === 'versions') {
    if (message.query.path !== state.path) return [state, []]
    const [next, effects] = showRows({ ...state, versions: message.answer, problem: undefined }, context, true)
    return [next, [...effects, askCounts(next)]]
  }
  if (message.type === 'answer' && message.channel === countsChannel && message.ask === 'versionCounts')
    return [message.query.path === state.path ? { ...state, counts: message.answer } : state, []]
  if (message.type === 'refused' && message.channel === listChannel) return [{ ...state, problem: message.problem }, []]
  if (message.type === 'answer' && message.ask === 'status') return showRows(state, context, true)
  if (message.type === 'recorded' && state.versions !== undefined) return [state, [askList(state, context)]]
  const content = contentReceived(state.content, contentChannel, message)
  return [content === state.content ? state : { ...state, content }, []]
}

function askCounts(state: VersionsState): Effect {
  const files = (state.versions ?? []).filter(({ before, after }) => before?.kind === 'file' || after?.kind === 'file')
  const seqs = files.slice(0, countedVersionsMax).map(({ seq }) => seq)
  return { type: 'ask', channel: countsChannel, query: { ask: 'versionCounts', path: state.path, seqs } }
}

/** The recorded versions, above them what is on disk when it is something else. */
function showRows(state: VersionsState, context: Context, fresh: boolean): Step<VersionsState> {
  if (state.versions === undefined) return [state, []]
  const change = context.status.report?.changes.find(({ path }) => path === state.path)
  const rows: VersionRow[] = [
    ...(change === undefined ? [] : [{ kind: 'outside' as const, change }]),
    ...state.versions.map(version => ({ kind: 'version' as const, version })),
  ]
  const at = rows.findIndex(row => keyOf(row) === keyOf(currentVersion(state)))
  const cursor = at >= 0 ? at : state.list.cursor
  const list = settled({ ...state.list, cursor }, rows.length, context.list.height)
  return showContent({ ...state, rows, list }, context, fresh)
}

const keyOf = (row: VersionRow | undefined): number | undefined =>
  row?.kind === 'version' ? row.version.seq : undefined

export function showContent(state: VersionsState, context: Context, fresh = false): Step<VersionsState> {
  const row = currentVersion(state)
  const wanted = row === undefined || !context.detailShown ? undefined : wishFor(row, state.path)
  const [content, effects] = wish(state.content, contentChannel, wanted, fresh)
  return [{ ...state, content }, effects]
}

function wishFor(row: VersionRow, path: GovernedPath): ContentWish | undefined {
  if (row.kind === 'outside') return { show: 'diff', path, from: 'now', to: 'disk' }
  const { seq, after } = row.version
  if (after?.kind === 'dir') return undefined
  return after === null ? undefined : { show: 'diff', path, from: `#${seq}`, to: 'disk' }
}

type Versions = Step<VersionsState>

export const versionsActions = {
  bringBack(state: VersionsState, context: Context): Versions {
    const row = currentVersion(state)
    if (row === undefined) return [state, []]
    if (row.kind === 'outside')
      return [state, [toast('This is what is on disk now: choose the version to bring back.')]]
    const hunks = markedHunks(state.content)
    const operation: Operation = {
      do: 'restore',
      paths: [state.path],
      to: `#${row.version.seq}`,
      ...(hunks === undefined ? {} : { hunks }),
    }
    if (row.version.after !== null) return [state, [operate(operation, context)]]
    const text = 'in this version the path is gone: b again deletes it, u can undo it'
    return [state, [announce(operation, context, { scope: 'versions', action: 'bringBack', text })]]
  },
  open: (state: VersionsState): Versions => [state, [send({ type: 'focus', area: 'detail' })]],
  record(state: VersionsState): Versions {
    const row = currentVersion(state)
    if (row?.kind !== 'version') return [state, []]
    return [state, [send({ type: 'show', pane: 'trace', target: { seq: row.version.seq } })]]
  },
  nextHunk: (state: VersionsState, { detail }: Context): Versions => [
    { ...state, content: hunkMoved(state.content, 1, detail.height) },
    [],
  ],
  previousHunk: (state: VersionsState, { detail }: Context): Versions => [
    { ...state, content: hunkMoved(state.content, -1, detail.height) },
    [],
  ],
  markHunk: (state: VersionsState): Versions => [{ ...state, content: hunkMarked(state.content) }, []],
  focusList: (state: VersionsState): Versions => [state, [send({ type: 'focus', area: 'list' })]],
}
