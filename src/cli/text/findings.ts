// Findings of verify and repair, one in one or two lines.

import type { FindingData } from '../../commands/data.ts'
import { type Style, safeText } from '../style.ts'
import { shownPath } from './paths.ts'

export function findingLines(finding: FindingData, base: string, style: Style): string[] {
  const { code, severity, path, seq, where, expected, found } = finding
  const colour = severity === 'damage' ? style.red : severity === 'drift' ? style.yellow : style.dim
  const place = [
    ...(path === undefined ? [] : [shownPath(path, base)]),
    ...(seq === undefined ? [] : [`#${seq}`]),
    ...(where === undefined ? [] : [safeText(where)]),
  ].join(', ')
  const lines = [`  ${colour(code)}  ${place}`]
  const facts = [
    ...(expected === undefined ? [] : [`expected ${safeText(expected)}`]),
    ...(found === undefined ? [] : [`found ${safeText(found)}`]),
  ]
  if (facts.length > 0) lines.push(`      ${facts.join(', ')}`)
  return lines
}
