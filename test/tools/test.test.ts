// `npm test` and `npm run check` themselves, in a small repository with a copy of the tools: what they print, what
// counts as failed, and their exit codes.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { linkPackages, makeSandbox, repository } from './sandbox.ts'

const passing = "// Passes.\n\nimport { test } from 'node:test'\n\ntest('passes', () => {})\n"
const shared = [
  'package.json',
  'package-lock.json',
  'biome.json',
  'tsconfig.json',
  'docs/dependencies.md',
  'native-core/Cargo.toml',
  '.gitignore',
]

/** A repository that is in order; tests add what is not. */
function makeRepository(t: { after: (hook: () => void) => void }, files: Readonly<Record<string, string>>): string {
  const root = makeSandbox(t, {
    'src/main.ts': '// Starts nothing.\n\nexport {}\n',
    'test/core/a.test.ts': passing,
    ...files,
  })
  fs.cpSync(path.join(repository, 'tools'), path.join(root, 'tools'), { recursive: true })
  const others = fs
    .readdirSync(path.join(root, 'tools'))
    .filter(name => /^(?:generate[A-Z]|cborVectors|makeFixtures|tar\.|demo|picture)/.test(name))
  for (const name of others) fs.rmSync(path.join(root, 'tools', name))
  fs.writeFileSync(
    path.join(root, 'tools/demo.ts'),
    '// No demo.\n\nexport async function makeDemo(_folder: string) {}\n',
  )
  for (const name of shared) fs.cpSync(path.join(repository, name), path.join(root, name), { recursive: true })
  linkPackages(root)
  return root
}

function runTool(
  root: string,
  name: string,
  options: readonly string[],
  environment: Readonly<Record<string, string>> = {},
) {
  const { NODE_TEST_CONTEXT: _, SENTIENT_TEST_SEED: __, ...inherited } = process.env
  const env = { ...inherited, ...environment }
  return spawnSync(process.execPath, [path.join(root, 'tools', name), ...options], { encoding: 'utf8', cwd: root, env })
}

describe('npm run check', () => {
  test('has nothing to say about a repository in order', t => {
    const { stdout, status } = runTool(makeRepository(t, {}), 'check.ts', [])
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^ok +unit tests +\d+\.\d s/m)
    assert.match(stdout, /\nEverything is in order \(\d+\.\d s\)\.\n$/)
  })

  test('names each step that fails, with the file and line', t => {
    const root = makeRepository(t, {
      'src/core/errors.ts': '// Errors.\n\nexport const wrong: number = "text"\n',
      'src/core/progress.ts': "// Progress.\n\nimport './errors.ts'\nimport 'node:fs'\n\nMath.random()\n",
      'test/core/a.test.ts': passing.replace('{}', "{ throw new Error('boom') }"),
    })
    const { stdout, status } = runTool(root, 'check.ts', [])
    assert.equal(status, 1)
    assert.match(stdout, /^FAIL {2}types/m)
    assert.match(stdout, /src\/core\/errors\.ts\(3,14\): error TS2322/)
    assert.match(stdout, /src\/core\/progress\.ts:4: progress may not load node:fs/)
    assert.match(stdout, /src\/core\/progress\.ts:6: Math\.random is banned here/)
    assert.match(stdout, /test\/core\/a\.test\.ts:5 passes\n {4}Error: boom/)
    assert.match(stdout, /\nFailed: format and lint, types, imports, tidy, unit tests \(\d+\.\d s\)\.\n$/)
  })
})

describe('npm test', () => {
  const suites = ['--only', 'crash', '--only', 'reader']
  const files = { 'test/crash/a.test.ts': passing, 'test/reader/a.test.ts': passing }
  const lines = (text: string) => text.trimEnd().split('\n')

  test('sums up, and gives the seed to the tests', t => {
    const drawn = [
      "import fc from 'fast-check'",
      "test('seed', () => console.log(process.env.SENTIENT_TEST_SEED, fc.readConfigureGlobal().seed, new Error().stack.length))",
      "test('fails, to show what was printed', () => { throw new Error('x') })",
    ]
    const root = makeRepository(t, { 'test/crash/a.test.ts': passing + drawn.join('\n') })
    const { stdout, status } = runTool(root, 'test.ts', ['--only', 'crash', '--seed', '77'])
    assert.equal(status, 1)
    assert.equal(lines(stdout).at(-1), '2 passed, 1 failed')
    assert.match(stdout, /^seed 77 \(the same again: npm test -- --seed 77\)\n/)
    assert.match(stdout, /test\/crash\/a\.test\.ts printed\n {4}77 77 /)
    assert.match(stdout, /^FAIL {2}crash +\d+\.\d s {2}2 passed, 1 failed$/m)
  })

  test('fails a suite by name when what it needs can not be had, or lists it when that is allowed', t => {
    const root = makeRepository(t, files)
    const bare = { PATH: path.join(root, 'nothing') }
    const strict = runTool(root, 'test.ts', suites, bare)
    assert.equal(strict.status, 1)
    assert.match(strict.stdout, /--- reader: needs python packages of the reader: install python3 python3-venv/)
    assert.equal(lines(strict.stdout).at(-1), '1 passed, 1 failed')
    const lenient = runTool(root, 'test.ts', [...suites, '--allow-missing'], bare)
    assert.equal(lenient.status, 0)
    assert.match(lenient.stdout, /^NOT RUN reader: needs python packages of the reader: install/m)
    assert.equal(lines(lenient.stdout).at(-1), '1 passed, 0 failed')
  })

  test('a skipped test is not a passed one', t => {
    const root = makeRepository(t, { 'test/crash/a.test.ts': `${passing}test.skip('later', () => {})\n` })
    const strict = runTool(root, 'test.ts', ['--only', 'crash'])
    assert.deepEqual([strict.status, lines(strict.stdout).at(-1)], [1, '1 passed, 1 failed'])
    assert.match(strict.stdout, /^NOT RUN crash: test\/crash\/a\.test\.ts:6 later$/m)
    const lenient = runTool(root, 'test.ts', ['--only', 'crash', '--allow-missing'])
    assert.deepEqual([lenient.status, lines(lenient.stdout).at(-1)], [0, '1 passed, 0 failed'])
  })

  test('a suite without tests and a program that does not compile are failures', t => {
    const root = makeRepository(t, { 'src/main.ts': "import './gone.ts'\n", 'test/pty/notes.md': '' })
    const { stdout, status } = runTool(root, 'test.ts', ['--only', 'pty'])
    assert.equal(status, 1)
    assert.match(stdout, /--- pty: needs dist: Build failed with 1 error/)
    fs.writeFileSync(path.join(root, 'src/main.ts'), 'export {}\n')
    assert.match(runTool(root, 'test.ts', ['--only', 'pty']).stdout, /--- pty: there are no tests: /)
  })

  test('refuses what it does not understand', t => {
    const root = makeRepository(t, {})
    const wrong = [['--only', 'nonsense'], ['--seed', 'x'], ['--nonsense']]
    const answers = wrong.map(options => runTool(root, 'test.ts', options))
    assert.deepEqual(
      answers.map(answer => answer.status),
      [2, 2, 2],
    )
    assert.match(
      answers[0]?.stderr ?? '',
      /there is no suite "nonsense": check, faults, native, native twins, simulator, crash, pty, reader, verifiers, redis, package/,
    )
    assert.match(answers[1]?.stderr ?? '', /--seed takes a whole number, not "x"/)
  })
})
