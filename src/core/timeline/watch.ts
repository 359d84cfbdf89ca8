// placeholder

import type { Files } from '../host/host.ts'
import type { TimelineContext } from '../timeline/context.ts'
import type { GovernedPath } from './model.ts'
export async function* watch(
  _context: TimelineContext,
  _files: Files,
  _options: { signal: AbortSignal; absorb?: boolean; heal?: boolean },
): AsyncGenerator<{
  kind: 'watching' | 'drift' | 'absorbed' | 'healed' | 'record' | 'rescan' | 'snapshot' | 'problem'
  time: number
  paths: readonly GovernedPath[]
  text: string
  seq?: number
}> {
  throw new Error('stub')
}
