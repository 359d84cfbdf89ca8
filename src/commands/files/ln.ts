// ln: makes a symlink.

import { parseDisplayed } from '../../core/format/bytes.ts'
import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { lnSpec } from './spec.ts'

export const run: Handler<typeof lnSpec> = async function* ({ system, args, signal, cwd }) {
  const path = system.governedPath(args.path, cwd)
  const result = yield* relay(system.makeSymlink(path, parseDisplayed(args.target), { signal }))
  return { result: operationData(system, result), exitCode: operationExit(result) }
}
