// argv to a verb and its arguments. yargs' parser splits tokens; names, types, limits and messages come from the
// table. (The whole of yargs would cost a cold start about 30 ms more and keep a second truth about help.)

import parseTokens from 'yargs-parser'
import { type ArgValue, type Flags, flagArgs, helpHint, positionalArgs, unknownFlag } from '../commands/args.ts'
import type { FlagSpec } from '../commands/spec.ts'
import { didYouMean } from '../commands/suggest.ts'
import { type CommandName, commandNames, isCommandName, nounDefaults, specOf } from '../commands/table.ts'
import { SentientError } from '../core/errors.ts'
import { type GlobalArgs, globalFlags } from './globalFlags.ts'

export interface ParsedCommand {
  /** Undefined: no verb was given. */
  readonly name: CommandName | undefined
  /** A noun alone, with --help: help for all its verbs. */
  readonly noun?: string
  readonly global: GlobalArgs
  readonly args: Readonly<Record<string, ArgValue>>
}

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

function globalArgs(values: Readonly<Record<string, unknown>>): GlobalArgs {
  return flagArgs(globalFlags, values, undefined) as unknown as GlobalArgs
}
