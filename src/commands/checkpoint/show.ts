// checkpoint show: the last signed one.

import { SentientError } from '../../core/errors.ts'
import { checkpointData } from '../data.ts'
import type { Handler } from '../spec.ts'
import type { checkpointShowSpec } from './spec.ts'

export const run: Handler<typeof checkpointShowSpec> = async function* ({ system }) {
  const checkpoint = system.checkpoint()
  if (checkpoint === undefined) {
    throw new SentientError('STATE_NOT_FOUND', {
      what: 'No checkpoint was signed yet',
      hint: 'Run sentctl checkpoint sign.',
    })
  }
  return { result: checkpointData(checkpoint) }
}
