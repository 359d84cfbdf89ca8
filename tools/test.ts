// `npm test`: sets up what the tests need, runs the check, builds, then runs every slow suite. What can not be set up
// fails its suite by name; with --allow-missing it is listed as NOT RUN. The last line is the sum of all.
//
//   npm test -- --only crash --only pty    some suites (or `check`)
//   npm test -- --seed 123                 the seed of an earlier run, for everything that is random
//   npm test -- --allow-missing            goes on without tools that this machine does not have

import { randomInt } from 'node:crypto'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { NamedResult } from './check.ts'
import { check, particulars, resultLine, runStep } from './check.ts'
import { runSuite } from './runTests.ts'
import type { Suite } from './suites.ts'
import { slowSuites } from './suites.ts'
import type { Prepared } from './testSetup.ts'
import { prepare } from './testSetup.ts'

interface TestOptions {
  readonly suites: readonly Suite[]
  readonly withCheck: boolean
  readonly allowMissing: boolean
  readonly seed: number
}

function readOptions(): TestOptions {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      seed: { type: 'string' },
      'allow-missing': { type: 'boolean', default: false },
    },
  })
  const names = ['check', ...slowSuites.map(suite => suite.name)]
  const unknown = values.only?.find(name => !names.includes(name))
  if (unknown !== undefined) throw new Error(`there is no suite "${unknown}": ${names.join(', ')}`)
  const seed = values.seed === undefined ? randomInt(1, 2 ** 31) : Number(values.seed)
  if (!Number.isSafeInteger(seed)) throw new Error(`--seed takes a whole number, not "${values.seed}"`)
  const wanted = (name: string) => values.only?.includes(name) ?? true
  const suites = slowSuites.filter(suite => wanted(suite.name))
  return { suites, withCheck: wanted('check'), allowMissing: values['allow-missing'], seed }
}

async function main(root: string, options: TestOptions): Promise<boolean> {
  // Read by every test that draws at random, so that one number repeats a whole run.
  process.env.SENTIENT_TEST_SEED = String(options.seed)
  console.log(`seed ${options.seed} (the same again: npm test -- --seed ${options.seed})`)
  const prepared = await prepare(
    root,
    options.suites.flatMap(suite => suite.needs),
  )
  Object.assign(process.env, prepared.environment)
  const results = options.withCheck ? await check(root) : []
  const notRun: string[] = []
  for (const suite of options.suites) {
    const reason = reasonNotToRun(suite, prepared)
    if (reason === undefined) results.push(await runStep({ name: suite.name, run: () => runSuite(root, suite) }))
    else if (options.allowMissing) notRun.push(`${suite.name}: ${reason}`)
    else results.push({ name: suite.name, seconds: 0, passed: 0, failed: 1, notRun: [], failures: [reason] })
  }
  return report(results, notRun, options)
}

function reasonNotToRun(suite: Suite, { missing }: Prepared): string | undefined {
  const reasons = suite.needs.filter(need => missing.has(need)).map(need => `needs ${need}: ${missing.get(need)}`)
  return reasons.length === 0 ? undefined : reasons.join('; ')
}

/** Prints what failed, the table, what was not run, and the sum; true when nothing failed. */
function report(results: readonly NamedResult[], suitesNotRun: readonly string[], options: TestOptions): boolean {
  const skipped = results.flatMap(({ name, notRun }) => notRun.map(test => `${name}: ${test}`))
  const notRun = [...suitesNotRun, ...skipped]
  process.stdout.write(particulars(results))
  console.log(`\n${results.map(resultLine).join('\n')}`)
  for (const what of notRun) console.log(`NOT RUN ${what}`)
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  // A test that nobody ran shows nothing: without --allow-missing a skipped one counts as failed.
  const unexcused = options.allowMissing ? 0 : skipped.length
  const failed = results.reduce((sum, result) => sum + result.failed, 0) + unexcused
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0
}

if (process.argv[1] === import.meta.filename) {
  try {
    process.exitCode = (await main(path.dirname(import.meta.dirname), readOptions())) ? 0 : 1
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  }
}
