// repair: rebuilds what is derived, restores what the history holds.

import { exitCodes } from '../../core/errors.ts'
import { findingData } from '../data.ts'
import { lostAmong } from '../lost.ts'
import { type Handler, relay } from '../spec.ts'
import type { repairSpec } from './spec.ts'

export const run: Handler<typeof repairSpec> = async function* ({ system, args, caller, signal }) {
  const from = args.from === undefined ? undefined : caller.outsidePath(args.from)
  const { rebuilt, restored, lost } = yield* relay(system.repair({ signal, from }))
  const lostPlaces = yield* lostAmong(system, lost, signal)
  const result = { rebuilt, restored: restored.map(findingData), lost: lost.map(findingData), lostPlaces }
  return { result, exitCode: lost.length > 0 ? exitCodes.damage : 0 }
}
