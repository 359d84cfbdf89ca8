// What a detail area shows of one path: the beginning of a file, or the difference between two of its states with
// hunks that can be marked. Several panes have one; each asks on a channel of its own.
import type { FileDiff, GovernedPath } from '../../core/timeline/model.ts'
import { safeText } from '../widgets/text.ts'
import { clamp } from './list.ts'
import type { Effect, Message, Problem, Step } from './model.ts'
import type { StateText } from './operation.ts'
import type { Preview, Query } from './query.ts'

export interface DiffRow {
  readonly sign: ' ' | '-' | '+' | '@'
  readonly text: string
  /** Number of the hunk that the row belongs to. */
  readonly hunk: number
}

export interface DiffRows {
  readonly kind: FileDiff['kind']
  readonly rows: readonly DiffRow[]
  readonly hunks: number
  readonly added: number
  readonly removed: number
}

export interface Content {
  /** What it shows; '' is nothing. Only an answer for the same is taken. */
  readonly key: string
  readonly preview?: Preview
  readonly diff?: DiffRows
  readonly problem?: Problem
  readonly loading: boolean
  readonly scroll: number
  /** The hunk with the cursor, 1-based; 0 when there are none. */
  readonly hunk: number
  readonly marks: ReadonlySet<number>
}

export const noContent: Content = { key: '', loading: false, scroll: 0, hunk: 0, marks: new Set() }

/** What a detail area may be asked to show. */
export type ContentWish =
  | { readonly show: 'file'; readonly path: GovernedPath; readonly at: StateText | 'disk' }
  | { readonly show: 'diff'; readonly path: GovernedPath; readonly from: StateText; readonly to: StateText | 'disk' }

const previewDelayMs = 60

/** Shows something else; the same again only with `fresh`, which keeps scroll and marks. */
export function wish(content: Content, channel: string, wanted: ContentWish | undefined, fresh = false): Step<Content> {
  const key = wanted === undefined ? '' : keyOf(wanted)
  if (key === content.key && !fresh) return [content, []]
  if (wanted === undefined) return [noContent, [{ type: 'forget', channel }]]
  const query: Query =
    wanted.show === 'file'
      ? { ask: 'file', path: wanted.path, at: wanted.at }
      : { ask: 'fileDiff', path: wanted.path, from: wanted.from, to: wanted.to }
  const ask: Effect = { type: 'ask', channel, query, delayMs: previewDelayMs }
  return [key === content.key ? { ...content, loading: true } : { ...noContent, key, loading: true }, [ask]]
}

const keyOf = (wanted: ContentWish): string =>
  wanted.show === 'file' ? `file ${wanted.at} ${wanted.path}` : `diff ${wanted.from} ${wanted.to} ${wanted.path}`

/** Takes the answer to the wish; other messages leave the content as it is. */
export function contentReceived(content: Content, channel: string, message: Message): Content {
  if (message.type === 'refused' && message.channel === channel)
    return { ...content, loading: false, problem: message.problem }
  // Hunks that were brought back are not marked any more.
  if (message.type === 'operated' && content.marks.size > 0) return { ...content, marks: new Set() }
  if (message.type !== 'answer' || message.channel !== channel) return content
  if (message.ask === 'file')
    return { ...without(content), loading: false, ...(message.answer && { preview: message.answer }) }
  if (message.ask !== 'fileDiff') return content
  const diff = diffRowsOf(message.answer)
  const marks = new Set([...content.marks].filter(hunk => hunk <= diff.hunks))
  const hunk = clamp(content.hunk, Math.min(1, diff.hunks), diff.hunks)
  const scroll = clamp(content.scroll, 0, diff.rows.length - 3)
  return { ...without(content), loading: false, diff, marks, hunk, scroll }
}

const without = ({ key, scroll, hunk, marks }: Content): Omit<Content, 'loading'> => ({ key, scroll, hunk, marks })

function diffRowsOf(diff: FileDiff): DiffRows {
  const rows: DiffRow[] = []
  for (const hunk of diff.hunks) {
    const start = hunk.beforeLines > 0 ? hunk.beforeStart : hunk.afterStart
    rows.push({ sign: '@', text: `@@ ${start}`, hunk: hunk.number })
    for (const text of hunk.lines) {
      const sign = text[0] === '-' || text[0] === '+' ? text[0] : ' '
      rows.push({ sign, text: safeText(text.slice(1)), hunk: hunk.number })
    }
  }
  return { kind: diff.kind, rows, hunks: diff.hunks.length, added: diff.added, removed: diff.removed }
}

/** How many rows there are to scroll through; of a binary, with sixteen bytes a row. */
export function contentLength(content: Content): number {
  if (content.diff !== undefined) return content.diff.rows.length
  if (content.preview === undefined) return 0
  return content.preview.kind === 'binary'
    ? Math.ceil(content.preview.bytes.length / hexRowBytes)
    : content.preview.lines.length
}

export const hexRowBytes = 8

export const scrolledTo = (content: Content, scroll: number): Content => ({
  ...content,
  scroll: clamp(scroll, 0, contentLength(content) - 1),
})

/** To the next hunk or the one before; the area of `height` rows scrolls when the hunk begins outside of it. */
export function hunkMoved(content: Content, by: 1 | -1, height: number): Content {
  if (content.diff === undefined || content.diff.hunks === 0) return scrolledTo(content, content.scroll + by)
  const hunk = clamp(content.hunk + by, 1, content.diff.hunks)
  const row = content.diff.rows.findIndex(({ sign, hunk: number }) => sign === '@' && number === hunk)
  const seen = row >= content.scroll && row < content.scroll + Math.floor(height / 2)
  return { ...content, hunk, scroll: seen || hunk === content.hunk ? content.scroll : Math.max(0, row) }
}

export function hunkMarked(content: Content): Content {
  if (content.hunk === 0) return content
  const marks = new Set(content.marks)
  if (!marks.delete(content.hunk)) marks.add(content.hunk)
  return { ...content, marks }
}

/** Marked hunks in order; undefined when none or all are: then the whole path is meant. */
export function markedHunks(content: Content): readonly number[] | undefined {
  if (content.marks.size === 0 || content.marks.size === content.diff?.hunks) return undefined
  return [...content.marks].sort((a, b) => a - b)
}
