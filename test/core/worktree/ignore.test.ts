// Ignore patterns: whatever they are they compile, and they match at once, whichever way they are matched.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compileIgnoreRule, compileNameGlob, compilePathGlob } from '../../../src/core/worktree/ignore.ts'

const pattern = fc
  .array(fc.constantFrom('*', '**', '**/', '/**', '/', '?', 'a', 'b', '[ab]', '[!a]', '[z-a]', '[a-', ']', '\\', '-'), {
    minLength: 1,
    maxLength: 9,
  })
  .map(parts => parts.join(''))
const path = fc
  .array(fc.constantFrom('a', 'b', '/', 'ab', '-', 'z', '\xff'), { maxLength: 10 })
  .map(parts => parts.join(''))

describe('a pattern', () => {
  test('compiles, whatever it is, and matches what its expression matches', () => {
    fc.assert(
      fc.property(fc.oneof(pattern, fc.string({ unit: 'binary', maxLength: 12 })), path, (line, text) => {
        const rule = compileIgnoreRule(line, 'a/b')
        if (rule !== undefined) assert.equal(rule.matches(text), rule.expression.test(text))
        const top = compileIgnoreRule(line)
        if (top !== undefined) assert.equal(top.matches(text), top.expression.test(text))
        compilePathGlob(line)(text)
        compileNameGlob(line)(text)
      }),
      { numRuns: 3_000 },
    )
  })

  test('with a range that stands the wrong way round has nothing in that range', () => {
    const matches = compileNameGlob('[z-ax]')
    assert.deepEqual(
      ['x', 'z', 'a', 'm'].map(name => matches(name)),
      [true, false, false, false],
    )
    assert.equal(compileNameGlob('[!z-a]')('m'), true)
  })

  test('of many stars does not try for ever', () => {
    const names = compileIgnoreRule(`${'*a'.repeat(40)}*b`)!
    const deep = compileIgnoreRule(`${'**/a/'.repeat(40)}b`)!
    const started = performance.now()
    assert.equal(names.matches('a'.repeat(255)), false)
    assert.equal(names.matches(`${'a'.repeat(254)}b`), true)
    assert.equal(deep.matches('a/'.repeat(2_000)), false)
    assert.equal(deep.matches(`${'a/'.repeat(2_000)}b`), true)
    assert.ok(performance.now() - started < 2_000)
  })

  test('means the same to a path glob: X/** is X and all below', () => {
    const matches = compilePathGlob('a*/b/**')
    assert.deepEqual(
      ['ax/b', 'ax/b/c/d', 'ax/bc', 'a/c/b/d'].map(one => matches(one)),
      [true, true, false, false],
    )
  })
})
