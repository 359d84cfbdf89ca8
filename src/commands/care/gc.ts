// gc: frees what no kept state needs.

import { type Handler, relay } from '../spec.ts'
import type { gcSpec } from './spec.ts'

export const run: Handler<typeof gcSpec> = async function* ({ system, args, signal }) {
  const report = yield* relay(system.gc({ signal, dryRun: args.dryRun }))
  const { objectsBefore, objectsAfter, bytesFreed, horizon, seq } = report
  const result = { dryRun: args.dryRun, objectsBefore, objectsAfter, bytesFreed, horizon }
  return { result: seq === undefined ? result : { ...result, seq } }
}
