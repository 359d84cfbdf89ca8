// One look of a witness at one log.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted } from '../../commands/words.ts'
import { localTime, type Style, safeText } from '../style.ts'
import type { TextContext } from './renderers.ts'

type Shown = OutputOf<(typeof commandTable)['witness']>

export function render(look: Shown, { style }: TextContext): string {
  const { time, log, text, origin, size, file, evidence } = look
  const lines = [`${style.dim(localTime(time))}  ${wordFor(look, style)}  ${safeText(log)}: ${safeText(text)}`]
  if (origin !== undefined && size !== undefined) lines.push(`  ${counted(size, 'record')} of ${safeText(origin)}`)
  if (file !== undefined) lines.push(`  cosigned: ${safeText(file)}`)
  if (evidence !== undefined) {
    lines.push(`  evidence: ${safeText(evidence)}`)
    lines.push(`  show it to anybody: sentctl verify-consistency ${safeText(evidence)} --key VKEY`)
  }
  return `${lines.join('\n')}\n`
}

function wordFor({ state }: Shown, style: Style): string {
  if (state === 'fork') return style.red('FORK')
  if (state === 'refused') return style.red(state)
  return ['first', 'grown', 'same', 'older'].includes(state) ? style.green(state) : style.yellow(state)
}
