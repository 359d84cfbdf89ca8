// One record in one line.

import type { RecordData } from '../../commands/data.ts'
import { localTime } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(record: RecordData, { style }: TextContext): string {
  const { seq, time, actor, summary, effect, doubtful } = record
  const flags = [
    ...(effect === 'deny' ? [style.red('denied')] : []),
    ...(doubtful ? ['time doubtful'] : []),
    ...(record.forgotten ? ['forgotten'] : []),
  ]
  const note = flags.length === 0 ? '' : style.dim(`  ${flags.join(', ')}`)
  return `${style.bold(`#${seq}`.padEnd(6))} ${style.dim(localTime(time))}  ${actor.padEnd(8)}  ${summary}${note}\n`
}
