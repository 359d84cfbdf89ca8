// The rows around the panes: title, hints, and the row of progress, prompt, message or undo.

import { displayBytes } from '../../core/format/bytes.ts'
import type { GovernedPath, StatePoint } from '../../core/timeline/model.ts'
import { type KeyMap, keysText } from '../input/keymap.ts'
import { failedMap, startMap } from '../input/scopes.ts'
import type { PaneId } from '../panes/registry.ts'
import { paneFacts, paneIds } from '../panes/registry.ts'
import { rowState } from '../panes/timeline/rows.ts'
import { changeCountSpans } from '../widgets/changeCounts.ts'
import { bytesText, countText, momentText } from '../widgets/format.ts'
import { endsLine, fitLine, type Line, line, lineWidth, type Span, span, wrapLine } from '../widgets/line.ts'
import { cellWidth, cutStart } from '../widgets/text.ts'
import { hintsOf } from './help.ts'
import { sideColumnsMin } from './layout.ts'
import type { Model, StatusView, WorkView } from './model.ts'
import { commandLine, quoted } from './operation.ts'
import { overlayHints } from './overlays.ts'
import { stateTextOf } from './paths.ts'
import { steppedText, steppedTo, timePromptId } from './timeCursor.ts'

const wideColumnsMin = 140

export function titleLine(model: Model): Line {
  const { columns } = model.size
  if (model.stage.kind !== 'open') return fitLine([span('SentientOS ', 'title'), span(model.version, 'dim')], columns)
  const tabs = columns < sideColumnsMin ? [span(titleOf(model), 'title')] : tabSpans(model)
  const wide = columns >= wideColumnsMin
  const gap = wide ? '    ' : '  '
  const past = steppedTo(model) ?? model.past
  const middle: Line = past === undefined ? nowSpans(model, gap) : pastSpans(past, model.clock, gap)
  const left: Line = [...tabs, ...middle]
  const changes = changesSpans(model.status, wide)
  const right: Line = wide ? [...changes, ...progressSpans(model)] : changes
  const facts = paneFacts(model.pane).titleFacts?.(model.panes[model.pane])
  if (facts === undefined) return titleEnds(left, right, columns)
  // What the pane has to say stands beside the rest where there is room, and in its place where there is none.
  const own = [span(facts)]
  const room = columns - lineWidth(left) - lineWidth(right) - facts.length - gap.length - 1
  return room < 0 ? titleEnds(left, own, columns) : titleEnds([...left, span(gap), ...own], right, columns)
}

/** On narrow screens what stands on the right must not leave the name of the pane without room. */
function titleEnds(left: Line, right: Line, columns: number): Line {
  const width = lineWidth(right)
  if (width > columns / 2 && columns < sideColumnsMin) return fitLine(left, columns)
  return [...fitLine(left, columns - width - 1), span(' '), ...fitLine(right, width)]
}

const shownNumber = (id: PaneId): string => paneFacts(id).tab

const titleOf = (model: Model): string => `${shownNumber(model.pane)} ${paneFacts(model.pane).title.toUpperCase()}`

/** The panes that exist, the one on the screen in capitals; what was opened from a tab stands in its place. */
function tabSpans(model: Model): Line {
  const spans: Span[] = []
  for (const id of paneIds) {
    const { number, title } = paneFacts(id)
    if (number === undefined) continue
    const active = paneFacts(model.pane).tab === number
    spans.push(
      active ? span(`${number}${paneFacts(model.pane).title.toUpperCase()} `, 'title') : span(`${number}${title} `),
    )
  }
  return spans
}

function nowSpans(model: Model, gap: string): Line {
  const root = model.stage.kind === 'open' ? model.stage.root : undefined
  const path = model.size.columns >= wideColumnsMin && root !== undefined ? `${gap}${root.shownPath}` : ''
  const tag = root?.unknown === undefined ? ' READ ONLY ' : ' MOVED OR A COPY? READ ONLY '
  const readOnly = root?.access === 'read' ? [span(' '), span(tag, 'past')] : []
  return [span(`${path}${gap}`), span(`now #${model.lastSeq}`), ...readOnly]
}

function pastSpans({ snapshot, time, seq }: StatePoint, clock: number, gap: string): Line {
  const name = snapshot === undefined ? '' : ` ${snapshot}`
  return [span(gap), span(` PAST ${momentText(time, clock)} #${seq}${name} `, 'past')]
}

/** `c: 4 changed 1 damaged` */
function changesSpans(status: StatusView, wide: boolean): Line {
  const { report, checking, problem } = status
  if (problem !== undefined) return [span('c: not looked', 'bad')]
  if (report === undefined) return checking ? [span('looking ...', 'dim')] : []
  if (report.changes.length === 0) return [span('as recorded', 'good')]
  return [span('c: ', 'key'), ...changeCountSpans(report, { changed: 'changed', separator: wide ? ', ' : ' ' })]
}

function progressSpans(model: Model): Line {
  const work = shownWork(model)
  return work === undefined ? [] : [span('     '), span(workText(work), 'strong')]
}

/** What is running and worth a row: an operation before a look. */
const shownWork = (model: Model): WorkView | undefined =>
  model.work.find(({ channel }) => channel === 'operation') ?? model.work.at(-1)

/** `rollback to x  212/348 files  X cancels` */
function workText({ text, done, total, unit, cancellable }: WorkView): string {
  const amount = (value: number): string => (unit === 'bytes' ? bytesText(value) : countText(value))
  const name = unit === 'bytes' ? '' : ` ${unit}`
  const progress =
    done === 0 && total === undefined ? '' : `  ${amount(done)}${total === undefined ? '' : `/${amount(total)}`}${name}`
  return `${text}${progress}${cancellable ? '  X cancels' : ''}`
}

export interface BottomRow {
  readonly line: Line
  /** Of a message that is longer than the row its beginning, for the rows above; they cover the pane meanwhile. */
  readonly above?: readonly Line[]
  /** Where the cursor of the terminal stands in it; only in a prompt. */
  readonly cursor?: number
}

/** A message may cover so many rows of the pane; the list keeps the room to be seen. */
const messageRowsMax = 4

/** The row of prompt, question, message or progress; undefined when there is none of them. */
export function messageRow(model: Model): BottomRow | undefined {
  const columns = model.size.columns - 1
  const top = model.overlays.at(-1)
  if (top?.kind === 'prompt') {
    const { id, label, text, cursor } = top.prompt
    const aside = id === timePromptId ? timeAside(model) : ''
    return promptRow({ label: `${label}: `, text, cursor, aside }, columns)
  }
  if (top?.kind === 'palette')
    return promptRow({ label: ':', text: top.text, cursor: top.text.length, aside: '' }, columns)
  if (model.armed !== undefined) return longMessage(line(model.armed.text, 'strong'), line('Esc no', 'dim'), model.size)
  if (model.toast !== undefined) {
    const role = model.toast.kind === 'info' ? 'plain' : model.toast.kind
    return longMessage(line(model.toast.text, role), [], model.size)
  }
  if (model.pendingKeys !== '') return { line: line(`${model.pendingKeys} ...`, 'dim') }
  const work = shownWork(model)
  return work === undefined ? undefined : { line: fitLine(line(workText(work), 'strong'), columns) }
}

function longMessage(text: Line, end: Line, { columns, rows }: Model['size']): BottomRow {
  const width = columns - 1
  const room = width - (end.length > 0 ? lineWidth(end) + 1 : 0)
  const lines = wrapLine(text, room)
  const shown = lines.slice(0, Math.max(1, Math.min(messageRowsMax, rows - 4)))
  const last = lines.length > shown.length ? lines.slice(shown.length - 1).flat() : (shown.at(-1) ?? [])
  const bottom = fitLine(endsLine(last, end, width), width)
  return shown.length === 1 ? { line: bottom } : { line: bottom, above: shown.slice(0, -1) }
}

/** What the time cursor says beside what is chosen, and how it is moved where nothing is. */
function timeAside(model: Model): string {
  const top = model.overlays.at(-1)
  const empty = top?.kind === 'prompt' && top.prompt.text === ''
  const text = empty ? 'now; arrows step, H L by day, or type: yesterday 22:40' : steppedText(model)
  return text === '' ? '' : `  ${text}`
}

/** The end of a long text stays in sight, with the cursor. */
function promptRow(
  prompt: { readonly label: string; readonly text: string; readonly cursor: number; readonly aside: string },
  columns: number,
): BottomRow {
  const { label, text, cursor, aside } = prompt
  const room = Math.max(4, columns - cellWidth(label) - 1)
  const before = cutStart(text.slice(0, cursor), room)
  const at = cellWidth(label) + cellWidth(before)
  return {
    line: fitLine([span(label, 'key'), span(before + text.slice(cursor)), span(aside, 'dim')], columns),
    cursor: Math.min(at, columns - 1),
  }
}

/** What can be pressed here, as much as fits; `?` always does. */
export function hintLine(model: Model): Line {
  // The last cell of the screen stays untouched.
  const columns = model.size.columns - 1
  const top = model.overlays.at(-1)
  const all = hintsFor(model)
  const last: Line =
    top === undefined && model.stage.kind === 'open'
      ? [span('?', 'key'), span(columns < sideColumnsMin ? ' keys' : ' all keys')]
      : []
  const spans: Span[] = []
  let used = lineWidth(last)
  for (const { keys, text } of all) {
    const width = cellWidth(keys) + cellWidth(text) + 3
    if (used + width > columns) break
    spans.push(span(keys, 'key'), span(` ${text}  `))
    used += width
  }
  return fitLine([...spans, ...last], columns)
}

function hintsFor(model: Model): readonly { readonly keys: string; readonly text: string }[] {
  const top = model.overlays.at(-1)
  if (top?.kind === 'panel') return overlayHints(model)
  if (top !== undefined) return promptHints(top.kind)
  switch (model.stage.kind) {
    case 'first-start':
      return bindingHints(startMap)
    case 'failed':
      return bindingHints(failedMap)
    case 'opening':
      return [{ keys: 'q', text: 'quit' }]
    case 'open':
      return hintsOf(model)
  }
}

const bindingHints = ({ live }: KeyMap): readonly { readonly keys: string; readonly text: string }[] =>
  live.flatMap(({ keys: [first = ''], hint }) => (hint === undefined ? [] : [{ keys: keysText(first), text: hint }]))

const promptHints = (kind: 'prompt' | 'palette'): readonly { keys: string; text: string }[] => [
  { keys: 'Enter', text: kind === 'palette' ? 'runs' : 'done' },
  { keys: 'Esc', text: 'leaves it' },
  ...(kind === 'palette' ? [{ keys: 'Up Down', text: 'choose' }] : []),
]

/** What the chosen row would be on a command line; for tall screens. */
export function equivalentLine(model: Model): Line {
  if (model.stage.kind !== 'open' || model.overlays.length > 0) return []
  const command = paneCommand(model)
  return command === undefined ? [] : [span(`$ ${command}`, 'dim')]
}

const isDamaged = ({ status }: Model, path: GovernedPath): boolean =>
  status.report?.changes.some(change => change.path === path && change.state === 'damaged') ?? false

function paneCommand(model: Model): string | undefined {
  const { panes } = model
  switch (model.pane) {
    case 'changes': {
      const change = panes.changes.rows[panes.changes.list.cursor]
      if (change === undefined) return 'sentctl status'
      if (change.state === 'damaged') return commandLine({ do: 'repair', paths: [change.path] })
      return commandLine({ do: 'restore', paths: [change.path], to: 'now' })
    }
    case 'versions': {
      const row = panes.versions.rows[panes.versions.list.cursor]
      if (row?.kind !== 'version') return undefined
      return commandLine({ do: 'restore', paths: [panes.versions.path], to: `#${row.version.seq}` })
    }
    case 'files': {
      const entry = panes.files.rows[panes.files.list.cursor]
      const differs = entry !== undefined && '~+-!'.includes(entry.mark)
      if (model.past !== undefined && entry !== undefined)
        return commandLine({ do: 'restore', paths: [entry.path], to: stateTextOf(model.past) })
      if (entry?.mark === '!' && isDamaged(model, entry.path)) return commandLine({ do: 'repair', paths: [entry.path] })
      return differs
        ? commandLine({ do: 'restore', paths: [entry.path], to: 'now' })
        : `sentctl ls ${quoted(displayBytes(panes.files.path) || '.')}`
    }
    case 'trace':
      return 'sentctl log -n 20'
    case 'timeline': {
      const to = rowState(panes.timeline.rows[panes.timeline.list.cursor])
      return to === undefined ? 'sentctl snapshot list' : commandLine({ do: 'rollback', to })
    }
    case 'difference': {
      const change = panes.difference.rows[panes.difference.list.cursor]
      return change === undefined
        ? undefined
        : commandLine({ do: 'restore', paths: [change.path], to: panes.difference.from })
    }
  }
}
