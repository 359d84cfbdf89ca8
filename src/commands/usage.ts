// How a verb is called, as help, man page and reference show it.

import type { CommandSpec, FlagSpec, PositionalSpec } from './spec.ts'

export function usageOf(spec: CommandSpec): string {
  const flags = Object.entries(spec.flags)
  const required = flags.flatMap(([name, flag]) => (isRequired(flag) ? [`${flagName(name, flag)}`] : []))
  const optional = flags.length > required.length ? ['[OPTIONS]'] : []
  return ['sentctl', spec.name, ...required, ...optional, ...spec.positionals.map(positionalUsage)].join(' ')
}

function isRequired(flag: FlagSpec): boolean {
  return 'required' in flag && flag.required === true
}

function positionalUsage({ name, many, required }: PositionalSpec): string {
  const shown = many === true ? `${name}...` : name
  return required === true ? shown : `[${shown}]`
}

/** `--to STATE`, `--no-check` */
export function flagName(name: string, flag: FlagSpec): string {
  if (flag.type === 'boolean') return flag.default === true ? `--no-${name}` : `--${name}`
  return `--${name} ${flag.placeholder}`
}

/** `-n, --number N` */
export function flagNames(name: string, flag: FlagSpec): string {
  return flag.short === undefined ? flagName(name, flag) : `-${flag.short}, ${flagName(name, flag)}`
}

/** What it does, with its choices and default. */
export function flagAbout(flag: FlagSpec): string {
  if (flag.type === 'boolean') return flag.about
  const choices = 'choices' in flag && flag.choices !== undefined ? `; one of ${flag.choices.join(', ')}` : ''
  const fallback = flag.default === undefined ? '' : `; default: ${flag.default}`
  return `${flag.about}${choices}${fallback}`
}
