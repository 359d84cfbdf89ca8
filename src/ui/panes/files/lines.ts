// The rows of Files: the list with the integrity column, and what is known of the path under the cursor.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { ListedEntry } from '../../../core/timeline/model.ts'
import { changedWhen } from '../../state/looks.ts'
import type { Context } from '../../state/model.ts'
import { directoryText } from '../../state/paths.ts'
import { contentLines, problemLines } from '../../widgets/contentLines.ts'
import { bytesText, modeText, momentText, plural, sizeText, whenText } from '../../widgets/format.ts'
import { emptyLine, fitLine, inRole, type Line, line, type Role, span } from '../../widgets/line.ts'
import { markRoles, markTexts } from '../../widgets/marks.ts'
import { cutStart, fit, fitRight, wrap } from '../../widgets/text.ts'
import { changeOf, currentEntry, type FilesState } from './state.ts'

const sizeCells = 6
const whenCells = 7

export function fileListLines(state: FilesState, context: Context): Line[] {
  const { width, height } = context.list
  const header = headerLine(state, width)
  if (state.problem !== undefined)
    return [header, ...problemLines(state.problem.text, state.problem.hint, width, height)]
  if (state.entries === undefined) return [header, line('  listing ...', 'dim')]
  if (state.rows.length === 0)
    return [header, line(state.entries.length === 0 ? '  empty' : '  nothing passes the filter', 'dim')]
  const rows = state.rows.slice(state.list.top, state.list.top + height)
  return [header, ...rows.map((entry, index) => entryLine(state, entry, state.list.top + index, context))]
}

function headerLine(state: FilesState, width: number): Line {
  const filter = state.filter !== '' ? ` ${state.filterOn ? 'f' : 'off'}:${state.filter}` : ''
  const sorted = state.sort === 'name' ? '' : ` by ${state.sort}`
  const nameCells = Math.max(4, width - 2 - sizeCells - whenCells)
  const name = cutStart(`${directoryText(state.path)}${filter}${sorted}`, nameCells)
  return [span(`  ${fit(name, nameCells)}`, 'strong'), span(`${fitRight('size', sizeCells - 1)}  when`, 'dim')]
}

function entryLine(state: FilesState, entry: ListedEntry, index: number, context: Context): Line {
  const { width } = context.list
  const selected = index === state.list.cursor
  const marked = state.marks.has(entry.path)
  const mark = entry.below !== undefined && entry.below.count > 0 ? entry.below.worst : entry.mark
  const aside = asideText(entry, context.now)
  const nameCells = Math.max(1, width - 4 - aside.length)
  const name = displayBytes(entry.name) + (entry.kind === 'dir' ? '/' : entry.kind === 'symlink' ? '@' : '')
  const spans: Line = [
    span(selected ? '>' : ' ', selected ? 'strong' : 'plain'),
    span(marked ? '*' : ' ', 'marked'),
    span(mark, markRoles[mark]),
    span(` ${fit(name, nameCells)}`, marked ? 'marked' : nameRole(entry)),
    span(aside, 'dim'),
  ]
  if (!selected) return spans
  return inRole(fitLine(spans, width), context.focus === 'list' ? 'selected' : 'cursor')
}

function nameRole(entry: ListedEntry): Role {
  if (entry.mark === ' ' || entry.mark === 's') return 'dim'
  return entry.kind === 'dir' ? 'strong' : 'plain'
}

/** The columns on the right: size and time, or what is more important than both. */
function asideText(entry: ListedEntry, now: number): string {
  const cells = sizeCells + whenCells
  if (entry.below !== undefined && entry.below.count > 0) {
    return `${fitRight(`${entry.below.count} changed`, cells - 1)} `
  }
  if (entry.mark === 's') return `${fitRight('skipped', cells - 1)} `
  const size = entry.kind === 'other' ? '' : entry.kind === 'dir' ? String(entry.size || '') : sizeText(entry.size)
  const when = entry.mark === '-' ? 'gone' : entry.mark === '!' ? 'damaged' : whenText(entry.mtime, now)
  return `${fitRight(entry.mark === '-' ? '' : size, sizeCells - 1)} ${fit(when, whenCells)}`
}

export function fileDetailLines(state: FilesState, context: Context): Line[] {
  const { width, height } = context.detail
  const entry = currentEntry(state)
  if (entry === undefined) return []
  const header = [...detailHeader(entry, context), emptyLine]
  const kept = height < 12 ? header.slice(0, 1) : header
  const focused = context.focus === 'detail'
  return [...kept, ...contentLines(state.content, { width, height: height - kept.length }, focused)]
}

/** Why the sign stands there, and what the entry is. */
function detailHeader(entry: ListedEntry, context: Context): Line[] {
  const { now } = context
  const past = context.past !== undefined
  const rows: Line[] = []
  const below = past ? 0 : (entry.below?.count ?? 0)
  const mark = below > 0 ? (entry.below?.worst ?? entry.mark) : entry.mark
  const title = past
    ? `of ${context.past?.text ?? ''}`
    : below > 0
      ? `${plural(below, 'path')} below ${below === 1 ? 'differs' : 'differ'}`
      : markTexts[entry.mark]
  rows.push([span(`${past ? ' ' : mark} `, past ? 'past' : markRoles[mark]), span(title, 'strong')])
  const change = past ? undefined : changeOf(context, entry.path)
  if (change !== undefined) {
    if (!title.startsWith(change.reason)) rows.push(line(`  ${change.reason}`))
    const when = changedWhen(change, context.status.intervals, now)
    rows.push(...wrap(when, context.detail.width - 2).map(part => line(`  ${part}`)))
    rows.push(line(`  settings: drift = ${change.drift}`, 'dim'))
  } else if (entry.reason !== '' && !past && entry.reason !== title)
    rows.push(line(`  ${displayBytes(entry.reason)}`, 'dim'))
  rows.push(line(`  ${factsText(entry, now)}`, 'dim'))
  if (below > 0) rows.push(line('  c lists them', 'dim'))
  return rows
}

function factsText(entry: ListedEntry, now: number): string {
  const time = entry.mtime > 0 ? `  ${momentText(entry.mtime, now)}` : ''
  switch (entry.kind) {
    case 'dir':
      return `directory, ${plural(entry.size, 'entry', 'entries')}  ${modeText(entry.mode)}${time}`
    case 'symlink':
      return `link to ${displayBytes(entry.target ?? '?')}`
    case 'file':
      return `${bytesText(entry.size)}  ${modeText(entry.mode)}${time}`
    case 'other':
      return `neither file, directory nor link${time}`
  }
}
