// The Trace pane as the registry takes it. It has no rowText: a search runs over the journal, not over what is held.
import { definePane } from '../pane.ts'
import { traceActions } from './actions.ts'
import { traceDetailKeys, traceKeys } from './keys.ts'
import { recordLines } from './lines.ts'
import {
  enterTrace,
  initialTrace,
  recallTrace,
  receiveTrace,
  rememberTrace,
  type TraceState,
  traceLength,
  windowed,
} from './state.ts'

const nominalWidth = 80

export const tracePane = definePane<TraceState, keyof typeof traceActions>({
  title: 'Trace',
  number: '2',
  tab: '2',
  arrangement: 'below',
  listShare: 49,
  narrow: 'single',
  headerRows: 1,
  keys: traceKeys,
  detailKeys: traceDetailKeys,
  unbound: ['u', 'U'],
  actions: traceActions,
  initial: () => initialTrace,
  length: traceLength,
  detailLength: state => (state.detail === undefined ? 0 : recordLines(state.detail, nominalWidth).length),
  detailScroll: state => state.detailScroll,
  scrolled: (state, detailScroll) => [{ ...state, detailScroll }, []],
  enter: enterTrace,
  // Who goes to the end follows again; who leaves it has paused.
  moved: (state, context) => windowed({ ...state, follow: state.list.cursor === traceLength(state) - 1 }, context),
  arranged: windowed,
  receive: receiveTrace,
  remember: rememberTrace,
  recall: recallTrace,
  escape(state, context) {
    if (state.filterText === '') return undefined
    return receiveTrace(state, { type: 'prompted', id: 'trace.filter', text: '', data: '' }, context)
  },
  view: () => import('./Pane.tsx'),
})
