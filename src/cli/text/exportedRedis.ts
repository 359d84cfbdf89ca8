// What an export for Redis wrote, and whether a server was told.

import type { OutputOf } from '../../commands/spec.ts'
import type { commandTable } from '../../commands/table.ts'
import { counted, spokenSize } from '../../commands/words.ts'
import { safeText } from '../style.ts'

export function render(report: OutputOf<(typeof commandTable)['export redis']>): string {
  const { file, bytes, records, snapshot, sessions, server, told, reason } = report
  const latest = snapshot === undefined ? 'no snapshot' : `snapshot ${safeText(snapshot)}`
  const wrote = `Wrote ${safeText(file)}, ${spokenSize(bytes)}: ${counted(records, 'record')}, ${latest}, ${counted(sessions, 'session')}.\n`
  if (server === undefined) return wrote
  return told === true
    ? `${wrote}Told ${safeText(server)}.\n`
    : `${wrote}${safeText(server)} was not told: ${safeText(reason ?? 'it failed')}.\n`
}
