// snapshot unpin: lets pinned ones be pruned again, one record each.

import { type OperationData, operationData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import { snapshotName } from './snapshotName.ts'
import type { snapshotUnpinSpec } from './spec.ts'

export const run: Handler<typeof snapshotUnpinSpec> = async function* ({ system, args }) {
  const operations: OperationData[] = []
  for (const name of args.name.map(text => snapshotName(system, text))) {
    operations.push(operationData(system, yield* relay(system.snapshotPin(name, false))))
  }
  return { result: { operations } }
}
