// From the core's words to plain data.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isoTime, octal, pathData } from '../../src/commands/data.ts'
import { parseDisplayed } from '../../src/core/format/bytes.ts'

test('times keep their microseconds', () => {
  assert.equal(isoTime(0), '1970-01-01T00:00:00.000000Z')
  assert.equal(isoTime(1_763_851_203_123_456), '2025-11-22T22:40:03.123456Z')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000_000 }), micros => {
      const text = isoTime(micros)
      assert.equal(Date.parse(text) * 1000 + Number(text.slice(23, 26)), micros)
    }),
  )
})

test('modes have four digits', () => {
  assert.equal(octal(0o644), '0644')
  assert.equal(octal(0o4755), '4755')
  assert.equal(octal(0), '0000')
})

test('any path can be had back from its data, by its text and, where that differs, by its bytes', () => {
  const name = fc.uint8Array({ minLength: 1, maxLength: 12 }).map(bytes => Buffer.from(bytes).toString('latin1'))
  fc.assert(
    fc.property(name, path => {
      const data = pathData(path)
      assert.equal(parseDisplayed(data.path), path)
      const bytes =
        data.pathBytes === undefined ? Buffer.from(data.path, 'utf8') : Buffer.from(data.pathBytes, 'base64')
      assert.equal(bytes.toString('latin1'), path)
    }),
  )
  assert.deepEqual(pathData('etc/fstab'), { path: 'etc/fstab' })
  assert.deepEqual(pathData(Buffer.from('ä').toString('latin1')), { path: 'ä' })
})
