// The proof itself, or where it was written.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { safeText } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(
  { consistent, old, size, file, proof }: OutputOf<(typeof commandTable)['consistency']>,
  { style }: TextContext,
): string {
  if (file === undefined) return proof
  const says = consistent
    ? `the ${size} records go on from the first ${old}`
    : style.red(`the ${size} records do not begin with the older ${old}`)
  return `Wrote ${safeText(file)}: ${says}. Check it with: sentctl verify-consistency ${safeText(file)} --key VKEY\n`
}
