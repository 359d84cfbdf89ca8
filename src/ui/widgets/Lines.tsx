// Draws rows: the only place where lines meet Ink. Each row is exactly as wide as its area and is never wrapped.
import { Box, Text } from 'ink'
import { createContext, useContext } from 'react'
import type { Painter } from '../theme/theme.ts'
import { fitLine, type Line } from './line.ts'

export const PainterContext = createContext<Painter>(() => '')

interface LinesProps {
  readonly lines: readonly Line[]
  readonly width: number
  readonly height: number
}

/** Exactly `height` rows of `width` cells; missing ones are blank. */
export function Lines({ lines, width, height }: LinesProps) {
  const paint = useContext(PainterContext)
  const rows = Array.from({ length: height }, (_, row) => paint(fitLine(lines[row] ?? [], width)))
  return (
    <Box width={width} height={height} flexShrink={0} overflow="hidden">
      <Text wrap="truncate">{rows.join('\n')}</Text>
    </Box>
  )
}
