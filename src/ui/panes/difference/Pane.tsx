// The difference of two states, drawn.
import { Lines } from '../../widgets/Lines.tsx'
import type { PaneProps } from '../pane.ts'
import { differenceDetailLines, differenceListLines } from './lines.ts'
import type { DifferenceState } from './state.ts'

export function List({ state, context }: PaneProps<DifferenceState>) {
  const { width, height } = context.list
  return <Lines lines={differenceListLines(state, context)} width={width} height={height + 1} />
}

export function Detail({ state, context }: PaneProps<DifferenceState>) {
  return <Lines lines={differenceDetailLines(state, context)} {...context.detail} />
}
