// A clock that shows less than the time at which the program was built is wrong: what it says is kept, and marked.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { makeFolder, put } from '../verify/fixtures.ts'

const hourMicros = 3_600_000_000

it('records of a clock before the build are marked doubtful, those after it are not', async context => {
  for (const [ahead, doubtful] of [
    [hourMicros, true],
    [-hourMicros, false],
  ] as const) {
    const folder = await makeFolder(context, { a: '1' }, { builtMicros: Date.now() * 1000 + ahead })
    await folder.with(async system => {
      await put(system, 'a', '2')
      const marks = [...system.records()].map(record => record.doubtful)
      assert.ok(marks.length >= 3)
      assert.deepEqual(new Set(marks), new Set([doubtful]))
    })
  }
})
