// snapshot label: changes a snapshot's text.

import { operationData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import { snapshotName } from './snapshotName.ts'
import type { snapshotLabelSpec } from './spec.ts'

export const run: Handler<typeof snapshotLabelSpec> = async function* ({ system, args }) {
  const name = snapshotName(system, args.name)
  return { result: operationData(system, yield* relay(system.snapshotLabel(name, args.label))) }
}
