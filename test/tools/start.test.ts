// `npm start` in a small repository with a copy of the tools: it builds, makes the demo once, and becomes sentctl.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { linkPackages, makeSandbox, repository } from './sandbox.ts'

const shows =
  '// Shows what it got.\n\nconsole.log(JSON.stringify([process.argv.slice(2), process.cwd()]))\nprocess.exitCode = 6\n'
const demo = `// Makes a demo of one file.

import fs from 'node:fs'
import { demoFolder } from './start.ts'

export async function makeDemo(folder: string): Promise<void> {
  fs.mkdirSync(folder + '/.runtime', { recursive: true })
  fs.writeFileSync(folder + '/.runtime/format', demoFolder())
  if (process.env.BREAK_DEMO) throw new Error('broken while it was made')
}
`

function makeRepository(t: { after: (hook: () => void) => void }): string {
  const root = makeSandbox(t, {
    'src/main.ts': shows,
    'package.json': '{ "type": "module" }',
    'package-lock.json': '{}',
  })
  for (const name of ['tools', 'bin'])
    fs.cpSync(path.join(repository, name), path.join(root, name), { recursive: true })
  fs.writeFileSync(path.join(root, 'tools/demo.ts'), demo)
  linkPackages(root)
  return root
}

function start(root: string, options: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const env = { ...process.env, INIT_CWD: root, XDG_DATA_HOME: path.join(root, 'data'), ...environment }
  return spawnSync(process.execPath, [path.join(root, 'tools/start.ts'), ...options], {
    encoding: 'utf8',
    cwd: root,
    env,
  })
}

describe('npm start', () => {
  test('builds, makes the demo and opens it; the second time it only opens it', t => {
    const root = makeRepository(t)
    const folder = path.join(root, 'data/sentientos/demo')
    const opened = [['ui', '--root', folder], root]
    const first = start(root, [])
    assert.deepEqual([JSON.parse(first.stdout), first.stderr, first.status], [opened, 'Building …\n', 6])
    fs.writeFileSync(path.join(folder, '.runtime/format'), 'used')
    const second = start(root, [])
    assert.deepEqual([JSON.parse(second.stdout), second.stderr, second.status], [opened, '', 6])
    assert.equal(fs.readFileSync(path.join(folder, '.runtime/format'), 'utf8'), 'used')
  })

  test('opens another folder from where the user stands, without a demo', t => {
    const root = makeRepository(t)
    const elsewhere = path.join(root, 'else where')
    fs.mkdirSync(elsewhere)
    for (const options of [
      ['--root', '.'],
      ['--root=x y', '--profile', 'vt100'],
    ]) {
      const { stdout, stderr } = start(root, options, { INIT_CWD: elsewhere })
      assert.deepEqual(JSON.parse(stdout), [['ui', ...options], elsewhere], stderr)
    }
    assert.equal(fs.existsSync(path.join(root, 'data')), false)
  })

  test('makes a demo anew that was not finished', t => {
    const root = makeRepository(t)
    const folder = path.join(root, 'data/sentientos/demo')
    const broken = start(root, [], { BREAK_DEMO: '1' })
    assert.deepEqual([broken.stderr, broken.stdout, broken.status], ['Building …\nbroken while it was made\n', '', 1])
    fs.writeFileSync(path.join(folder, 'half'), '')
    assert.equal(start(root, []).status, 6)
    assert.deepEqual(fs.readdirSync(folder), ['.runtime'])
    assert.deepEqual(fs.readdirSync(path.dirname(folder)), ['demo'])
  })

  test('touches nothing that is in the place of the demo', t => {
    const root = makeRepository(t)
    const folder = path.join(root, 'data/sentientos/demo')
    fs.mkdirSync(folder, { recursive: true })
    fs.writeFileSync(path.join(folder, 'mine'), 'mine')
    const { stderr, status } = start(root, [])
    assert.equal(status, 1)
    assert.match(stderr, /demo is in the way: it is no root folder\. Move it away/)
    assert.deepEqual(fs.readdirSync(folder), ['mine'])
  })
})
