// show: one record and what it changed.

import { recordData, type TreeChangeData, treeChangeData } from '../data.ts'
import type { Handler } from '../spec.ts'
import { stateSeq } from '../states.ts'
import type { showSpec } from './spec.ts'

const listedMax = 100
const sliceChanges = 1000

export const run: Handler<typeof showSpec> = async function* ({ system, args, signal }) {
  const seq = stateSeq(system, args.state ?? 'now')
  const changes: TreeChangeData[] = []
  for (const change of system.recordChanges(seq)) {
    if (!args.all && changes.length >= listedMax) break
    changes.push(treeChangeData(change))
    if (changes.length % sliceChanges !== 0) continue
    yield { progress: { phase: 'reading changes', done: changes.length, unit: 'paths' } }
    await new Promise(setImmediate)
    if (signal.aborted) break
  }
  return { result: { ...recordData(system.record(seq)), changes } }
}
