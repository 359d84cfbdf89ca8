// What gc freed, or would free.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'

export function render(report: OutputOf<(typeof commandTable)['gc']>): string {
  const { dryRun, objectsBefore, objectsAfter, bytesFreed, horizon, seq } = report
  const dropped = objectsBefore - objectsAfter
  if (dropped === 0) return `Nothing to free: all ${counted(objectsBefore, 'object')} are needed.\n`
  const verb = dryRun ? 'Would drop' : 'Dropped'
  const record = seq === undefined ? '' : `#${seq}  `
  return `${record}${verb} ${counted(dropped, 'object')} of ${counted(objectsBefore, 'object')}, ${spokenSize(bytesFreed)}; states before #${horizon} lose their contents.\n`
}
