// What a shell may offer where, from the table: the same for every shell.

import type { CommandSpec, Completer, FlagSpec } from '../../commands/spec.ts'
import { commandNames, nounDefaults } from '../../commands/table.ts'

export const nouns = Object.keys(nounDefaults)
export const firstWords = [...new Set(commandNames.map(name => name.split(' ')[0]!))]
export const secondWords = (noun: string): string[] =>
  commandNames.filter(name => name.startsWith(`${noun} `)).map(name => name.slice(noun.length + 1))

/** What the shell offers for a value: fixed words, or a kind of name. */
export type Values = { readonly words: readonly string[] } | { readonly kind: Completer }

export function flagValues(flag: FlagSpec): Values | undefined {
  if (flag.type === 'boolean') return undefined
  if ('choices' in flag && flag.choices !== undefined) return { words: flag.choices }
  return { kind: 'completer' in flag ? (flag.completer ?? 'none') : 'none' }
}

export function positionalValues(spec: CommandSpec, index: number): Values {
  const positional = spec.positionals[Math.min(index, spec.positionals.length - 1)]
  if (positional === undefined || (index >= spec.positionals.length && !spec.positionals.some(({ many }) => many)))
    return { kind: 'none' }
  return positional.choices === undefined ? { kind: positional.completer ?? 'none' } : { words: positional.choices }
}

export const longName = (name: string, flag: FlagSpec): string =>
  flag.type === 'boolean' && flag.default === true ? `no-${name}` : name

export const takesValue = (flag: FlagSpec): boolean => flag.type !== 'boolean'
