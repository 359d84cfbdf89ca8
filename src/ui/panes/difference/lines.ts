// The rows of the difference of two states.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { TreeChange } from '../../../core/timeline/model.ts'
import type { Context } from '../../state/model.ts'
import { contentLines, problemLines } from '../../widgets/contentLines.ts'
import { emptyLine, fitLine, inRole, type Line, line, span } from '../../widgets/line.ts'
import { cutStart, fit, fitRight } from '../../widgets/text.ts'
import { amountText, treeChangeSign } from '../../widgets/treeChange.ts'
import { currentDifference, type DifferenceState } from './state.ts'

const toText = (to: string): string => (to === 'disk' ? 'now' : to)

export function differenceListLines(state: DifferenceState, context: Context): Line[] {
  const { width, height } = context.list
  const filter = state.filter === '' ? '' : `  f:${state.filter}`
  const header: Line = [span(`  ${state.from}`, 'strong'), span(` against ${toText(state.to)}${filter}`, 'dim')]
  if (state.problem !== undefined)
    return [header, ...problemLines(state.problem.text, state.problem.hint, width, height)]
  if (state.report === undefined) return [header, line('  comparing ...', 'dim')]
  if (state.rows.length === 0)
    return [header, line(state.report.changes.length === 0 ? '  no difference' : '  nothing passes the filter', 'good')]
  const rows = state.rows.slice(state.list.top, state.list.top + height)
  return [header, ...rows.map((change, index) => changeLine(state, change, state.list.top + index, context))]
}

function changeLine(state: DifferenceState, change: TreeChange, index: number, context: Context): Line {
  const { width } = context.list
  const selected = index === state.list.cursor
  const [sign, role] = treeChangeSign(change)
  const aside = ` ${fitRight(amountText(change, state.counts), 13)} `
  const nameCells = Math.max(1, width - 4 - aside.length)
  const marked = state.marks.has(change.path)
  const spans: Line = [
    span(selected ? '>' : ' ', selected ? 'strong' : 'plain'),
    span(marked ? '*' : ' ', 'marked'),
    span(sign, role),
    span(` ${fit(cutStart(displayBytes(change.path), nameCells), nameCells)}`, marked ? 'marked' : 'plain'),
    span(aside, 'dim'),
  ]
  if (!selected) return spans
  return inRole(fitLine(spans, width), context.focus === 'list' ? 'selected' : 'cursor')
}

export function differenceDetailLines(state: DifferenceState, context: Context): Line[] {
  const { width, height } = context.detail
  const change = currentDifference(state)
  if (change === undefined) return []
  const [sign, role] = treeChangeSign(change)
  const words = {
    '+': `new since ${state.from}`,
    '-': `gone since ${state.from}`,
    '~': `${state.from} against ${toText(state.to)}`,
  }
  const header: Line[] = [[span(`${sign} `, role), span(words[sign as '+' | '-' | '~'], 'strong')], emptyLine]
  const kept = height < 12 ? header.slice(0, 1) : header
  return [...kept, ...contentLines(state.content, { width, height: height - kept.length }, context.focus === 'detail')]
}
