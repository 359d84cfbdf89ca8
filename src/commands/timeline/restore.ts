// restore: brings paths back as they were.

import { SentientError } from '../../core/errors.ts'
import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { restoreSpec } from './spec.ts'

export const run: Handler<typeof restoreSpec> = async function* ({ system, args, signal, cwd }) {
  const paths = args.path.map(text => system.governedPath(text, cwd))
  if (paths.length > 1 && (args.hunk.length > 0 || args.as !== undefined)) {
    const flag = args.as === undefined ? '--hunk' : '--as'
    throw new SentientError('USAGE', {
      what: `${flag} takes one path`,
      found: `${paths.length} paths`,
      hint: 'See sentctl help restore.',
    })
  }
  const result = yield* relay(
    system.restore(paths, system.resolve(args.to), {
      signal,
      ...(args.hunk.length === 0 ? {} : { hunks: args.hunk }),
      ...(args.as === undefined ? {} : { as: system.governedPath(args.as, cwd) }),
    }),
  )
  return { result: operationData(system, result), exitCode: operationExit(result) }
}
