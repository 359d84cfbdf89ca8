// Whether a record is included.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { localTime, safeText } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(answer: OutputOf<(typeof commandTable)['verify-inclusion']>, { style }: TextContext): string {
  const { included, reason, seq, time, origin, size } = answer
  if (!included) return `${style.red('Not included:')} ${safeText(reason ?? 'the proof does not hold')}\n`
  const when = time === undefined ? '' : `, recorded ${localTime(time)}`
  return `${style.green('Included:')} record #${seq}${when}, in the first ${size} records of ${safeText(origin ?? '')}\n`
}
