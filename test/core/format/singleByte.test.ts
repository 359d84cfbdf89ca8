// One changed byte is found from two checksums alone.

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { crc32 } from '../../../src/core/format/hash.ts'
import { singleByteFixes } from '../../../src/core/format/singleByte.ts'

test('the changed byte is among the proposals, whatever it was and wherever', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(0xffffffff),
      (bytes, at, mask, seed) => {
        const position = at % bytes.length
        const expected = crc32(bytes, seed)
        const changed = Uint8Array.from(bytes)
        changed[position] = (changed[position] as number) ^ mask
        const fixes = [...singleByteFixes(crc32(changed, seed), expected, bytes.length)]
        assert.ok(fixes.some(fix => fix.position === position && fix.mask === mask))
        for (const fix of fixes) {
          const fixed = Uint8Array.from(changed)
          fixed[fix.position] = (fixed[fix.position] as number) ^ fix.mask
          assert.equal(crc32(fixed, seed), expected)
        }
      },
    ),
  )
})

test('nothing is proposed for equal checksums, and next to nothing for unrelated ones', () => {
  assert.deepEqual([...singleByteFixes(7, 7, 1000)], [])
  let proposals = 0
  for (let i = 1; i <= 200; i++) proposals += [...singleByteFixes(crc32(Buffer.from(`${i}`)), 0, 1000)].length
  assert.ok(proposals < 5)
})
