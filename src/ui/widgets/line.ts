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

/**
 * Spans as lines of at most `width` cells, broken at blanks where there are some. What goes on stands below the text of
 * a list or of a help row: after its first span where that ends in blanks, else two cells further in than it began.
 */
export function wrapLine(spans: Line, width: number): Line[] {
  if (lineWidth(spans) <= width) return [spans]
  const indent = ' '.repeat(Math.min(hangingCells(spans), Math.floor(width / 2)))
  const lines: Span[][] = [[]]
  let used = 0
  const put = (text: string, role: Role): void => {
    lines.at(-1)?.push({ text, role })
    used += cellWidth(text)
  }
  for (const { text, role } of spans)
    for (const part of text.split(/(?<= )(?=[^ ])/)) {
      let rest = part
      if (used + cellWidth(rest.trimEnd()) > width && used > indent.length) {
        lines.push([])
        used = 0
        put(indent, role)
      }
      while (cellWidth(rest.trimEnd()) > width - used) {
        const head = beginning(rest, width - used)
        put(head, role)
        rest = rest.slice(head.length)
        lines.push([])
        used = 0
        put(indent, role)
      }
      if (rest !== '') put(used + cellWidth(rest) > width ? rest.trimEnd() : rest, role)
    }
  return lines
}

function hangingCells([first, ...rest]: Line): number {
  const text = first?.text ?? ''
  if (rest.length > 0 && text.endsWith(' ')) return cellWidth(text)
  const leading = text.length - text.trimStart().length
  return leading === 0 ? 0 : leading + 2
}

/** The first characters that take at most `width` cells, and one in any case. */
function beginning(text: string, width: number): string {
  let kept = ''
  for (const character of text) {
    if (kept !== '' && cellWidth(kept) + cellWidth(character) > width) break
    kept += character
  }
  return kept
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
