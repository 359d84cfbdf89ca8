// Colours, widths, sizes and times as people read them.

import { grouped } from '../commands/words.ts'

/** Wraps text in SGR codes, or leaves it alone. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  blue(text: string): string
}

const same = (text: string): string => text
const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    text === '' ? '' : `\x1b[${on}m${text}\x1b[${off}m`

export const plainStyle: Style = { bold: same, dim: same, red: same, green: same, yellow: same, blue: same }

export const colourStyle: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  blue: sgr(34, 39),
}

/** Plain numbers below 1000, then k, M, G, T of 1024 with at most one decimal: 310, 1.2k, 48M. */
export function shortSize(bytes: number): string {
  let value = bytes
  let unit = ''
  for (const next of ['k', 'M', 'G', 'T', 'P']) {
    if (value < 999.5) break
    value /= 1024
    unit = next
  }
  if (unit === '') return String(bytes)
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}${unit}`
}

/** `310 -> 412`; in full where the short forms are the same. */
export function sizeChange(before: number, after: number): string {
  const [was, is] = [shortSize(before), shortSize(after)]
  return was === is ? `${grouped(before)} -> ${grouped(after)}` : `${was} -> ${is}`
}

/** 800 ms, 20 s, 3 min 20 s, 2 h 5 min */
export function duration(ms: number): string {
  if (ms < 950) return `${Math.max(1, Math.round(ms))} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

const two = (value: number): string => String(value).padStart(2, '0')

/** Local time of an ISO time: 2026-11-22 22:40:03 */
export function localTime(iso: string): string {
  return `${localMinute(iso)}:${two(new Date(iso).getSeconds())}`
}

/** Local time of an ISO time: 2026-11-22 22:40 */
export function localMinute(iso: string): string {
  const date = new Date(iso)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`
}

/** Control, bidi and invisible characters shown escaped, so that foreign text cannot steer a terminal. */
export function safeText(text: string): string {
  return text.replace(unsafeCharacters, character =>
    character === '\n' ? '\\n' : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
}

/** As safeText, but newlines and tabs stay. */
export function safeLines(text: string): string {
  return text.replace(unsafeCharacters, character =>
    character === '\n' || character === '\t' ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
}

const unsafeCharacters = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu

/** Lines of at most `width` characters, broken at spaces; a longer word stays whole. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  if (line !== '') lines.push(indent + line)
  return lines
}

/** Rows with each column but the last padded to its widest cell; a column of `right` is aligned right. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = [], gap = '  '): string[] {
  return columnsOf(rows, row => row, { right, gap })
}

/** The same of very many things: the cells of each are made twice instead of being kept. */
export function columnsOf<T>(
  items: readonly T[],
  rowOf: (item: T) => readonly string[],
  { right = [], gap = '  ' }: { readonly right?: readonly number[]; readonly gap?: string } = {},
): string[] {
  const widths: number[] = []
  for (const item of items)
    for (const [i, cell] of rowOf(item).entries()) widths[i] = Math.max(widths[i] ?? 0, visibleLength(cell))
  return items.map(item => {
    const row = rowOf(item)
    return row
      .map((cell, i) => {
        const space = ' '.repeat(widths[i]! - visibleLength(cell))
        if (right.includes(i)) return space + cell
        return i === row.length - 1 ? cell : cell + space
      })
      .join(gap)
      .trimEnd()
  })
}

/** Characters without SGR codes; one cell each, which is right for what stands in columns here. */
function visibleLength(text: string): number {
  return text.includes('\x1b') ? text.replace(/\x1b\[\d+m/g, '').length : text.length
}
