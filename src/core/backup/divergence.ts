// Where a history that was received before and the one that is offered part: which record, and what each side has there.
// That is evidence of a second history, or of an old state that somebody goes on from, and never overwritten.
import { SentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import type { Journal } from '../journal/journal.ts'

interface Sides {
  readonly offered: Pick<Journal, 'leafHashes'>
  readonly received: Pick<Journal, 'leafHashes'>
  /** How many records both have. */
  readonly common: number
}

/** The first record that differs; undefined when all that both have is the same. */
function firstDifference({ offered, received, common }: Sides): number | undefined {
  const differs = (seq: number): boolean =>
    !equalBytes(offered.leafHashes(seq, seq + 1)[0]!, received.leafHashes(seq, seq + 1)[0]!)
  if (common === 0 || !differs(common - 1)) return undefined
  // Each leaf holds the hash of the one before: what differs once differs from there on.
  let low = 0
  let high = common - 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (differs(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** DIVERGED, for a place whose history the one that is offered does not go on from. */
export function divergence(
  sides: Sides,
  place: { readonly where: string; readonly receivedSize: number; readonly offeredSize: number },
): SentientError {
  const { where, receivedSize, offeredSize } = place
  const seq = firstDifference(sides)
  const proof = `sentctl consistency ${where}/.runtime/checkpoint -o PROOF writes down what the signatures prove.`
  if (seq === undefined) {
    return new SentientError('DIVERGED', {
      what: 'The directory holds more records than the history that is offered',
      where,
      expected: `at most ${offeredSize} records`,
      found: `${receivedSize}, the first ${offeredSize} of them the same`,
      hint: `This root folder was set back, or restored from an older state: the newer records are there. ${proof}`,
    })
  }
  const leafOf = (journal: Sides['offered']): string => hexOf(journal.leafHashes(seq, seq + 1)[0]!)
  return new SentientError('DIVERGED', {
    what: 'The directory holds another history of this log; nothing in it was changed',
    where: `${where}, record ${seq}`,
    expected: `leaf hash ${leafOf(sides.offered)}`,
    found: leafOf(sides.received),
    hint: `Keep both, and go on into another directory. ${proof}`,
  })
}
