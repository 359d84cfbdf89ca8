// witness-key: the public key of a witness.

import { openWitness } from '../../core/system.ts'
import type { Handler } from '../spec.ts'
import type { witnessKeySpec } from './spec.ts'

export const run: Handler<typeof witnessKeySpec> = async function* ({ args, caller, host }) {
  const statePath = args.state === undefined ? {} : { statePath: caller.outsidePath(args.state) }
  const witness = openWitness(host, { ...statePath, name: args.name, keys: [] })
  try {
    return { result: { verifierKey: witness.verifierKey } }
  } finally {
    witness.close()
  }
}
