// Completion scripts for bash, zsh and fish, made from the table. Verbs, flags and fixed values stand in the script;
// names that only a root folder knows come from `sentctl completion --candidates`.

import type { CommandSpec, Completer, FlagSpec } from '../commands/spec.ts'
import { type CommandName, commandNames, nounDefaults, specOf } from '../commands/table.ts'
import { globalFlags } from './globalFlags.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

export function completionScript(shell: Shell): string {
  if (shell === 'bash') return bashScript()
  return shell === 'zsh' ? zshScript() : fishScript()
}

const nouns = Object.keys(nounDefaults)
const firstWords = [...new Set(commandNames.map(name => name.split(' ')[0]!))]
const secondWords = (noun: string): string[] =>
  commandNames.filter(name => name.startsWith(`${noun} `)).map(name => name.slice(noun.length + 1))

/** What the shell offers for a value: fixed words, or a kind of name. */
type Values = { readonly words: readonly string[] } | { readonly kind: Completer }

function flagValues(flag: FlagSpec): Values | undefined {
  if (flag.type === 'boolean') return undefined
  if ('choices' in flag && flag.choices !== undefined) return { words: flag.choices }
  return { kind: 'completer' in flag ? (flag.completer ?? 'none') : 'none' }
}

function positionalValues(spec: CommandSpec, index: number): Values {
  const positional = spec.positionals[Math.min(index, spec.positionals.length - 1)]
  if (positional === undefined || (index >= spec.positionals.length && !spec.positionals.some(({ many }) => many)))
    return { kind: 'none' }
  return positional.choices === undefined ? { kind: positional.completer ?? 'none' } : { words: positional.choices }
}

const longName = (name: string, flag: FlagSpec): string =>
  flag.type === 'boolean' && flag.default === true ? `no-${name}` : name

const takesValue = (flag: FlagSpec): boolean => flag.type !== 'boolean'

// ---- bash

function bashScript(): string {
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

// ---- zsh

function zshScript(): string {
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

// ---- fish

function fishScript(): string {
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
