// What the test runner says about files that pass, fail, crash, skip or hold nothing. It runs in a process of its own:
// Node's runner does not run within itself.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import type { SuiteResult } from '../../tools/runTests.ts'
import { isRunBySomeSuite, unitSuite } from '../../tools/suites.ts'
import { makeSandbox, repository, writeFile } from './sandbox.ts'

const passes = "import { test } from 'node:test'\ntest('one', () => {})\ntest('two', t => t.test('inner', () => {}))\n"

/** Writes the files below test/core/ and runs them as the unit suite. */
function runUnit(t: { after: (hook: () => void) => void }, files: Readonly<Record<string, string>>): SuiteResult {
  const root = makeSandbox(
    t,
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`test/core/${name}`, text])),
  )
  const script = `
    import { testFiles, runFiles } from ${JSON.stringify(path.join(repository, 'tools/runTests.ts'))}
    import { unitSuite } from ${JSON.stringify(path.join(repository, 'tools/suites.ts'))}
    const root = ${JSON.stringify(root)}
    const result = await runFiles(root, testFiles(root, unitSuite), { concurrency: 1, execArgv: [] })
    console.log(JSON.stringify(result))
  `
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  writeFile(root, 'run.ts', script)
  const { stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'run.ts')], { encoding: 'utf8', env })
  assert.equal(stderr, '')
  return JSON.parse(stdout) as SuiteResult
}

test('counts what passes, with tests inside tests', t => {
  const { passed, failed, notRun, failures } = runUnit(t, {
    'a.test.ts': passes,
    'deep/b.test.ts': passes,
    'c.ts': 'x',
  })
  assert.deepEqual({ passed, failed, notRun, failures }, { passed: 6, failed: 0, notRun: [], failures: [] })
})

test('names what fails, where, why, and what its file printed', t => {
  const text =
    "import { test } from 'node:test'\nconsole.log('seed 5')\ntest('bad', () => { throw new Error('boom') })\n"
  const { passed, failed, failures } = runUnit(t, { 'a.test.ts': text, 'b.test.ts': passes })
  assert.deepEqual([passed, failed], [3, 1])
  assert.match(failures[0] ?? '', /^test\/core\/a\.test\.ts:3 bad\n {4}Error: boom\n/)
  assert.match(failures[1] ?? '', /^test\/core\/a\.test\.ts printed\n {4}seed 5$/)
})

test('names the suites that a failed test stands in', t => {
  const text = `
    import { describe, test } from 'node:test'
    describe('disk', () => { test('good', () => {}); describe('reads', () => { test('bad', () => { throw new Error('x') }) }) })
    test('alone', () => { throw new Error('y') })
  `
  const { failures } = runUnit(t, { 'a.test.ts': text, 'b.test.ts': passes })
  const names = failures.map(failure => failure.split('\n')[0])
  assert.deepEqual(names, ['test/core/a.test.ts:3 disk > reads > bad', 'test/core/a.test.ts:4 alone'])
})

test('a file that can not be loaded, or ends by itself, fails', t => {
  const ends = "import { test } from 'node:test'\ntest('x', () => process.exit(0))\n"
  const { failed, failures } = runUnit(t, { 'a.test.ts': "import './gone.ts'\n", 'b.test.ts': ends })
  assert.ok(failed >= 1)
  assert.match(failures.join('\n'), /a\.test\.ts\n/)
  assert.match(failures.join('\n'), /ERR_MODULE_NOT_FOUND/)
})

test('a file without tests fails', t => {
  const { passed, failed, failures } = runUnit(t, { 'a.test.ts': 'export {}\n' })
  assert.deepEqual([passed, failed, failures], [0, 1, ['test/core/a.test.ts holds no tests']])
})

test('what is skipped or still to do has not passed', t => {
  const text =
    "import { test } from 'node:test'\ntest.skip('later', () => {})\ntest.todo('some day')\ntest('now', () => {})\n"
  const { passed, failed, notRun } = runUnit(t, { 'a.test.ts': text })
  assert.deepEqual([passed, failed], [1, 0])
  assert.deepEqual(notRun, ['test/core/a.test.ts:2 later', 'test/core/a.test.ts:3 some day'])
})

test('every folder of tests has a suite', () => {
  assert.equal(isRunBySomeSuite('test/core/store/pack.test.ts'), true)
  assert.equal(isRunBySomeSuite('test/crash/kill.test.ts'), true)
  assert.equal(unitSuite.files.test('test/core/store/faults.test.ts'), false)
  assert.equal(isRunBySomeSuite('test/core/store/faults.test.ts'), true)
  assert.equal(isRunBySomeSuite('test/elsewhere/x.test.ts'), false)
})
