// One line for each check, then what was found.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { columns } from '../style.ts'
import { findingList } from './findings.ts'
import { lostLines } from './lost.ts'
import type { TextContext } from './renderers.ts'

/** What repair once wrote down as lost for good, and verify goes on naming. */
const lossCodes: ReadonlySet<string> = new Set(['object-missing', 'record-damaged', 'record-lost'])

export function render(report: OutputOf<(typeof commandTable)['verify']>, { style, base }: TextContext): string {
  const { checks, findings, lostPlaces, damaged, drifted } = report
  const rows = checks.map(check => [
    check.findings === 0 ? style.green('ok') : style.red(String(check.findings)),
    check.text,
  ])
  const lines = columns(rows)
  if (findings.length > 0) lines.push('')
  lines.push(...findingList(findings, base, style, 'sentctl verify --json lists all'))
  if (damaged)
    lines.push('', style.red('Damage was found. Nothing was changed: sentctl repair mends what can be mended.'))
  else {
    const lost = findings.filter(({ code, severity }) => severity === 'note' && lossCodes.has(code)).length
    const whole =
      lost === 0 ? style.green('The history is whole.') : `The history is whole but for ${lost} known to be lost.`
    lines.push(
      '',
      ...lostLines(lostPlaces, base, style),
      drifted ? `${whole} Some paths changed outside: sentctl status` : whole,
    )
  }
  return `${lines.join('\n')}\n`
}
