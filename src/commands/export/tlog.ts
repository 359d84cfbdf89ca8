// export tlog: the log as files that a web server can serve.

import { type Handler, relay } from '../spec.ts'
import type { exportTlogSpec } from './spec.ts'

export const run: Handler<typeof exportTlogSpec> = async function* ({ system, args, caller, signal }) {
  const path = caller.outsidePath(args.dir)
  const { origin, size, before, files, bytes } = yield* relay(system.exportTlog(path, { signal, all: args.all }))
  return { result: { path, origin, size, added: size - before, files, bytes } }
}
