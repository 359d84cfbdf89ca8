// Findings of verify and repair, one in one or two lines.

import type { FindingData } from '../../commands/data.ts'
import { grouped } from '../../commands/words.ts'
import { type Style, safeText } from '../style.ts'
import { shownPath } from './paths.ts'

const listedMax = 200

/** A list of findings that ends somewhere. */
export function findingList(findings: readonly FindingData[], base: string, style: Style, all: string): string[] {
  const lines = findings.slice(0, listedMax).flatMap(finding => findingLines(finding, base, style))
  const more = findings.length - listedMax
  return more > 0 ? [...lines, `  ... and ${grouped(more)} more: ${all}`] : lines
}

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
