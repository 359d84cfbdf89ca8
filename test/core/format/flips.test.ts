// Every single bit flipped of files that only a signature protects: each flip is a verification of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flips } from './arbitraries.ts'
import { fileOf, makeLog, verdictOf } from './consistencyLogs.ts'

test('every flipped bit of a consistency file and of evidence is seen', () => {
  const [one, two] = [makeLog(9), makeLog(13, 'b', 4)]
  for (const bytes of [fileOf(one, 5, one, 9), fileOf(one, 9, two, 13), fileOf(one, 9, makeLog(9, 'b', 4), 9)]) {
    assert.notEqual(verdictOf(bytes).state, 'bad')
    for (const { bytes: flipped, bit } of flips(bytes)) assert.equal(verdictOf(flipped).state, 'bad', `bit ${bit}`)
    for (let length = 0; length < bytes.length; length += 11)
      assert.equal(verdictOf(bytes.subarray(0, length)).state, 'bad')
  }
})
