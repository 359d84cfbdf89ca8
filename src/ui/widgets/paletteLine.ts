// One row of the command palette: what it does, its key or its line of sentctl.
import type { PaletteItem } from '../state/palette.ts'
import { endsLine, fitLine, inRole, type Line, line, span } from './line.ts'

export function paletteLine(item: PaletteItem, selected: boolean, width: number): Line {
  const sign = span(selected ? '> ' : '  ')
  const row = endsLine([sign, ...titleSpans(item)], line(`${asideText(item)} `, 'dim'), width)
  return selected ? inRole(fitLine(row, width), 'selected') : row
}

function titleSpans(item: PaletteItem): Line {
  if (item.kind === 'action') return [span(item.title)]
  return item.kind === 'verb'
    ? [span(item.verb.summary)]
    : [span('run  ', 'dim'), span(`sentctl ${item.words}`, 'strong')]
}

function asideText(item: PaletteItem): string {
  if (item.kind === 'action') return item.keys
  return item.kind === 'verb' ? item.verb.usage : item.verb.summary
}
