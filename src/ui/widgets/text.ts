// Text in terminal cells: how wide it is, how it is cut and padded, and how foreign text is made safe to draw.
// Everything that comes from files goes through `safeText` (or displayBytes for names) before it reaches a row.

// Marks that stand on the character before them, and what terminals draw as nothing.
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u
const wideEmoji = /^\p{Emoji_Presentation}$/u

// Blocks that terminals draw in two cells (Unicode's East Asian Wide and Fullwidth), first and last code point.
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
]

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x300) return 1
  if (zeroWidth.test(character)) return 0
  if (wideRanges.some(([first, last]) => code >= first && code <= last)) return 2
  return wideEmoji.test(character) ? 2 : 1
}

/** How many cells a text without control characters takes. */
export function cellWidth(text: string): number {
  if (isAscii(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** The longest beginning of a text that fits; when something is lost, the last cell says so with `~`. */
export function cut(text: string, width: number): string {
  if (width <= 0) return ''
  if (isAscii(text)) return text.length <= width ? text : `${text.slice(0, width - 1)}~`
  if (cellWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const character of text) {
    const next = used + characterWidth(character)
    if (next > width - 1) break
    kept += character
    used = next
  }
  return `${kept}~`
}

/** Like `cut`, but what is lost is the beginning: the end of a path says more than its start. */
export function cutStart(text: string, width: number): string {
  if (width <= 0) return ''
  if (cellWidth(text) <= width) return text
  const characters = [...text]
  let used = 0
  let from = characters.length
  while (from > 0) {
    const next = used + characterWidth(characters[from - 1]!)
    if (next > width - 1) break
    used = next
    from--
  }
  return `~${characters.slice(from).join('')}`
}

/** Cut or padded on the right to exactly `width` cells. */
export function fit(text: string, width: number): string {
  const kept = cut(text, width)
  return kept + ' '.repeat(Math.max(0, width - cellWidth(kept)))
}

/** Cut or padded on the left to exactly `width` cells: numbers. */
export function fitRight(text: string, width: number): string {
  const kept = cut(text, width)
  return ' '.repeat(Math.max(0, width - cellWidth(kept))) + kept
}

const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}\p{Cs}]/gu
const tabCells = 4

/**
 * A line of foreign text as text that can not move the cursor, change colours or reorder what is beside it: tabs
 * become spaces, other control, format and unassigned characters `\xNN` or `\u{NNNN}`.
 */
export function safeText(line: string): string {
  if (isAscii(line)) return line
  return line.replaceAll('\t', ' '.repeat(tabCells)).replace(unsafe, character => {
    const code = character.codePointAt(0) ?? 0
    const hex = code.toString(16).toUpperCase()
    return code <= 0xff ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`
  })
}

/** A word in pieces of at most `width` cells: a hash or a path that is longer than the row is still shown whole. */
function broken(word: string, width: number): string[] {
  const pieces: string[] = []
  let piece = ''
  let used = 0
  for (const character of word) {
    const cells = characterWidth(character)
    if (piece !== '' && used + cells > width) {
      pieces.push(piece)
      piece = ''
      used = 0
    }
    piece += character
    used += cells
  }
  return [...pieces, piece]
}

/** Long text as lines of at most `width` cells, broken at spaces where there are some. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      const joined = line === '' ? word : `${line} ${word}`
      if (cellWidth(joined) <= width) {
        line = joined
        continue
      }
      if (line !== '') lines.push(line)
      const pieces = broken(word, width)
      line = pieces.pop() ?? ''
      lines.push(...pieces)
    }
    lines.push(line)
  }
  return lines
}
