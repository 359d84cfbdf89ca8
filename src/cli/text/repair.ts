// What was rebuilt, mended, and what is lost.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { findingLines } from './findings.ts'
import type { TextContext } from './renderers.ts'

export function render(
  { rebuilt, restored, lost }: OutputOf<(typeof commandTable)['repair']>,
  { style, base }: TextContext,
): string {
  const lines: string[] = []
  if (rebuilt.length > 0) lines.push(`Rebuilt: ${rebuilt.join(', ')}.`)
  if (restored.length > 0) lines.push(style.green(`Mended (${restored.length}):`))
  for (const finding of restored) lines.push(...findingLines(finding, base, style))
  if (lost.length > 0) lines.push(style.red(`Lost for good (${lost.length}):`))
  for (const finding of lost) lines.push(...findingLines(finding, base, style))
  if (lost.length === 0) lines.push(restored.length === 0 ? 'Nothing was damaged.' : 'Nothing is lost.')
  return `${lines.join('\n')}\n`
}
