// rollback: everything back to an earlier state, or only what that would do.

import { SentientError } from '../../core/errors.ts'
import type { OperationResult, RollbackPreview, StatePoint } from '../../core/timeline/model.ts'
import { listedPathsMax, operationData, pathData, pointData, treeChangeData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type CommandContext, type Handler, relay } from '../spec.ts'
import type { rollbackSpec } from './spec.ts'

export const run: Handler<typeof rollbackSpec> = async function* (context) {
  const { system, args, signal } = context
  const target = targetOf(context)
  let preview: RollbackPreview | undefined
  let operation: OperationResult | undefined
  if (args.preview) preview = yield* relay(system.rollbackPreview(target, { signal }))
  else {
    const decided = (touched: RollbackPreview) => {
      preview = touched
    }
    operation = yield* relay(system.rollback(target, { signal, decided }))
  }
  if (preview === undefined) throw new SentientError('INTERNAL', { what: 'A rollback did not say what it touches' })
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
  if (operation === undefined) return { result }
  if (drift.length > 0) {
    yield {
      notice: `${drift.length} ${drift.length === 1 ? 'path' : 'paths'} changed outside and in the way: kept as a snapshot first.`,
    }
  }
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
