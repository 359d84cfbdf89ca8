// config set: edits one key of sentient.yaml and applies it.

import { isSentientError, SentientError } from '../../core/errors.ts'
import { operationData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import type { configSetSpec } from './spec.ts'

export const run: Handler<typeof configSetSpec> = async function* ({ system, args, signal }) {
  const before = await system.settingsCandidate()
  try {
    return { result: operationData(system, yield* relay(system.setSetting(args.key, args.value, { signal }))) }
  } catch (error) {
    // The file was right before: it is the words of the command line that are wrong, and the file is as it was.
    if (!isSentientError(error, 'SETTINGS_INVALID') || before.state === 'invalid') throw error
    const hint = 'Nothing was changed. sentctl config get shows all settings and their values.'
    throw new SentientError('USAGE', { what: error.details.what ?? 'KEY or VALUE is wrong', hint }, error)
  }
}
