// snapshot rm: removes names, one record each.

import { type OperationData, operationData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import { snapshotName } from './snapshotName.ts'
import type { snapshotRmSpec } from './spec.ts'

export const run: Handler<typeof snapshotRmSpec> = async function* ({ system, args }) {
  const operations: OperationData[] = []
  for (const name of args.name.map(text => snapshotName(system, text))) {
    operations.push(operationData(system, yield* relay(system.snapshotRemove(name))))
  }
  return { result: { operations } }
}
