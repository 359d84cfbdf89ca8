// Which characters are surely one column wide and one grapheme cluster each, whatever stands beside them in a string
// of such characters. The bundle measures text of these alone without Unicode tables, whose regular expressions and
// segmenter cost 50 ms to set up: more than all the rest of a cold start.

/**
 * Ranges of UTF-16 code units: ASCII, Latin, Greek, Cyrillic, punctuation, arrows, lines, blocks, shapes, braille.
 * Left out: controls, the soft hyphen (no width), combining marks, anything wide or drawn as an emoji.
 */
export const plainRanges: readonly (readonly [number, number])[] = [
  [0x20, 0x7e],
  [0xa0, 0xac],
  [0xae, 0x2ff],
  [0x370, 0x377],
  [0x391, 0x3a1],
  [0x3a3, 0x482],
  [0x48a, 0x52f],
  [0x2010, 0x2027],
  [0x2030, 0x205e],
  [0x2190, 0x21ff],
  [0x2500, 0x25fc],
  [0x2800, 0x28ff],
]

const plain = 1
/** A control character is a cluster of its own too, but for CR, which LF joins. It has no width. */
const control = 2

const kinds = new Uint8Array(0x2900)
for (const [first, last] of plainRanges) kinds.fill(plain, first, last + 1)
kinds.fill(control, 0x00, 0x20)
kinds[0x0d] = 0

function consistsOf(text: string, wanted: number): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (((kinds[text.charCodeAt(index)] ?? 0) & wanted) === 0) return false
  }
  return true
}

/** True when every character is plain: the text is as wide as it is long. */
export function isPlainText(text: string): boolean {
  return consistsOf(text, plain)
}

/** True when every character is surely a cluster of its own. */
export function hasPlainClusters(text: string): boolean {
  return consistsOf(text, plain | control)
}
