// What records say that they changed, held against the states before and after them: nothing more, nothing less, nothing
// else. Both come in the order of paths, one by one; nodes that two states share are not read.
import { isSentientError } from '../errors.ts'
import { type ChangesBuilder, changesBuilder, decodeChanges } from '../format/changes.ts'
import { cidText, type Link, type ObjectId, objectId } from '../format/id.ts'
import { type Entry, sameEntry } from '../format/node.ts'
import type { Body } from '../format/record.ts'
import type { JournalRecord } from '../journal/model.ts'
import { readChanges } from '../store/changes.ts'
import { damagedObject } from '../store/damage.ts'
import { changesBetween } from '../store/difference.ts'
import type { ObjectReader, TreeChange } from '../store/tree.ts'
import { readState } from '../timeline/context.ts'
import type { Finding } from '../timeline/model.ts'

export interface ChangesCheck {
  /** Records that were compared, and the changes of all of them. */
  readonly records: number
  readonly changes: number
  /**
   * Compares a record with its states; yields now and then, for who gives way. `before`: the state before it, null
   * before the first record. What can not be read is passed over: who walked the states has said so.
   */
  record(record: JournalRecord, before: ObjectId | null): Generator<void>
}

/** So many paths of one record are told; the rest is one finding. */
const toldMax = 20

export function createChangesCheck(reader: ObjectReader, found: (finding: Finding) => void): ChangesCheck {
  let records = 0
  let changes = 0
  const compare = function* (record: JournalRecord, body: Body, before: ObjectId | null): Generator<void> {
    const { seq, envelope } = record
    let told = 0
    const tell = (part: Pick<Finding, 'path' | 'expected' | 'found'>): void => {
      if (told < toldMax) found({ code: 'changes-untrue', severity: 'damage', where: `record #${seq}`, seq, ...part })
      told++
    }
    if (body.decision.effect === 'deny' && before !== envelope.root)
      tell({ expected: 'the state before it: it was denied', found: 'another state' })
    const old = before === null ? undefined : readState(reader, before).files
    const now = readState(reader, envelope.root).files
    const real = old?.id === now.id ? [].values() : changesBetween(reader, old, now)
    let count = 0
    let only: TreeChange | undefined
    const form = formOf(reader, body.changes)
    for (const pair of aligned(said(reader, body), real)) {
      if (pair.said !== undefined) form?.push(pair.said)
      if (pair.real !== undefined) {
        count++
        only = pair.real
      }
      const difference = differenceOf(pair)
      if (difference !== undefined) tell(difference)
      yield
    }
    const isSubject = count === 1 && body.subject.kind === 'file' && body.subject.id === only?.path
    if (told === 0 && count > 0 && isSubject !== (body.before !== undefined))
      tell({ expected: isSubject ? 'before and after of its subject' : 'a list of changes', found: 'the other one' })
    const list = form?.finish()
    if (told === 0 && list !== undefined && list.id !== body.changes?.id)
      tell({ expected: 'the one form of its list of changes', found: 'another' })
    if (told > toldMax) {
      told = 0
      tell({ found: 'and more paths' })
    }
    records++
    changes += count
  }
  return {
    get records() {
      return records
    },
    get changes() {
      return changes
    },
    *record(record, before) {
      if (record.body === undefined) return
      try {
        yield* compare(record, record.body, before)
      } catch (error) {
        if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
      }
    },
  }
}

/** What a record says that it changed, by path. */
function* said(reader: ObjectReader, body: Body): Generator<TreeChange> {
  if (body.changes !== undefined) yield* readChanges(reader, body.changes)
  else if (body.before !== undefined) yield { path: body.subject.id, before: body.before, after: body.after ?? null }
}

interface Pair {
  readonly said?: TreeChange | undefined
  readonly real?: TreeChange | undefined
}

/** Both by path, what is of one path together. */
function* aligned(saidChanges: Iterator<TreeChange>, realChanges: Iterator<TreeChange>): Generator<Pair> {
  const step = (changes: Iterator<TreeChange>): TreeChange | undefined => {
    const next = changes.next()
    return next.done === true ? undefined : next.value
  }
  let one = step(saidChanges)
  let other = step(realChanges)
  while (one !== undefined || other !== undefined) {
    const pathOf = (change: TreeChange | undefined): string => change?.path ?? '\uffff'
    const first = pathOf(one) <= pathOf(other)
    const second = pathOf(other) <= pathOf(one)
    yield { said: first ? one : undefined, real: second ? other : undefined }
    if (first) one = step(saidChanges)
    if (second) other = step(realChanges)
  }
}

function differenceOf({ said: one, real: other }: Pair): Pick<Finding, 'path' | 'expected' | 'found'> | undefined {
  if (one === undefined || other === undefined) {
    const path = (one ?? other)?.path ?? ''
    const expected = other === undefined ? 'no change' : described(other)
    return { path, expected, found: one === undefined ? 'not said' : described(one) }
  }
  if (sameEntry(one.before, other.before) && sameEntry(one.after, other.after)) return undefined
  return { path: one.path, expected: described(other), found: described(one) }
}

const described = ({ before, after }: TreeChange): string => `${entryText(before)} to ${entryText(after)}`

function entryText(entry: Entry | null): string {
  if (entry === null) return 'absent'
  const { kind, mode, size, content } = entry
  return `${kind} ${mode.toString(8).padStart(4, '0')} ${size} ${cidText(content)}`
}

/** Writes a list of several nodes again: where they end is laid down too. A list of one node shows its form in itself. */
function formOf(reader: ObjectReader, list: Link | undefined): ChangesBuilder | undefined {
  if (list === undefined) return undefined
  const node = damagedObject(list, 'a list of changes', () => decodeChanges(reader.get(list)))
  return node.kind === 'changes' ? undefined : changesBuilder(objectId)
}
