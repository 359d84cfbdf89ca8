// snapshot create: names the current state.

import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { snapshotCreateSpec } from './spec.ts'

export const run: Handler<typeof snapshotCreateSpec> = async function* ({ system, args, signal }) {
  const { label, name, absorb } = args
  const named = { ...(label === undefined ? {} : { label }), ...(name === undefined ? {} : { name }) }
  const result = yield* relay(system.snapshotCreate({ signal, absorb, ...named }))
  return { result: operationData(system, result), exitCode: operationExit(result) }
}
