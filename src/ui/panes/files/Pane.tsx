// Files, drawn.
import { Lines } from '../../widgets/Lines.tsx'
import type { PaneProps } from '../pane.ts'
import { fileDetailLines, fileListLines } from './lines.ts'
import type { FilesState } from './state.ts'

export function List({ state, context }: PaneProps<FilesState>) {
  const { width, height } = context.list
  return <Lines lines={fileListLines(state, context)} width={width} height={height + 1} />
}

export function Detail({ state, context }: PaneProps<FilesState>) {
  return <Lines lines={fileDetailLines(state, context)} {...context.detail} />
}
