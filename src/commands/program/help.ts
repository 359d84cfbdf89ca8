// help: the verbs asked for as data; the text form is made from the same table.

import { SentientError } from '../../core/errors.ts'
import type { Handler } from '../spec.ts'
import { didYouMean } from '../suggest.ts'
import { type CommandName, commandNames, isCommandName, nounDefaults } from '../table.ts'
import { describeCommand } from './describe.ts'
import type { helpSpec } from './spec.ts'

export const run: Handler<typeof helpSpec> = async function* ({ args }) {
  return { result: { commands: wanted(args.verb.join(' ')).map(describeCommand) } }
}

function wanted(verb: string): readonly CommandName[] {
  if (verb === '') return commandNames
  if (isCommandName(verb)) return [verb]
  const ofNoun = commandNames.filter(name => name.startsWith(`${verb} `))
  if (ofNoun.length > 0) return ofNoun
  const hint =
    didYouMean(verb, [...commandNames, ...Object.keys(nounDefaults)], 'sentctl help ') ??
    'See sentctl help for all verbs.'
  throw new SentientError('USAGE', { what: 'No such verb', found: `"${verb}"`, hint })
}
