// Help for the verbs asked for, or for all of them.

import { isCommandName, nounDefaults, specOf } from '../../commands/table.ts'
import { nounHelp, programHelp, verbHelp } from '../help.ts'
import type { TextContext } from './renderers.ts'

export function render(_described: unknown, { args, style, width }: TextContext): string {
  const verb = ((args.verb ?? []) as readonly string[]).join(' ')
  if (verb === '') return programHelp(style, width)
  if (isCommandName(verb)) return verbHelp(specOf(verb), style, width)
  return Object.hasOwn(nounDefaults, verb) ? nounHelp(verb, style, width) : ''
}
