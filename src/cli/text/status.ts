// What differs from the record, path by path, then where things stand.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { columns, localMinute, localTime, type Style, shortSize, sizeChange } from '../style.ts'
import { markSign } from './entries.ts'
import { shortened, shownPath } from './paths.ts'
import type { TextContext } from './renderers.ts'

type Status = OutputOf<(typeof commandTable)['status']>
type Change = Status['changes'][number]

const listedMax = 100

export function render(status: Status, context: TextContext): string {
  const { style } = context
  const lines: string[] = []
  const shown = context.args.all === true ? status.changes : status.changes.slice(0, listedMax)
  const rows = shown.map(change => [
    sign(change, style),
    shownPath(change.path, context.base),
    change.reason,
    detail(change),
  ])
  lines.push(
    ...shortened(columns(rows), Math.max(listedMax, shown.length), status.changes.length, ': sentctl status --all'),
  )
  if (lines.length > 0) lines.push('')
  lines.push(summary(status, style))
  lines.push(
    `now #${status.records - 1}, ${localTime(status.time)}; ${counted(status.snapshots, 'snapshot')}; ${looked(status)}`,
  )
  if (status.settings !== 'none') lines.push(style.yellow(settingsLine(status)))
  if (status.skipped.length > 0)
    lines.push(`${counted(status.skipped.length, 'socket, pipe or device', 'sockets, pipes or devices')} skipped`)
  if (status.changes.some(({ state }) => state === 'changed' || state === 'new' || state === 'gone')) {
    lines.push(
      style.dim('sentctl absorb keeps it, sentctl restore PATH brings back what was recorded, sentctl diff shows it'),
    )
  }
  if (status.counts.damaged > 0)
    lines.push(style.red('sentctl verify names the damage, sentctl repair mends what can be mended'))
  return `${lines.join('\n')}\n`
}

function sign({ state }: Change, style: Style): string {
  if (state === 'changed' || state === 'new' || state === 'gone' || state === 'damaged') return markSign(state, style)
  return style.yellow('?')
}

function detail({ recorded, disk, kind }: Change): string {
  const parts: string[] = []
  if (kind === 'dir') return ''
  if (recorded !== undefined && disk !== undefined && recorded.size !== disk.size) {
    parts.push(sizeChange(recorded.size, disk.size))
  } else if (recorded !== undefined || disk !== undefined) {
    parts.push(shortSize((disk ?? recorded)!.size))
  }
  if (disk !== undefined) parts.push(`file time ${localMinute(disk.modified)}`)
  return parts.join(', ')
}

function summary({ counts }: Status, style: Style): string {
  const named: readonly [number, string][] = [
    [counts.changed, 'changed outside'],
    [counts.new, 'new'],
    [counts.gone, 'gone'],
    [counts.damaged, 'damaged'],
    [counts.applying, 'being applied'],
    [counts.unapplied, 'not applied'],
    [counts.unreadable, 'unreadable'],
  ]
  const parts = named.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)
  return parts.length === 0 ? style.green('Everything is as recorded.') : style.bold(parts.join(', '))
}

function looked({ filesChecked, filesHashed, bytesHashed, ignored, lastLook }: Status): string {
  const read = filesHashed === 0 ? '' : `, read ${filesHashed} (${spokenSize(bytesHashed)})`
  const left = ignored === 0 ? '' : `, ${ignored} ignored`
  const before = lastLook === undefined ? '' : `; last look ${localMinute(lastLook)}`
  return `${counted(filesChecked, 'file')} checked${read}${left}${before}`
}

function settingsLine({ settings, settingsProblem }: Status): string {
  if (settings === 'changed')
    return 'sentient.yaml was edited: sentctl config get shows the difference, sentctl config apply puts it in force'
  if (settings === 'missing')
    return 'sentient.yaml is gone; the settings in force stay: sentctl config apply writes it again'
  return `sentient.yaml is wrong, the settings in force stay: ${settingsProblem ?? ''}`
}
