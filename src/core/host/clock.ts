// The system's clock, randomness and processes.

import { randomFillSync } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { errnoOf } from './errno.ts'
import type { Clock, Processes, Randomness } from './host.ts'

/** The system's time of day, refined to microseconds by the monotonic counter; never off by a millisecond. */
export function createSystemClock(): Clock {
  // What to add to the counter to get the time of day; follows when the clock is set.
  let offsetMicros = Number.NaN
  return {
    nowMicros: () => {
      const counter = Math.floor(performance.now() * 1000)
      const least = Date.now() * 1000
      const refined = counter + offsetMicros
      const now = refined >= least && refined < least + 1000 ? refined : nearest(refined, least)
      offsetMicros = now - counter
      return now
    },
    monotonicMs: () => performance.now(),
    sleep: async (ms, signal) => {
      try {
        await wait(ms, undefined, { signal })
      } catch (error) {
        if (!signal?.aborted) throw error
      }
    },
    utcOffsetMinutes: micros => -new Date(micros / 1000).getTimezoneOffset(),
  }
}

function nearest(micros: number, least: number): number {
  return micros >= least + 1000 ? least + 999 : least
}

export function createSystemRandomness(): Randomness {
  return { bytes: length => randomFillSync(new Uint8Array(length)) }
}

export function createSystemProcesses(label: string): Processes {
  return {
    id: process.pid,
    label,
    isAlive: id => {
      if (!Number.isSafeInteger(id) || id <= 0) return false
      try {
        process.kill(id, 0)
        return true
      } catch (error) {
        // EPERM: somebody else's process, but a process.
        return errnoOf(error) === 'EPERM'
      }
    },
    get umask() {
      return process.umask()
    },
  }
}
