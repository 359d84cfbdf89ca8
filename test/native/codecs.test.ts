// A short run of the differential fuzzer, with the same inputs each time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzz } from './differentialFuzz.ts'

test('both twins accept and refuse the same bytes', async () => {
  const report = await fuzz({ seconds: 0, seed: Number(process.env.SENTIENT_TEST_SEED ?? 1) })
  assert.deepEqual(report.differences, [])
  assert.ok(report.inputs > 5_000)
  assert.ok(report.accepted > report.inputs / 20, `${report.accepted} of ${report.inputs} were accepted`)
})
