// One code in full, or all of them in a line each.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { columns, wrap } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render({ codes }: OutputOf<(typeof commandTable)['explain']>, { style, width }: TextContext): string {
  const [only] = codes
  if (codes.length !== 1 || only === undefined) {
    return `${columns(codes.map(({ code, exitCode, title }) => [code, `exit ${exitCode}`, title])).join('\n')}\n`
  }
  const lines = [`${style.bold(only.code)}: ${only.title}`, '', ...wrap(only.explanation, width), '']
  lines.push(...wrap(only.hint, width), '', style.dim(`kind ${only.kind}, exit code ${only.exitCode}`))
  return `${lines.join('\n')}\n`
}
