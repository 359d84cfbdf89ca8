// One line for each check, then what was found.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { columns } from '../style.ts'
import { findingLines } from './findings.ts'
import type { TextContext } from './renderers.ts'

const listedMax = 200
/** What repair once wrote down as lost for good, and verify goes on naming. */
const lossCodes: ReadonlySet<string> = new Set(['object-missing', 'record-damaged', 'record-lost'])

export function render(report: OutputOf<(typeof commandTable)['verify']>, { style, base }: TextContext): string {
  const { checks, findings, damaged, drifted } = report
  const rows = checks.map(check => [
    check.findings === 0 ? style.green('ok') : style.red(String(check.findings)),
    check.text,
  ])
  const lines = columns(rows)
  if (findings.length > 0) lines.push('')
  for (const finding of findings.slice(0, listedMax)) lines.push(...findingLines(finding, base, style))
  if (findings.length > listedMax)
    lines.push(`  ... and ${findings.length - listedMax} more: sentctl verify --json lists all`)
  if (damaged)
    lines.push('', style.red('Damage was found. Nothing was changed: sentctl repair mends what can be mended.'))
  else {
    const lost = findings.filter(({ code, severity }) => severity === 'note' && lossCodes.has(code)).length
    const whole =
      lost === 0 ? style.green('The history is whole.') : `The history is whole but for ${lost} known to be lost.`
    lines.push('', drifted ? `${whole} Some paths changed outside: sentctl status` : whole)
  }
  return `${lines.join('\n')}\n`
}
