// config get: the settings in force, and what an edited sentient.yaml would change.

import { SentientError } from '../../core/errors.ts'
import type { Handler } from '../spec.ts'
import type { configGetSpec } from './spec.ts'

export const run: Handler<typeof configGetSpec> = async function* ({ system, args }) {
  const all = dotted(system.settings().values)
  const { key } = args
  const chosen = key === undefined ? all : all.filter(([name]) => name === key || name.startsWith(`${key}.`))
  if (chosen.length === 0) {
    throw new SentientError('USAGE', {
      what: 'No such setting',
      found: `"${key}"`,
      hint: `There are ${all.map(([name]) => name).join(', ')}.`,
    })
  }
  const { state, problem, differences } = await system.settingsCandidate()
  return {
    result: {
      ...(key === undefined ? {} : { key }),
      values: Object.fromEntries(chosen),
      candidate: state,
      ...(problem === undefined ? {} : { problem: { ...problem } }),
      differences: differences.map(difference => ({ ...difference })),
    },
  }
}

/** Nested settings by dotted keys; lists stay whole. */
function dotted(values: object, prefix = ''): [string, unknown][] {
  return Object.entries(values).flatMap(([key, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? dotted(value, `${prefix}${key}.`)
      : [[`${prefix}${key}`, value]],
  )
}
