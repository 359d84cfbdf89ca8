// Several operations, one below the other.

import type { OperationData } from '../../commands/data.ts'
import { render as renderOperation } from './operation.ts'
import type { TextContext } from './renderers.ts'

export function render({ operations }: { operations: readonly OperationData[] }, context: TextContext): string {
  return operations.map(operation => renderOperation(operation, context)).join('')
}
