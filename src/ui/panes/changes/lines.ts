// The rows of Changes.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { Change } from '../../../core/timeline/model.ts'
import { changedWhen } from '../../state/looks.ts'
import type { Context } from '../../state/model.ts'
import { contentLines } from '../../widgets/contentLines.ts'
import { plural, sizeText, whenText } from '../../widgets/format.ts'
import { emptyLine, fitLine, inRole, type Line, line, type Role, type Span, span } from '../../widgets/line.ts'
import { markRoles, stateMarks } from '../../widgets/marks.ts'
import { cutStart, fit, fitRight, wrap } from '../../widgets/text.ts'
import { type ChangesState, currentChange } from './state.ts'

export function changeListLines(state: ChangesState, context: Context): Line[] {
  const { height } = context.list
  const filter = state.filter === '' ? '' : ` ${state.filterOn ? 'f' : 'off'}:${state.filter}`
  const header = [span(`  ${plural(state.all.length, 'change')}${filter}`, 'strong'), settingsSpan(context)]
  if (state.rows.length === 0) return [header, ...emptyLines(state, context)]
  const rows = state.rows.slice(state.list.top, state.list.top + height)
  return [header, ...rows.map((change, index) => changeLine(state, change, state.list.top + index, context))]
}

/** An edited sentient.yaml is no change of the tree: it waits to be put in force. */
function settingsSpan(context: Context): Span {
  const candidate = context.status.report?.settingsCandidate ?? 'none'
  if (candidate === 'none') return span('  against the record', 'dim')
  const word = candidate === 'changed' ? 'edited' : candidate
  const text = `  sentient.yaml ${word}`
  return span(context.list.width < 50 ? text : `${text}, not in force`, 'changed')
}

function emptyLines(state: ChangesState, context: Context): Line[] {
  const { report, checking, problem } = context.status
  if (state.all.length > 0) return [line('  nothing passes the filter', 'dim')]
  if (problem !== undefined) return [line(`  ${problem.text}`, 'bad'), line(`  ${problem.hint}`, 'dim')]
  if (report === undefined) return [line(checking ? '  looking at the tree ...' : '  not looked yet', 'dim')]
  return [
    line(`  = everything is as recorded`, 'good'),
    line(`  ${plural(report.filesChecked, 'file')} looked at`, 'dim'),
  ]
}

function changeLine(state: ChangesState, change: Change, index: number, context: Context): Line {
  const { width } = context.list
  const selected = index === state.list.cursor
  const marked = state.marks.has(change.path)
  const mark = stateMarks[change.state]
  const aside = ` ${asideText(change, context.now)}`
  const nameCells = Math.max(1, width - 4 - aside.length)
  const name = displayBytes(change.path) + (change.kind === 'dir' ? '/' : '')
  const spans: Line = [
    span(selected ? '>' : ' ', selected ? 'strong' : 'plain'),
    span(marked ? '*' : ' ', 'marked'),
    span(mark, markRoles[mark]),
    span(` ${fit(cutStart(name, nameCells), nameCells)}`, marked ? 'marked' : 'plain'),
    span(aside, 'dim'),
  ]
  if (!selected) return spans
  return inRole(fitLine(spans, width), context.focus === 'list' ? 'selected' : 'cursor')
}

function asideText({ state, disk, differs }: Change, now: number): string {
  if (state === 'gone') return fit('        gone', 13)
  if (state !== 'changed' && state !== 'new') return `${fitRight(state, 12)} `
  const size = disk === null || disk.kind === 'dir' ? '' : sizeText(disk.size)
  const what = differs.includes('content') || state === 'new' ? '' : differs.includes('kind') ? 'kind' : 'mode'
  return `${fitRight(what === '' ? size : what, 5)} ${fit(whenText(disk?.mtime ?? 0, now), 7)}`
}

const stateTexts: Readonly<Record<Change['state'], string>> = {
  changed: 'changed outside',
  new: 'new, made outside',
  gone: 'gone, removed outside',
  damaged: 'damaged in the store',
  applying: 'being put in place by another process',
  unapplied: 'recorded, but it could not be put in place',
  unreadable: 'it can not be read',
}

export function changeDetailLines(state: ChangesState, context: Context): Line[] {
  const { width, height } = context.detail
  const change = currentChange(state)
  if (change === undefined) return []
  const mark = stateMarks[change.state]
  const header: Line[] = [[span(`${mark} `, markRoles[mark]), span(stateTexts[change.state], 'strong')]]
  if (height >= 12) {
    const say = (text: string, role: Role = 'plain'): void => {
      header.push(...wrap(text, width - 2).map(part => line(`  ${part}`, role)))
    }
    say(changedWhen(change, context.status.intervals, context.now))
    if (change.state === 'damaged') say('b repairs it where something else still holds the content')
    else if (change.state !== 'new' && !stateTexts[change.state].includes(change.reason)) say(change.reason)
    say(`settings: drift = ${change.drift}`, 'dim')
    header.push(emptyLine)
  }
  const room = { width, height: height - header.length }
  return [...header, ...contentLines(state.content, room, context.focus === 'detail')]
}
