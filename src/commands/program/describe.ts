// A spec as plain data: for `help --json` and `man --json`.

import type { OutputOf } from '../spec.ts'
import { type CommandName, specOf } from '../table.ts'
import { usageOf } from '../usage.ts'
import type { manSpec } from './spec.ts'

export type DescribedCommand = OutputOf<typeof manSpec>['commands'][number]

export function describeCommand(name: CommandName): DescribedCommand {
  const spec = specOf(name)
  return {
    name,
    summary: spec.summary,
    about: spec.about,
    usage: usageOf(spec),
    positionals: spec.positionals.map(positional => ({ name: positional.name, about: positional.about })),
    flags: Object.entries(spec.flags).map(([flagName, flag]) => ({
      name: flagName,
      about: flag.about,
      ...(flag.short === undefined ? {} : { short: flag.short }),
      ...('placeholder' in flag ? { placeholder: flag.placeholder } : {}),
      ...(flag.default === undefined ? {} : { default: flag.default }),
      ...('choices' in flag && flag.choices !== undefined ? { choices: flag.choices } : {}),
    })),
    examples: spec.examples.map(({ command, about }) => ({ command, about })),
  }
}
