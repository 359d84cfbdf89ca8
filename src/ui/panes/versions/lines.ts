// The rows of Versions.
import { displayBytes } from '../../../core/format/bytes.ts'
import type { Version } from '../../../core/timeline/model.ts'
import type { Context } from '../../state/model.ts'
import type { LineCounts } from '../../state/query.ts'
import { contentLines, problemLines } from '../../widgets/contentLines.ts'
import { actorText, shortMomentText, sizeText } from '../../widgets/format.ts'
import { emptyLine, fitLine, inRole, type Line, line, span } from '../../widgets/line.ts'
import { cutStart, fit } from '../../widgets/text.ts'
import { currentVersion, type VersionRow, type VersionsState } from './state.ts'

export function versionListLines(state: VersionsState, context: Context): Line[] {
  const { width, height } = context.list
  const title = cutStart(displayBytes(state.path) || './', Math.max(4, width - 14))
  const header: Line = [span('  versions of ', 'dim'), span(title, 'strong')]
  if (state.problem !== undefined)
    return [header, ...problemLines(state.problem.text, state.problem.hint, width, height)]
  if (state.versions === undefined) return [header, line('  reading the history ...', 'dim')]
  if (state.rows.length === 0) return [header, line('  never recorded', 'dim')]
  const rows = state.rows.slice(state.list.top, state.list.top + height)
  return [header, ...rows.map((row, index) => versionLine(state, row, state.list.top + index, context))]
}

function versionLine(state: VersionsState, row: VersionRow, index: number, context: Context): Line {
  const selected = index === state.list.cursor
  const spans: Line = [
    span(selected ? '> ' : '  ', selected ? 'strong' : 'plain'),
    ...(row.kind === 'outside' ? outsideSpans(row, context) : recordedSpans(row.version, state.counts, context)),
  ]
  if (!selected) return spans
  return inRole(fitLine(spans, context.list.width), context.focus === 'list' ? 'selected' : 'cursor')
}

function outsideSpans({ change }: Extract<VersionRow, { kind: 'outside' }>, context: Context): Line {
  const when = change.disk === null ? '' : shortMomentText(change.disk.mtime, context.now)
  return [span(fit('now', 6), 'strong'), span(`${fit('outside', 8)}${fit(when, 10)}`, 'changed'), span(change.state)]
}

function recordedSpans(version: Version, counts: ReadonlyMap<number, LineCounts>, context: Context): Line {
  const facts = `${fit(actorText(version.actor), 8)}${fit(shortMomentText(version.time, context.now), 10)}`
  return [
    span(fit(`#${version.seq}`, 6), 'strong'),
    span(facts),
    ...whatSpans(version, counts.get(version.seq)),
    span(` ${version.action}`, 'dim'),
  ]
}

function whatSpans({ before, after }: Version, counts: LineCounts | undefined): Line {
  if (after === null) return [span('gone', 'gone')]
  if (before === null)
    return [span('new ', 'new'), span(after.kind === 'file' ? sizeText(after.size) : after.kind, 'dim')]
  if (counts !== undefined && counts.added + counts.removed > 0)
    return [span(`+${counts.added}`, 'added'), span(' '), span(`-${counts.removed}`, 'removed')]
  return [span(after.mode === before.mode ? 'changed' : 'mode')]
}

export function versionDetailLines(state: VersionsState, context: Context): Line[] {
  const { width, height } = context.detail
  const row = currentVersion(state)
  if (row === undefined) return []
  const header = [detailTitle(row), emptyLine]
  const kept = height < 12 ? header.slice(0, 1) : header
  const room = { width, height: height - kept.length }
  return [...kept, ...contentLines(state.content, room, context.focus === 'detail')]
}

function detailTitle(row: VersionRow): Line {
  if (row.kind === 'outside') return line('the record against the disk now', 'strong')
  if (row.version.after === null) return line(`gone in #${row.version.seq}`, 'strong')
  return line(`#${row.version.seq} against the disk now`, 'strong')
}
