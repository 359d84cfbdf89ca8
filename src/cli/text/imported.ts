// What an import brought.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted } from '../../commands/words.ts'
import { safeText } from '../style.ts'

export function render(report: OutputOf<(typeof commandTable)['import']>): string {
  const { path, records, added, signed } = report
  const news = added === 0 ? 'nothing was new' : `${added} of them new`
  const unsigned = signed < records ? `\nSigned for: the first ${counted(signed, 'record')}.` : ''
  return `${safeText(path)}: ${counted(records, 'record')}, ${news}, all checked.${unsigned}\n`
}
