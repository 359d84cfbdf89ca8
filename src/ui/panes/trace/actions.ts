// What the keys of the Trace do.
import type { Context, Step } from '../../state/model.ts'
import { askText, send } from '../pane.ts'
import { currentRecord, type TraceState, traceLength, windowed } from './state.ts'

type Trace = Step<TraceState>

export const traceActions = {
  open: (state: TraceState): Trace => [state, [send({ type: 'focus', area: 'detail' })]],
  follow(state: TraceState, context: Context): Trace {
    if (state.follow) return [{ ...state, follow: false }, []]
    return windowed({ ...state, follow: true, list: { ...state.list, cursor: traceLength(state) - 1 } }, context)
  },
  filter: (state: TraceState): Trace => [
    state,
    [
      askText('trace.filter', 'filter (actor:NAME action:NAME text)', {
        text: state.filterText,
        data: state.filterText,
      }),
    ],
  ],
  filterToggle(state: TraceState, context: Context): Trace {
    const seq = currentRecord(state)?.seq ?? 0
    const next = { ...state, filterOn: !state.filterOn }
    const row = next.filterOn && next.filterText !== '' ? next.found.findIndex(record => record.seq >= seq) : seq
    return windowed({ ...next, list: { ...next.list, cursor: row < 0 ? traceLength(next) - 1 : row } }, context)
  },
  versions(state: TraceState): Trace {
    const record = currentRecord(state)
    if (record === undefined || record.subject.kind !== 'file') return [state, []]
    return [state, [send({ type: 'show', pane: 'versions', target: { path: record.subject.id } })]]
  },
  focusList: (state: TraceState): Trace => [state, [send({ type: 'focus', area: 'list' })]],
}
