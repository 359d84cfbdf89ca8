// How things stand, one line for each check.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { columns } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(
  { version, rootPath, checks }: OutputOf<(typeof commandTable)['doctor']>,
  { style }: TextContext,
): string {
  const marks = { ok: style.green('ok'), warn: style.yellow('warn'), bad: style.red('bad') }
  const rows = checks.flatMap(({ name, state, text, hint }) => [
    [marks[state], name, text],
    ...(hint === undefined ? [] : [['', '', style.dim(hint)]]),
  ])
  const where = rootPath === undefined ? 'no root folder here' : rootPath
  return `sentctl ${version}, ${where}\n${columns(rows).join('\n')}\n`
}
