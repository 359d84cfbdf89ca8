// The rows of the Trace, of its strip on wide screens, and of one record in full.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { Entry } from '../../../core/format/node.ts'
import type { RecordView } from '../../../core/timeline/model.ts'
import type { Context } from '../../state/model.ts'
import type { RecordDetail } from '../../state/query.ts'
import { problemLines } from '../../widgets/contentLines.ts'
import {
  actorText,
  bytesText,
  countText,
  dayNumber,
  dayText,
  fullTimeText,
  modeText,
  plural,
  secondsText,
  whenText,
} from '../../widgets/format.ts'
import { endsLine, fitLine, inRole, type Line, line, span } from '../../widgets/line.ts'
import { cut, fit, fitRight, safeText, wrap } from '../../widgets/text.ts'
import { treeChangeSpans } from '../../widgets/treeChange.ts'
import { currentRecord, isFiltered, recordAt, type TraceState, traceLength } from './state.ts'

export function traceListLines(state: TraceState, context: Context): Line[] {
  const { width, height } = context.list
  const header = traceHeader(state, width)
  if (state.problem !== undefined)
    return [header, ...problemLines(state.problem.text, state.problem.hint, width, height)]
  const length = traceLength(state)
  if (length === 0) return [header, line(state.scanning ? '  searching ...' : '  no record passes', 'dim')]
  const rows: Line[] = [header]
  for (let row = state.list.top; row < Math.min(state.list.top + height, length); row++) {
    const record = recordAt(state, row)
    const selected = row === state.list.cursor
    const spans: Line = [span(selected ? '> ' : '  '), ...recordSpans(record, row, width - 2, context.now)]
    rows.push(selected ? inRole(fitLine(spans, width), context.focus === 'list' ? 'selected' : 'cursor') : spans)
  }
  return rows
}

function traceHeader(state: TraceState, width: number): Line {
  const filter = state.filterText === '' ? '' : `  ${state.filterOn ? 'f' : 'off'}: ${state.filterText}`
  const scanned = isFiltered(state) && state.scannedFrom > 0 ? `  searched from #${countText(state.scannedFrom)}` : ''
  const left: Line = [
    span('  '),
    span(state.follow ? 'follow' : 'paused', state.follow ? 'good' : 'changed'),
    span(filter, 'strong'),
    span(scanned, 'dim'),
  ]
  const right = state.unseen > 0 ? `+${countText(state.unseen)} new below ` : `${plural(traceLength(state), 'record')} `
  return endsLine(left, line(right, 'dim'), width)
}

function recordSpans(record: RecordView | undefined, row: number, width: number, now: number): Line {
  if (record === undefined) return [span(`#${row} ...`, 'dim')]
  const today = dayNumber(record.time) === dayNumber(now)
  const full = width >= 70
  const time = today
    ? secondsText(record.time)
    : `${dayText(record.time).slice(4)} ${secondsText(record.time).slice(0, 5)}`
  const timeText = full ? fitRight(time, 12) : fitRight(whenText(record.time, now), 6)
  const seq = ` #${record.seq}`
  const actor = fit(actorText(record.actor), full ? 9 : 5)
  const denied = record.effect === 'deny'
  const room = Math.max(1, width - timeText.length - 2 - actor.length - seq.length)
  return [
    span(`${timeText} `, 'dim'),
    span(`${actor} `, 'strong'),
    span(fit(`${denied ? 'DENIED ' : ''}${safeText(record.summary)}`, room), denied ? 'bad' : 'plain'),
    span(seq, 'dim'),
  ]
}

/** The last records below a rule, for the strip of wide screens. */
export function traceStripLines(state: TraceState, area: { width: number; height: number }, now: number): Line[] {
  const { width, height } = area
  const length = traceLength(state)
  const rows: Line[] = [line('-'.repeat(width), 'dim'), [span('TRACE', 'strong'), ...traceHeader(state, width - 5)]]
  for (let row = Math.max(0, length - (height - 2)); row < length; row++)
    rows.push(recordSpans(recordAt(state, row), row, width, now))
  return rows
}

export function traceDetailLines(state: TraceState, context: Context): Line[] {
  const { width, height } = context.detail
  const record = currentRecord(state)
  const detail = state.detail
  if (record === undefined) return []
  if (detail === undefined || detail.record.seq !== record.seq) return [line(`#${record.seq} ...`, 'dim')]
  const rows = recordLines(detail, width)
  const scroll = Math.min(state.detailScroll, Math.max(0, rows.length - height))
  return rows.slice(scroll, scroll + height)
}

const labelCells = 10

/** All fields of a record and how far its proof reaches. */
export function recordLines(detail: RecordDetail, width: number): Line[] {
  const { record, changes, checkpointSize } = detail
  const rows: Line[] = [line(`#${record.seq}  ${safeText(record.summary)}`, 'strong')]
  const field = (label: string, value: string): void => {
    const parts = wrap(safeText(value), Math.max(8, width - labelCells))
    parts.forEach((part, index) => {
      rows.push([
        span(fit(index === 0 ? label : '', labelCells), 'dim'),
        span(cut(part, Math.max(8, width - labelCells))),
      ])
    })
  }
  field(
    'time',
    `${fullTimeText(record.time)}${record.doubtful ? '  doubtful: the clock stood before an earlier record' : ''}`,
  )
  field('actor', record.actor)
  field('action', record.action)
  field('subject', `${record.subject.kind} ${displayBytes(record.subject.id) || './'}`)
  field('decision', record.rule === '' ? record.effect : `${record.effect}, ${record.rule}`)
  field('changed', plural(record.changed, 'path'))
  if (record.before !== undefined) field('before', entryText(record.before))
  if (record.after !== undefined) field('after', entryText(record.after))
  if (record.cause !== undefined) field('cause', `#${record.cause}`)
  for (const [key, value] of Object.entries(record.fields)) field(key, fieldText(value))
  if (record.forgotten) field('contents', 'forgotten: the body was removed, the leaf stays')
  field('proof', proofText(record, checkpointSize))
  field('root', record.root)
  field('leaf', record.leaf)
  for (const change of changes) rows.push(treeChangeSpans(change))
  if (record.changed > changes.length && changes.length > 0)
    rows.push(line(`  and ${plural(record.changed - changes.length, 'more path')}`, 'dim'))
  return rows
}

/** What can be shown to others about the record, from weak to strong. */
function proofText(record: RecordView, checkpointSize: number | undefined): string {
  if (checkpointSize === undefined || record.seq >= checkpointSize)
    return 'chained: each record names the one before it; the next checkpoint will sign it'
  return `signed: included in the checkpoint of ${countText(checkpointSize)} records (sentctl inclusion ${record.seq})`
}

const entryText = (entry: Entry | null): string =>
  entry === null
    ? 'nothing'
    : `${entry.kind} ${bytesText(entry.size)} ${modeText(entry.mode)} ${entry.content.id.slice(0, 16)}`

function fieldText(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'object' && value !== null && 'codec' in value && 'id' in value) return String(value.id)
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? ''
}
