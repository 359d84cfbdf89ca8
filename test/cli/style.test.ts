// Sizes, times, wrapping and escaping as people see them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { colourStyle, columns, duration, safeLines, safeText, shortSize, wrap } from '../../src/cli/style.ts'
import { counted } from '../../src/commands/words.ts'
import { anyText } from '../support/text.ts'

test('sizes stay within five characters', () => {
  const known: [number, string][] = [
    [0, '0'],
    [999, '999'],
    [1024, '1.0k'],
    [1229, '1.2k'],
    [10 * 1024, '10k'],
    [1023 * 1024, '1.0M'],
    [48 * 1024 * 1024, '48M'],
    [3 * 1024 ** 4, '3.0T'],
  ]
  for (const [bytes, text] of known) assert.equal(shortSize(bytes), text)
  fc.assert(fc.property(fc.maxSafeNat(), bytes => assert.ok(shortSize(bytes).length <= 5, shortSize(bytes))))
})

test('counts and durations', () => {
  assert.equal(counted(1, 'file'), '1 file')
  assert.equal(counted(2314, 'file'), '2,314 files')
  assert.equal(counted(0, 'entry', 'entries'), '0 entries')
  assert.equal(duration(40), '40 ms')
  assert.equal(duration(20_000), '20 s')
  assert.equal(duration(200_000), '3 min 20 s')
  assert.equal(duration(7_500_000), '2 h 5 min')
})

test('foreign text cannot steer a terminal', () => {
  assert.equal(safeText('a\x1b[2Jb\nc\u202ed'), 'a\\u{1b}[2Jb\\nc\\u{202e}d')
  assert.equal(safeLines('a\tb\nc\x07'), 'a\tb\nc\\u{7}')
  const control = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/
  fc.assert(fc.property(anyText(), text => assert.ok(!control.test(safeText(text)))))
})

test('wrapping loses no word and keeps the width', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 14, max: 60 }),
      (words, width) => {
        const lines = wrap(words.join(' '), width, '  ')
        assert.equal(lines.map(line => line.slice(2)).join(' '), words.join(' '))
        for (const line of lines) assert.ok(line.length <= width, line)
      },
    ),
  )
})

test('columns align whatever is coloured', () => {
  const rows = columns(
    [
      [colourStyle.red('~'), 'a', '1'],
      ['=', 'long name', '200'],
    ],
    [2],
  )
  assert.deepEqual(
    rows.map(row => row.replace(/\x1b\[\d+m/g, '')),
    ['~  a            1', '=  long name  200'],
  )
})
