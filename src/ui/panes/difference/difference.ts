// The pane of a difference as the registry takes it; the Timeline opens it.
import { displayBytes } from '../../../core/format/bytes.ts'
import { contentLength, scrolledTo } from '../../state/content.ts'
import { definePane } from '../pane.ts'
import { differenceDetailKeys, differenceKeys } from './keys.ts'
import {
  currentDifference,
  type DifferenceState,
  differenceActions,
  enterDifference,
  initialDifference,
  recallDifference,
  receiveDifference,
  rememberDifference,
  showContent,
  showRows,
} from './state.ts'

export const differencePane = definePane<DifferenceState, keyof typeof differenceActions>({
  title: 'Difference',
  tab: '5',
  arrangement: 'side',
  listShare: 49,
  narrow: 'single',
  headerRows: 1,
  keys: differenceKeys,
  detailKeys: differenceDetailKeys,
  actions: differenceActions,
  initial: () => initialDifference,
  length: state => state.rows.length,
  detailLength: state => contentLength(state.content),
  detailScroll: state => state.content.scroll,
  scrolled: (state, scroll) => [{ ...state, content: scrolledTo(state.content, scroll) }, []],
  enter: enterDifference,
  moved: showContent,
  receive: receiveDifference,
  subject: state => currentDifference(state)?.path,
  rowText: (state, index) => displayBytes(state.rows[index]?.path ?? ''),
  remember: rememberDifference,
  recall: recallDifference,
  escape(state, context) {
    if (state.marks.size > 0) return [{ ...state, marks: new Set() }, []]
    if (state.filter !== '') return showRows({ ...state, filter: '' }, context)
    return undefined
  },
  view: () => import('./Pane.tsx'),
})
