// Between which looks at the tree a path came to differ. A later look that finds the same must not move that time: what
// was seen at 17:18 did not change "between 17:20 and now".
import type { Change, GovernedPath, StatusReport } from '../../core/timeline/model.ts'
import { momentText } from '../widgets/format.ts'

/** Microseconds; `after` is undefined where nobody had looked before. */
export interface Interval {
  readonly after: number | undefined
  readonly before: number
}

export type Intervals = ReadonlyMap<GovernedPath, Interval>

const isSame = (a: Change, b: Change): boolean => a.state === b.state && a.disk?.mtime === b.disk?.mtime

/** The intervals after one more look, which ended at `now`. */
export function lookedAgain(
  before: {
    readonly report: StatusReport | undefined
    readonly intervals: Intervals
    readonly lookedAt: number | undefined
  },
  report: StatusReport,
  now: number,
): Intervals {
  const known = new Map(before.report?.changes.map(change => [change.path, change]))
  return new Map(
    report.changes.map(change => {
      const earlier = known.get(change.path)
      const interval = before.intervals.get(change.path)
      if (earlier !== undefined && interval !== undefined && isSame(earlier, change)) return [change.path, interval]
      return [change.path, { after: before.lookedAt ?? report.lastLook, before: now }]
    }),
  )
}

/** `between last look 22:41 and now, file time 03:14`, as exactly as it is known. */
export function changedWhen({ path, disk }: Change, intervals: Intervals, now: number): string {
  const interval = intervals.get(path)
  const fileTime = disk === null ? '' : `, file time ${momentText(disk.mtime, now)}`
  if (interval?.after === undefined) return `before the first look${fileTime}`
  const look = momentText(interval.after, now)
  // The file says that it was written before the look that is remembered: an earlier session has seen it.
  if (disk !== null && disk.mtime < interval.after) return `before last look ${look}${fileTime}`
  const recent = now - interval.before < recentMicros
  return `between last look ${look} and ${recent ? 'now' : momentText(interval.before, now)}${fileTime}`
}

const recentMicros = 60_000_000
