// placeholder
import type { TimelineContext } from '../timeline/context.ts'
import type { GcReport, Work } from '../timeline/model.ts'
export async function* gc(
  _context: TimelineContext,
  _options?: { dryRun?: boolean; signal?: AbortSignal },
): Work<GcReport> {
  throw new Error('stub')
}
