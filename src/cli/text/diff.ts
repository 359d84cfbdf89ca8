// Differences between two states: unified hunks with their numbers, or only the paths.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { columnsOf, type Style, safeLines } from '../style.ts'
import { changeSign, changeText } from './entries.ts'
import { shownPath } from './paths.ts'
import type { TextContext } from './renderers.ts'

type Diff = OutputOf<(typeof commandTable)['diff']>
type File = Diff['files'][number]

export function render(diff: Diff, { style, base, args }: TextContext): string {
  const { counts, changes, files } = diff
  const to = diff.disk ? 'the disk' : diff.to!.text
  if (changes.length === 0) return `No difference between ${diff.from.text} and ${to}.\n`
  if (args.names === true) {
    const row = (change: Diff['changes'][number]) => [
      changeSign(change.change, style),
      shownPath(change.path, base),
      style.dim(changeText(change)),
    ]
    return `${columnsOf(changes, row).join('\n')}\n${style.dim(totals(counts))}\n`
  }
  const shownFiles = new Map(files.map(file => [file.path, file]))
  const lines: string[] = []
  for (const change of changes) {
    lines.push(
      `${changeSign(change.change, style)} ${style.bold(shownPath(change.path, base))}  ${style.dim(changeText(change))}`,
    )
    const file = shownFiles.get(change.path)
    if (file !== undefined) lines.push(...fileLines(file, style))
  }
  lines.push(style.dim(`${diff.from.text} against ${to}: ${totals(counts)}`))
  return `${lines.join('\n')}\n`
}

function totals({ created, changed, deleted }: Diff['counts']): string {
  return `${created} created, ${changed} changed, ${deleted} deleted`
}

function fileLines({ kind, hunks }: File, style: Style): string[] {
  if (kind === 'binary') return ['  binary contents differ']
  if (kind === 'forgotten') return ['  cannot be compared: one of the contents was forgotten on request']
  if (kind === 'lost') return ['  cannot be compared: one of the contents is missing in the store (sentctl verify)']
  if (kind === 'too-large') return ['  too large to compare line by line']
  const lines: string[] = []
  for (const hunk of hunks) {
    const { number, beforeStart, beforeLines, afterStart, afterLines } = hunk
    lines.push(
      style.blue(`@@ -${beforeStart},${beforeLines} +${afterStart},${afterLines} @@ hunk ${number}/${hunks.length}`),
    )
    for (const line of hunk.lines) lines.push(colouredLine(safeLines(line), style))
  }
  return lines
}

function colouredLine(line: string, style: Style): string {
  if (line.startsWith('+')) return style.green(line)
  return line.startsWith('-') ? style.red(line) : line
}
