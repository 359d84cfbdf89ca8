// Whether a history goes on from an older one, or one key signed two.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { safeText } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(answer: OutputOf<(typeof commandTable)['verify-consistency']>, { style }: TextContext): string {
  const { consistent, fork, reason, origin = '', old, size, root } = answer
  const log = safeText(origin)
  if (fork) {
    return [
      `${style.red('Fork:')} one key signed two histories of ${log}`,
      `  ${old?.size} records with root ${old?.root}`,
      `  ${size} records with root ${root}`,
      size === old?.size
        ? '  two roots for one size'
        : `  the second does not begin with the first ${old?.size} records`,
      '',
    ].join('\n')
  }
  if (!consistent) return `${style.red('Not consistent:')} ${safeText(reason ?? 'the proof does not hold')}\n`
  const signed = old?.signed === true ? ', which are signed too' : ''
  return `${style.green('Consistent:')} the ${size} records of ${log} begin with the older ${old?.size}${signed}\n  older root ${old?.root}\n`
}
