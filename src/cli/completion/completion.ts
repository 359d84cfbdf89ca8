// Completion scripts for bash, zsh and fish, made from the table. Verbs, flags and fixed values stand in the script;
// names that only a root folder knows come from `sentctl completion --candidates`.

import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { zshScript } from './zsh.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

export function completionScript(shell: Shell): string {
  if (shell === 'bash') return bashScript()
  return shell === 'zsh' ? zshScript() : fishScript()
}
