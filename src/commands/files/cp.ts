// cp: copies paths into a directory, or one to a new name.

import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { cpSpec } from './spec.ts'
import { targetPath } from './target.ts'

export const run: Handler<typeof cpSpec> = async function* ({ system, args, signal, cwd }) {
  const from = args.from.map(text => system.governedPath(text, cwd))
  const to = targetPath(system, args.to, cwd)
  const result = yield* relay(system.copy(from, to, { signal, force: args.force, recursive: args.recursive }))
  return { result: operationData(system, result), exitCode: operationExit(result) }
}
