// checkpoint key: the public key of this history.

import type { Handler } from '../spec.ts'
import type { checkpointKeySpec } from './spec.ts'

export const run: Handler<typeof checkpointKeySpec> = async function* ({ system }) {
  const verifierKey = system.verifierKey()
  return { result: { verifierKey, earlier: system.verifierKeys().filter(key => key !== verifierKey) } }
}
