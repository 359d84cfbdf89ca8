// placeholder
import type { TimelineContext } from '../timeline/context.ts'
import type { RepairReport, Work } from '../timeline/model.ts'
export async function* repair(_context: TimelineContext, _options?: { signal?: AbortSignal }): Work<RepairReport> {
  throw new Error('stub')
}
