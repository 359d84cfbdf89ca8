// The rows of a detail area: text, hex or a difference, cut to its size.
import { type Content, hexRowBytes } from '../state/content.ts'
import { bytesText } from './format.ts'
import { emptyLine, type Line, line, type Role, span } from './line.ts'
import { safeText, wrap } from './text.ts'

const signRoles: Readonly<Record<string, Role>> = { '-': 'removed', '+': 'added', '@': 'hunk', ' ': 'plain' }

/** At most `height` rows. With `focused` the hunk under the cursor carries a `>`. */
export function contentLines(
  content: Content,
  area: { readonly width: number; readonly height: number },
  focused: boolean,
): Line[] {
  const { width, height } = area
  if (height <= 0) return []
  if (content.problem !== undefined) return problemLines(content.problem.text, content.problem.hint, width, height)
  if (content.diff !== undefined) return diffLines(content, height, focused)
  if (content.preview === undefined) return content.loading ? [line('...', 'dim')] : []
  const { preview, scroll } = content
  if (preview.kind === 'binary') {
    const rows = hexLines(preview.bytes, scroll, height - 1)
    return [...rows, line(`binary, ${bytesText(preview.size)}${preview.partial ? ', beginning shown' : ''}`, 'dim')]
  }
  if (preview.size === 0) return [line('empty', 'dim')]
  const rows = preview.lines.slice(scroll, scroll + height).map(text => line(text))
  if (preview.partial && rows.length < height)
    rows.push(line(`-- more: ${bytesText(preview.size)} in all, e opens it`, 'dim'))
  return rows
}

export const problemLines = (text: string, hint: string, width: number, height: number): Line[] =>
  [
    ...wrap(safeText(text), width).map(part => line(part, 'bad')),
    ...wrap(safeText(hint), width).map(part => line(part, 'dim')),
  ].slice(0, height)

const kindTexts = {
  binary: 'binary: the bytes differ',
  'too-large': 'too large to compare line by line',
  same: 'same content',
  other: 'not files on both sides',
  text: 'same lines',
} as const

function diffLines(content: Content, height: number, focused: boolean): Line[] {
  const { diff, scroll, hunk, marks } = content
  if (diff === undefined) return []
  if (diff.rows.length === 0) return [line(kindTexts[diff.kind], 'dim')]
  const room = height > 2 ? height - 1 : height
  const rows = diff.rows.slice(scroll, scroll + room).map(row => {
    if (row.sign !== '@') return line(`${row.sign}${row.text}`, signRoles[row.sign] ?? 'plain')
    const box = marks.has(row.hunk) ? '[*] ' : marks.size > 0 || focused ? '[ ] ' : ''
    return [
      span(
        `${focused && row.hunk === hunk ? '>' : ''}${box}${row.text}`,
        focused && row.hunk === hunk ? 'selected' : 'hunk',
      ),
    ]
  })
  if (height <= 2) return rows
  while (rows.length < room) rows.push(emptyLine)
  const box = marks.has(hunk) ? '[*]' : '[ ]'
  return [
    ...rows,
    line(`${box} hunk ${hunk}/${diff.hunks}   ${focused ? 'Space marks' : 'Tab marks'}, J K scroll`, 'dim'),
  ]
}

function hexLines(bytes: Uint8Array, scroll: number, height: number): Line[] {
  const rows: Line[] = []
  for (let row = scroll; row < scroll + height && row * hexRowBytes < bytes.length; row++) {
    const part = bytes.subarray(row * hexRowBytes, (row + 1) * hexRowBytes)
    const hex = [...part].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const text = [...part].map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    rows.push([
      span(`${(row * hexRowBytes).toString(16).padStart(5, '0')} `, 'dim'),
      span(hex.padEnd(hexRowBytes * 3)),
      span(text, 'dim'),
    ])
  }
  return rows
}
