// What the rules know about a source file: imports of every form with their lines, lengths of functions, names used.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSources } from '../../tools/sources.ts'
import { makeSandbox } from './sandbox.ts'

const text = `// A file.
import fs from 'node:fs'
import type { A } from './a.ts'
import { type B, b } from '../b.ts'

// A comment before it.
export { c } from './c.ts'
export type { D } from './d.ts'
type E = import('./e.ts').E
const f = await import('./f.tsx')
const notAnImport = "import './g.ts'"
export function outer(): number {
  const inner = () => {
    return Date.now()
  }
  return inner()
}
class Thing {
  method() { return new Date() }
}
`

test('imports', t => {
  const [source] = readSources(makeSandbox(t, { 'src/part/x.ts': text }))
  const plain = { typeOnly: false, dynamic: false, reexport: false }
  assert.deepEqual(source?.imports, [
    { specifier: 'node:fs', line: 2, ...plain },
    { specifier: './a.ts', line: 3, target: 'src/part/a.ts', ...plain, typeOnly: true },
    { specifier: '../b.ts', line: 4, target: 'src/b.ts', ...plain },
    { specifier: './c.ts', line: 7, target: 'src/part/c.ts', ...plain, reexport: true },
    { specifier: './d.ts', line: 8, target: 'src/part/d.ts', ...plain, reexport: true, typeOnly: true },
    { specifier: './e.ts', line: 9, target: 'src/part/e.ts', ...plain, typeOnly: true },
    { specifier: './f.tsx', line: 10, target: 'src/part/f.tsx', ...plain, dynamic: true },
  ])
})

test('functions and uses', t => {
  const [source] = readSources(makeSandbox(t, { 'src/part/x.ts': text }))
  assert.deepEqual(source?.functions, [
    { name: 'inner', line: 13, lines: 3, holdsTests: false },
    { name: 'outer', line: 12, lines: 3, holdsTests: false },
    { name: 'method', line: 19, lines: 1, holdsTests: false },
  ])
  assert.deepEqual(source?.uses, [
    { text: 'Date.now', line: 14 },
    { text: 'inner', line: 16 },
    { text: 'new Date()', line: 19 },
  ])
})

test('every kind of source file, in order, and nothing of node_modules', t => {
  const root = makeSandbox(t, {
    'tools/a.mjs': '',
    'src/b.tsx': 'export const b = <b>it is "quoted</b>\n',
    'test/c.test.ts': '',
    'tools/d.cjs': '',
    'src/node_modules/e/e.ts': '',
    'other/f.ts': '',
  })
  assert.deepEqual(
    readSources(root).map(source => source.path),
    ['src/b.tsx', 'test/c.test.ts', 'tools/a.mjs', 'tools/d.cjs'],
  )
})
