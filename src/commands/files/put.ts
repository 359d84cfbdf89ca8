// put: writes a file from another one or from standard input.

import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import { octalMode } from './mode.ts'
import type { putSpec } from './spec.ts'

export const run: Handler<typeof putSpec> = async function* ({ system, args, signal, cwd, caller }) {
  const path = system.governedPath(args.path, cwd)
  const mode = args.mode === undefined ? {} : { mode: octalMode(args.mode) }
  const { from } = args
  const source = from === undefined || from === '-' ? await caller.standardInput(signal) : await caller.openFile(from)
  try {
    const result = yield* relay(system.put(path, source, { signal, parents: args.parents, ...mode }))
    return { result: operationData(system, result), exitCode: operationExit(result) }
  } finally {
    source.close()
  }
}
