// Whole machines with processes, faults, kills, power cuts and jumping clocks, from one seed; and every course that once
// found something. `node test/simulator/long.ts` plays for hours.

import { describe, it } from 'node:test'
import fc from 'fast-check'
import { anyCourse } from './course.ts'
import { findings } from './findings.ts'
import { play } from './play.ts'

const seed = Number(process.env.SENTIENT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`seed ${seed}: SENTIENT_TEST_SEED=${seed} plays the same again`)

const courses = 60

describe('simulated machines', () => {
  it(`${courses} courses of events`, () =>
    fc.assert(
      fc.asyncProperty(anyCourse, course => play(course)),
      { numRuns: courses, seed },
    ))

  for (const { wrong, course } of findings) it(`no more: ${wrong}`, () => play(course))
})
