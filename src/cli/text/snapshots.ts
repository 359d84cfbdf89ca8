// The snapshots, newest first.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted } from '../../commands/words.ts'
import { columns, localMinute, shortSize } from '../style.ts'
import type { TextContext } from './renderers.ts'

type Snapshots = OutputOf<(typeof commandTable)['snapshot list']>

const kinds = { manual: '', auto: 'automatic', protect: 'kept what was in the way', init: 'first state' } as const

const noteOf = (text: string, colour: (text: string) => string): string => (text === '' ? '' : colour(`(${text})`))

export function render({ snapshots, kept }: Snapshots, { style }: TextContext): string {
  if (snapshots.length === 0) return 'No snapshots yet: sentctl snapshot create\n'
  const rows = snapshots.map(({ name, label, seq, time, kind, pinned, space, lost }) => [
    pinned ? style.yellow('P') : ' ',
    style.bold(name),
    `#${seq}`,
    localMinute(time),
    ...(space === undefined ? [] : [shortSize(space)]),
    [
      label,
      noteOf(kinds[kind], style.dim),
      noteOf(lost === undefined ? '' : `${counted(lost, 'path')} lost`, style.red),
    ]
      .filter(part => part !== '')
      .join(' '),
  ])
  const right = snapshots[0]!.space === undefined ? [] : [4]
  return `${columns(rows, right).join('\n')}\n${style.dim(`${snapshots.length} kept; the settings keep ${kept}, pinned ones beside them`)}\n`
}
