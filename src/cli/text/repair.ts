// What was rebuilt, mended, and what is lost.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { grouped } from '../../commands/words.ts'
import { findingList } from './findings.ts'
import { foundLines, lostLines } from './lost.ts'
import type { TextContext } from './renderers.ts'

export function render(
  { rebuilt, restored, lost, lostPlaces, foundAgain = [] }: OutputOf<(typeof commandTable)['repair']>,
  { style, base }: TextContext,
): string {
  const all = 'sentctl repair --json lists all'
  const lines: string[] = []
  if (restored.length > 0) lines.push(style.green(`Mended (${grouped(restored.length)}):`))
  lines.push(...findingList(restored, base, style, all))
  if (lost.length > 0) lines.push(style.red(`Cannot be mended (${grouped(lost.length)}):`))
  lines.push(...findingList(lost, base, style, all))
  if (lost.length === 0 && restored.length === 0) {
    lines.push(lostPlaces.length === 0 ? 'Nothing was damaged.' : 'Nothing else was damaged since the last repair.')
  } else if (lost.length === 0 && lostPlaces.length === 0) lines.push('Nothing is lost.')
  lines.push(...foundLines(foundAgain, base, style), ...lostLines(lostPlaces, base, style))
  if (rebuilt.length > 0)
    lines.push(style.dim(`Made anew from the history, as every repair does: ${rebuilt.join(', ')}.`))
  return `${lines.join('\n')}\n`
}
