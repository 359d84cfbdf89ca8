// The exit code of an operation: what was recorded but is not all visible is no full success, and what could not be
// brought back as no copy of it is left is damage.

import { exitCodes } from '../core/errors.ts'
import type { OperationResult } from '../core/timeline/model.ts'

type Outcome = Pick<OperationResult, 'unapplied' | 'drifted' | 'lost'>

export function operationExit({ unapplied, drifted, lost = [] }: Outcome): number {
  if (lost.length > 0) return exitCodes.damage
  return unapplied.length > 0 || drifted.length > 0 ? 1 : 0
}
