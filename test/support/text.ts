// Any text for property tests. fast-check's own strings of all characters take most of a second to set up, in each process.

import fc from 'fast-check'

const surrogatesFrom = 0xd800
const surrogatesCount = 0x800

const character = fc
  .integer({ min: 0, max: 0x10ffff - surrogatesCount })
  .map(n => String.fromCodePoint(n < surrogatesFrom ? n : n + surrogatesCount))

/** Of any characters of Unicode, surrogates apart; each is as likely as the others. */
export const anyText = (constraints: fc.ArrayConstraints = {}): fc.Arbitrary<string> =>
  fc.array(character, constraints).map(characters => characters.join(''))
