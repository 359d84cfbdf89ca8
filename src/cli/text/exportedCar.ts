// What an export of a state wrote.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { safeText } from '../style.ts'

export function render(report: OutputOf<(typeof commandTable)['export car']>): string {
  const { file, root, state, path, blocks, bytes } = report
  const what = path === undefined ? state : `${path} at ${state}`
  return `Wrote ${safeText(file)}: ${safeText(what)}, ${counted(blocks, 'block')}, ${spokenSize(bytes)}.\n  root ${root}\n`
}
