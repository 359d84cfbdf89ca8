// backup: brings a copy of the history elsewhere up to date.

import { exitCodes } from '../../core/errors.ts'
import { openRootAt } from '../openRoot.ts'
import { type Handler, relay } from '../spec.ts'
import type { backupSpec } from './spec.ts'

export const run: Handler<typeof backupSpec> = async function* ({ system, args, caller, host, signal }) {
  const path = caller.outsidePath(args.dir)
  const { records, before, bytes, packs, removedPacks, signed } = yield* relay(
    system.backup(path, { signal, deep: args.deep }),
  )
  const result = { path, records, added: records - before, bytes, packs, removedPacks, signed }
  if (!args.deep) return { result: { ...result, verified: false } }
  const backup = await openRootAt(host, { rootPath: path, access: 'read', signal })
  try {
    const { damaged, findings } = yield* relay(backup.verify({ deep: true, signal }))
    for (const { where, found } of findings.filter(({ severity }) => severity === 'damage').slice(0, 10))
      yield { notice: `the backup is damaged: ${where ?? ''} ${found ?? ''}` }
    return { result: { ...result, verified: !damaged }, exitCode: damaged ? exitCodes.damage : 0 }
  } finally {
    await backup.close()
  }
}
