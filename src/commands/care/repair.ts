// repair: rebuilds what is derived, restores what the history holds.

import { exitCodes } from '../../core/errors.ts'
import { findingData, lostPlaceData } from '../data.ts'
import { lostAmong } from '../lost.ts'
import { type Handler, relay } from '../spec.ts'
import type { repairSpec } from './spec.ts'

export const run: Handler<typeof repairSpec> = async function* ({ system, args, caller, signal }) {
  const from = args.from === undefined ? undefined : caller.outsidePath(args.from)
  const known = system.knownLost()
  const { rebuilt, restored, lost } = yield* relay(system.repair({ signal, from }))
  const lostPlaces = yield* lostAmong(system, lost, signal)
  const objects = new Set(restored.flatMap(({ where, expected }) => [where, expected]))
  const foundAgain = known.filter(({ object }) => objects.has(object)).map(lostPlaceData)
  const result = {
    ...{ rebuilt, restored: restored.map(findingData), lost: lost.map(findingData), lostPlaces },
    ...(foundAgain.length === 0 ? {} : { foundAgain }),
  }
  return { result, exitCode: lost.length > 0 ? exitCodes.damage : 0 }
}
