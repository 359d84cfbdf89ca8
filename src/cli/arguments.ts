// argv to a verb and its arguments. yargs' parser splits tokens; names, types, limits and messages come from the
// table. (The whole of yargs would cost a cold start about 30 ms more and keep a second truth about help.)

import parseTokens from 'yargs-parser'
import type { CommandSpec, FlagSpec, PositionalSpec } from '../commands/spec.ts'
import { type CommandName, commandNames, isCommandName, nounDefaults, specOf } from '../commands/table.ts'
import { SentientError } from '../core/errors.ts'
import { type GlobalArgs, globalFlags } from './globalFlags.ts'
import { didYouMean } from './suggest.ts'

export type ArgValue = string | number | boolean | readonly string[] | readonly number[] | undefined

export interface ParsedCommand {
  /** Undefined: no verb was given. */
  readonly name: CommandName | undefined
  /** A noun alone, with --help: help for all its verbs. */
  readonly noun?: string
  readonly global: GlobalArgs
  readonly args: Readonly<Record<string, ArgValue>>
}

type Flags = Readonly<Record<string, FlagSpec>>

/** Throws USAGE with a suggestion where something does not fit. */
export function parseArguments(argv: readonly string[]): ParsedCommand {
  const head = tokens(argv, globalFlags, true)
  const { name, noun, rest } = findVerb(head.positionals)
  if (name === undefined) {
    return { name, ...(noun === undefined ? {} : { noun }), global: globalArgs(head.values), args: {} }
  }
  const spec = specOf(name)
  const flags = { ...globalFlags, ...spec.flags }
  const all = tokens(rest, flags, false, name)
  const global = globalArgs({ ...head.values, ...all.values })
  if (global.help || global.version) return { name, global, args: {} }
  return { name, global, args: { ...flagArgs(spec.flags, all.values, name), ...positionalArgs(spec, all.positionals) } }
}

interface Tokens {
  readonly values: Readonly<Record<string, unknown>>
  readonly positionals: readonly string[]
}

function tokens(argv: readonly string[], flags: Flags, haltAtVerb: boolean, verb?: CommandName): Tokens {
  const names = Object.keys(flags)
  const ofType = (...types: FlagSpec['type'][]) => names.filter(name => types.includes(flags[name]!.type))
  const booleans = ofType('boolean')
  const { argv: found, error } = parseTokens.detailed(withoutBooleanValues(argv, booleans), {
    string: ['_', ...ofType('text', 'texts', 'integer', 'integers')],
    boolean: booleans,
    narg: Object.fromEntries(names.map(name => [name, booleans.includes(name) ? 0 : 1])),
    alias: Object.fromEntries(
      names.flatMap(name => (flags[name]!.short === undefined ? [] : [[name, [flags[name]!.short]]])),
    ),
    configuration: {
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
      'strip-aliased': true,
      'populate--': true,
      'halt-at-non-option': haltAtVerb,
    },
  })
  const { _: positionals, '--': behind = [], ...values } = found
  for (const name of Object.keys(values)) if (!Object.hasOwn(flags, name)) throw unknownFlag(name, flags, verb)
  if (error !== null && error !== undefined) throw missingValue(error.message, flags, verb)
  return { values, positionals: [...positionals, ...behind].map(String) }
}

/** `--flag=true` and `--flag=false` as `--flag` and `--no-flag`: the parser then never takes a word behind a flag. */
function withoutBooleanValues(argv: readonly string[], booleans: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((token, index) => {
    const match = end >= 0 && index > end ? null : /^--([a-z-]+)=(true|yes|on|false|no|off)$/.exec(token)
    if (match === null || !booleans.includes(match[1]!)) return token
    return /^(true|yes|on)$/.test(match[2]!) ? `--${match[1]}` : `--no-${match[1]}`
  })
}

function findVerb(words: readonly string[]): { name?: CommandName; noun?: string; rest: readonly string[] } {
  const [first, second] = words
  if (first === undefined) return { rest: [] }
  const pair = `${first} ${second}`
  if (second !== undefined && isCommandName(pair)) return { name: pair, rest: words.slice(2) }
  if (isCommandName(first)) return { name: first, rest: words.slice(1) }
  if (!Object.hasOwn(nounDefaults, first)) throw unknownVerb(first)
  const rest = words.slice(1)
  if (rest.some(word => word === '--help' || word === '-h')) return { noun: first, rest }
  if (second !== undefined && !second.startsWith('-')) throw unknownVerb(pair)
  return { name: nounDefaults[first]!, rest }
}

function unknownVerb(typed: string): SentientError {
  const firstWords = commandNames.flatMap(name =>
    name.includes(' ') ? [name, name.slice(0, name.indexOf(' '))] : [name],
  )
  const hint = didYouMean(typed, new Set(firstWords), 'sentctl ')
  return new SentientError('USAGE', {
    what: 'No such verb',
    found: `"${typed}"`,
    hint: hint ?? 'See sentctl help for all verbs.',
  })
}

function unknownFlag(name: string, flags: Flags, verb: CommandName | undefined): SentientError {
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

function missingValue(message: string, flags: Flags, verb: CommandName | undefined): SentientError {
  const name = /: ([a-z-]+)$/i.exec(message)?.[1] ?? ''
  const flag = Object.entries(flags).find(([key, { short }]) => key === name || short === name)
  if (flag === undefined) return new SentientError('USAGE', { what: message, hint: helpHint(verb) })
  const [key, spec] = flag
  if (spec.type === 'boolean') {
    return new SentientError('USAGE', { what: `--${key} takes no value but true or false`, hint: helpHint(verb) })
  }
  return new SentientError('USAGE', {
    what: `--${key} needs a value`,
    expected: `--${key} ${spec.placeholder}`,
    hint: `A value that begins with "-" is written --${key}=VALUE.`,
  })
}

const helpHint = (verb: CommandName | undefined): string => `See sentctl help${verb === undefined ? '' : ` ${verb}`}.`

function globalArgs(values: Readonly<Record<string, unknown>>): GlobalArgs {
  return flagArgs(globalFlags, values, undefined) as unknown as GlobalArgs
}

function flagArgs(flags: Flags, values: Readonly<Record<string, unknown>>, verb: CommandName | undefined) {
  const args: Record<string, ArgValue> = {}
  for (const [name, flag] of Object.entries(flags)) args[camel(name)] = flagValue(name, flag, values[name], verb)
  return args
}

function flagValue(name: string, flag: FlagSpec, given: unknown, verb: CommandName | undefined): ArgValue {
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
      if (text !== undefined) checkChoice(`--${name}`, text, flag.choices)
      return text ?? flag.default
    }
    case 'texts':
      return texts
    case 'integer':
      return texts.length === 0 ? flag.default : integerOf(`--${name}`, texts.at(-1)!, flag)
    case 'integers':
      return texts.flatMap(text => text.split(',')).map(text => integerOf(`--${name}`, text, flag))
  }
}

function integerOf(
  shown: string,
  text: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number },
): number {
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const limits = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new SentientError('USAGE', {
    what: `${shown} is wrong`,
    expected: `a whole number ${limits}`,
    found: `"${text}"`,
  })
}

function checkChoice(shown: string, text: string, choices: readonly string[] | undefined): void {
  if (choices === undefined || choices.includes(text)) return
  const guess = didYouMean(text, choices)
  throw new SentientError('USAGE', {
    what: `${shown} is wrong`,
    expected: choices.join(', '),
    found: `"${text}"`,
    ...(guess === undefined ? {} : { hint: guess }),
  })
}

/** Gives each positional its words: one that takes many leaves as many as the required ones behind it need. */
function positionalArgs(spec: CommandSpec, words: readonly string[]): Record<string, ArgValue> {
  const args: Record<string, ArgValue> = {}
  let next = 0
  for (const [index, positional] of spec.positionals.entries()) {
    const neededBehind = spec.positionals.slice(index + 1).filter(({ required }) => required === true).length
    const available = Math.max(0, words.length - next - neededBehind)
    const taken = words.slice(next, next + (positional.many === true ? available : Math.min(1, available)))
    next += taken.length
    if (taken.length === 0 && positional.required === true) throw missingPositional(spec, positional)
    for (const word of taken) checkChoice(positional.name, word, positional.choices)
    args[camel(positional.name.toLowerCase())] = positional.many === true ? taken : taken[0]
  }
  if (next < words.length) {
    throw new SentientError('USAGE', {
      what: `sentctl ${spec.name} takes no more arguments`,
      found: `"${words[next]}"`,
      hint: helpHint(spec.name as CommandName),
    })
  }
  return args
}

function missingPositional(spec: CommandSpec, { name, about }: PositionalSpec): SentientError {
  return new SentientError('USAGE', {
    what: `${name} is missing`,
    expected: `${name}: ${about}`,
    hint: helpHint(spec.name as CommandName),
  })
}

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
