// The completion script for fish.

import type { FlagSpec } from '../../commands/spec.ts'
import { type CommandName, commandNames, specOf } from '../../commands/table.ts'
import { globalFlags } from '../globalFlags.ts'
import { firstWords, flagValues, longName, nouns, positionalValues, takesValue, type Values } from './offers.ts'

export function fishScript(): string {
  const lines = [
    '# Completion of sentctl for fish, made by: sentctl completion fish',
    'function __sentctl_verb',
    '    set -l words (commandline -opc)',
    '    set -e words[1]',
    '    set -l plain',
    '    set -l skip 0',
    '    for word in $words',
    '        if test $skip = 1',
    '            set skip 0',
    `        else if contains -- $word ${Object.entries(globalFlags)
      .flatMap(([name, flag]) => (takesValue(flag) ? [`--${name}`] : []))
      .join(' ')}`,
    '            set skip 1',
    "        else if not string match -q -- '-*' $word",
    '            set -a plain $word',
    '        end',
    '    end',
    '    set -q plain[1]; or return',
    `    if contains -- $plain[1] ${nouns.join(' ')}; and set -q plain[2]`,
    '        echo "$plain[1] $plain[2]"',
    '    else',
    '        echo $plain[1]',
    '    end',
    'end',
    'function __sentctl_is',
    '    set -l verb (__sentctl_verb)',
    '    test "$verb" = "$argv"',
    'end',
    'complete -c sentctl -f',
  ]
  for (const [name, flag] of Object.entries(globalFlags)) lines.push(fishFlag('', name, flag))
  for (const word of firstWords) {
    const about = nouns.includes(word) ? `${word} ...` : specOf(word as CommandName).summary
    lines.push(`complete -c sentctl -n 'test -z (__sentctl_verb)' -a ${fishQuoted(word)} -d ${fishQuoted(about)}`)
  }
  for (const name of commandNames) lines.push(...fishVerb(name))
  return `${lines.join('\n')}\n`
}

const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function fishAction(values: Values): string {
  if ('words' in values) return `-f -a ${fishQuoted(values.words.join(' '))}`
  if (values.kind === 'path' || values.kind === 'file') return '-F'
  if (values.kind === 'directory') return `-f -a '(__fish_complete_directories)'`
  if (values.kind === 'verb') return `-f -a ${fishQuoted(firstWords.join(' '))}`
  return values.kind === 'none' ? '-f' : `-f -a '(sentctl completion --candidates ${values.kind} 2>/dev/null)'`
}

function fishFlag(condition: string, name: string, flag: FlagSpec): string {
  const values = flagValues(flag)
  const short = flag.short === undefined ? '' : ` -s ${flag.short}`
  const value = values === undefined ? '' : ` -r ${fishAction(values)}`
  return `complete -c sentctl${condition} -l ${longName(name, flag)}${short}${value} -d ${fishQuoted(flag.about)}`
}

function fishVerb(name: CommandName): string[] {
  const spec = specOf(name)
  const condition = ` -n '__sentctl_is ${name}'`
  const lines = Object.entries(spec.flags).map(([flagName, flag]) => fishFlag(condition, flagName, flag))
  const offers = new Set(spec.positionals.map((_, index) => fishAction(positionalValues(spec, index))))
  for (const offer of offers) if (offer !== '-f') lines.push(`complete -c sentctl${condition} ${offer}`)
  const [noun, second] = name.split(' ')
  if (second !== undefined) {
    lines.push(`complete -c sentctl -n '__sentctl_is ${noun}' -a ${second} -d ${fishQuoted(spec.summary)}`)
  }
  return lines
}
