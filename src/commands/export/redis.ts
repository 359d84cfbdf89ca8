// export redis: the last state, for a Redis server to load or to be told.

import { exitCodes } from '../../core/errors.ts'
import { type Handler, relay } from '../spec.ts'
import type { exportRedisSpec } from './spec.ts'

export const run: Handler<typeof exportRedisSpec> = async function* ({ system, args, caller, signal }) {
  const path = args.file === undefined ? undefined : caller.outsidePath(args.file)
  const { facts, pushed, bytes, ...rest } = yield* relay(system.exportRedis(path, { signal }))
  const { state, snapshot, sessions } = facts
  const url = system.settings().values.redis.url
  const told = pushed?.state
  const result = {
    file: rest.path,
    bytes,
    records: state.records,
    ...(snapshot === undefined ? {} : { snapshot: snapshot.name }),
    sessions: sessions.length,
    ...(url === null || told === undefined ? {} : { server: url, told: told === 'done' }),
    ...(pushed?.state === 'failed' ? { reason: pushed.reason } : {}),
  }
  return { result, exitCode: told === 'failed' ? exitCodes.operation : 0 }
}
