// The Trace, drawn.
import { Lines } from '../../widgets/Lines.tsx'
import type { PaneProps } from '../pane.ts'
import { traceDetailLines, traceListLines } from './lines.ts'
import type { TraceState } from './state.ts'

export function List({ state, context }: PaneProps<TraceState>) {
  const { width, height } = context.list
  return <Lines lines={traceListLines(state, context)} width={width} height={height + 1} />
}

export function Detail({ state, context }: PaneProps<TraceState>) {
  return <Lines lines={traceDetailLines(state, context)} {...context.detail} />
}
