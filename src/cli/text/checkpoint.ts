// The signed note, exactly as it is: it can be copied and checked as text.

import type { CheckpointData } from '../../commands/data.ts'

export function render({ text }: CheckpointData): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
