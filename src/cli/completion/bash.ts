// The completion script for bash.

import type { FlagSpec } from '../../commands/spec.ts'
import { type CommandName, commandNames, specOf } from '../../commands/table.ts'
import { globalFlags } from '../globalFlags.ts'
import {
  firstWords,
  flagValues,
  longName,
  nouns,
  positionalValues,
  secondWords,
  takesValue,
  type Values,
} from './offers.ts'

export function bashScript(): string {
  const valueFlags = Object.entries(globalFlags).flatMap(([name, flag]) => (takesValue(flag) ? [`--${name}`] : []))
  return `# Completion of sentctl for bash, made by: sentctl completion bash
_sentctl_names() { sentctl completion --candidates "$1" 2>/dev/null; }

_sentctl_offer() {
  local IFS=$'\\n'
  case "$1" in
    path|file) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")) ;;
    directory) compopt -o filenames; COMPREPLY=($(compgen -d -- "$current")) ;;
    snapshot|state|code) COMPREPLY=($(compgen -W "$(_sentctl_names "$1")" -- "$current")) ;;
    verb) IFS=' '; COMPREPLY=($(compgen -W ${bashWords(firstWords)} -- "$current")) ;;
    words) IFS=' '; COMPREPLY=($(compgen -W "$2" -- "$current")) ;;
  esac
}

_sentctl() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" verb='' open='' at=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${valueFlags.join('|')}) ((i++)) ;;
      -*) ;;
      *)
        if [[ -z $verb ]]; then
          verb="\${COMP_WORDS[i]}"
          case "$verb" in ${nouns.join('|')}) open=1 ;; esac
        elif [[ -n $open ]]; then
          verb="$verb \${COMP_WORDS[i]}"; open=''
        else
          ((at++))
        fi ;;
    esac
  done
  case "$verb $previous" in
${commandNames.flatMap(bashFlagValues).join('\n')}
    *' --root') _sentctl_offer directory; return ;;
    *' --log') _sentctl_offer file; return ;;
  esac
  if [[ -z $verb ]]; then
    if [[ $current == -* ]]; then _sentctl_offer words ${bashWords(flagWords(globalFlags))}; else _sentctl_offer verb; fi
    return
  fi
  if [[ -n $open ]]; then
    case "$verb" in
${nouns.map(noun => `      ${noun}) _sentctl_offer words ${bashWords(secondWords(noun))} ;;`).join('\n')}
    esac
    return
  fi
  case "$verb" in
${commandNames.map(bashVerb).join('\n')}
  esac
}
complete -F _sentctl sentctl
`
}

const bashWords = (words: readonly string[]): string => `'${words.join(' ')}'`

function flagWords(flags: Readonly<Record<string, FlagSpec>>): string[] {
  return Object.entries(flags).map(([name, flag]) => `--${longName(name, flag)}`)
}

function bashOffer(values: Values): string {
  return 'words' in values ? `_sentctl_offer words ${bashWords(values.words)}` : `_sentctl_offer ${values.kind}`
}

function bashFlagValues(name: CommandName): string[] {
  return Object.entries(specOf(name).flags).flatMap(([flagName, flag]) => {
    const values = flagValues(flag)
    if (values === undefined) return []
    const patterns = [`'${name} --${flagName}'`, ...(flag.short === undefined ? [] : [`'${name} -${flag.short}'`])]
    return [`    ${patterns.join('|')}) ${bashOffer(values)}; return ;;`]
  })
}

function bashVerb(name: CommandName): string {
  const spec = specOf(name)
  const flags = bashWords(flagWords({ ...spec.flags, ...globalFlags }))
  const offers = spec.positionals.map((_, index) => bashOffer(positionalValues(spec, index)))
  const last = offers.length - 1
  const byPlace =
    new Set(offers).size <= 1
      ? (offers[0] ?? ':')
      : `case $at in ${offers.map((offer, i) => `${i === last ? '*' : i}) ${offer} ;;`).join(' ')} esac`
  return `    '${name}') if [[ $current == -* ]]; then _sentctl_offer words ${flags}; else ${byPlace}; fi ;;`
}
