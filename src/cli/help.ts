// Help as text: for the whole program, for a noun, for a verb.

import type { CommandSpec } from '../commands/spec.ts'
import { type CommandName, commandGroups, commandNames, specOf } from '../commands/table.ts'
import { flagAbout, flagNames, usageOf } from '../commands/usage.ts'
import { globalFlags } from './globalFlags.ts'
import { columns, type Style, wrap } from './style.ts'

export function programHelp(style: Style, width: number): string {
  const lines = [
    ...wrap('sentctl: a folder whose whole state you can verify and rewind', width),
    '',
    `${style.bold('Usage')}  sentctl VERB [OPTIONS] [ARGUMENTS]`,
    '       sentctl                 opens the terminal UI',
    '       sentctl help VERB       help with examples',
    '',
  ]
  for (const { title, commands } of Object.values(commandGroups)) {
    lines.push(style.bold(title), ...verbList(commands, width), '')
  }
  lines.push(style.bold('Options of every verb'), ...flagList(globalFlags, width), '')
  lines.push(
    ...wrap(
      'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 damage found, 4 denied, 5 locked, 6 a copy, 70 internal error.',
      width,
    ),
  )
  return `${lines.join('\n')}\n`
}

export function nounHelp(noun: string, style: Style, width: number): string {
  const names = commandNames.filter(name => name.startsWith(`${noun} `))
  const lines = [`${style.bold('Usage')}  sentctl ${noun} VERB`, '', ...verbList(names, width), '']
  lines.push(`sentctl help ${noun} VERB tells more about one.`)
  return `${lines.join('\n')}\n`
}

export function verbHelp(spec: CommandSpec, style: Style, width: number): string {
  const [title = '', ...rest] = wrap(`sentctl ${spec.name}: ${lowerFirst(spec.summary)}`, width)
  const lines = [title.replace(/^[^:]*/, style.bold), ...rest, '']
  lines.push(`${style.bold('Usage')}  ${usageOf(spec)}`, '')
  for (const paragraph of spec.about) lines.push(...wrap(paragraph, width), '')
  if (spec.positionals.length > 0) {
    const rows = spec.positionals.map(({ name, about, choices }) => [
      name,
      choices === undefined ? about : `${about}: ${choices.join(', ')}`,
    ])
    lines.push(style.bold('Arguments'), ...definitionList(rows, width), '')
  }
  if (Object.keys(spec.flags).length > 0) lines.push(style.bold('Options'), ...flagList(spec.flags, width), '')
  const everywhere = 'Options of every verb: --root DIR, --json, --quiet, --no-color, --log FILE, --help'
  lines.push(...wrap(everywhere, width).map(style.dim), '')
  lines.push(style.bold('Examples'))
  for (const { command, about, input } of spec.examples) {
    const shown = input === undefined ? command : `printf ${shellQuoted(input)} | ${command}`
    lines.push(`  ${shown}`, style.dim(`      ${about}`))
  }
  return `${lines.join('\n')}\n`
}

export function shellQuoted(text: string): string {
  return `'${text.replaceAll('\n', '\\n').replaceAll("'", "'\\''")}'`
}

function verbList(names: readonly CommandName[], width: number): string[] {
  return definitionList(
    names.map(name => [name, specOf(name).summary]),
    width,
    18,
  )
}

function flagList(flags: CommandSpec['flags'], width: number): string[] {
  return definitionList(
    Object.entries(flags).map(([name, flag]) => [flagNames(name, flag), flagAbout(flag)]),
    width,
  )
}

/** Terms to the left, wrapped explanations to the right. */
function definitionList(rows: readonly (readonly string[])[], width: number, termWidthMin = 0): string[] {
  const termWidth = Math.max(termWidthMin, ...rows.map(([term]) => term!.length))
  if (width - termWidth < 24) return rows.flatMap(([term, about]) => [`  ${term}`, ...wrap(about!, width, '      ')])
  return columns(
    rows.flatMap(([term, about]) =>
      wrap(about!, width - termWidth - 4).map((line, i) => [i === 0 ? `  ${term!.padEnd(termWidth)}` : '', line]),
    ),
  )
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}
