// The Versions pane as the registry takes it.
import { contentLength, scrolledTo } from '../../state/content.ts'
import { definePane } from '../pane.ts'
import { versionsDetailKeys, versionsKeys } from './keys.ts'
import {
  enterVersions,
  initialVersions,
  recallVersions,
  receiveVersions,
  rememberVersions,
  showContent,
  type VersionsState,
  versionsActions,
} from './state.ts'

export const versionsPane = definePane<VersionsState, keyof typeof versionsActions>({
  title: 'Versions',
  tab: '1',
  arrangement: 'side',
  listShare: 49,
  narrow: 'single',
  headerRows: 1,
  keys: versionsKeys,
  detailKeys: versionsDetailKeys,
  actions: versionsActions,
  initial: () => initialVersions,
  length: state => state.rows.length,
  detailLength: state => contentLength(state.content),
  detailScroll: state => state.content.scroll,
  scrolled: (state, scroll) => [{ ...state, content: scrolledTo(state.content, scroll) }, []],
  enter: enterVersions,
  moved: showContent,
  receive: receiveVersions,
  remember: rememberVersions,
  recall: recallVersions,
  view: () => import('./Pane.tsx'),
})
