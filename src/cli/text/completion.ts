// The completion script of a shell, or names for it, one a line.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { completionScript } from '../completion/completion.ts'

export function render({ shell, candidates }: OutputOf<(typeof commandTable)['completion']>): string {
  if (candidates !== undefined) return candidates.map(name => `${name}\n`).join('')
  return shell === 'bash' || shell === 'zsh' || shell === 'fish' ? completionScript(shell) : ''
}
