// What people write for a state: a snapshot's name, a record's number, a time. Times are local; a time means the state
// after the last record up to then.
import { SentientError } from '../errors.ts'
import type { TimelineContext } from './context.ts'
import type { SnapshotView, StatePoint } from './model.ts'
import { requireRecord } from './records.ts'
import { currentSnapshots } from './snapshots.ts'

const minuteMicros = 60_000_000
const dayMicros = 24 * 60 * minuteMicros
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** The state that a text means; throws STATE_NOT_FOUND with what is understood. */
export function resolveState(context: TimelineContext, text: string): StatePoint {
  const wanted = text.trim()
  const { size } = context.journal.head()
  if (wanted === 'now' || wanted === '') return afterRecord(context, size - 1, 'now')
  // No snapshot is named so; snapshots made without a name begin with a date, which is a number far above.
  const number = /^(#?)(\d+)$/.exec(wanted)
  const isPrefix = number?.[1] === '' && Number(number[2]) >= size
  if (number !== null && !isPrefix) return afterRecord(context, Number(number[2]), `#${number[2]}`)
  const list = currentSnapshots(context)
  const exact = list.find(snapshot => snapshot.name === wanted)
  if (exact !== undefined) return ofSnapshot(exact)
  if (number !== null && !list.some(snapshot => snapshot.name.startsWith(wanted))) {
    return afterRecord(context, Number(number[2]), `#${number[2]}`)
  }
  const back = /^-(\d+)$/.exec(wanted)
  if (back !== null) return snapshotsBack(context, Number(back[1]))
  const labelled = list.filter(
    snapshot => snapshot.label !== '' && snapshot.label.toLowerCase() === wanted.toLowerCase(),
  )
  if (labelled.length === 1) return ofSnapshot(labelled[0])
  const micros = list.some(snapshot => snapshot.name.startsWith(wanted)) ? undefined : parseTime(context, wanted)
  if (micros !== undefined) return atTime(context, micros)
  const prefixed = list.filter(snapshot => snapshot.name.startsWith(wanted))
  if (prefixed.length === 1) return ofSnapshot(prefixed[0])
  throw new SentientError('STATE_NOT_FOUND', {
    what: prefixed.length > 1 ? 'More than one snapshot starts so' : 'No such state',
    where: JSON.stringify(text),
    expected:
      'a snapshot name, #RECORD, -N snapshots back, or a time like yesterday, 22:40, fri 22:40, 2026-11-20T22:40, 3h',
    found:
      prefixed.length > 1
        ? prefixed
            .map(snapshot => snapshot.name)
            .slice(0, 5)
            .join(', ')
        : undefined,
  })
}

function ofSnapshot({ name, label, root, seq, time }: SnapshotView): StatePoint {
  return { root, seq, time, snapshot: name, text: label === '' ? name : `${name} "${label}"` }
}

function afterRecord(context: TimelineContext, seq: number, text: string): StatePoint {
  const { envelope } = requireRecord(context, seq)
  return { root: envelope.root, seq, time: envelope.time, text }
}

/** The n-th snapshot back (1: the newest), leaving out those made only to protect an operation. */
export function snapshotsBack(context: TimelineContext, n: number): StatePoint {
  const own = currentSnapshots(context).filter(snapshot => snapshot.kind !== 'protect')
  const found = n >= 1 ? own.at(-n) : undefined
  if (found === undefined) {
    throw new SentientError('STATE_NOT_FOUND', {
      what: 'Not that many snapshots',
      expected: `1 to ${own.length}`,
      found: `${n}`,
    })
  }
  return ofSnapshot(found)
}

/** The newest record whose time is not after `micros`. */
function atTime(context: TimelineContext, micros: number): StatePoint {
  let low = 0
  let high = context.journal.head().size
  while (low < high) {
    const middle = (low + high) >>> 1
    if (requireRecord(context, middle).envelope.time <= micros) low = middle + 1
    else high = middle
  }
  if (low === 0) {
    const first = new Date(requireRecord(context, 0).envelope.time / 1000)
    throw new SentientError('STATE_NOT_FOUND', {
      what: 'The history starts later',
      expected: `${first.toISOString()} or later`,
    })
  }
  return afterRecord(context, low - 1, `#${low - 1}`)
}

/** Microseconds for a text like `yesterday 22:40`; undefined when it is no time. Without a time of day: its end. */
export function parseTime(context: Pick<TimelineContext, 'clock'>, text: string): number | undefined {
  const now = context.clock.nowMicros()
  const ago = /^(\d+)\s*(s|m|min|h|d|w)(?:\s+ago)?$/i.exec(text)
  if (ago !== null) {
    const units: Record<string, number> = {
      s: 1e6,
      m: minuteMicros,
      min: minuteMicros,
      h: 60 * minuteMicros,
      d: dayMicros,
      w: 7 * dayMicros,
    }
    return now - Number(ago[1]) * units[ago[2].toLowerCase()]
  }
  const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text)
  if (iso !== null) return parseIso(context, iso)
  const words = wordsPattern.exec(text)
  if (words === null || (words[1] === undefined && words[2] === undefined)) return undefined
  if (Number(words[2] ?? 0) > 23 || Number(words[3] ?? 0) > 59) return undefined
  const day = words[1]?.toLowerCase().slice(0, 3)
  const localNow = now + context.clock.utcOffsetMinutes(now) * minuteMicros
  // Days are counted on the local calendar; only the result is turned into a moment.
  const start = Math.floor(localNow / dayMicros) * dayMicros - daysBack(day, localNow) * dayMicros
  if (words[2] === undefined) return Math.min(localMoment(context, start + dayMicros - 1), now)
  const local = start + (Number(words[2]) * 60 + Number(words[3]) + 1) * minuteMicros - 1
  const micros = localMoment(context, local)
  if (micros - minuteMicros <= now) return micros
  // What is still to come means the last one: of a bare time of day the day before, of a weekday the week before.
  if (day === undefined) return localMoment(context, local - dayMicros)
  return weekdays.includes(day) ? localMoment(context, local - 7 * dayMicros) : micros
}

const wordsPattern =
  /^(today|yesterday|sun(?:day)?|mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?)?(?:^|[\s-]+|$)(?:(\d{1,2}):?(\d{2}))?$/i

function daysBack(day: string | undefined, localNow: number): number {
  if (day === 'yes') return 1
  if (day === undefined || day === 'tod') return 0
  return (new Date(localNow / 1000).getUTCDay() - weekdays.indexOf(day) + 7) % 7
}

/** The moment at which local clocks show `local` (microseconds as if local time were UTC). */
function localMoment(context: Pick<TimelineContext, 'clock'>, local: number): number {
  const offsetAt = (micros: number) => context.clock.utcOffsetMinutes(micros) * minuteMicros
  return local - offsetAt(local - offsetAt(local))
}

function parseIso(context: Pick<TimelineContext, 'clock'>, match: RegExpExecArray): number | undefined {
  const [, year, month, day, hour, minute, second, zone] = match
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour ?? 0), Number(minute ?? 0))
  const date = new Date(utc)
  // What is no date or no time of day would quietly mean another one.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined
  if (date.getUTCHours() !== Number(hour ?? 0) || Number(minute ?? 0) > 59 || Number(second ?? 0) >= 60)
    return undefined
  const span = hour === undefined ? dayMicros : second === undefined ? minuteMicros : 1_000_000
  const micros = utc * 1000 + Math.floor(Number(second ?? 0) * 1e6) + span - 1
  if (zone === 'Z') return micros
  if (zone !== undefined) {
    const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))
    return micros - (zone[0] === '-' ? -minutes : minutes) * minuteMicros
  }
  return localMoment(context, micros)
}
