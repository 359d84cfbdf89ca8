// From the words of a command line to the arguments of a handler: defaults, types, limits, and what is answered when
// something does not fit. The words may come from a shell or from the palette.

import { SentientError } from '../core/errors.ts'
import type { CommandSpec, FlagSpec, PositionalSpec } from './spec.ts'
import { didYouMean } from './suggest.ts'

export type ArgValue = string | number | boolean | readonly string[] | readonly number[] | undefined

export type Flags = Readonly<Record<string, FlagSpec>>

/** A flag that the verb does not have, with the nearest that it has. */
export function unknownFlag(name: string, flags: Flags, verb: string | undefined): SentientError {
  const shown = name.length === 1 ? `-${name}` : `--${name}`
  const known = Object.entries(flags).map(([key, flag]) =>
    flag.type === 'boolean' && flag.default ? `no-${key}` : key,
  )
  const guess = name.length === 1 ? undefined : didYouMean(name, known, '--')
  return new SentientError('USAGE', {
    what: verb === undefined ? 'No such option' : `sentctl ${verb} has no such option`,
    found: shown,
    hint: guess ?? helpHint(verb),
  })
}

export const helpHint = (verb: string | undefined): string => `See sentctl help${verb === undefined ? '' : ` ${verb}`}.`

/** The values of flags by their names in camel case, with defaults; `values` holds what was given, text or boolean. */
export function flagArgs(flags: Flags, values: Readonly<Record<string, unknown>>, verb: string | undefined) {
  const args: Record<string, ArgValue> = {}
  for (const [name, flag] of Object.entries(flags)) args[camel(name)] = flagValue(name, flag, values[name], verb)
  return args
}

function flagValue(name: string, flag: FlagSpec, given: unknown, verb: string | undefined): ArgValue {
  const all = given === undefined ? [] : Array.isArray(given) ? given : [given]
  if (flag.type === 'boolean') return all.length === 0 ? (flag.default ?? false) : all.at(-1) === true
  if (all.some(item => typeof item !== 'string')) throw unknownFlag(`no-${name}`, { [name]: flag }, verb)
  const texts = all as string[]
  if (texts.length === 0 && 'required' in flag && flag.required === true) {
    throw new SentientError('USAGE', {
      what: `--${name} is missing`,
      expected: `--${name} ${flag.placeholder}`,
      hint: helpHint(verb),
    })
  }
  switch (flag.type) {
    case 'text': {
      const text = texts.at(-1)
      if (text !== undefined) checkChoice(`--${name}`, text, flag.choices, verb)
      return text ?? flag.default
    }
    case 'texts':
      return texts
    case 'integer':
      return texts.length === 0 ? flag.default : integerOf(`--${name}`, texts.at(-1)!, { ...flag, verb })
    case 'integers':
      return texts.flatMap(text => text.split(',')).map(text => integerOf(`--${name}`, text, { ...flag, verb }))
  }
}

function integerOf(
  shown: string,
  text: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER, verb }: { min?: number; max?: number; verb: string | undefined },
): number {
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const limits = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new SentientError('USAGE', {
    what: `${shown} is wrong`,
    expected: `a whole number ${limits}`,
    found: `"${text}"`,
    hint: helpHint(verb),
  })
}

function checkChoice(
  shown: string,
  text: string,
  choices: readonly string[] | undefined,
  verb: string | undefined,
): void {
  if (choices === undefined || choices.includes(text)) return
  const guess = didYouMean(text, choices)
  throw new SentientError('USAGE', {
    what: `${shown} is wrong`,
    expected: choices.join(', '),
    found: `"${text}"`,
    hint: guess ?? helpHint(verb),
  })
}

/** Gives each positional its words: one that takes many leaves as many as the required ones behind it need. */
export function positionalArgs(spec: CommandSpec, words: readonly string[]): Record<string, ArgValue> {
  const args: Record<string, ArgValue> = {}
  let next = 0
  for (const [index, positional] of spec.positionals.entries()) {
    const neededBehind = spec.positionals.slice(index + 1).filter(({ required }) => required === true).length
    const available = Math.max(0, words.length - next - neededBehind)
    const taken = words.slice(next, next + (positional.many === true ? available : Math.min(1, available)))
    next += taken.length
    if (taken.length === 0 && positional.required === true) throw missingPositional(spec, positional)
    for (const word of taken) checkChoice(positional.name, word, positional.choices, spec.name)
    args[camel(positional.name.toLowerCase())] = positional.many === true ? taken : taken[0]
  }
  if (next < words.length) {
    throw new SentientError('USAGE', {
      what: `sentctl ${spec.name} takes no more arguments`,
      found: `"${words[next]}"`,
      hint: helpHint(spec.name),
    })
  }
  return args
}

function missingPositional(spec: CommandSpec, { name, about }: PositionalSpec): SentientError {
  return new SentientError('USAGE', {
    what: `${name} is missing`,
    expected: `${name}: ${about}`,
    hint: helpHint(spec.name),
  })
}

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
