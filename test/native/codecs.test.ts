// What the fuzzers found worth keeping, through both twins, and a short run of the differential fuzzer, with the same inputs
// each time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFrozen } from './corpus.ts'
import { fuzz } from './differentialFuzz.ts'
import { shown, shows } from './shown.ts'

test('both twins read the same in the same bytes', async () => {
  const report = await fuzz({ seconds: 0, seed: Number(process.env.SENTIENT_TEST_SEED ?? 1) })
  assert.deepEqual(report.differences, [])
  assert.ok(report.inputs > 5_000)
  assert.ok(report.accepted > report.inputs / 20, `${report.accepted} of ${report.inputs} were accepted`)
})

test('there are frozen inputs of every kind, of which some are accepted and some refused', () => {
  for (const kind of Object.keys(shows)) {
    const answers = readFrozen(kind).map(bytes => shown(kind, bytes) !== undefined)
    assert.ok(answers.includes(true), `nothing of the kind ${kind} is accepted`)
    if (kind !== 'marks-file') assert.ok(answers.includes(false), `nothing of the kind ${kind} is refused`)
  }
})
