// rollback: everything back to an earlier state, or only what that would do.

import { SentientError } from '../../core/errors.ts'
import type { StatePoint } from '../../core/timeline/model.ts'
import { listedPathsMax, operationData, pathData, pointData, treeChangeData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type CommandContext, type Handler, relay } from '../spec.ts'
import type { rollbackSpec } from './spec.ts'

export const run: Handler<typeof rollbackSpec> = async function* (context) {
  const { system, args, signal } = context
  const target = targetOf(context)
  const preview = yield* relay(system.rollbackPreview(target, { signal }))
  const { counts, bytes, changes, drift, lost, settingsChange } = preview
  const result = {
    target: pointData(target),
    counts,
    bytes,
    changes: changes.slice(0, listedPathsMax).map(treeChangeData),
    drift: drift.map(pathData),
    ...(lost.length === 0 ? {} : { lost: lost.slice(0, listedPathsMax).map(pathData) }),
    settingsChange,
  }
  if (args.preview) return { result }
  if (drift.length > 0) {
    yield {
      notice: `${drift.length} ${drift.length === 1 ? 'path' : 'paths'} changed outside and in the way: kept as a snapshot first.`,
    }
  }
  const operation = yield* relay(system.rollback(target, { signal }))
  return { result: { ...result, operation: operationData(system, operation) }, exitCode: operationExit(operation) }
}

function targetOf({ system, args }: CommandContext<typeof rollbackSpec>): StatePoint {
  const { number, to } = args
  if (number !== undefined && to === undefined) return system.resolve(`-${number}`)
  if (to !== undefined && number === undefined) return system.resolve(to)
  throw new SentientError('USAGE', {
    what: number === undefined ? 'Back to which state?' : '-n and --to say the same thing twice',
    expected: '-n N (so many snapshots back) or --to STATE',
    hint: 'sentctl snapshot list shows what is kept; --preview shows what a rollback would do.',
  })
}
