// Hundreds of random histories against the model, in memory, and some on the real disk; each ends with a rollback to
// every snapshot and forward again.

import { it } from 'node:test'
import fc from 'fast-check'
import { anyHistory, runHistory } from '../core/timeline/randomHistory.ts'
import { inMemory, onDisk } from '../core/timeline/support.ts'

const seed = Number(process.env.SENTIENT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`seed ${seed}: SENTIENT_TEST_SEED=${seed} draws the same again`)

it('300 histories in memory', () =>
  fc.assert(
    fc.asyncProperty(anyHistory, history => runHistory(inMemory, history)),
    { numRuns: 300, seed },
  ))

it('20 histories on disk', () =>
  fc.assert(
    fc.asyncProperty(anyHistory, history => runHistory(onDisk, history)),
    { numRuns: 20, seed },
  ))

it('histories with snapshot upon snapshot', () => {
  const manySnapshots = fc.array(
    fc.record({
      what: fc.constantFrom('edit file', 'put', 'absorb all', 'snapshot', 'snapshot', 'snapshot', 'rollback'),
      path: fc.nat({ max: 10_000 }),
      other: fc.nat({ max: 10_000 }),
      choice: fc.nat({ max: 10_000 }),
    }),
    { minLength: 150, maxLength: 170 },
  )
  return fc.assert(
    fc.asyncProperty(manySnapshots, history => runHistory(inMemory, history)),
    { numRuns: 4, seed, endOnFailure: true },
  )
})
