// Byte strings as they are shown and typed in again: nothing invisible gets through, nothing is lost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  byteStringOf,
  byteStringOfText,
  bytesOf,
  bytesOfHex,
  displayBytes,
  hexOf,
  parseDisplayed,
} from '../../../src/core/format/bytes.ts'
import { FormatError } from '../../../src/core/format/formatError.ts'
import { anyText } from '../../support/text.ts'
import { byteString, bytes } from './arbitraries.ts'

test('byte strings and bytes are one and the same', () => {
  fc.assert(fc.property(bytes(50), raw => assert.deepEqual(bytesOf(byteStringOf(raw)), raw)))
})

test('what is shown can be typed in again', () => {
  fc.assert(
    fc.property(byteString(30), raw => assert.equal(parseDisplayed(displayBytes(raw)), raw)),
    { numRuns: 2000 },
  )
  const unicode = anyText({ maxLength: 20 })
  fc.assert(
    fc.property(unicode, text => {
      const raw = byteStringOfText(text)
      assert.equal(parseDisplayed(displayBytes(raw)), raw)
    }),
    { numRuns: 2000 },
  )
})

test('what is shown holds no control, bidirectional or invisible character', () => {
  const ranges =
    '0-1f 7f-9f ad-ad 61c-61c 115f-1160 17b4-17b5 180b-180f 200b-200f 2028-202e 2060-206f 3164-3164 fe00-fe0f feff-feff ffa0-ffa0 fff0-fffb fffe-ffff'
  for (const range of ranges.split(' ')) {
    const [first = 0, last = 0] = range.split('-').map(hex => Number.parseInt(hex, 16))
    for (let codePoint = first; codePoint <= last; codePoint++) {
      const shown = displayBytes(byteStringOfText(String.fromCodePoint(codePoint)))
      assert.match(shown, /^(\\x[0-9A-F]{2})+$|^\\n$/, codePoint.toString(16))
    }
  }
  for (const tag of ['\u{e0001}', '\u{e0041}', '\u{e0100}'])
    assert.match(displayBytes(byteStringOfText(tag)), /^(\\x[0-9A-F]{2})+$/)
})

test('ordinary names are shown as they are', () => {
  for (const text of ['etc/hosts', 'naïve café', '日本語', '😀', 'a b~{}|'])
    assert.equal(displayBytes(byteStringOfText(text)), text)
})

test('plain text stands for its UTF-8 bytes, escapes for theirs', () => {
  assert.equal(parseDisplayed('é'), '\xc3\xa9')
  assert.equal(parseDisplayed('\\xc3\\xA9'), '\xc3\xa9')
  assert.equal(parseDisplayed('a\\\\b\\nc'), 'a\\b\nc')
  for (const text of ['\\', 'a\\', '\\t', '\\x', '\\x1', '\\xg0', '\ud800'])
    assert.throws(() => parseDisplayed(text), FormatError, text)
})

test('hex is lower case and whole', () => {
  assert.equal(hexOf(bytesOfHex('00ff')), '00ff')
  for (const text of ['0', '0G', 'FF', ' 00']) assert.throws(() => bytesOfHex(text), FormatError)
})
