// What was done again, or would be.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { render as renderOperation } from './operation.ts'
import { render as renderRecord } from './record.ts'
import type { TextContext } from './renderers.ts'

export function render({ target, operation }: OutputOf<(typeof commandTable)['redo']>, context: TextContext): string {
  if (operation === undefined) return `It would take back:\n${renderRecord(target, context)}`
  return `${renderOperation(operation, context)}Taken back: ${renderRecord(target, context)}`
}
