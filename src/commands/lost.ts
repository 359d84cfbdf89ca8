// What is lost for good, in the words of paths and snapshots: for verify and repair, and for errors about it.

import { isSentientError, SentientError } from '../core/errors.ts'
import { displayBytes } from '../core/format/bytes.ts'
import type { System } from '../core/system.ts'
import type { Finding, LostPlace } from '../core/timeline/model.ts'
import { type LostPlaceData, lostPlaceData } from './data.ts'
import { relay } from './spec.ts'

/** The words of findings that a repair could do nothing about. */
const lossCodes: ReadonlySet<string> = new Set(['object-missing', 'object-damaged'])

/** Where what the findings name is missing; looks only when there is something to look for. */
export async function* lostAmong(system: System, findings: readonly Finding[], signal: AbortSignal) {
  const lost = findings.some(({ code }) => lossCodes.has(code)) || system.knownLost().length > 0
  if (!lost) return []
  const places: LostPlaceData[] = (yield* relay(system.findLost({ signal }))).map(lostPlaceData)
  return places
}

/** An error about an object that is known to be lost says what that is, and does not send anybody to look for it again. */
export function withLoss(error: unknown, system: System): unknown {
  if (!isSentientError(error, 'OBJECT_MISSING')) return error
  const object = error.details.where
  const places = system.knownLost().filter(place => place.object === object)
  if (places.length === 0) return error
  return new SentientError(
    'OBJECT_MISSING',
    {
      what: 'This content is lost for good',
      where: places.slice(0, 3).map(placeText).join(', '),
      found: `no copy of ${object}`,
      hint: 'Take another state: sentctl when PATH lists them. With a copy of the file put back at its path, sentctl repair mends this one too.',
    },
    error,
  )
}

function placeText({ path, snapshots, now }: LostPlace): string {
  const names = [...(now ? ['now'] : []), ...snapshots]
  return `${displayBytes(path)} (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''})`
}
