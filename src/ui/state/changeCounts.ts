// Lines added and removed for the changed files that are in sight: counted a moment after the list comes to rest.
import type { GovernedPath, TreeChange } from '../../core/timeline/model.ts'
import type { Effect, Message } from './model.ts'
import type { StateText } from './operation.ts'
import type { LineCounts } from './query.ts'

export type ChangeCounts = ReadonlyMap<GovernedPath, LineCounts>

export const noCounts: ChangeCounts = new Map()

const restMs = 120

/** Asks for what is not counted yet of the changes that can be seen. */
export function askCounts(
  seen: readonly TreeChange[],
  known: ChangeCounts,
  states: { readonly channel: string; readonly from: StateText; readonly to: StateText | 'disk' },
): readonly Effect[] {
  const paths = seen.filter(change => isCounted(change) && !known.has(change.path)).map(({ path }) => path)
  if (paths.length === 0) return []
  const { channel, from, to } = states
  return [{ type: 'ask', channel, query: { ask: 'changeCounts', from, to, paths }, delayMs: restMs }]
}

const isCounted = ({ before, after }: TreeChange): boolean => before?.kind === 'file' && after?.kind === 'file'

/** What is known with an answer; the same where the message is none for these states. */
export function countsReceived(
  known: ChangeCounts,
  message: Message,
  states: { readonly channel: string; readonly from: StateText },
): ChangeCounts {
  if (message.type !== 'answer' || message.ask !== 'changeCounts' || message.channel !== states.channel) return known
  return message.query.from === states.from ? new Map([...known, ...message.answer]) : known
}
