// when: the versions of a path, newest first.

import { SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import { entryData, isoTime, pathData } from '../data.ts'
import { type Handler, relay } from '../spec.ts'
import type { whenSpec } from './spec.ts'

export const run: Handler<typeof whenSpec> = async function* ({ system, args, signal, cwd }) {
  const path = system.governedPath(args.path, cwd)
  const limit = args.number === undefined ? {} : { limit: args.number }
  const versions = yield* relay(system.versions(path, { signal, ...limit }))
  // A path that neither a record nor the disk knows is misspelt.
  if (versions.length === 0 && system.entry(path) === undefined) {
    throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(path) })
  }
  return {
    result: {
      ...pathData(path),
      versions: versions.map(({ seq, time, actor, action, before, after }) => ({
        seq,
        time: isoTime(time),
        actor,
        action,
        ...(before === null ? {} : { before: entryData(before) }),
        ...(after === null ? {} : { after: entryData(after) }),
      })),
    },
  }
}
