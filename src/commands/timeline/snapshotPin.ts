// snapshot pin: pins, never to be pruned, one record each.

import { type OperationData, operationData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import { snapshotName } from './snapshotName.ts'
import type { snapshotPinSpec } from './spec.ts'

export const run: Handler<typeof snapshotPinSpec> = async function* ({ system, args }) {
  const operations: OperationData[] = []
  for (const name of args.name.map(text => snapshotName(system, text))) {
    operations.push(operationData(system, yield* relay(system.snapshotPin(name, true))))
  }
  return { result: { operations } }
}
