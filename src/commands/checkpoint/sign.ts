// checkpoint sign: signs everything recorded so far.

import { checkpointData } from '../data.ts'
import type { Handler } from '../spec.ts'
import type { checkpointSignSpec } from './spec.ts'

export const run: Handler<typeof checkpointSignSpec> = async function* ({ system }) {
  return { result: checkpointData(await system.signCheckpoint()) }
}
