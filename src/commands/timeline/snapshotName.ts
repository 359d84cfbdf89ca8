// Which snapshot is meant: its name, or the beginning of its name where only one begins so.

import { SentientError } from '../../core/errors.ts'
import type { System } from '../../core/system.ts'

/** Throws STATE_NOT_FOUND, naming the candidates when several begin so. */
export function snapshotName(system: System, text: string): string {
  const names = system.snapshots().map(({ name }) => name)
  if (names.includes(text)) return text
  const beginning = text === '' ? [] : names.filter(name => name.startsWith(text))
  if (beginning.length === 1) return beginning[0]!
  throw new SentientError('STATE_NOT_FOUND', {
    what: beginning.length === 0 ? 'No such snapshot' : 'Several snapshots begin so',
    found: beginning.length === 0 ? `"${text}"` : beginning.slice(0, 5).join(', '),
    hint: 'See sentctl snapshot list.',
  })
}
