// rm: removes paths as one record.

import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { rmSpec } from './spec.ts'

export const run: Handler<typeof rmSpec> = async function* ({ system, args, signal, cwd }) {
  const paths = args.path.map(text => system.governedPath(text, cwd))
  const result = yield* relay(system.remove(paths, { signal, recursive: args.recursive }))
  return { result: operationData(system, result), exitCode: operationExit(result) }
}
