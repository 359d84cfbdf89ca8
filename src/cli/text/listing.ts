// Directory listings with the integrity column.

import type { ListedData } from '../../commands/data.ts'
import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { columnsOf, localMinute, type Style, shortSize } from '../style.ts'
import { markSign, modeText } from './entries.ts'
import { shownPath } from './paths.ts'
import type { TextContext } from './renderers.ts'

type Listing = OutputOf<(typeof commandTable)['ls']>

export function render({ directories, state }: Listing, context: TextContext): string {
  const blocks: string[] = []
  for (const { path, entries } of directories) {
    const named = path === '' && entries.some(entry => entry.path !== entry.name)
    const title = directories.length > 1 && !named ? [`${shownPath(path, context.base)}:`] : []
    const row = (entry: ListedData) =>
      listedRow(entry, context.style, named ? shownPath(entry.path, context.base) : entry.name)
    const lines = [...title, ...columnsOf(entries, row, { right: [2] })]
    blocks.push(lines.length === 0 ? '' : `${lines.join('\n')}\n`)
  }
  const levels = directories.flatMap(({ entries }) =>
    entries.flatMap(({ proof }) => (proof === undefined ? [] : [proof.level])),
  )
  const past = state === undefined ? '' : context.style.dim(`as at ${state}\n`)
  return past + blocks.join('\n') + proofNote(levels, context.style)
}

export function listedRow(entry: ListedData, style: Style, name: string): string[] {
  const { mark, kind, mode, size, modified, target, below, reason, proof } = entry
  const suffix = kind === 'dir' ? '/' : target === undefined ? '' : ` -> ${target}`
  const shown = kind === 'dir' ? style.blue(name + suffix) : name + suffix
  const notes = [
    ...(below !== undefined && below.count > 0 ? [`${below.count} changed`] : []),
    ...(mark !== 'recorded' && mark !== 'ignored' && mark !== 'unchecked' && reason !== '' ? [reason] : []),
    ...(proof === undefined ? [] : [`[${proof.level}]`]),
  ]
  const amount = kind === 'dir' ? String(size) : shortSize(size)
  return [
    markSign(mark === 'recorded' && below !== undefined && below.count > 0 ? below.worst : mark, style),
    modeText(kind, mode),
    mark === 'gone' ? 'gone' : amount,
    modified === undefined ? '-' : localMinute(modified),
    notes.length === 0 ? shown : `${shown}  ${style.dim(notes.join(', '))}`,
  ]
}

export function proofNote(levels: readonly string[], style: Style): string {
  if (levels.length === 0) return ''
  const proven = levels.filter(level => level === 'merkle').length
  return style.dim(
    `${proven} of ${levels.length} at level merkle: recorded in the signed tree, object read and checked. Zero-knowledge proofs are not made yet.\n`,
  )
}
