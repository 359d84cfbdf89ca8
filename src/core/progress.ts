// What long work reports while it runs, and how it stays polite: it gives way to the event loop every few
// milliseconds and stops there when it was cancelled.

import { setImmediate } from 'node:timers/promises'
import { SentientError } from './errors.ts'
import type { Clock } from './host/host.ts'

/** One step of long work. `total` is left out while it is unknown. */
export interface Progress {
  readonly phase: string
  readonly done: number
  readonly total?: number
  readonly unit: 'files' | 'bytes' | 'records' | 'objects' | 'paths'
}

export interface Slicer {
  /** True when the work has run long enough without giving way. */
  due(): boolean
  /** Gives way to the event loop once; throws CANCELLED when the signal was aborted. */
  pause(): Promise<void>
}

const sliceMs = 8

/** Slices the work that is starting now. Call `due` about every hundred microseconds, `pause` when it says so. */
export function createSlicer(clock: Pick<Clock, 'monotonicMs'>, signal?: AbortSignal): Slicer {
  let startedMs = clock.monotonicMs()
  return {
    due: () => clock.monotonicMs() - startedMs >= sliceMs,
    async pause() {
      throwIfCancelled(signal)
      await setImmediate()
      throwIfCancelled(signal)
      startedMs = clock.monotonicMs()
    },
  }
}

/** Throws CANCELLED when the signal was aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new SentientError('CANCELLED', {}, signal.reason)
}

/** Runs steps that never give way themselves, giving way between any two of them when it is time; what they return. */
export async function* inSlices<R>(
  slicer: Slicer,
  steps: Iterator<unknown, R>,
  progress: () => Progress,
): AsyncGenerator<Progress, R, void> {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (slicer.due()) {
      yield progress()
      await slicer.pause()
    }
  }
}

/** Runs steps to their end at once. */
export function drained<R>(steps: Iterator<unknown, R>): R {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
