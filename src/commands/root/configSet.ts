// config set: edits one key of sentient.yaml and applies it.

import { operationData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import type { configSetSpec } from './spec.ts'

export const run: Handler<typeof configSetSpec> = async function* ({ system, args, signal }) {
  return { result: operationData(system, yield* relay(system.setSetting(args.key, args.value, { signal }))) }
}
