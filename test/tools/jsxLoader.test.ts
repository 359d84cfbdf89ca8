// Tests of the terminal UI import .tsx files through this loader; errors must point into the source.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { linkPackages, makeSandbox, repository } from './sandbox.ts'

test('runs .tsx with types and JSX, and reports lines of the source', t => {
  const root = makeSandbox(t, {
    'main.ts': "import { view, fail } from './view.tsx'\nconsole.log(view.props.children)\nfail()\n",
    'view.tsx': [
      "import { Text } from 'ink'",
      'interface Unused {}',
      "export const view: { props: { children: string } } = <Text>it's</Text>",
      'export function fail(): never {',
      "  throw new Error('on line 5')",
      '}',
    ].join('\n'),
  })
  linkPackages(root)
  const options = [
    '--enable-source-maps',
    '--import',
    path.join(repository, 'tools/jsxLoader.ts'),
    path.join(root, 'main.ts'),
  ]
  const { stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' })
  assert.equal(stdout, "it's\n")
  assert.match(stderr, /view\.tsx:5:/)
})
