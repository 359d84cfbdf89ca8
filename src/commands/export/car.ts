// export car: a state as a file for IPLD tools.

import { displayBytes } from '../../core/format/bytes.ts'
import { cidText } from '../../core/format/id.ts'
import { type Handler, relay } from '../spec.ts'
import type { exportCarSpec } from './spec.ts'

export const run: Handler<typeof exportCarSpec> = async function* ({ system, args, caller, cwd, signal }) {
  const file = caller.outsidePath(args.file)
  const at = system.resolve(args.state ?? 'now')
  const under = args.path === undefined ? '' : system.governedPath(args.path, cwd)
  const { root, blocks, bytes } = yield* relay(system.exportCar(file, at, { signal, under }))
  const result = { file, root: cidText(root), state: at.text, blocks, bytes }
  return { result: under === '' ? result : { ...result, path: displayBytes(under) } }
}
