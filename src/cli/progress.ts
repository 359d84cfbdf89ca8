// One line on a terminal that says how far long work is, how fast it goes and how long it will still take.

import { grouped } from '../commands/words.ts'
import type { Progress } from '../core/progress.ts'
import { duration, safeText, shortSize } from './style.ts'

const firstAfterMs = 300
const everyMs = 100
/** The rate is that of about so much time, so that it follows when the work gets slower. */
const rateWindowMs = 3000

export interface ProgressLine {
  show(progress: Progress): void
  /** Takes the line away; it comes back with the next progress. */
  clear(): void
}

export const silentProgress: ProgressLine = { show() {}, clear() {} }

export interface ProgressTarget {
  write(text: string): unknown
  readonly columns?: number
}

export function createProgressLine(target: ProgressTarget, nowMs: () => number): ProgressLine {
  const startedMs = nowMs()
  let drawnMs = Number.NEGATIVE_INFINITY
  let visible = false
  let phase = ''
  let samples: { ms: number; done: number }[] = []
  return {
    show(progress) {
      const now = nowMs()
      if (progress.phase !== phase) {
        phase = progress.phase
        samples = [{ ms: now, done: progress.done }]
      }
      if (now - startedMs < firstAfterMs || now - drawnMs < everyMs) return
      drawnMs = now
      while (samples.length > 1 && now - samples[1]!.ms > rateWindowMs) samples.shift()
      const { ms, done } = samples[0]!
      const perSecond = now > ms ? ((progress.done - done) * 1000) / (now - ms) : 0
      samples.push({ ms: now, done: progress.done })
      target.write(`\r${progressText(progress, perSecond).slice(0, Math.max(20, (target.columns || 80) - 1))}\x1b[K`)
      visible = true
    },
    clear() {
      if (visible) target.write('\r\x1b[K')
      visible = false
    },
  }
}

/** `reading 1,204 of 2,314 files, 310/s, 4 s left` */
export function progressText({ phase, done, total, unit }: Progress, perSecond: number): string {
  const amount = unit === 'bytes' ? shortSize : (count: number) => grouped(Math.round(count))
  const counts = total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}`
  const parts = [`${safeText(phase)} ${counts} ${(total ?? done) === 1 ? unit.slice(0, -1) : unit}`]
  if (perSecond > 0) parts.push(`${amount(perSecond)}/s`)
  if (total !== undefined && perSecond > 0 && total > done) {
    parts.push(`${duration(Math.max(1000, ((total - done) / perSecond) * 1000))} left`)
  }
  return parts.join(', ')
}
