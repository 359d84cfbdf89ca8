// The Changes pane as the registry takes it.
import { displayBytes } from '../../../core/format/bytes.ts'
import { contentLength, scrolledTo } from '../../state/content.ts'
import { definePane } from '../pane.ts'
import { changesActions } from './actions.ts'
import { changesDetailKeys, changesKeys } from './keys.ts'
import {
  type ChangesState,
  currentChange,
  enterChanges,
  initialChanges,
  recallChanges,
  receiveChanges,
  rememberChanges,
  showContent,
  showRows,
} from './state.ts'

export const changesPane = definePane<ChangesState, keyof typeof changesActions>({
  title: 'Changes',
  tab: '1',
  arrangement: 'side',
  listShare: 49,
  narrow: 'single',
  headerRows: 1,
  keys: changesKeys,
  detailKeys: changesDetailKeys,
  actions: changesActions,
  initial: () => initialChanges,
  length: state => state.rows.length,
  detailLength: state => contentLength(state.content),
  detailScroll: state => state.content.scroll,
  scrolled: (state, scroll) => [{ ...state, content: scrolledTo(state.content, scroll) }, []],
  enter: enterChanges,
  moved: showContent,
  receive: receiveChanges,
  subject: state => currentChange(state)?.path,
  rowText: (state, index) => displayBytes(state.rows[index]?.path ?? ''),
  remember: rememberChanges,
  recall: recallChanges,
  escape(state, context) {
    if (state.marks.size > 0) return [{ ...state, marks: new Set() }, []]
    if (state.filter !== '') return showRows({ ...state, filter: '' }, context)
    return undefined
  },
  view: () => import('./Pane.tsx'),
})
