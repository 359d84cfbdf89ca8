// Turns what a codec throws into the one error class, naming the object: foreign bytes enter the store's callers only
// through here.

import { SentientError } from '../errors.ts'
import { isFormatError } from '../format/formatError.ts'
import { cidText, type Link } from '../format/id.ts'

/** Runs a decoder over an object's bytes; throws DAMAGED naming the object when they are not what the format says. */
export function damagedObject<T>(link: Link, expected: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError(
      'DAMAGED',
      { what: 'An object is malformed', where: cidText(link), expected, found: error.reason },
      error,
    )
  }
}
