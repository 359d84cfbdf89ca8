// What has to stay: the state in force, the kept snapshots, and from the horizon on every state and everything that a
// record's body links to, whatever its action is. `gc` keeps exactly this, and `verify` asks for exactly this.
import type { Link, ObjectId } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import type { JournalRecord } from '../journal/model.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { linksOf } from '../timeline/records.ts'
import { currentSnapshots } from '../timeline/snapshots.ts'

/** What a link is read as. */
export type LinkUse = 'state' | 'changes' | 'other'

export type Retained =
  | { readonly kind: 'state'; readonly root: ObjectId; readonly seq: number }
  | { readonly kind: 'link'; readonly link: Link; readonly as: LinkUse; readonly seq: number }
  /** A record that can not be read, so that nobody knows what it keeps. */
  | { readonly kind: 'unreadable'; readonly seq: number; readonly where: string; readonly reason: string }
  /** A record, after all that it keeps. */
  | { readonly kind: 'record'; readonly record: JournalRecord }

export interface RetainedOptions {
  /** The first record that is kept whole. */
  readonly horizon: number
  /** Records before it, and snapshots, are left out: for looking at what is new only. */
  readonly since?: number
}

/** The state in force first, so that what it shares with older ones is told of it. */
export function* retained(context: TimelineContext, { horizon, since = 0 }: RetainedOptions): Generator<Retained> {
  const { journal } = context
  const { size } = journal.head()
  const inForce = lastReadable(context)
  if (inForce !== undefined) yield { kind: 'state', root: inForce.envelope.root, seq: inForce.seq }
  if (since === 0) {
    for (const { root, seq } of currentSnapshots(context)) yield { kind: 'state', root, seq }
  }
  // The state before the first kept record stays too, so that this record can be undone.
  const from = Math.max(since, horizon - 1, 0)
  for (const result of journal.records({ from, to: size })) {
    if (result.state === 'missing') continue
    if (result.state === 'damaged') {
      yield { kind: 'unreadable', seq: result.seq, where: result.where, reason: result.reason }
      continue
    }
    const { record } = result
    yield { kind: 'state', root: record.envelope.root, seq: record.seq }
    if (record.seq >= horizon) {
      for (const link of linksOf(record)) yield { kind: 'link', link, as: linkUse(link, record.body), seq: record.seq }
    }
    yield { kind: 'record', record }
  }
}

/** What a link of a body leads to, as far as this version knows; anything else is followed as DAG-CBOR. */
export function linkUse(link: Link, body: Body | undefined): LinkUse {
  const { changes, fields = {}, action } = body ?? {}
  if (link === changes || link === fields.overwrote || link === fields.shown) return 'changes'
  const namesState = action === 'snapshot' ? fields.root : goesTo.has(action ?? '') ? fields.to : undefined
  return link === fields.kept || link === namesState ? 'state' : 'other'
}

/** Actions whose field `to` is a state. */
const goesTo: ReadonlySet<string> = new Set(['restore', 'rollback'])

const lookBackMax = 1_000

/** The last record that can be read: the journal's end may be what is damaged. */
export function lastReadable(context: Pick<TimelineContext, 'journal'>): JournalRecord | undefined {
  const { size } = context.journal.head()
  for (const result of context.journal.records({ from: Math.max(0, size - lookBackMax), to: size, reverse: true })) {
    if (result.state === 'intact') return result.record
  }
  return undefined
}
