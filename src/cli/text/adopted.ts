// What became of a folder that this device did not know as its own.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted } from '../../commands/words.ts'
import { safeText } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(adopted: OutputOf<(typeof commandTable)['adopt']>, { style }: TextContext): string {
  const { rootPath, as, seq, goesOnFrom = 0, lost, origin, verifierKey, notices } = adopted
  const lines: string[] = []
  if (!adopted.adopted) lines.push(`Nothing to do: this device signs for ${safeText(rootPath)} already.`)
  else if (seq === undefined) lines.push(`${safeText(rootPath)} goes on here, under the key that it had.`)
  else {
    const what = as === 'copy' ? 'is a log of its own now' : 'goes on here, under a new key'
    lines.push(`${style.bold(`#${seq}`)}  ${safeText(rootPath)} ${what}`)
    lines.push(
      `It goes on from ${counted(goesOnFrom, 'record')} that were signed before; what was given away of them stays good.`,
    )
    if (lost !== undefined)
      lines.push(`${counted(lost, 'record')} had been signed; those that are not here are not part of this history.`)
  }
  lines.push(`Log   ${origin}`, `Key   ${verifierKey}`)
  for (const { text } of notices) lines.push(safeText(text))
  if (seq !== undefined)
    lines.push(style.dim('Give the new key to whoever checks this history; witnesses ask for it, too.'))
  return `${lines.join('\n')}\n`
}
