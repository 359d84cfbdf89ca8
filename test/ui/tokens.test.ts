// Bytes to keys: however a slow line tears a sequence, the keys are the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createTokenizer, type Token } from '../../src/ui/input/tokens.ts'

const sequences: readonly (readonly [string, Token | undefined])[] = [
  ['a', { type: 'key', key: 'a' }],
  ['A', { type: 'key', key: 'A' }],
  [' ', { type: 'key', key: 'space' }],
  ['\r', { type: 'key', key: 'enter' }],
  ['\t', { type: 'key', key: 'tab' }],
  ['\x7f', { type: 'key', key: 'backspace' }],
  ['\x04', { type: 'key', key: 'ctrl-d' }],
  ['é', { type: 'key', key: 'é' }],
  ['🙂', { type: 'key', key: '🙂' }],
  ['\x1b[A', { type: 'key', key: 'up' }],
  ['\x1bOB', { type: 'key', key: 'down' }],
  ['\x1b[1;5C', { type: 'key', key: 'ctrl-right' }],
  ['\x1b[5~', { type: 'key', key: 'pageup' }],
  ['\x1b[Z', { type: 'key', key: 'shift-tab' }],
  ['\x1b[24;80R', { type: 'position', row: 24, column: 80 }],
  ['\x1b[200~two\nlines\x1b[201~', { type: 'paste', text: 'two\nlines' }],
  ['\x1b[[A', undefined],
  ['\x1b[?62;4c', undefined],
  ['\x1b[99~', undefined],
]

test('each sequence is one key, whole', () => {
  for (const [bytes, token] of sequences)
    assert.deepEqual(createTokenizer().push(bytes), token === undefined ? [] : [token], JSON.stringify(bytes))
})

test('a stream torn anywhere gives the same keys', () => {
  const stream = fc.array(fc.constantFrom(...sequences), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (parts, cuts) => {
      const bytes = parts.map(([text]) => text).join('')
      const expected = parts.flatMap(([, token]) => (token === undefined ? [] : [token]))
      const tokenizer = createTokenizer()
      const points = [...new Set(cuts.map(cut => cut % bytes.length))].sort((a, b) => a - b)
      const tokens: Token[] = []
      let from = 0
      for (const cut of [...points, bytes.length]) {
        tokens.push(...tokenizer.push(bytes.slice(from, cut)))
        from = cut
      }
      assert.deepEqual(tokens, expected)
    }),
    { numRuns: 500 },
  )
})

test('a lone Esc waits, and counts when it is told that nothing follows', () => {
  const tokenizer = createTokenizer()
  assert.deepEqual(tokenizer.push('\x1b'), [])
  assert.equal(tokenizer.waiting, true)
  assert.deepEqual(tokenizer.flush(), [{ type: 'key', key: 'escape' }])
  assert.equal(tokenizer.waiting, false)
})

test('after ESC [ the final byte is waited for, however long it takes', () => {
  const tokenizer = createTokenizer()
  assert.deepEqual(tokenizer.push('\x1b['), [])
  assert.equal(tokenizer.waiting, false)
  assert.deepEqual(tokenizer.flush(), [])
  assert.deepEqual(tokenizer.push('B'), [{ type: 'key', key: 'down' }])
})

test('the rest of a sequence that came too late is still that sequence, and no letters', () => {
  const tokenizer = createTokenizer()
  tokenizer.push('\x1b')
  tokenizer.flush()
  assert.deepEqual(tokenizer.push('[A'), [{ type: 'key', key: 'up' }])
  tokenizer.push('\x1b')
  tokenizer.flush()
  assert.deepEqual(tokenizer.push('A'), [{ type: 'key', key: 'A' }])
})

test('Esc and a key right after it are two keys', () => {
  assert.deepEqual(createTokenizer().push('\x1bj'), [
    { type: 'key', key: 'escape' },
    { type: 'key', key: 'j' },
  ])
})

test('noise of any kind never stops the keys that follow it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), bytes => {
      const noise = Buffer.from(bytes).toString('latin1').replaceAll('\x1b', '')
      const tokenizer = createTokenizer()
      tokenizer.push(noise)
      const keys = tokenizer.push('xy').flatMap(token => (token.type === 'key' ? [token.key] : []))
      assert.deepEqual(keys.slice(-2), ['x', 'y'])
    }),
  )
})
