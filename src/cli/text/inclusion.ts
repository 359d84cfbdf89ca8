// The proof itself, or where it was written.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { safeText } from '../style.ts'

export function render({ seq, file, proof }: OutputOf<(typeof commandTable)['inclusion']>): string {
  if (file === undefined) return proof
  return `Wrote ${safeText(file)}: record #${seq} is included. Check it with: sentctl verify-inclusion ${safeText(file)} --key VKEY\n`
}
