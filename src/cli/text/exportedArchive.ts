// What an export of the history wrote.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { safeText } from '../style.ts'

export function render(report: OutputOf<(typeof commandTable)['export archive']>): string {
  const { file, from, to, objects, bytes } = report
  // The archive itself is what was printed.
  if (file === '-') return ''
  const range = from === 0 ? counted(to, 'record') : `${counted(to - from, 'record')} from #${from} on`
  return `Wrote ${safeText(file)}: ${range}, ${counted(objects, 'object')}, ${spokenSize(bytes)}.\n`
}
