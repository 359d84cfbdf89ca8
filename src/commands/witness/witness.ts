// witness: looks at logs, once or again and again; the worst that it found is the exit code.

import { exitCodes, isSentientError } from '../../core/errors.ts'
import { openWitness } from '../../core/system.ts'
import type { Look } from '../../core/witness/witness.ts'
import { parsedKey } from '../checkpoint/outsideFiles.ts'
import { isoTime } from '../data.ts'
import type { Handler } from '../spec.ts'
import type { witnessSpec } from './spec.ts'

export const run: Handler<typeof witnessSpec> = async function* ({ args, caller, host, signal }) {
  const statePath = args.state === undefined ? {} : { statePath: caller.outsidePath(args.state) }
  const keys = args.key.map(parsedKey)
  const places = args.log.map(log => (/^https?:\/\//i.test(log) ? log : caller.outsidePath(log)))
  const witness = openWitness(host, { ...statePath, name: args.name, keys, signal })
  let exitCode = 0
  try {
    const looks = args.follow ? witness.follow(places, args.interval * 1000) : witness.look(places)
    for await (const look of looks) {
      exitCode = worse(exitCode, look)
      const { place: log, cosigned, ...rest } = look
      const time = isoTime(host.clock.nowMicros())
      const kept = cosigned === undefined ? {} : { file: cosigned.file, checkpoint: cosigned.note }
      yield { item: { time, log, ...rest, ...kept } }
    }
  } catch (error) {
    // Being interrupted is how following ends well.
    if (!args.follow || !isSentientError(error, 'CANCELLED')) throw error
  } finally {
    witness.close()
  }
  return { result: undefined, exitCode }
}

function worse(exitCode: number, { state }: Look): number {
  if (state === 'fork' || state === 'refused') return exitCodes.damage
  if (exitCode === 0 && ['unproven', 'unknown', 'unreachable'].includes(state)) return exitCodes.operation
  return exitCode
}
