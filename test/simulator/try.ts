import fc from 'fast-check'
import { anyCourse } from './course.ts'
import { play } from './play.ts'

const seed = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 50)
const t = performance.now()
await fc.assert(
  fc.asyncProperty(anyCourse, c => play(c)),
  { numRuns: n, seed, path: process.argv[4], endOnFailure: process.argv[5] === 'end' },
)
console.log('ok', n, ((performance.now() - t) / 1000).toFixed(1))
