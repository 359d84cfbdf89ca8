// absorb: records what changed outside as it is.

import { operationData } from '../data.ts'
import { checkKnown, governedPaths } from '../governedPaths.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { absorbSpec } from './spec.ts'

export const run: Handler<typeof absorbSpec> = async function* ({ system, args, signal, cwd }) {
  const paths = governedPaths(system, args.path, cwd)
  checkKnown(system, paths)
  const result = yield* relay(system.absorb(paths, { signal }))
  return { result: operationData(system, result), exitCode: operationExit(result) }
}
