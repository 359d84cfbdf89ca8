// Session files: strict, bounded, and the same again after a round.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FormatError } from '../../../src/core/format/formatError.ts'
import { parseRedisAddress } from '../../../src/core/format/redisAddress.ts'
import { decodeSession, encodeSession, type Session } from '../../../src/core/format/session.ts'

const session: Session = {
  id: '0123456789abcdef',
  process: 12,
  saved: 1_767_323_045_000_000,
  ended: false,
  lastSeq: -1,
  operation: 'delete etc/a',
  again: '{"do":"remove","paths":["etc/a"]}',
  screen: {
    pane: 'files',
    focus: 'list',
    path: 'etc/n\xc3\xafb\xff',
    past: '#3',
    searched: 'ü',
    panes: { files: { directory: 'etc', hidden: true, top: 4 } },
    prompt: { id: 'files.rename', label: 'to', text: 'x', data: 'etc' },
  },
}

const changed = (
  change: (file: Record<string, never> & { screen: Record<string, unknown> }) => unknown,
): Uint8Array => {
  const file = JSON.parse(Buffer.from(encodeSession(session)).toString())
  change(file)
  return Buffer.from(JSON.stringify(file))
}

test('a session is the same after a round', () => {
  assert.deepEqual(decodeSession(encodeSession(session)), session)
})

test('every key is needed, no other is taken, and each is within its limits', () => {
  const file = JSON.parse(Buffer.from(encodeSession(session)).toString())
  for (const key of Object.keys(file).filter(key => key !== 'again'))
    assert.throws(() => decodeSession(changed(one => delete one[key])), FormatError)
  assert.equal(decodeSession(changed(one => delete one.again)).again, '')
  for (const key of Object.keys(file.screen))
    assert.throws(() => decodeSession(changed(one => delete one.screen[key])), FormatError)
  const wrong: Readonly<Record<string, unknown>>[] = [
    { more: 1 },
    { version: 2 },
    { id: '0123456789ABCDEF' },
    { id: '../../../../etc/' },
    { process: -1 },
    { saved: 1.5 },
    { saved: 2 ** 60 },
    { ended: 'no' },
    { lastSeq: -2 },
    { operation: 'x'.repeat(4_097) },
    { operation: '\ud800' },
    { again: 'x'.repeat(4_097) },
    { again: {} },
    { screen: [] },
    { screen: { ...file.screen, focus: 'both' } },
    { screen: { ...file.screen, pane: '__proto__' } },
    { screen: { ...file.screen, path: 'Ω' } },
    { screen: { ...file.screen, panes: { Files: {} } } },
    { screen: { ...file.screen, panes: { files: { a: null } } } },
    { screen: { ...file.screen, panes: { files: { a: { b: 1 } } } } },
    { screen: { ...file.screen, panes: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`p${n}`, {}])) } },
    { screen: { ...file.screen, prompt: { id: 'a', label: '', text: '' } } },
  ]
  for (const part of wrong)
    assert.throws(() => decodeSession(changed(one => Object.assign(one, part))), FormatError, JSON.stringify(part))
  assert.throws(() => decodeSession(Buffer.from([0xff])), FormatError)
  assert.throws(() => decodeSession(Buffer.alloc(32_769, ' ')), /32768 bytes/)
})

test('a session over the limits is not written', () => {
  const panes = { files: Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`f${n}`, 'x'.repeat(4_000)])) }
  assert.throws(() => encodeSession({ ...session, screen: { ...session.screen, panes } }), FormatError)
})

test('any JSON is a session or refused', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), text => {
      try {
        decodeSession(Buffer.from(text))
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error))
      }
    }),
  )
})

test('the address of a Redis: what is taken, and what is refused with a reason', () => {
  const at = { user: '', host: 'h', port: 6379, database: 0 }
  assert.deepEqual(parseRedisAddress('redis://h'), at)
  assert.deepEqual(parseRedisAddress('redis://me@h:7/12'), { ...at, user: 'me', port: 7, database: 12 })
  assert.deepEqual(parseRedisAddress('redis://[::1]/1'), { ...at, host: '::1', database: 1 })
  assert.match(String(parseRedisAddress('redis://me:secret@h')), /\.auth\/redis-password/)
  for (const text of [
    '',
    'h:6379',
    'http://h',
    'redis:///1',
    'redis://h/x',
    'redis://h/99999',
    'redis://h:0',
    'redis://a%20b@h',
    'redis://h?x=1',
  ])
    assert.equal(typeof parseRedisAddress(text), 'string', text)
})
