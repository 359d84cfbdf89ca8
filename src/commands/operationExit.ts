// The exit code of an operation: what was recorded but is not all visible is no full success.

import type { OperationResult } from '../core/timeline/model.ts'

export function operationExit({ unapplied, drifted }: Pick<OperationResult, 'unapplied' | 'drifted'>): number {
  return unapplied.length > 0 || drifted.length > 0 ? 1 : 0
}
