// The Timeline pane as the registry takes it.
import { clamp } from '../../state/list.ts'
import type { Context, Message, Step } from '../../state/model.ts'
import { definePane, operate } from '../pane.ts'
import { timelineActions } from './actions.ts'
import { timelineDetailKeys, timelineKeys } from './keys.ts'
import { keptText } from './lines.ts'
import {
  counted,
  enterTimeline,
  initialTimeline,
  rebuilt,
  receiveTimeline,
  type TimelineState,
  timelineMoved,
} from './state.ts'

function receive(state: TimelineState, message: Message, context: Context): Step<TimelineState> {
  if (message.type !== 'prompted') return receiveTimeline(state, message, context)
  if (message.id === 'timeline.snapshot')
    return [state, [operate({ do: 'snapshot', label: message.text.trim() }, context)]]
  if (message.id === 'timeline.label')
    return [state, [operate({ do: 'label', name: message.data, label: message.text.trim() }, context)]]
  return [state, []]
}

export const timelinePane = definePane<TimelineState, keyof typeof timelineActions>({
  title: 'Timeline',
  number: '5',
  tab: '5',
  arrangement: 'side',
  listShare: 58,
  narrow: 'both',
  headerRows: 0,
  keys: timelineKeys,
  detailKeys: timelineDetailKeys,
  actions: timelineActions,
  initial: () => initialTimeline,
  length: state => state.rows.length,
  detailLength: state => state.preview?.changes.length ?? 0,
  detailScroll: state => state.scroll,
  scrolled: (state, scroll, context) =>
    counted({ ...state, scroll: clamp(scroll, 0, (state.preview?.changes.length ?? 0) - 1) }, context),
  enter: enterTimeline,
  moved: timelineMoved,
  arranged: rebuilt,
  receive,
  titleFacts: keptText,
  rowText(state, index) {
    const row = state.rows[index]
    if (row?.kind === 'snapshot') return `${row.snapshot.name} ${row.snapshot.label}`
    return row?.kind === 'record' ? row.record.summary : ''
  },
  view: () => import('./Pane.tsx'),
})
