// One record in full.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted } from '../../commands/words.ts'
import { columns, localTime } from '../style.ts'
import { changeSign, changeText } from './entries.ts'
import { shownPath } from './paths.ts'
import type { TextContext } from './renderers.ts'

export function render(record: OutputOf<(typeof commandTable)['show']>, { style, base }: TextContext): string {
  const rows: string[][] = [
    ['time', `${localTime(record.time)}${record.doubtful ? ' (doubtful: the clock went back)' : ''}`],
    ['actor', record.actor],
    ['action', record.action],
    ['subject', `${record.subject.kind} ${record.subject.id}`.trimEnd()],
    ['decision', record.rule === '' ? record.effect : `${record.effect}, ${record.rule}`],
    ['root', record.root],
    ['leaf', record.leaf],
  ]
  if (record.cause !== undefined) rows.push(['cause', `#${record.cause}`])
  if (record.forgotten) rows.push(['contents', 'forgotten on request'])
  const fields = Object.entries((record.fields ?? {}) as Record<string, unknown>)
  for (const [key, value] of fields) rows.push([key, typeof value === 'string' ? value : JSON.stringify(value)])
  const lines = [`${style.bold(`#${record.seq}`)}  ${record.summary}`, ...columns(rows).map(line => `  ${line}`)]
  if (record.changed > 0) lines.push('', `${counted(record.changed, 'path')}:`)
  lines.push(
    ...columns(
      record.changes.map(change => [
        `  ${changeSign(change.change, style)}`,
        shownPath(change.path, base),
        style.dim(changeText(change)),
      ]),
    ),
  )
  const more = record.changed - record.changes.length
  if (more > 0) lines.push(`  ... and ${more} more: sentctl show ${record.seq} --all`)
  return `${lines.join('\n')}\n`
}
