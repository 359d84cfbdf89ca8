// Versions, drawn.
import { Lines } from '../../widgets/Lines.tsx'
import type { PaneProps } from '../pane.ts'
import { versionDetailLines, versionListLines } from './lines.ts'
import type { VersionsState } from './state.ts'

export function List({ state, context }: PaneProps<VersionsState>) {
  const { width, height } = context.list
  return <Lines lines={versionListLines(state, context)} width={width} height={height + 1} />
}

export function Detail({ state, context }: PaneProps<VersionsState>) {
  return <Lines lines={versionDetailLines(state, context)} {...context.detail} />
}
