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
  try {
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
      if (slicer.due()) {
        yield progress()
        await slicer.pause()
      }
    }
  } finally {
    // When it was cancelled: what the steps hold open is closed.
    steps.return?.()
  }
}

/** Runs steps to their end at once. */
export function drained<R>(steps: Iterator<unknown, R>): R {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** So many are put in order at a time by the engine's own sort: a millisecond or two. */
const runItems = 1 << 10
/** Comparisons between two stops. */
const stepCompares = 256

/** A sorted copy; equal items keep their order. Stops now and then, for callers who give way in between. */
export function* sortInSteps<T>(items: readonly T[], compare: (a: T, b: T) => number): Generator<undefined, T[]> {
  let from: T[] = items.slice()
  for (let start = 0; start < from.length; start += runItems) {
    const run = from.slice(start, start + runItems).sort(compare)
    for (const [i, item] of run.entries()) from[start + i] = item
    yield
  }
  let into: T[] = from.length > runItems ? new Array<T>(from.length) : []
  for (let width = runItems; width < from.length; width *= 2) {
    for (let start = 0; start < from.length; start += 2 * width) yield* mergeRuns({ from, into, start, width, compare })
    const done = into
    into = from
    from = done
  }
  return from
}

interface Runs<T> {
  readonly from: readonly T[]
  readonly into: T[]
  readonly start: number
  readonly width: number
  readonly compare: (a: T, b: T) => number
}

/** Two sorted neighbours become one. */
function* mergeRuns<T>({ from, into, start, width, compare }: Runs<T>): Generator<undefined, void> {
  const middle = Math.min(start + width, from.length)
  const end = Math.min(start + 2 * width, from.length)
  let left = start
  let right = middle
  for (let at = start; at < end; at++) {
    const takesLeft = right === end || (left < middle && compare(from[left] as T, from[right] as T) <= 0)
    into[at] = from[takesLeft ? left++ : right++] as T
    if ((at + 1) % stepCompares === 0) yield
  }
}
