// The completion script for zsh.

import type { Completer, FlagSpec } from '../../commands/spec.ts'
import { type CommandName, commandNames, specOf } from '../../commands/table.ts'
import { globalFlags } from '../globalFlags.ts'
import { firstWords, flagValues, longName, nouns, positionalValues, type Values } from './offers.ts'

export function zshScript(): string {
  return `#compdef sentctl
# Completion of sentctl for zsh, made by: sentctl completion zsh
_sentctl_names() {
  local -a names
  names=(\${(f)"$(sentctl completion --candidates $1 2>/dev/null)"})
  compadd -a names
}

_sentctl() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  local -a globals verbs
  globals=(
${Object.entries(globalFlags)
  .flatMap(([name, flag]) => zshFlag(name, flag))
  .join('\n')}
  )
  _arguments -C $globals '1:verb:->verb' '*::argument:->rest' && return
  case $state in
    verb)
      verbs=(
${firstWords.map(word => `        ${zshQuoted(`${word}:${nouns.includes(word) ? `${word} ...` : specOf(word as CommandName).summary}`)}`).join('\n')}
      )
      _describe verb verbs ;;
    rest)
      case $words[1] in
${nouns.map(zshNoun).join('\n')}
${commandNames
  .filter(name => !name.includes(' '))
  .map(name => zshVerb(name, '        '))
  .join('\n')}
      esac ;;
  esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _sentctl "$@"; else compdef _sentctl sentctl; fi
`
}

const zshQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const zshText = (text: string): string => text.replace(/[[\]:]/g, '\\$&')

function zshAction(values: Values): string {
  if ('words' in values) return `(${values.words.join(' ')})`
  const actions: Record<Completer, string> = {
    path: '_files',
    file: '_files',
    directory: '_files -/',
    // Without the leading space zsh would put options of its own before the argument.
    snapshot: ' _sentctl_names snapshot',
    state: ' _sentctl_names state',
    code: ' _sentctl_names code',
    verb: `(${firstWords.join(' ')})`,
    none: ' ',
  }
  return actions[values.kind]
}

function zshFlag(name: string, flag: FlagSpec): string[] {
  const values = flagValues(flag)
  const about = `[${zshText(flag.about)}]`
  const action =
    values === undefined ? '' : `:${zshText('placeholder' in flag ? flag.placeholder : name)}:${zshAction(values)}`
  const many = flag.type === 'texts' || flag.type === 'integers' ? '*' : ''
  const long = `${many}--${longName(name, flag)}${values === undefined ? '' : '='}${about}${action}`
  const short =
    flag.short === undefined ? [] : [`${many}-${flag.short}${values === undefined ? '' : '+'}${about}${action}`]
  return [long, ...short].map(spec => `    ${zshQuoted(spec)}`)
}

function zshVerb(name: CommandName, indent: string): string {
  const spec = specOf(name)
  const flags = Object.entries(spec.flags).flatMap(([flagName, flag]) => zshFlag(flagName, flag))
  const places = spec.positionals.map(({ name: place, many }, index) =>
    zshQuoted(`${many === true ? '*' : index + 1}:${place.toLowerCase()}:${zshAction(positionalValues(spec, index))}`),
  )
  const word = name.slice(name.indexOf(' ') + 1)
  const all = ['$globals', ...flags.map(flag => flag.trim()), ...places]
  return `${indent}${word}) _arguments -S ${all.join(' ')} ;;`
}

function zshNoun(noun: string): string {
  const names = commandNames.filter(name => name.startsWith(`${noun} `))
  return `        ${noun})
          if (( CURRENT == 2 )); then
            verbs=(${names.map(name => zshQuoted(`${name.slice(noun.length + 1)}:${specOf(name).summary}`)).join(' ')})
            _describe verb verbs
          else
            shift words; (( CURRENT-- ))
            case $words[1] in
${names.map(name => zshVerb(name, '              ')).join('\n')}
            esac
          fi ;;`
}
