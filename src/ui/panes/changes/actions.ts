// What the keys of Changes do.
import { bringBackOffer } from '../../state/bringBack.ts'
import { hunkMarked, hunkMoved, markedHunks } from '../../state/content.ts'
import { moved } from '../../state/list.ts'
import type { Context, Step } from '../../state/model.ts'
import { stateMarks } from '../../widgets/marks.ts'
import { askText, bringBack, operate, send, toast } from '../pane.ts'
import { type ChangesState, chosenChanges, currentChange, showContent, showRows } from './state.ts'

type Changes = Step<ChangesState>

export const changesActions = {
  bringBack(state: ChangesState, context: Context): Changes {
    const chosen = chosenChanges(state)
    if (chosen.length === 0) return [state, []]
    const differing = chosen.map(change => ({
      path: change.path,
      mark: stateMarks[change.state],
      below: 0,
      damaged: change.state === 'damaged',
    }))
    const offer = bringBackOffer(differing, markedHunks(state.content))
    return [state, [bringBack(offer, context, { scope: 'changes', action: 'bringBack' })]]
  },
  keep(state: ChangesState, context: Context): Changes {
    const paths = chosenChanges(state).map(({ path }) => path)
    if (paths.length === 0) return [state, []]
    return [{ ...state, marks: new Set() }, [operate({ do: 'absorb', paths }, context)]]
  },
  open: (state: ChangesState): Changes => [state, [send({ type: 'focus', area: 'detail' })]],
  inFiles(state: ChangesState): Changes {
    const change = currentChange(state)
    return [state, change === undefined ? [] : [send({ type: 'show', pane: 'files', target: { path: change.path } })]]
  },
  versions(state: ChangesState): Changes {
    const change = currentChange(state)
    return [
      state,
      change === undefined ? [] : [send({ type: 'show', pane: 'versions', target: { path: change.path } })],
    ]
  },
  edit(state: ChangesState): Changes {
    const change = currentChange(state)
    if (change?.disk?.kind !== 'file') return [state, [toast('There is no file on disk that could be edited.', 'bad')]]
    return [state, [{ type: 'edit', path: change.path, wasRecorded: false }]]
  },
  mark(state: ChangesState, context: Context): Changes {
    const change = currentChange(state)
    if (change === undefined) return [state, []]
    const marks = new Set(state.marks)
    if (!marks.delete(change.path)) marks.add(change.path)
    const list = moved(state.list, state.list.cursor + 1, state.rows.length, context.list.height)
    return showContent({ ...state, marks, list: { ...list, anchor: state.list.cursor } }, context)
  },
  markRange(state: ChangesState): Changes {
    const anchor = state.list.anchor ?? state.list.cursor
    const [from, to] = [Math.min(anchor, state.list.cursor), Math.max(anchor, state.list.cursor)]
    const marks = new Set([...state.marks, ...state.rows.slice(from, to + 1).map(({ path }) => path)])
    return [{ ...state, marks, list: { ...state.list, anchor: state.list.cursor } }, []]
  },
  filter: (state: ChangesState): Changes => [
    state,
    [askText('changes.filter', 'filter (! not, ~ fuzzy)', { text: state.filter, data: state.filter, live: true })],
  ],
  filterToggle: (state: ChangesState, context: Context): Changes =>
    showRows({ ...state, filterOn: !state.filterOn }, context),
  nextHunk: (state: ChangesState, { detail }: Context): Changes => [
    { ...state, content: hunkMoved(state.content, 1, detail.height) },
    [],
  ],
  previousHunk: (state: ChangesState, { detail }: Context): Changes => [
    { ...state, content: hunkMoved(state.content, -1, detail.height) },
    [],
  ],
  markHunk: (state: ChangesState): Changes => [{ ...state, content: hunkMarked(state.content) }, []],
  focusList: (state: ChangesState): Changes => [state, [send({ type: 'focus', area: 'list' })]],
}
