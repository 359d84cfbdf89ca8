// The settings in force, and what an edited sentient.yaml would change.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { columns, safeText } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(config: OutputOf<(typeof commandTable)['config get']>, { style }: TextContext): string {
  const { key, values, candidate, problem, differences } = config
  const entries = Object.entries(values)
  const exact = key === undefined ? undefined : entries.find(([name]) => name === key)
  if (exact !== undefined) return `${shown(exact[1])}\n`
  const lines = columns(entries.map(([name, value]) => [name, shown(value)]))
  if (candidate !== 'none')
    lines.push(
      '',
      style.yellow(`sentient.yaml is ${candidate === 'changed' ? 'edited' : candidate}; these settings stay in force.`),
    )
  if (problem !== undefined) lines.push(`  line ${problem.line}:${problem.column}  ${safeText(problem.message)}`)
  lines.push(
    ...columns(
      differences.map(({ key: name, inForce, candidate: next }) => [
        `  ${name}`,
        safeText(inForce),
        '->',
        safeText(next),
      ]),
    ),
  )
  if (candidate === 'changed') lines.push(style.dim('sentctl config apply puts it in force'))
  return `${lines.join('\n')}\n`
}

function shown(value: unknown): string {
  return safeText(typeof value === 'string' ? value : JSON.stringify(value))
}
