// placeholder

import type { Host } from '../host/host.ts'
import type { LogKeys } from '../keys/keys.ts'
import type { TimelineContext } from '../timeline/context.ts'
export async function doctor(
  _host: Host,
  _context: TimelineContext,
  _keys: LogKeys,
): Promise<{ name: string; state: 'ok' | 'warn' | 'bad'; text: string; hint?: string }[]> {
  throw new Error('stub')
}
