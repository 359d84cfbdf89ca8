// restore: brings paths back as they were.

import { SentientError } from '../../core/errors.ts'
import type { System } from '../../core/system.ts'
import type { GovernedPath, StatePoint } from '../../core/timeline/model.ts'
import { operationData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { restoreSpec } from './spec.ts'

export const run: Handler<typeof restoreSpec> = async function* ({ system, args, signal, cwd }) {
  const to = system.resolve(args.to)
  const paths = pathsAtTop(
    system,
    args.path.map(text => system.governedPath(text, cwd)),
    to,
  )
  if (paths.length > 1 && (args.hunk.length > 0 || args.as !== undefined)) {
    const flag = args.as === undefined ? '--hunk' : '--as'
    throw new SentientError('USAGE', {
      what: `${flag} takes one path`,
      found: `${paths.length} paths`,
      hint: 'See sentctl help restore.',
    })
  }
  const result = yield* relay(
    system.restore(paths, to, {
      signal,
      ...(args.hunk.length === 0 ? {} : { hunks: args.hunk }),
      ...(args.as === undefined ? {} : { as: system.governedPath(args.as, cwd) }),
    }),
  )
  return { result: operationData(system, result), exitCode: operationExit(result) }
}

/** The root folder itself stands for all that is recorded, now or then; what is new on disk is left alone. */
function pathsAtTop(system: System, paths: readonly GovernedPath[], to: StatePoint): readonly GovernedPath[] {
  if (!paths.includes('')) return paths
  const recorded = [...system.directory('', { at: system.resolve('now') }), ...system.directory('', { at: to })]
  return [...new Set(recorded.map(({ path }) => path))]
}
