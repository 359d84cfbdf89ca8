// What a backup holds now, and what was new.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { safeText } from '../style.ts'

export function render(report: OutputOf<(typeof commandTable)['backup']>): string {
  const { path, records, added, bytes, signed, removedPacks, verified } = report
  const news = added === 0 && bytes === 0 ? 'nothing was new' : `${counted(added, 'new record')}, ${spokenSize(bytes)}`
  const lines = [`${safeText(path)}: ${counted(records, 'record')}; ${news}.`]
  if (signed < records) lines.push(`Signed for: the first ${counted(signed, 'record')}.`)
  if (removedPacks > 0) lines.push(`Removed ${counted(removedPacks, 'pack')} that the root folder no longer has.`)
  if (verified) lines.push('Verified: all of it is sound.')
  return `${lines.join('\n')}\n`
}
