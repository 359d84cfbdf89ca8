// undo: the newest undoable operation of the owner, or the one of a record.

import { SentientError } from '../../core/errors.ts'
import { operationData, recordData } from '../data.ts'
import { operationExit } from '../operationExit.ts'
import { type Handler, relay } from '../spec.ts'
import type { undoSpec } from './spec.ts'

export const run: Handler<typeof undoSpec> = async function* ({ system, args, signal }) {
  const seq = args.seq === undefined ? undefined : seqOf(args.seq)
  const target = seq === undefined ? yield* relay(system.undoTarget({ signal })) : system.record(seq)
  if (target === undefined) {
    throw new SentientError('NOT_UNDOABLE', {
      what: 'There is nothing to undo',
      hint: 'sentctl log shows what was recorded.',
    })
  }
  if (args.preview) return { result: { target: recordData(target) } }
  const operation = yield* relay(system.undo({ signal, seq: target.seq }))
  return {
    result: { target: recordData(target), operation: operationData(system, operation) },
    exitCode: operationExit(operation),
  }
}

function seqOf(text: string): number {
  if (/^#?\d{1,15}$/.test(text)) return Number(text.replace('#', ''))
  throw new SentientError('USAGE', {
    what: 'SEQ is wrong',
    expected: 'the number of a record',
    found: `"${text}"`,
    hint: 'sentctl log shows the numbers.',
  })
}
