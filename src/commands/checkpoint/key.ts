// checkpoint key: the public key of this history.

import type { Handler } from '../spec.ts'
import type { checkpointKeySpec } from './spec.ts'

// biome-ignore lint/correctness/useYield: a handler is a generator, this one has nothing to report on the way
export const run: Handler<typeof checkpointKeySpec> = async function* ({ system }) {
  return { result: { verifierKey: system.verifierKey() } }
}
