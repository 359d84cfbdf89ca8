// One event of the watcher.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { localTime } from '../style.ts'
import { shownPath } from './paths.ts'
import type { TextContext } from './renderers.ts'

const pathsMax = 3

export function render(event: OutputOf<(typeof commandTable)['watch']>, { style, base }: TextContext): string {
  const seq = event.seq === undefined ? '' : `  #${event.seq}`
  const kind = event.kind === 'problem' ? style.red(event.kind) : event.kind
  return `${style.dim(localTime(event.time))}  ${kind.padEnd(8)}  ${pathsText(event.paths, base)}${event.text}${seq}\n`
}

function pathsText(paths: readonly { readonly path: string }[], base: string): string {
  if (paths.length === 0) return ''
  const shown = paths.slice(0, pathsMax).map(({ path }) => shownPath(path, base))
  const more = paths.length > pathsMax ? ` and ${paths.length - pathsMax} more` : ''
  return `${shown.join(', ')}${more}  `
}
