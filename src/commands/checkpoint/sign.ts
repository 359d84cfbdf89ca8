// checkpoint sign: signs everything recorded so far.

import { checkpointData } from '../data.ts'
import type { Handler } from '../spec.ts'
import type { checkpointSignSpec } from './spec.ts'

// biome-ignore lint/correctness/useYield: a handler is a generator, this one has nothing to report on the way
export const run: Handler<typeof checkpointSignSpec> = async function* ({ system }) {
  return { result: checkpointData(await system.signCheckpoint()) }
}
