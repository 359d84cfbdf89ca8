// Recorded entries, changes of entries and listed paths as short texts.

import type { EntryData, ListedData, TreeChangeData } from '../../commands/data.ts'
import { counted } from '../../commands/words.ts'
import { type Style, shortSize, sizeChange } from '../style.ts'

/** `file 0644 310`, `dir 12 entries`, `nothing` */
export function entryText(entry: EntryData | undefined): string {
  if (entry === undefined) return 'nothing'
  if (entry.kind === 'dir') return `dir ${entry.mode}, ${counted(entry.size, 'entry', 'entries')}`
  return entry.kind === 'file' ? `file ${entry.mode}, ${shortSize(entry.size)}` : 'symlink'
}

export function changeSign(change: TreeChangeData['change'], style: Style): string {
  if (change === 'created') return style.green('+')
  return change === 'deleted' ? style.red('-') : style.yellow('~')
}

/** What differs, as a few words: `310 -> 412`, `mode 0644 -> 0600`. */
export function changeText({ before, after }: TreeChangeData): string {
  if (before === undefined || after === undefined) return entryText(before ?? after)
  if (before.kind !== after.kind) return `${before.kind} -> ${after.kind}`
  const parts: string[] = []
  if (before.object !== after.object) {
    parts.push(before.size === after.size ? `content, ${shortSize(after.size)}` : sizeChange(before.size, after.size))
  }
  if (before.mode === after.mode && before.object === after.object) parts.push('as recorded')
  if (before.mode !== after.mode) parts.push(`mode ${before.mode} -> ${after.mode}`)
  return parts.join(', ')
}

const signs = {
  recorded: '=',
  changed: '~',
  new: '+',
  gone: '-',
  damaged: '!',
  skipped: 's',
  unchecked: '?',
  ignored: ' ',
} as const satisfies Record<ListedData['mark'], string>

export function markSign(mark: ListedData['mark'], style: Style): string {
  const sign = signs[mark]
  if (mark === 'changed') return style.yellow(sign)
  if (mark === 'new') return style.green(sign)
  return mark === 'gone' || mark === 'damaged' ? style.red(sign) : sign
}

/** `drwxr-xr-x` */
export function modeText(kind: string, mode: string): string {
  const bits = Number.parseInt(mode, 8)
  const letters = [...'rwxrwxrwx'].map((letter, i) => ((bits >> (8 - i)) & 1 ? letter : '-'))
  const special: readonly [number, number, string][] = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ]
  for (const [bit, at, letter] of special) {
    if ((bits & bit) !== 0) letters[at] = letters[at] === 'x' ? letter : letter.toUpperCase()
  }
  return (kind === 'dir' ? 'd' : kind === 'symlink' ? 'l' : kind === 'other' ? '?' : '-') + letters.join('')
}
