// Loaded into sentctl before anything else (`node --import`) by bench/limits.ts: notes for how long at a time the event
// loop did not come round, and how much of that this thread worked: on a busy machine the rest may be others' work. The
// longest of these stalls are written where SENTIENT_BENCH_STALLS says when the process ends.
import fs from 'node:fs'

const tickMs = 2
const keptMax = 12

interface Stall {
  /** Since the process began. */
  readonly atMs: number
  readonly ms: number
  readonly workedMs: number
}

const file = process.env.SENTIENT_BENCH_STALLS
if (file !== undefined) watch(file)

function watch(report: string): void {
  const stalls: Stall[] = []
  let last = performance.now()
  let worked = workedMs()
  // The first time round everything is loaded: that is the start, and measured elsewhere.
  let started = false
  const note = (): void => {
    const now = performance.now()
    const work = workedMs()
    const ms = now - last - tickMs
    if (started && (stalls.length < keptMax || ms > (stalls.at(-1)?.ms ?? 0))) {
      stalls.push({ atMs: last, ms, workedMs: work - worked })
      stalls.sort((a, b) => b.ms - a.ms).splice(keptMax)
    }
    started = true
    last = now
    worked = work
  }
  const tick = (): void => {
    note()
    setTimeout(tick, tickMs).unref()
  }
  setTimeout(tick, tickMs).unref()
  process.on('exit', () => {
    note()
    const clockMs = Number(process.hrtime.bigint() / 1_000n) / 1000 - performance.now()
    fs.writeFileSync(report, JSON.stringify({ stalls, clockMs }))
  })
}

function workedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
