// What an eject removed, and what stays.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { spokenSize } from '../../commands/words.ts'
import { safeText } from '../style.ts'

export function render(report: OutputOf<(typeof commandTable)['eject']>): string {
  const { rootPath, dryRun, removed, bytes, left, git, note } = report
  const lines = [
    `${dryRun ? 'Would remove' : 'Removed'} from ${safeText(rootPath)}: ${removed.join(' ')} (${spokenSize(bytes)}).`,
    `Your files stay${left.length === 0 ? '' : `, and ${left.join(', ')}`}.`,
  ]
  if (git) lines.push('Its lines are taken out of .git/info/exclude.')
  if (note !== undefined) lines.push(`Note: ${note}.`)
  return `${lines.join('\n')}\n`
}
