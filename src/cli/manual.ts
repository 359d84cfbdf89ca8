// The manual page sentctl(1), as roff with the man macros, made from the table.

import type { CommandSpec } from '../commands/spec.ts'
import { commandGroups, specOf } from '../commands/table.ts'
import { flagAbout, flagNames, usageOf } from '../commands/usage.ts'
import { globalFlags } from './globalFlags.ts'
import { shellQuoted } from './help.ts'
import { exitCodeMeanings, stateForms, variables } from './topics.ts'

export function manualPage(): string {
  const lines = [
    '.\\" Generated from the command table: sentctl man prints it.',
    '.TH SENTCTL 1 "" "SentientOS" "User Commands"',
    // Names of variables and options are no words to break, and narrow terminals no place for wide gaps.
    '.nh',
    '.ad l',
    '.SH NAME',
    'sentctl \\- a folder whose whole state you can verify and rewind',
    '.SH SYNOPSIS',
    '.B sentctl',
    '.br',
    '.B sentctl',
    '.I VERB',
    '.RI [ OPTIONS ]',
    '.RI [ ARGUMENTS ]',
    '.SH DESCRIPTION',
    roff(
      'Every change that goes through sentctl is one record in an append-only journal, and every state has a Merkle root. What other programs write is seen and shown as changed outside. Any kept state can come back. sentctl alone on a terminal opens the terminal UI.',
    ),
    '.PP',
    roff(
      'A root folder is found from --root, from SENTIENT_ROOT, or upwards from the working directory. Paths are relative to where you stand.',
    ),
  ]
  for (const { title, commands } of Object.values(commandGroups)) {
    lines.push(`.SH ${roff(title.toUpperCase())}`)
    for (const name of commands) lines.push(...verbSection(specOf(name)))
  }
  lines.push('.SH OPTIONS OF EVERY VERB', ...flagSection(globalFlags))
  lines.push('.SH STATES', roff('Where a verb takes a STATE, this may be:'))
  for (const [form, about] of stateForms) lines.push('.TP', `.B ${roff(form)}`, roff(about))
  lines.push('.SH EXIT STATUS')
  for (const [code, about] of exitCodeMeanings) lines.push('.TP', `.B ${code}`, roff(about))
  lines.push('.SH ENVIRONMENT')
  for (const [name, about] of variables) lines.push('.TP', `.B ${name}`, roff(about))
  return `${lines.join('\n')}\n`
}

function verbSection(spec: CommandSpec): string[] {
  const lines = [`.SS ${roff(usageOf(spec))}`, `${roff(spec.summary)}.`]
  for (const paragraph of spec.about) lines.push('.PP', roff(paragraph))
  for (const { name, about } of spec.positionals) lines.push('.TP', `.I ${roff(name)}`, roff(about))
  lines.push(...flagSection(spec.flags))
  for (const { command, about, input } of spec.examples) {
    const shown = input === undefined ? command : `printf ${shellQuoted(input)} | ${command}`
    lines.push('.PP', '.RS', `.B ${roff(shown)}`, '.br', roff(about), '.RE')
  }
  return lines
}

function flagSection(flags: CommandSpec['flags']): string[] {
  return Object.entries(flags).flatMap(([name, flag]) => [
    '.TP',
    `.B ${roff(flagNames(name, flag))}`,
    roff(flagAbout(flag)),
  ])
}

/** Text that roff takes as it is: no escapes, no requests, hyphens that can be copied. */
function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('"', '\\(dq')
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}
