// Marks of listed entries from a look that covered only a part of the tree: the system itself remembers whole looks.

import type { Change, ChangeState, IntegrityMark, ListedEntry, StatusReport } from '../../core/timeline/model.ts'

const marks: Readonly<Record<ChangeState, IntegrityMark>> = {
  changed: '~',
  new: '+',
  gone: '-',
  damaged: '!',
  applying: '?',
  unapplied: '~',
  unreadable: '!',
}

const worstFirst: readonly IntegrityMark[] = ['!', '-', '~', '+', '?']

/** The entry as the look found it; it must lie in what was looked at. */
export function markedBy(report: StatusReport): (entry: ListedEntry) => ListedEntry {
  const changes = new Map(report.changes.map(change => [change.path, change]))
  return entry => {
    const change = changes.get(entry.path)
    if (change !== undefined) return { ...entry, mark: marks[change.state], reason: change.reason }
    const looked: ListedEntry = entry.mark === '?' ? { ...entry, mark: '=', reason: '' } : entry
    const below = entry.kind === 'dir' ? belowOf(report.changes, entry.path) : undefined
    return below === undefined ? looked : { ...looked, below }
  }
}

function belowOf(changes: readonly Change[], path: string): ListedEntry['below'] {
  let count = 0
  let worst = worstFirst.length - 1
  for (const change of changes) {
    if (!change.path.startsWith(`${path}/`)) continue
    count++
    worst = Math.min(worst, worstFirst.indexOf(marks[change.state]))
  }
  return count === 0 ? undefined : { count, worst: worstFirst[worst]! }
}
