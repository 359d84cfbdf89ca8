// snapshot list: newest first.

import { snapshotData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import type { snapshotListSpec } from './spec.ts'

export const run: Handler<typeof snapshotListSpec> = async function* ({ system, args, signal }) {
  yield* relay(system.ready({ signal }))
  const space = args.space ? yield* relay(system.snapshotSpace({ signal })) : undefined
  const snapshots = system.snapshots().map(snapshot => snapshotData(snapshot, space?.get(snapshot.name)))
  return { result: { snapshots: snapshots.reverse(), kept: system.settings().values.retention.snapshots } }
}
