// redo: takes the newest undo back.

import { SentientError } from '../../core/errors.ts'
import { operationData, recordData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { redoSpec } from './spec.ts'

export const run: Handler<typeof redoSpec> = async function* ({ system, args, signal }) {
  const target = yield* relay(system.redoTarget({ signal }))
  if (target === undefined) {
    throw new SentientError('NOT_UNDOABLE', {
      what: 'There is nothing to redo',
      hint: 'Only an undo that nothing followed can be taken back.',
    })
  }
  if (args.preview) return { result: { target: recordData(target) } }
  const operation = yield* relay(system.redo({ signal }))
  return {
    result: { target: recordData(target), operation: operationData(system, operation) },
    exitCode: operationExit(operation),
  }
}
