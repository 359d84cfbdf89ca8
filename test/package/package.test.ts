// The package that npm would publish: packed, installed globally into a place of its own, and run there without a
// network and without this checkout.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'

const repository = path.dirname(path.dirname(import.meta.dirname))
const bytesMax = 4 * 1024 * 1024

interface PackedFile {
  readonly path: string
  readonly size: number
  readonly mode: number
}

interface Packed {
  readonly filename: string
  readonly unpackedSize: number
  readonly files: readonly PackedFile[]
}

/** Without what npm tells the scripts it runs about itself: this is another npm run. */
function cleanEnvironment(): Record<string, string | undefined> {
  const entries = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_|^INIT_CWD$/i.test(name))
  return Object.fromEntries(entries)
}

function run(
  program: string,
  options: readonly string[],
  more: { cwd?: string; env?: Record<string, string | undefined> } = {},
) {
  const env = more.env ?? cleanEnvironment()
  return spawnSync(program, options, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...more, env })
}

describe('the package', () => {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-package-')))
  const installed = path.join(base, 'prefix/bin/sentctl')
  let packed: Packed

  before(() => {
    // dist/ is fresh: the suite needs it. Its scripts would only build it again.
    const pack = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', base], { cwd: repository })
    assert.equal(pack.status, 0, pack.stderr)
    packed = (JSON.parse(pack.stdout) as [Packed])[0]
    const options = ['--global', '--prefix', path.join(base, 'prefix'), '--prefer-offline', '--no-audit', '--no-fund']
    const install = run('npm', ['install', ...options, path.join(base, packed.filename)], { cwd: base })
    assert.equal(install.status, 0, install.stderr)
  })

  after(() => fs.rmSync(base, { recursive: true, force: true }))

  /** Runs the installed program with nothing of this checkout in its environment, cut from the network if that can be. */
  function sentctl(options: readonly string[], cwd = base) {
    const env = { HOME: path.join(base, 'home'), PATH: '/usr/bin:/bin', TERM: 'dumb' }
    const alone = run('unshare', ['--net', '--map-root-user', 'true']).status === 0
    const [program, ...before] = alone ? ['unshare', '--net', '--map-root-user', installed] : [installed]
    return run(program ?? '', [...before, ...options], { cwd, env })
  }

  test('holds what it needs to run, its licences, and no sources', () => {
    const names = packed.files.map(file => file.path)
    const needed = [
      'LICENSE',
      'README.md',
      'bin/sentctl',
      'dist/main.js',
      'dist/launch.cjs',
      'dist/THIRD-PARTY-LICENSES.txt',
    ]
    for (const name of [...needed, 'format/README.md']) assert.ok(names.includes(name), `${name} is missing`)
    const surplus = names.filter(name => /^(?:src|test|tools|node_modules)\/|\.tsx?$|build\.json$/.test(name))
    assert.deepEqual(surplus, [])
    assert.ok(packed.unpackedSize < bytesMax, `${packed.unpackedSize} bytes`)
    assert.equal((packed.files.find(file => file.path === 'bin/sentctl')?.mode ?? 0) & 0o111, 0o111)
  })

  test('names no place of the machine that built it', () => {
    const folder = path.join(base, 'prefix/lib/node_modules/sentientos')
    const files = packed.files.map(file => path.join(folder, file.path))
    const naming = files.filter(file => fs.readFileSync(file).includes(repository))
    assert.deepEqual(naming, [])
  })

  test('says its version', () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(repository, 'package.json'), 'utf8')) as {
      version: string
    }
    const { stdout, stderr, status } = sentctl(['version'])
    assert.deepEqual([stderr, status], ['', 0])
    assert.ok(stdout.includes(version), stdout)
  })

  test('makes a root folder, records a change and verifies it', () => {
    const folder = path.join(base, 'device')
    fs.mkdirSync(folder)
    fs.writeFileSync(path.join(folder, 'motd'), 'hello\n')
    const works = (...step: string[]) => {
      const { stderr, stdout, status } = sentctl(step, folder)
      assert.equal(status, 0, `sentctl ${step.join(' ')}: ${stderr}${stdout}`)
      return stdout
    }
    works('init')
    fs.appendFileSync(path.join(folder, 'motd'), 'changed\n')
    assert.match(works('status'), /motd/)
    works('absorb')
    assert.match(works('log'), /absorb/)
    works('verify')
  })
})
