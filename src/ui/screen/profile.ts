// What the terminal can show, from its name and the locale. Colours are never the only signal, so the poorer profiles
// lose nothing but looks.

export interface Profile {
  readonly name: 'full' | 'mono' | 'ascii'
  readonly colour: boolean
  readonly unicode: boolean
}

const profiles: Readonly<Record<Profile['name'], Profile>> = {
  full: { name: 'full', colour: true, unicode: true },
  mono: { name: 'mono', colour: false, unicode: true },
  ascii: { name: 'ascii', colour: false, unicode: false },
}

type Environment = Readonly<Record<string, string | undefined>>

/** The profile that was asked for, else what TERM, NO_COLOR and the locale say. */
export function detectProfile(environment: Environment, wanted: string | undefined): Profile {
  if (wanted === 'full' || wanted === 'mono') return profiles[wanted]
  if (wanted !== undefined) return profiles.ascii
  const { TERM = 'dumb', NO_COLOR = '' } = environment
  const unicode = hasUnicode(environment, TERM)
  const colour = NO_COLOR === '' && !/^(?:dumb|vt[12]\d\d|vt5\d|cons25-m)/.test(TERM)
  if (colour) return { ...profiles.full, unicode }
  return unicode ? profiles.mono : profiles.ascii
}

function hasUnicode({ LC_ALL, LC_CTYPE, LANG }: Environment, term: string): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG || ''
  return /utf-?8/i.test(locale) && !/^(?:linux|vt\d|dumb|ansi)/.test(term)
}
