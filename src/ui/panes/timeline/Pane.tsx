// The Timeline, drawn.
import { Lines } from '../../widgets/Lines.tsx'
import type { PaneProps } from '../pane.ts'
import { timelineDetailLines, timelineListLines } from './lines.ts'
import type { TimelineState } from './state.ts'

export function List({ state, context }: PaneProps<TimelineState>) {
  const { width, height } = context.list
  return <Lines lines={timelineListLines(state, context)} width={width} height={height} />
}

export function Detail({ state, context }: PaneProps<TimelineState>) {
  return <Lines lines={timelineDetailLines(state, context)} {...context.detail} />
}
