// From whole frames to the bytes that turn one into the next: rows that did not change cost nothing. This is the seam
// where a finer stage (cells, scroll regions, pacing) will stand.
import { cellWidth } from '../widgets/text.ts'

export interface CursorCell {
  /** From 0. */
  readonly row: number
  readonly column: number
}

export interface Frame {
  readonly rows: readonly string[]
  readonly columns: number
  readonly cursor: CursorCell | undefined
}

const position = (row: number, column: number): string => `\x1b[${row + 1};${column + 1}H`
const withoutStyles = (row: string): string => row.replace(/\x1b\[[\d;]*m/g, '')

/** What has to be written so that the terminal, which shows `before`, shows `after`; '' when they are the same. */
export function frameBytes(before: Frame | undefined, after: Frame): string {
  let bytes = before === undefined ? '\x1b[0m\x1b[2J' : ''
  for (const [index, row] of after.rows.entries()) {
    if (row === (before?.rows[index] ?? '') && (before !== undefined || row === '')) continue
    bytes += position(index, 0) + row
    // After a full row the terminal's cursor hangs behind the last cell, and erasing would take that cell away.
    if (cellWidth(withoutStyles(row)) < after.columns) bytes += '\x1b[K'
  }
  for (let row = after.rows.length; row < (before?.rows.length ?? 0); row++) bytes += `${position(row, 0)}\x1b[K`
  return bytes + cursorBytes(before?.cursor, after.cursor, bytes !== '')
}

/** The cursor is seen only where text is typed. */
function cursorBytes(before: CursorCell | undefined, after: CursorCell | undefined, moved: boolean): string {
  if (after === undefined) return before === undefined ? '' : '\x1b[?25l'
  const shown = before === undefined ? '\x1b[?25h' : ''
  const same = before !== undefined && before.row === after.row && before.column === after.column
  return same && !moved ? '' : position(after.row, after.column) + shown
}
