// States as people name them, where a record number is wanted.

import type { System } from '../core/system.ts'

/** The record after which it was the state. */
export function stateSeq(system: System, text: string): number {
  return system.resolve(text).seq
}
