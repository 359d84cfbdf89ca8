// The words after a verb, as its spec wants them: for verbs that the palette runs. Only what a line typed by hand needs.
import type { CommandSpec, FlagSpec } from '../../commands/spec.ts'
import { SentientError } from '../../core/errors.ts'

type Value = string | number | boolean | readonly string[] | readonly number[] | undefined

/** A line as a shell splits it: quotes keep words together, outside of them a backslash keeps the next character. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  let kept = false
  for (const character of line) {
    if (kept) {
      word = (word ?? '') + character
      kept = false
    } else if (quote !== '') {
      if (character === quote) quote = ''
      else word = (word ?? '') + character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (character === '\\') {
      kept = true
    } else if (character === ' ') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== '') throw new SentientError('USAGE', { what: 'A quote does not end', found: line })
  if (word !== undefined) words.push(word)
  return words
}

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Arguments as a handler takes them. Throws USAGE and names what does not fit. */
export function verbArguments(spec: CommandSpec, words: readonly string[]): Readonly<Record<string, Value>> {
  const args: Record<string, Value> = {}
  for (const [name, flag] of Object.entries(spec.flags)) args[camel(name)] = defaultOf(flag)
  const positionals: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (!/^--?[a-z]/.test(word)) {
      positionals.push(word)
      continue
    }
    const [given = '', inline] = word.replace(/^--?/, '').split(/=(.*)/s)
    const [name, flag] = findFlag(spec, given)
    if (flag.type === 'boolean')
      args[camel(name)] = !given.startsWith('no-') && !/^(?:false|no|off)$/.test(inline ?? '')
    else args[camel(name)] = added(spec, name, flag, args[camel(name)], inline ?? words[++at])
  }
  for (const [name, flag] of Object.entries(spec.flags))
    if ('required' in flag && flag.required === true && args[camel(name)] === undefined)
      throw wrong(spec, `--${name} is missing`)
  return { ...args, ...positionalArguments(spec, positionals) }
}

function defaultOf(flag: FlagSpec): Value {
  if (flag.type === 'texts' || flag.type === 'integers') return []
  return flag.type === 'boolean' ? (flag.default ?? false) : 'default' in flag ? flag.default : undefined
}

function findFlag(spec: CommandSpec, given: string): readonly [string, FlagSpec] {
  for (const [name, flag] of Object.entries(spec.flags))
    if (given === name || given === flag.short || (flag.type === 'boolean' && given === `no-${name}`))
      return [name, flag]
  throw wrong(spec, 'no such option', `--${given}`)
}

function added(spec: CommandSpec, name: string, flag: FlagSpec, before: Value, text: string | undefined): Value {
  if (text === undefined) throw wrong(spec, `--${name} needs a value`)
  if (flag.type === 'text') return text
  if (flag.type === 'texts') return [...(before as readonly string[]), text]
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw wrong(spec, `--${name} needs a whole number`, text)
  return flag.type === 'integers' ? [...(before as readonly number[]), number] : number
}

function positionalArguments(spec: CommandSpec, words: readonly string[]): Record<string, Value> {
  const args: Record<string, Value> = {}
  let next = 0
  for (const [index, { name, many, required }] of spec.positionals.entries()) {
    const behind = spec.positionals.slice(index + 1).filter(positional => positional.required === true).length
    const available = Math.max(0, words.length - next - behind)
    const taken = words.slice(next, next + (many === true ? available : Math.min(1, available)))
    next += taken.length
    if (required === true && taken.length === 0) throw wrong(spec, `${name} is missing`)
    args[camel(name.toLowerCase())] = many === true ? taken : taken[0]
  }
  if (next < words.length) throw wrong(spec, 'too many words', words[next])
  return args
}

const wrong = (spec: CommandSpec, what: string, found?: string): SentientError =>
  new SentientError('USAGE', {
    what: `${spec.name}: ${what}`,
    ...(found === undefined ? {} : { found }),
    hint: `sentctl help ${spec.name} says what it takes.`,
  })
