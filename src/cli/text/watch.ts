// One event of the watcher.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { localTime } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(event: OutputOf<(typeof commandTable)['watch']>, { style }: TextContext): string {
  const seq = event.seq === undefined ? '' : `  #${event.seq}`
  const kind = event.kind === 'problem' ? style.red(event.kind) : event.kind
  return `${style.dim(localTime(event.time))}  ${kind.padEnd(8)}  ${event.text}${seq}\n`
}
