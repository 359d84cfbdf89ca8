// The versions of a path, newest first.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { columns, localTime } from '../style.ts'
import { changeText } from './entries.ts'
import { shownPath } from './paths.ts'
import type { TextContext } from './renderers.ts'

export function render(
  { path, versions }: OutputOf<(typeof commandTable)['when']>,
  { style, base }: TextContext,
): string {
  if (versions.length === 0) return `${shownPath(path, base)}: no record changed it.\n`
  const rows = versions.map(({ seq, time, actor, action, before, after }) => {
    const change = before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed'
    const what =
      change === 'changed'
        ? changeText({ path, change, before, after })
        : `${change}: ${changeText({ path, change, before, after })}`
    return [style.bold(`#${seq}`), style.dim(localTime(time)), actor, action, what]
  })
  return `${columns(rows).join('\n')}\n`
}
