// How each role looks. The built-in theme keeps to the sixteen colours that the user's terminal has chosen, so it fits
// dark and light ones; whatever a colour says is also said by a letter, a sign, bold or reverse.
import type { Line, Role } from '../widgets/line.ts'

export type Colour = 'black' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'white' | 'grey'

export interface Look {
  readonly colour?: Colour
  readonly bold?: boolean
  readonly dim?: boolean
  readonly reverse?: boolean
  readonly underline?: boolean
}

export type Theme = Readonly<Record<Role, Look>>

export const builtInTheme: Theme = {
  plain: {},
  dim: { colour: 'grey' },
  strong: { bold: true },
  title: { bold: true },
  selected: { reverse: true },
  cursor: { bold: true, underline: true },
  marked: { bold: true, colour: 'magenta' },
  changed: { colour: 'yellow', bold: true },
  new: { colour: 'green', bold: true },
  gone: { colour: 'red' },
  damaged: { colour: 'red', bold: true, reverse: true },
  same: { colour: 'green' },
  added: { colour: 'green' },
  removed: { colour: 'red' },
  hunk: { colour: 'cyan' },
  key: { bold: true, colour: 'cyan' },
  good: { colour: 'green', bold: true },
  bad: { colour: 'red', bold: true },
  past: { reverse: true, bold: true },
}

const colourCodes: Readonly<Record<Colour, number>> = {
  black: 30,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  white: 37,
  grey: 90,
}

/** What turns a line into text with its looks. `unicode: false` leaves nothing beyond ASCII. */
export type Painter = (line: Line) => string

/** Without colours bold, underline and reverse stay: the selection must never vanish. */
export function createPainter(theme: Theme, profile: { readonly colour: boolean; readonly unicode: boolean }): Painter {
  const starts = new Map<Role, string>()
  for (const [role, look] of Object.entries(theme) as [Role, Look][]) starts.set(role, startOf(look, profile.colour))
  return line => {
    let painted = ''
    for (const { text, role } of line) {
      const start = starts.get(role) ?? ''
      const shown = profile.unicode ? text : asciiOnly(text)
      painted += start === '' ? shown : `${start}${shown}\x1b[0m`
    }
    return painted
  }
}

function startOf(look: Look, colour: boolean): string {
  const codes: number[] = []
  if (look.bold) codes.push(1)
  if (look.dim) codes.push(2)
  if (look.underline) codes.push(4)
  if (look.reverse) codes.push(7)
  if (colour && look.colour !== undefined) codes.push(colourCodes[look.colour])
  return codes.length === 0 ? '' : `\x1b[${codes.join(';')}m`
}

const asciiOnly = (text: string): string => text.replace(/[^\x20-\x7e]/gu, '?')
