// Suggestions for words that were typed wrongly.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { didYouMean, editDistance, suggestions } from '../../src/commands/suggest.ts'
import { commandNames } from '../../src/commands/table.ts'

test('the edit distance of known pairs', () => {
  const known: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['status', 'status', 0],
    ['stauts', 'status', 1],
    ['snaphot', 'snapshot', 1],
    ['rollbakc', 'rollback', 1],
    ['kitten', 'sitting', 3],
  ]
  for (const [a, b, distance] of known) assert.equal(editDistance(a, b), distance, `${a} to ${b}`)
})

test('the edit distance is symmetric, zero only for equal words, and at most the longer length', () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      assert.equal(distance, editDistance(b, a))
      assert.equal(distance === 0, a === b)
      assert.ok(distance <= Math.max(a.length, b.length))
    }),
  )
})

test('each verb with one letter lost, doubled or swapped is suggested', () => {
  for (const name of commandNames.filter(verb => verb.length >= 4)) {
    for (let i = 1; i < name.length; i++) {
      const lost = name.slice(0, i) + name.slice(i + 1)
      const doubled = name.slice(0, i) + name[i] + name.slice(i)
      const swapped = name.slice(0, i - 1) + name[i] + name[i - 1] + name.slice(i + 1)
      for (const typed of [lost, doubled, swapped]) {
        if ((commandNames as readonly string[]).includes(typed)) continue
        assert.ok(suggestions(typed, commandNames).includes(name), `${typed} for ${name}`)
      }
    }
  }
})

test('what is like nothing gets no suggestion', () => {
  assert.deepEqual(suggestions('frobnicate', commandNames), [])
  assert.equal(didYouMean('xyzzy', commandNames), undefined)
})
