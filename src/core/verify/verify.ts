// placeholder
import type { TimelineContext } from '../timeline/context.ts'
import type { VerifyReport, Work } from '../timeline/model.ts'
export async function* verify(
  _context: TimelineContext,
  _options?: { quick?: boolean; deep?: boolean; since?: number; signal?: AbortSignal },
): Work<VerifyReport> {
  throw new Error('stub')
}
