// Generated files are compared with what their generators say, and written only when they differ.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { staleFiles } from '../../tools/generate.ts'
import { makeSandbox, writeFile } from './sandbox.ts'

const generator = `
  import fs from 'node:fs'
  export async function generateList(root) {
    return [{ path: 'docs/list.md', text: fs.readFileSync(root + '/source.txt', 'utf8').toUpperCase() }]
  }
`

test('a file is stale while it is missing, changed, or its source is', async t => {
  const root = makeSandbox(t, { 'tools/generateList.ts': generator, 'tools/generate.ts': '', 'source.txt': 'a' })
  const stale = async () => (await staleFiles(root)).map(file => `${file.path}=${file.text}`)
  assert.deepEqual(await stale(), ['docs/list.md=A'])
  writeFile(root, 'docs/list.md', 'A')
  assert.deepEqual(await stale(), [])
  fs.writeFileSync(path.join(root, 'source.txt'), 'b')
  assert.deepEqual(await stale(), ['docs/list.md=B'])
})

test('a generator must export a function of its own name', async t => {
  const root = makeSandbox(t, { 'tools/generateNothing.ts': 'export const other = 1' })
  await assert.rejects(staleFiles(root), /tools\/generateNothing\.ts exports no function generateNothing/)
})
