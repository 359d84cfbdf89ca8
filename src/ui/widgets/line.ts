// What components draw: a screen row as spans of text with a role. Roles become colours, bold and reverse in the
// theme; pure functions make lines, so that every row can be tested as plain text.
import { cellWidth, cut } from './text.ts'

/** What a piece of text means. A theme says how each looks; none is told apart by colour alone. */
export type Role =
  | 'plain'
  | 'dim' // beside the point
  | 'strong' // titles, what is active
  | 'title' // the title row
  | 'selected' // the row with the cursor
  | 'cursor' // the row with the cursor in the area that does not have the focus
  | 'marked'
  | 'changed'
  | 'new'
  | 'gone'
  | 'damaged'
  | 'same'
  | 'added'
  | 'removed'
  | 'hunk'
  | 'key' // a key in hints and help
  | 'good'
  | 'bad'
  | 'past' // the banner of a past state

export interface Span {
  readonly text: string
  readonly role: Role
}

export type Line = readonly Span[]

export const span = (text: string, role: Role = 'plain'): Span => ({ text, role })
export const line = (text: string, role: Role = 'plain'): Line => [{ text, role }]
export const emptyLine: Line = []

/** The text alone: for tests and for copying. */
export const plainText = (spans: Line): string => spans.map(({ text }) => text).join('')

export const lineWidth = (spans: Line): number => spans.reduce((width, { text }) => width + cellWidth(text), 0)

/** Spans cut or padded to exactly `width` cells; the padding takes the role of `fill`. */
export function fitLine(spans: Line, width: number, fill: Role = 'plain'): Line {
  const fitted: Span[] = []
  let left = width
  for (const { text, role } of spans) {
    if (left <= 0) break
    const kept = cut(text, left)
    if (kept !== '') fitted.push({ text: kept, role })
    left -= cellWidth(kept)
  }
  if (left > 0) fitted.push({ text: ' '.repeat(left), role: fill })
  return fitted
}

/** The same spans in one role: a selected row. */
export const inRole = (spans: Line, role: Role): Line => [{ text: plainText(spans), role }]

/** A line with one part at each end; the left one gives way. */
export function endsLine(left: Line, right: Line, width: number): Line {
  const rightWidth = Math.min(width, lineWidth(right))
  const gap = rightWidth > 0 && rightWidth < width ? 1 : 0
  return [
    ...fitLine(left, Math.max(0, width - rightWidth - gap)),
    ...(gap > 0 ? [span(' ')] : []),
    ...fitLine(right, rightWidth),
  ]
}
