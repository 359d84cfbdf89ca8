// bin/sentctl under the shells that it will meet, in the places where npm puts it. The Node in these packages is a
// link to the one that runs the test, or a script that stands for one.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'

const repository = path.dirname(path.dirname(import.meta.dirname))
const ownNode = `node-linux-${process.arch}/bin/node`
const show =
  'console.log(JSON.stringify([process.argv.slice(2), process.argv[1], process.env.NODE_COMPILE_CACHE ?? null]))'

interface Package {
  /** The folder that holds the package and everything around it. */
  readonly base: string
  readonly file: string
  readonly main: string
}

type Context = { after: (hook: () => void) => void }

/** A package as npm installs it globally: below `lib/node_modules`, its bin linked by a relative symlink. */
function installPackage(
  t: Context,
  options: { readonly node?: 'nested' | 'hoisted'; readonly dist?: false } = {},
): Package {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos launcher-')))
  t.after(() => fs.rmSync(base, { recursive: true, force: true }))
  const modules = path.join(base, 'lib/node_modules')
  const folder = path.join(modules, 'sentientos')
  for (const name of ['bin', 'dist']) fs.mkdirSync(path.join(folder, name), { recursive: true })
  fs.copyFileSync(path.join(repository, 'bin/sentctl'), path.join(folder, 'bin/sentctl'))
  if (options.dist !== false) {
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }')
    fs.writeFileSync(path.join(folder, 'dist/main.js'), show)
    fs.copyFileSync(path.join(repository, 'tools/bundle/launch.cjs'), path.join(folder, 'dist/launch.cjs'))
  }
  if (options.node !== undefined) {
    linkNode(path.join(options.node === 'nested' ? path.join(folder, 'node_modules') : modules, ownNode))
  }
  fs.mkdirSync(path.join(base, 'bin'))
  fs.symlinkSync('../lib/node_modules/sentientos/bin/sentctl', path.join(base, 'bin/sentctl'))
  return { base, file: path.join(folder, 'bin/sentctl'), main: path.join(folder, 'dist/main.js') }
}

function linkNode(file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.symlinkSync(process.execPath, file)
}

/** A folder for PATH that holds just what a bare system has: no Node. */
function barePath(t: Context, nodeScript?: string): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sentientos-path-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const readlink = ['/bin/readlink', '/usr/bin/readlink'].find(file => fs.existsSync(file)) ?? ''
  fs.symlinkSync(readlink, path.join(folder, 'readlink'))
  if (nodeScript !== undefined) fs.writeFileSync(path.join(folder, 'node'), nodeScript, { mode: 0o755 })
  return folder
}

const busybox = process.env.SENTIENT_TEST_BUSYBOX ?? 'busybox'
const shells: Readonly<Record<string, readonly string[]>> = {
  dash: ['dash'],
  'busybox sh': [busybox, 'sh'],
  'bash as sh': ['bash', '--posix'],
}

interface Run {
  readonly path?: string
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
}

function runWith(shell: readonly string[], file: string, options: readonly string[], run: Run = {}) {
  const [program = '', ...before] = shell.map(part => (part.includes('/') ? part : (which(part) ?? part)))
  const env = { PATH: run.path ?? '', ...run.environment }
  return spawnSync(program, [...before, file, ...options], { encoding: 'utf8', cwd: run.cwd, env })
}

function which(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(':')
  return folders.map(folder => path.join(folder, name)).find(file => fs.existsSync(file))
}

for (const [name, shell] of Object.entries(shells)) {
  describe(`the launcher under ${name}`, () => {
    const launch = (file: string, options: readonly string[], run?: Run) => runWith(shell, file, options, run)

    test('passes every argument as it is, through links', t => {
      const { base, main } = installPackage(t, { node: 'nested' })
      fs.symlinkSync(path.join(base, 'bin/sentctl'), path.join(base, 'again'))
      const given = ['ui', '--root', 'a b', '', '$HOME', '"', "'", '*', 'é\\n']
      for (const file of [path.join(base, 'bin/sentctl'), path.join(base, 'again')]) {
        const { stdout, stderr, status } = launch(file, given, { path: barePath(t) })
        assert.deepEqual([JSON.parse(stdout), stderr, status], [[given, main, null], '', 0])
      }
    })

    test('finds the package from any directory, and a Node beside it', t => {
      const { base, file, main } = installPackage(t, { node: 'hoisted' })
      const bin = path.dirname(file)
      fs.symlinkSync(bin, path.join(base, 'linked'))
      const places: readonly (readonly [string, string])[] = [
        ['sentctl', bin],
        ['./sentctl', bin],
        ['bin/sentctl', path.dirname(bin)],
        ['linked/sentctl', base],
      ]
      for (const [relative, cwd] of places) {
        const { stdout, stderr } = launch(relative, [], { cwd, path: barePath(t), environment: { CDPATH: base } })
        assert.deepEqual([JSON.parse(stdout), stderr], [[[], main, null], ''], relative)
      }
    })

    test('keeps compiled code in the cache folder of the user', t => {
      const { base, file } = installPackage(t, { node: 'nested' })
      const cacheWith = (environment: Readonly<Record<string, string>>) => {
        const shown = JSON.parse(launch(file, [], { environment }).stdout) as unknown[]
        return shown[2]
      }
      assert.equal(cacheWith({ HOME: base }), path.join(base, '.cache/sentientos/node-compile-cache'))
      assert.equal(
        cacheWith({ HOME: base, XDG_CACHE_HOME: `${base}/x` }),
        path.join(base, 'x/sentientos/node-compile-cache'),
      )
      assert.equal(cacheWith({ HOME: base, NODE_COMPILE_CACHE: `${base}/own` }), path.join(base, 'own'))
      assert.equal(cacheWith({}), null)
    })

    test('ends with the exit code of the program', t => {
      const { file, main } = installPackage(t, { node: 'nested' })
      fs.writeFileSync(main, 'process.exitCode = 5')
      assert.equal(launch(file, []).status, 5)
    })

    test('takes the Node of the system when the package has none', t => {
      const { file, main } = installPackage(t)
      const place = barePath(t)
      fs.symlinkSync(process.execPath, path.join(place, 'node'))
      const { stdout, stderr } = launch(file, ['x y'], { path: place })
      assert.deepEqual([JSON.parse(stdout), stderr], [[['x y'], main, null], ''])
    })

    test('says which Node is needed when that of the system is too old', t => {
      const { base, file } = installPackage(t)
      fs.writeFileSync(
        path.join(base, 'old.cjs'),
        "Object.defineProperty(process.versions, 'node', { value: '20.1.0' })",
      )
      const place = barePath(
        t,
        `#!/bin/sh\nexec '${process.execPath}' --require '${path.join(base, 'old.cjs')}' "$@"\n`,
      )
      const { stdout, stderr, status } = launch(file, [], { path: place })
      assert.deepEqual([stdout, status], ['', 1])
      assert.match(stderr, /^sentctl needs Node 22\.15 or later; .* is 20\.1\.0\.\nInstall a newer Node/)
    })

    test('says what to do when there is no Node at all', t => {
      const { stdout, stderr, status } = launch(installPackage(t).file, [], { path: barePath(t) })
      assert.deepEqual([stdout, status], ['', 1])
      assert.match(stderr, /^sentctl: no Node\.js found, version 22\.15 or later is needed\.\nInstall it/)
    })

    test('says what to do in a checkout that is not built', t => {
      const { stdout, stderr, status } = launch(installPackage(t, { node: 'nested', dist: false }).file, [])
      assert.deepEqual([stdout, status], ['', 1])
      assert.match(stderr, /dist is missing\. In a checkout, run: npm run build \(or npm start\)\n$/)
    })

    test('adds a few milliseconds', t => {
      const { base, file } = installPackage(t)
      const nothing = path.join(path.dirname(file), '../node_modules', ownNode)
      fs.mkdirSync(path.dirname(nothing), { recursive: true })
      fs.symlinkSync(which('true') ?? '', nothing) // ends at once, so that only the launcher is measured
      const linked = path.join(base, 'bin/sentctl')
      const millisecondsMin = (run: () => unknown) => {
        const times = Array.from({ length: 30 }, () => {
          const started = performance.now()
          run()
          return performance.now() - started
        })
        return Math.min(...times)
      }
      const whole = millisecondsMin(() =>
        launch(linked, [], { environment: { HOME: base, PATH: process.env.PATH ?? '' } }),
      )
      const direct = millisecondsMin(() => spawnSync(nothing, []))
      assert.ok(whole - direct < 15, `${(whole - direct).toFixed(1)} ms`)
      t.diagnostic(`${(whole - direct).toFixed(1)} ms`)
    })
  })
}
