// chmod: changes permission bits as one record.

import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import { modeChange } from './mode.ts'
import type { chmodSpec } from './spec.ts'

export const run: Handler<typeof chmodSpec> = async function* ({ system, args, signal, cwd }) {
  const change = modeChange(args.mode)
  const paths = args.path.map(text => system.governedPath(text, cwd))
  const result = yield* relay(system.setMode(paths, change, { signal, recursive: args.recursive }))
  return { result: operationData(system, result), exitCode: operationExit(result) }
}
