// mv: moves paths into a directory, or one to a new name.

import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { mvSpec } from './spec.ts'
import { targetPath } from './target.ts'

export const run: Handler<typeof mvSpec> = async function* ({ system, args, signal, cwd }) {
  const from = args.from.map(text => system.governedPath(text, cwd))
  const to = targetPath(system, args.to, cwd)
  const result = yield* relay(system.move(from, to, { signal, force: args.force }))
  return { result: operationData(system, result), exitCode: operationExit(result) }
}
