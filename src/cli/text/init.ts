// What init found and recorded, and what to know about the new root folder.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { safeText } from '../style.ts'
import type { TextContext } from './renderers.ts'

export function render(init: OutputOf<(typeof commandTable)['init']>, { style }: TextContext): string {
  const { rootPath, recorded } = init
  if (recorded === undefined) return `Nothing was written: ${safeText(rootPath)} is no root folder yet.\n`
  const lines = [
    `${style.bold(`#${recorded.seq}`)}  ${safeText(rootPath)} is a root folder: ${counted(recorded.files, 'file')}, ${spokenSize(recorded.bytes)} recorded`,
  ]
  lines.push('Its dotfolders are readable by you alone (0700). Contents are not encrypted.')
  if (recorded.gitExclude) lines.push('Its names were added to .git/info/exclude.')
  lines.push(
    init.zk
      ? 'Zero-knowledge proofs may be made of its history (zk: true in sentient.yaml).'
      : 'No zero-knowledge proofs are made of its history (zk: false in sentient.yaml).',
  )
  lines.push(`Log   ${recorded.origin}`, `Key   ${recorded.verifierKey}`)
  for (const { text } of recorded.notices) lines.push(safeText(text))
  lines.push(style.dim('sentctl verify checks it, sentctl status shows what changes, sentctl alone opens the screen.'))
  return `${lines.join('\n')}\n`
}
