// snapshot list: newest first.

import { snapshotData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import type { snapshotListSpec } from './spec.ts'

export const run: Handler<typeof snapshotListSpec> = async function* ({ system, args, signal }) {
  yield* relay(system.ready({ signal }))
  const space = args.space ? yield* relay(system.snapshotSpace({ signal })) : undefined
  const places = system.knownLost()
  const lostIn = (name: string) =>
    new Set(places.filter(place => place.snapshots.includes(name)).map(({ path }) => path))
  const snapshots = system
    .snapshots()
    .map(snapshot => snapshotData(snapshot, { space: space?.get(snapshot.name), lost: lostIn(snapshot.name).size }))
  return { result: { snapshots: snapshots.reverse(), kept: system.settings().values.retention.snapshots } }
}
