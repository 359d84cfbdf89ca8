// The rows of the Timeline: snapshots and records, newest first, by day. Snapshots are all known; records are loaded
// where the window is, and what lies between is a gap that loads when it comes into view. Pure.
import type { RecordView, SnapshotView } from '../../../core/timeline/model.ts'
import { dayNumber } from '../../widgets/format.ts'

export type TimelineRow =
  | {
      readonly kind: 'day'
      readonly day: number
      readonly time: number
      readonly records: number
      readonly more: boolean
    }
  | { readonly kind: 'now' }
  | { readonly kind: 'snapshot'; readonly snapshot: SnapshotView }
  | { readonly kind: 'record'; readonly record: RecordView; readonly folded: boolean }
  /** A run of absorb records of one actor on one day, newest first. */
  | { readonly kind: 'fold'; readonly records: readonly RecordView[] }
  /** Records from `from` to before `to` that are not loaded. */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number }

export interface TimelineSource {
  readonly snapshots: readonly SnapshotView[]
  readonly records: ReadonlyMap<number, RecordView>
  /** How many records there are. */
  readonly total: number
  readonly now: number
  /** Folds that are open, by the number of their newest record. */
  readonly expanded: ReadonlySet<number>
}

/** What a row is, whatever lies above it: the cursor stays on it when rows are loaded. */
export function rowKey(row: TimelineRow): string {
  switch (row.kind) {
    case 'day':
      return `day ${row.day}`
    case 'now':
      return 'now'
    case 'snapshot':
      return `#${row.snapshot.seq}`
    case 'record':
      return `#${row.record.seq}`
    case 'fold':
      return `#${row.records[0]?.seq}`
    case 'gap':
      return `#${row.to - 1}`
  }
}

const foldRecordsMin = 3

/** All rows, newest first: days with what happened on them; today begins with the `now` row. */
export function timelineRows(source: TimelineSource): TimelineRow[] {
  const items = withGaps(source)
  const rows: TimelineRow[] = []
  let dayAt = -1
  let day: number | undefined
  let [count, more] = [0, false]
  const closeDay = (): void => {
    const header = rows[dayAt]
    if (header?.kind === 'day') rows[dayAt] = { ...header, records: count, more }
  }
  for (const row of folded(items, source.expanded)) {
    const time = timeOf(row)
    if (time !== undefined && dayNumber(time) !== day) {
      closeDay()
      day = dayNumber(time)
      dayAt = rows.length
      ;[count, more] = [0, false]
      rows.push({ kind: 'day', day, time, records: 0, more: false })
    }
    if (row.kind === 'gap') more = true
    if (row.kind === 'record') count++
    if (row.kind === 'fold') count += row.records.length
    rows.push(row)
  }
  closeDay()
  const [first, ...rest] = rows
  const today = dayNumber(source.now)
  if (first?.kind === 'day' && first.day === today) return [first, { kind: 'now' }, ...rest]
  return [{ kind: 'day', day: today, time: source.now, records: 0, more: false }, { kind: 'now' }, ...rows]
}

function timeOf(row: TimelineRow): number | undefined {
  if (row.kind === 'snapshot') return row.snapshot.time
  if (row.kind === 'record') return row.record.time
  return row.kind === 'fold' ? row.records[0]?.time : undefined
}

/** What is known, newest first, and between the numbers that are known the gaps. */
function withGaps({ snapshots, records, total }: TimelineSource): TimelineRow[] {
  const bySeq = new Map<number, TimelineRow[]>()
  for (const record of records.values())
    if (record.action !== 'snapshot') bySeq.set(record.seq, [{ kind: 'record', record, folded: false }])
    else bySeq.set(record.seq, [])
  for (const snapshot of snapshots)
    bySeq.set(snapshot.seq, [{ kind: 'snapshot', snapshot }, ...(bySeq.get(snapshot.seq) ?? [])])
  const rows: TimelineRow[] = []
  let before = total
  for (const seq of [...bySeq.keys()].sort((a, b) => b - a)) {
    if (seq + 1 < before) rows.push({ kind: 'gap', from: seq + 1, to: before })
    rows.push(...(bySeq.get(seq) ?? []))
    before = seq
  }
  if (before > 0) rows.push({ kind: 'gap', from: 0, to: before })
  return rows
}

/** Runs of absorb of one actor on one day become one row, unless it is open. */
function folded(items: readonly TimelineRow[], expanded: ReadonlySet<number>): TimelineRow[] {
  const rows: TimelineRow[] = []
  for (let at = 0; at < items.length; ) {
    const run = runAt(items, at)
    const first = run[0]
    if (first === undefined || run.length < foldRecordsMin) {
      rows.push(items[at]!)
      at++
      continue
    }
    if (expanded.has(first.seq)) rows.push(...run.map(record => ({ kind: 'record' as const, record, folded: true })))
    else rows.push({ kind: 'fold', records: run })
    at += run.length
  }
  return rows
}

function runAt(items: readonly TimelineRow[], at: number): RecordView[] {
  const first = items[at]
  if (first?.kind !== 'record' || first.record.action !== 'absorb') return []
  const run: RecordView[] = []
  for (let next = at; next < items.length; next++) {
    const row = items[next]
    if (row?.kind !== 'record' || row.record.action !== 'absorb' || row.record.actor !== first.record.actor) break
    if (dayNumber(row.record.time) !== dayNumber(first.record.time)) break
    run.push(row.record)
  }
  return run
}

/** The state that a row stands for, as it is written; undefined for rows that are no state. */
export function rowState(row: TimelineRow | undefined): string | undefined {
  if (row?.kind === 'snapshot') return row.snapshot.name
  if (row?.kind === 'record') return `#${row.record.seq}`
  return row?.kind === 'fold' ? `#${row.records[0]?.seq}` : undefined
}
