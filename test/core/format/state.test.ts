// State objects: what a state root names, in one form only.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hexOf } from '../../../src/core/format/bytes.ts'
import { encode } from '../../../src/core/format/cbor.ts'
import { FormatError, isFormatError } from '../../../src/core/format/formatError.ts'
import { dagLink, objectId, rawLink } from '../../../src/core/format/id.ts'
import { decodeState, encodeState, type State } from '../../../src/core/format/state.ts'
import { dagLinks, edited, rawLinks } from './arbitraries.ts'

const state: fc.Arbitrary<State> = fc.record(
  {
    metadataSet: fc.constantFrom<string[]>([], ['owner'], ['xattrs'], ['owner', 'xattrs']),
    files: dagLinks,
    contracts: dagLinks,
    boxes: dagLinks,
    services: dagLinks,
    settings: rawLinks,
  },
  { requiredKeys: ['metadataSet', 'files'], noNullPrototype: true },
)

test('states come back, and whatever is accepted is the only encoding', () => {
  fc.assert(fc.property(state, one => assert.deepEqual(decodeState(encodeState(one)), one)))
  fc.assert(
    fc.property(edited(state.map(encodeState)), bytes => {
      try {
        assert.equal(hexOf(encodeState(decodeState(bytes))), hexOf(bytes))
      } catch (error) {
        assert(isFormatError(error), String(error))
      }
    }),
    { numRuns: 3000 },
  )
})

test('rules of states', () => {
  const files = dagLink(objectId(Buffer.from('files')))
  const raw = rawLink(files.id)
  const bad: unknown[] = [
    {},
    { v: 1 },
    { v: 2, files },
    { files },
    { v: 1, files: raw },
    { v: 1, files, settings: files },
    { v: 1, files, contracts: raw },
    { v: 1, files, meta: [] },
    { v: 1, files, meta: ['xattrs', 'owner'] },
    { v: 1, files, meta: ['owner', 'owner'] },
    { v: 1, files, meta: ['mtime'] },
    { v: 1, files, meta: 'owner' },
    { v: 1, files, journal: files },
    { v: 1, files, boxes: null },
    [1, files],
    files,
  ]
  for (const one of bad) assert.throws(() => decodeState(encode(one as never)), FormatError, JSON.stringify(one))
  assert.throws(() => encodeState({ metadataSet: ['xattrs', 'owner'], files }), FormatError)
})
