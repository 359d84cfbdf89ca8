// What an export of the log wrote.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { safeText } from '../style.ts'

export function render(report: OutputOf<(typeof commandTable)['export tlog']>): string {
  const { path, size, added, files, bytes } = report
  if (files === 0) return `Nothing new: ${safeText(path)} has all ${counted(size, 'signed record')}.\n`
  return `Wrote ${counted(files, 'file')}, ${spokenSize(bytes)}, to ${safeText(path)}: ${counted(size, 'record')}, ${added} of them new.\n`
}
