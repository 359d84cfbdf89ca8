// What was forgotten, or would be, and what stays because something else has it.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { columns } from '../style.ts'
import { shortened } from './paths.ts'
import type { TextContext } from './renderers.ts'

const listedMax = 50

export function render(report: OutputOf<(typeof commandTable)['forget']>, { style }: TextContext): string {
  const { dryRun, records, objects, bytes, shared, sharedBytes, putAside, seq, finished } = report
  const lines: string[] = []
  const what = `${counted(objects, 'object')} of ${spokenSize(bytes)}, and the bodies of ${counted(records, 'record')}`
  if (records + objects === 0) lines.push('Nothing is left to forget.')
  else if (dryRun) lines.push(`Would forget ${what}.`)
  else lines.push(`${style.bold(`#${seq}`)}  Forgot ${what}; all proofs still hold.`)
  if (records + objects > 0 && putAside.files > 0)
    lines.push(
      `${dryRun ? 'Would go' : 'Gone'} too: ${counted(putAside.files, 'file')} that were cut off or put aside.`,
    )
  if (shared.length > 0) {
    lines.push(`${spokenSize(sharedBytes)} stay, as something else has them:`)
    const rows = shared.slice(0, listedMax).map(one => [`  ${one.path}`, `also ${one.with}`])
    lines.push(...shortened(columns(rows), listedMax, shared.length, ': add --json'))
  }
  if (!finished)
    lines.push(style.red('It is recorded, but damage keeps it from being carried out: run sentctl repair.'))
  return `${lines.join('\n')}\n`
}
