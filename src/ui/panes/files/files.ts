// The Files pane as the registry takes it.
import { displayBytes } from '../../../core/format/bytes.ts'
import { contentLength, scrolledTo } from '../../state/content.ts'
import { definePane } from '../pane.ts'
import { filesActions, receiveFilesMessage } from './actions.ts'
import { filesDetailKeys, filesKeys } from './keys.ts'
import {
  currentEntry,
  enterFiles,
  type FilesState,
  initialFiles,
  recallFiles,
  rememberFiles,
  showContent,
  showRows,
} from './state.ts'

export const filesPane = definePane<FilesState, keyof typeof filesActions>({
  title: 'Files',
  number: '1',
  tab: '1',
  arrangement: 'side',
  listShare: 49,
  narrow: 'single',
  headerRows: 1,
  keys: filesKeys,
  detailKeys: filesDetailKeys,
  actions: filesActions,
  initial: () => initialFiles,
  length: state => state.rows.length,
  detailLength: state => contentLength(state.content),
  detailScroll: state => state.content.scroll,
  scrolled: (state, scroll) => [{ ...state, content: scrolledTo(state.content, scroll) }, []],
  enter: enterFiles,
  moved: showContent,
  receive: receiveFilesMessage,
  subject: state => currentEntry(state)?.path,
  rowText(state, index) {
    const entry = state.rows[index]
    return entry === undefined ? '' : displayBytes(entry.name) + (entry.kind === 'dir' ? '/' : '')
  },
  remember: rememberFiles,
  recall: recallFiles,
  escape(state, context) {
    if (state.marks.size > 0) return [{ ...state, marks: new Set() }, []]
    if (state.filter !== '') return showRows({ ...state, filter: '' }, context)
    return undefined
  },
  view: () => import('./Pane.tsx'),
})
