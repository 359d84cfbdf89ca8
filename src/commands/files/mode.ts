// Modes as people write them: octal, or symbolic as for chmod(1).

import { SentientError } from '../../core/errors.ts'
import type { FileKind } from '../../core/host/host.ts'

export type ModeChange = (current: number, kind: FileKind) => number

/** Throws USAGE for anything but octal digits up to 7777. */
export function octalMode(text: string): number {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8)
  throw wrongMode(text)
}

export function modeChange(text: string): ModeChange {
  if (/^[0-7]{1,4}$/.test(text)) {
    const mode = Number.parseInt(text, 8)
    return () => mode
  }
  const clauses = text.split(',').flatMap(clause => parseClause(clause, text))
  return (current, kind) => clauses.reduce((mode, clause) => applyClause(clause, mode, kind), current)
}

interface Clause {
  /** Of `ugo`. */
  readonly who: string
  readonly operator: string
  readonly permissions: string
}

function parseClause(clause: string, whole: string): Clause[] {
  const match = /^([ugoa]*)((?:[-+=][rwxXst]*)+)$/.exec(clause)
  if (match === null) throw wrongMode(whole)
  const who = match[1] === '' || match[1]!.includes('a') ? 'ugo' : match[1]!
  return [...match[2]!.matchAll(/([-+=])([rwxXst]*)/g)].map(([, operator, permissions]) => ({
    who,
    operator: operator!,
    permissions: permissions!,
  }))
}

const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 }
const specials: Readonly<Record<string, number>> = { u: 0o4000, g: 0o2000, o: 0 }

function applyClause({ who, operator, permissions }: Clause, mode: number, kind: FileKind): number {
  let bits = 0
  let cleared = 0
  const executable =
    permissions.includes('x') || (permissions.includes('X') && (kind === 'dir' || (mode & 0o111) !== 0))
  for (const one of who) {
    const shift = shifts[one]!
    if (permissions.includes('r')) bits |= 4 << shift
    if (permissions.includes('w')) bits |= 2 << shift
    if (executable) bits |= 1 << shift
    if (permissions.includes('s')) bits |= specials[one]!
    cleared |= (7 << shift) | (kind === 'dir' ? 0 : specials[one]!)
  }
  if (who.includes('o')) {
    cleared |= 0o1000
    if (permissions.includes('t')) bits |= 0o1000
  }
  if (operator === '+') return mode | bits
  if (operator === '-') return mode & ~bits
  return (mode & ~cleared) | bits
}

function wrongMode(text: string): SentientError {
  return new SentientError('USAGE', {
    what: 'MODE is wrong',
    expected: 'octal (644) or symbolic (u+x, go-w)',
    found: `"${text}"`,
    hint: 'See sentctl help chmod.',
  })
}
