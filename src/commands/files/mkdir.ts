// mkdir: makes directories, one record each.

import { type OperationData, operationData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import { octalMode } from './mode.ts'
import type { mkdirSpec } from './spec.ts'

export const run: Handler<typeof mkdirSpec> = async function* ({ system, args, signal, cwd }) {
  const paths = args.path.map(text => system.governedPath(text, cwd))
  const mode = args.mode === undefined ? {} : { mode: octalMode(args.mode) }
  const operations: OperationData[] = []
  for (const path of paths) {
    const result = yield* relay(system.makeDirectory(path, { signal, parents: args.parents, ...mode }))
    operations.push(operationData(system, result))
  }
  return { result: { operations } }
}
