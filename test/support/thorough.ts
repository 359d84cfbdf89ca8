// How much the long tests try: a sample in `npm test`, everything in `npm run test:long`, which also reads how many of what
// were tried.

/** 1 is for every day, more tries more; `full` tries all there is. */
export const thoroughness = readThoroughness(process.env.SENTIENT_TEST_THOROUGHNESS)

function readThoroughness(text: string | undefined): number {
  if (text === undefined) return 1
  const number = text === 'full' ? Number.POSITIVE_INFINITY : Number(text)
  if (!(number >= 1)) throw new Error(`SENTIENT_TEST_THOROUGHNESS is a number from 1 on, or "full", not ${text}`)
  return number
}

/** Every so many-th of something, in a run for every day: fewer are left out in a more thorough one, at last none. */
export const every = (stride: number): number => Math.max(1, Math.ceil(stride / thoroughness))

/** A run may be one of several that share the work: `3/8` is the third of eight, which takes every eighth of all numbers. */
const [shareNumber = 1, shares = 1] = (process.env.SENTIENT_TEST_SHARE ?? '1/1').split('/').map(Number)
if (!(shareNumber >= 1 && shareNumber <= shares))
  throw new Error('SENTIENT_TEST_SHARE is a number and of how many: 3/8')

export const isShared = shares > 1

/** Whether this run takes the n-th of what there is to try. */
export const isMine = (n: number): boolean => n % shares === shareNumber - 1

const counts = new Map<string, number>()

/** Counts what was tried; the sum is told in a line of its own when the process ends. */
export function tried(what: string, count = 1): void {
  if (counts.size === 0) process.on('exit', tell)
  counts.set(what, (counts.get(what) ?? 0) + count)
}

function tell(): void {
  for (const [what, count] of counts) console.log(`tried ${count} ${what}`)
}
