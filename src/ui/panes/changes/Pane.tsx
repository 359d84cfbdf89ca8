// Changes, drawn.
import { Lines } from '../../widgets/Lines.tsx'
import type { PaneProps } from '../pane.ts'
import { changeDetailLines, changeListLines } from './lines.ts'
import type { ChangesState } from './state.ts'

export function List({ state, context }: PaneProps<ChangesState>) {
  const { width, height } = context.list
  return <Lines lines={changeListLines(state, context)} width={width} height={height + 1} />
}

export function Detail({ state, context }: PaneProps<ChangesState>) {
  return <Lines lines={changeDetailLines(state, context)} {...context.detail} />
}
