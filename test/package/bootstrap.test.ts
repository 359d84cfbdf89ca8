// The bootstrap in a small repository of its own with one package: it installs when needed, only then, and passes
// everything through to the task.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { makeSandbox, repository, writeFile } from '../tools/sandbox.ts'

/** `probe` prints what it got; `wait` lives until a signal comes. */
const tasks = {
  'tools/probe.ts': `
    const shown = { args: process.argv.slice(2), cache: process.env.NODE_COMPILE_CACHE, path: process.env.PATH }
    console.log(JSON.stringify(shown as object))
    process.exitCode = 7
  `,
  'tools/wait.ts': `
    process.on('SIGTERM', () => { console.log('terminated'); process.exit(9) })
    setTimeout(() => {}, 60_000)
    console.log('waiting')
  `,
}

function makeRepository(t: { after: (hook: () => void) => void }): string {
  const root = makeSandbox(t, {
    ...tasks,
    'dependency/package.json': '{ "name": "dependency", "version": "1.0.0" }',
    'package.json': '{ "name": "sandbox", "version": "1.0.0", "type": "module" }',
  })
  fs.copyFileSync(path.join(repository, 'tools', 'bootstrap.mjs'), path.join(root, 'tools', 'bootstrap.mjs'))
  npm(root, 'pack', './dependency')
  npm(root, 'install', '--package-lock-only', './dependency-1.0.0.tgz')
  return root
}

/** Nothing here is on a registry, so npm shall not ask one. */
const offline = { npm_config_offline: 'true', npm_config_audit: 'false', npm_config_update_notifier: 'false' }

function npm(root: string, ...options: string[]): void {
  const env = { ...process.env, ...offline }
  const { status, stderr } = spawnSync('npm', options, { cwd: root, encoding: 'utf8', env })
  assert.equal(status, 0, stderr)
}

function bootstrap(root: string, options: readonly string[], environment: Record<string, string> = {}) {
  const program = path.join(root, 'tools', 'bootstrap.mjs')
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env
  const env = { ...inherited, ...offline, ...environment }
  return spawnSync(process.execPath, [program, ...options], { cwd: root, encoding: 'utf8', env })
}

describe('bootstrap', () => {
  test('installs once, passes arguments and the exit code through', t => {
    const root = makeRepository(t)
    const first = bootstrap(root, ['probe', 'a b', '--c=$d'], { XDG_CACHE_HOME: path.join(root, 'cache') })
    assert.equal(first.status, 7, first.stderr)
    assert.match(first.stderr, /^Installing packages[^\n]*\nInstalled the packages in \d+ s\.\n$/)
    const shown = JSON.parse(first.stdout) as { args: string[]; cache: string; path: string }
    assert.deepEqual(shown.args, ['a b', '--c=$d'])
    assert.equal(shown.cache, path.join(root, 'cache', 'sentientos', 'node-compile-cache'))
    assert.equal(shown.path.split(':')[0], path.join(root, 'node_modules', '.bin'))

    const second = bootstrap(root, ['probe'])
    assert.equal(second.status, 7)
    assert.equal(second.stderr, '')
  })

  test('installs again when package-lock.json asks for something else', t => {
    const root = makeRepository(t)
    bootstrap(root, ['probe'])
    writeFile(root, 'dependency/package.json', '{ "name": "dependency", "version": "1.0.1" }')
    npm(root, 'pack', './dependency')
    npm(root, 'install', '--package-lock-only', './dependency-1.0.1.tgz')
    assert.match(bootstrap(root, ['probe']).stderr, /Installed the packages/)
    const installed = fs.readFileSync(path.join(root, 'node_modules', 'dependency', 'package.json'), 'utf8')
    assert.match(installed, /1\.0\.1/)
  })

  test('says what failed and what to do when the packages can not be installed', t => {
    const root = makeRepository(t)
    const asksForMore = { name: 'sandbox', version: '1.0.0', dependencies: { dependency: 'file:gone.tgz' } }
    writeFile(root, 'package.json', JSON.stringify(asksForMore))
    const { status, stderr } = bootstrap(root, ['probe'])
    assert.equal(status, 1)
    assert.match(stderr, /gone\.tgz/) // what npm said
    assert.match(stderr, /npm ci failed in .*\n.*needs the network/)
  })

  test('names what is wrong with an unknown task and with a missing lock file', t => {
    const root = makeRepository(t)
    for (const name of ['nonsense', '../probe', '']) assert.match(bootstrap(root, [name]).stderr, /^There is no task "/)
    fs.rmSync(path.join(root, 'package-lock.json'))
    assert.match(bootstrap(root, ['probe']).stderr, /^package-lock\.json is missing or damaged\./)
  })

  test('hands signals to the task and ends as it ends', async t => {
    const root = makeRepository(t)
    bootstrap(root, ['probe'])
    const child = spawn(process.execPath, [path.join(root, 'tools', 'bootstrap.mjs'), 'wait'])
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output === 'waiting\n') child.kill('SIGTERM')
    })
    const code = await new Promise(resolve => child.on('close', resolve))
    assert.equal(code, 9)
    assert.equal(output, 'waiting\nterminated\n')
  })
})
