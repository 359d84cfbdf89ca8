// The rows of the Timeline and of the preview beside or below it.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { RecordView, SnapshotView } from '../../../core/timeline/model.ts'
import type { Context } from '../../state/model.ts'
import { parentOf } from '../../state/paths.ts'
import { changeCountSpans } from '../../widgets/changeCounts.ts'
import { problemLines } from '../../widgets/contentLines.ts'
import {
  actorText,
  bytesText,
  clockText,
  countText,
  dayText,
  momentText,
  plural,
  sizeText,
} from '../../widgets/format.ts'
import { endsLine, fitLine, inRole, type Line, line, span } from '../../widgets/line.ts'
import { markRoles, stateMarks } from '../../widgets/marks.ts'
import { fit, safeText } from '../../widgets/text.ts'
import { treeChangeLine } from '../../widgets/treeChange.ts'
import type { TimelineRow } from './rows.ts'
import { currentRow, type TimelineState } from './state.ts'

export function timelineListLines(state: TimelineState, context: Context): Line[] {
  const { width, height } = context.list
  return state.rows.slice(state.list.top, state.list.top + height).map((row, index) => {
    const selected = state.list.top + index === state.list.cursor
    const spans = rowLine(row, selected, state, context)
    if (!selected) return spans
    return inRole(fitLine(spans, width), context.focus === 'list' ? 'selected' : 'cursor')
  })
}

function rowLine(row: TimelineRow, selected: boolean, state: TimelineState, context: Context): Line {
  const { width } = context.list
  const sign = selected ? '>' : ' '
  switch (row.kind) {
    case 'day': {
      const ops = ` ${plural(row.records, 'op')}${row.more ? '+' : ''} `
      const title = `-- ${dayText(row.time)} `
      return [
        span(title, 'strong'),
        span('-'.repeat(Math.max(0, width - title.length - ops.length)), 'dim'),
        span(ops, 'dim'),
      ]
    }
    case 'now':
      return endsLine([span(`${sign}  now   `, 'strong'), ...nowSpans(context)], line('c shows ', 'dim'), width)
    case 'snapshot':
      return snapshotLine(row.snapshot, sign, state, width)
    case 'record':
      return recordLine(row.record, sign, row.folded ? ' :' : ' |', width)
    case 'fold':
      return foldLine(row.records, sign, width)
    case 'gap':
      return line(`${sign}| ... ${plural(row.to - row.from, 'record')}`, 'dim')
  }
}

function nowSpans({ status }: Context): Line {
  const { report, checking } = status
  if (report === undefined) return [span(checking ? 'looking ...' : 'not looked yet', 'dim')]
  if (report.changes.length === 0) return [span('as recorded', 'good')]
  const { damaged, unreadable, applying } = report.counts
  // Beside other words there is room for the short one only.
  const alone = damaged + unreadable + applying === 0
  return changeCountSpans(report, { changed: alone ? 'changed outside' : 'changed', separator: ', ' })
}

function snapshotLine(snapshot: SnapshotView, sign: string, state: TimelineState, width: number): Line {
  const bytes = state.space.get(snapshot.name)
  const label = snapshot.label === '' ? (kindTexts[snapshot.kind] ?? snapshot.name) : safeText(snapshot.label)
  const right = `${snapshot.pinned ? 'P' : ' '} ${(bytes === undefined ? '' : sizeText(bytes)).padStart(5)} `
  return endsLine(
    [span(`${sign}o `, 'key'), span(`${clockText(snapshot.time)} `, 'dim'), span(label, 'strong')],
    line(right, snapshot.pinned ? 'strong' : 'dim'),
    width,
  )
}

const kindTexts: Readonly<Record<SnapshotView['kind'], string>> = {
  manual: 'snapshot',
  auto: 'automatic',
  protect: 'kept before it was overwritten',
  init: 'the beginning',
}

function recordLine(record: RecordView, sign: string, mark: string, width: number): Line {
  const denied = record.effect === 'deny'
  return endsLine(
    [
      span(`${sign}${mark.slice(1)} `, 'dim'),
      span(`${clockText(record.time)} `, 'dim'),
      span(`${fit(actorText(record.actor), 5)} `),
      span(`${denied ? 'DENIED ' : ''}${safeText(record.summary)}`, denied ? 'bad' : 'plain'),
    ],
    line(`#${record.seq} `, 'dim'),
    width,
  )
}

function foldLine(records: readonly RecordView[], sign: string, width: number): Line {
  const newest = records[0]
  if (newest === undefined) return []
  const changes = records.reduce((count, { changed }) => count + changed, 0)
  const where = commonDirectory(records.map(({ subject }) => subject.id))
  return endsLine(
    [
      span(`${sign}| `, 'dim'),
      span(`${clockText(newest.time)} `, 'dim'),
      span(`${fit(actorText(newest.actor), 5)} `),
      span(`kept ${plural(changes, 'change')}${where === '' ? '' : ` in ${displayBytes(where)}/`}`),
    ],
    line(`${countText(records.length)} + `, 'dim'),
    width,
  )
}

/** The deepest directory that holds all of the paths. */
function commonDirectory(paths: readonly string[]): string {
  let common = parentOf(paths[0] ?? '')
  for (const path of paths) while (common !== '' && !path.startsWith(`${common}/`)) common = parentOf(common)
  return common
}

export function timelineDetailLines(state: TimelineState, context: Context): Line[] {
  const { width, height } = context.detail
  const row = currentRow(state)
  if (row === undefined || row.kind === 'day' || row.kind === 'gap') return []
  if (row.kind === 'now') return nowDetail(context)
  const title = line(`${titleText(row, context)} against now:`, 'strong')
  if (state.problem !== undefined)
    return [title, ...problemLines(state.problem.text, state.problem.hint, width, height - 1)]
  if (state.preview === undefined) return [title, line(' ...', 'dim')]
  const { changes, counts } = state.preview
  if (changes.length === 0) return [title, line(' the same as now', 'good')]
  const room = Math.max(0, height - 2)
  const scroll = Math.min(state.scroll, Math.max(0, changes.length - room))
  const summary = ` ${counts.changed} changed, ${counts.created} new, ${counts.deleted} gone since`
  return [
    title,
    line(summary, 'dim'),
    ...changes.slice(scroll, scroll + room).map(change => treeChangeLine(change, state.counts, width)),
  ]
}

function nowDetail({ status, detail }: Context): Line[] {
  const changes = status.report?.changes ?? []
  const rows = changes.slice(0, detail.height).map(({ path, state }): Line => {
    const mark = stateMarks[state]
    const word = state === 'changed' ? '' : `${state} `
    return endsLine([span(` ${mark} `, markRoles[mark]), span(displayBytes(path))], line(word, 'dim'), detail.width)
  })
  return [line(changes.length === 0 ? 'now: as recorded' : 'now against the record:', 'strong'), ...rows]
}

/** `64 kept 212 MB`: the snapshots, and what the states before now take, once that has been counted. */
export function keptText({ snapshots, space }: TimelineState): string | undefined {
  if (snapshots.length === 0) return undefined
  const bytes = Math.max(0, ...space.values())
  return `${snapshots.length} kept${space.size === 0 ? '' : ` ${bytesText(bytes)}`}`
}

function titleText(row: TimelineRow, context: Context): string {
  if (row.kind === 'snapshot') return `${momentText(row.snapshot.time, context.now)} ${row.snapshot.name}`
  if (row.kind === 'record') return `#${row.record.seq} ${momentText(row.record.time, context.now)}`
  return row.kind === 'fold' ? `#${row.records[0]?.seq}` : ''
}
