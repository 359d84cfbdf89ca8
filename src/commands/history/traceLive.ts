// trace-live: records as they come, of all processes.

import { recordData } from '../data.ts'
import type { Handler } from '../spec.ts'
import type { traceLiveSpec } from './spec.ts'

export const run: Handler<typeof traceLiveSpec> = async function* ({ system, args, signal, format }) {
  const { from, actor, action } = args
  if (format === 'text') yield { notice: 'Records as they come; Ctrl-C ends.' }
  for await (const record of system.follow({ signal, ...(from === undefined ? {} : { from }) })) {
    if (actor !== undefined && record.actor !== actor) continue
    if (action !== undefined && record.action !== action) continue
    yield { item: recordData(record) }
  }
  return { result: undefined }
}
