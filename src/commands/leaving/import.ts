// import: an archive into a directory of its own.

import { importInto } from '../../core/carrying.ts'
import { type Handler, relay } from '../spec.ts'
import type { importSpec } from './spec.ts'

export const run: Handler<typeof importSpec> = async function* ({ args, caller, host, signal }) {
  const path = caller.outsidePath(args.dir)
  const source = args.file === '-' ? await caller.standardInput(signal) : await caller.openFile(args.file)
  try {
    const { logId, records, before, packs, signed } = yield* relay(importInto(host, source, { path, signal }))
    return { result: { path, logId, records, added: records - before, packs, signed } }
  } finally {
    source.close()
  }
}
