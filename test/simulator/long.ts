// Plays courses until the time is over: `node test/simulator/long.ts [--minutes 60] [--seed N] [--from N] [--report FILE]`.
// Each course has a number; the report says which were played, so that --from goes on where an earlier run stopped. What
// fails is made smaller, printed as data and leads to exit code 1; test/simulator/findings.ts keeps it.

import fs from 'node:fs'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { anyCourse } from './course.ts'
import { play } from './play.ts'

const coursesAtOnce = 20

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    report: { type: 'string' },
  },
})

const started = performance.now()
const minutes = () => (performance.now() - started) / 60_000
let batch = Number(values.from)
let failed = 0
while (minutes() < Number(values.minutes)) {
  const seed = (Number(values.seed) * 1_000_003 + batch) % 2 ** 31
  const result = await fc.check(
    fc.asyncProperty(anyCourse, course => play(course)),
    { numRuns: coursesAtOnce, seed },
  )
  batch += 1
  if (result.failed) {
    failed += 1
    console.log(`batch ${batch - 1}, seed ${seed}: ${JSON.stringify(result.counterexample?.[0])}`)
    console.log(String((result.errorInstance as Error | undefined)?.stack ?? result.errorInstance))
  }
  const line = `seed ${values.seed}: batches ${values.from} to ${batch - 1}, ${(batch - Number(values.from)) * coursesAtOnce} courses, ${minutes().toFixed(1)} minutes, ${failed} failed`
  if (values.report !== undefined) fs.writeFileSync(values.report, `${line}\n`)
  else if (batch % 10 === 0) console.log(line)
}
console.log(`tried ${(batch - Number(values.from)) * coursesAtOnce} courses of events`)
process.exitCode = failed === 0 ? 0 : 1
