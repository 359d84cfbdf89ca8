// What a rollback would do, or did.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { columns } from '../style.ts'
import { changeSign, changeText } from './entries.ts'
import { render as renderOperation } from './operation.ts'
import { pathLines, shortened, shownPath } from './paths.ts'
import type { TextContext } from './renderers.ts'

const listedMax = 100

export function render(rollback: OutputOf<(typeof commandTable)['rollback']>, context: TextContext): string {
  const { target, counts, bytes, changes, drift, lost = [], settingsChange, operation } = rollback
  const { style, base } = context
  if (operation !== undefined) {
    const { lost: left = [] } = operation
    if (operation.seq === undefined && left.length === 0)
      return `Nothing to do: everything is as at ${target.text} already.\n`
    const brought = counted(counts.created + counts.changed + counts.deleted, 'path')
    const done = `${left.length === 0 ? 'Everything' : `All but ${counted(left.length, 'path')}`} is as at ${target.text}: ${brought} brought back, ${spokenSize(bytes)} written.`
    return `${renderOperation(operation, context)}${done}\n${style.dim('sentctl undo takes it back.')}\n`
  }
  const total = counts.created + counts.changed + counts.deleted
  const rows = changes
    .slice(0, listedMax)
    .map(change => [changeSign(change.change, style), shownPath(change.path, base), style.dim(changeText(change))])
  const lines = [
    `Rollback to ${style.bold(target.text)} would change ${counted(total, 'path')} and write ${spokenSize(bytes)}:`,
  ]
  lines.push(
    ...shortened(
      columns(rows).map(line => `  ${line}`),
      listedMax,
      total,
      '',
    ),
  )
  if (settingsChange) lines.push('The settings change too.')
  if (drift.length > 0) {
    lines.push(
      style.yellow('Changed outside and in the way; it would be kept as a snapshot first:'),
      ...pathLines(drift, drift.length, context),
    )
  }
  if (lost.length > 0) {
    lines.push(
      style.red('No copy is left of what should come there; they would stay as they are:'),
      ...pathLines(lost, lost.length, context),
    )
  }
  return `${lines.join('\n')}\n`
}
