// RESP: what is written is read back, cut anywhere it is not whole, and what is no RESP is refused and never waited for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FormatError } from '../../../src/core/format/formatError.ts'
import { decodeCommands, decodeReplies, encodeCommands } from '../../../src/core/format/resp.ts'

const commands = fc.array(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 }), { maxLength: 6 })

test('commands come back as they were; a file that is cut is refused, replies that are cut are waited for', () => {
  fc.assert(
    fc.property(commands, fc.nat(), (all, where) => {
      const bytes = encodeCommands(all)
      const plain = (found: readonly (readonly Uint8Array[])[]) => found.map(one => one.map(part => [...part]))
      assert.deepEqual(plain(decodeCommands(bytes)), plain(all))
      assert.equal(decodeReplies(bytes).length, all.length)
      const cut = bytes.length === 0 ? 0 : where % bytes.length
      const whole = decodeReplies(bytes.subarray(0, cut)).length
      assert.ok(whole < Math.max(1, all.length))
      const ends = [0, ...all.map((_, index) => encodeCommands(all.slice(0, index)).length)]
      if (!ends.includes(cut)) assert.throws(() => decodeCommands(bytes.subarray(0, cut)), FormatError)
    }),
  )
})

test('any bytes are decoded, waited for or refused, and nothing else', () => {
  const mixed = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(fc.constantFrom('*', '$', ':', '-', '+', '1', '2', '-1', '99999999999', '\r\n', 'a'), { maxLength: 20 })
      .map(parts => new Uint8Array(Buffer.from(parts.join('')))),
  )
  fc.assert(
    fc.property(mixed, bytes => {
      for (const decode of [decodeReplies, decodeCommands]) {
        try {
          decode(bytes)
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error))
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

test('replies of every kind', () => {
  const text = '+OK\r\n-ERR no\r\n:-7\r\n$-1\r\n$2\r\nhi\r\n*2\r\n:1\r\n*1\r\n+a\r\n*-1\r\n'
  const [ok, error, integer, nothing, bytes, list, none] = decodeReplies(Buffer.from(text))
  assert.deepEqual(
    [ok, error],
    [
      { kind: 'text', text: 'OK' },
      { kind: 'error', text: 'ERR no' },
    ],
  )
  assert.deepEqual(
    [integer, nothing, none],
    [
      { kind: 'integer', value: -7 },
      { kind: 'bytes', bytes: null },
      { kind: 'bytes', bytes: null },
    ],
  )
  assert.equal(bytes?.kind === 'bytes' && Buffer.from(bytes.bytes!).toString(), 'hi')
  const inner = { kind: 'list', items: [{ kind: 'text', text: 'a' }] }
  assert.deepEqual(list, { kind: 'list', items: [{ kind: 'integer', value: 1 }, inner] })
})

test('what is no RESP, nested too deep or too long is refused at once', () => {
  for (const text of [
    'HTTP/1.1 400 Bad Request',
    '*1001\r\n',
    '$1x\r\n',
    '$-2\r\n',
    `${'*1\r\n'.repeat(9)}`,
    '$1\r\nabc',
  ])
    assert.throws(() => decodeReplies(Buffer.from(text)), FormatError, text)
  for (const text of ['+OK\r\n', '*0\r\n', '*1\r\n:1\r\n', '*1\r\n$-1\r\n'])
    assert.throws(() => decodeCommands(Buffer.from(text)), FormatError, text)
})
