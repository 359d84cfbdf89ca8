// log: records, newest first unless asked otherwise.

import { recordData } from '../data.ts'
import type { CommandContext, Handler } from '../spec.ts'
import { stateSeqOrStart } from '../states.ts'
import type { logSpec } from './spec.ts'

const defaultCount = 20

export const run: Handler<typeof logSpec> = async function* (context) {
  const { system, args, signal } = context
  const limit = args.number ?? (args.all ? Number.POSITIVE_INFINITY : defaultCount)
  let shown = 0
  for await (const step of system.scanRecords({ ...filterOf(context, limit), signal })) {
    if ('progress' in step) {
      yield step
      continue
    }
    yield { item: recordData(step.record) }
    if (++shown >= limit) break
  }
  if (shown === 0 && context.format === 'text') yield { notice: 'No record fits.' }
  const hidden = args.number === undefined && !args.all && shown === defaultCount && system.now().records > shown
  if (hidden && context.format === 'text') yield { notice: 'Older ones: sentctl log --all, or -n N.' }
  return { result: undefined }
}

function filterOf({ system, args, cwd }: CommandContext<typeof logSpec>, limit: number) {
  const under = args.path === undefined ? '' : system.governedPath(args.path, cwd)
  return {
    newestFirst: !args.reverse,
    ...(Number.isFinite(limit) ? { limit } : {}),
    ...(under === '' ? {} : { under }),
    ...(args.actor === undefined ? {} : { actor: args.actor }),
    ...(args.action === undefined ? {} : { action: args.action }),
    ...(args.since === undefined ? {} : { from: stateSeqOrStart(system, args.since) + 1 }),
    ...(args.until === undefined ? {} : { to: stateSeqOrStart(system, args.until) + 1 }),
  }
}
