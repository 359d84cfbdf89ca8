// What repairs found to be lost for good, and what was forgotten on request. Both are written into records, so that what
// is known to be gone is not taken for new damage ever after, and does not keep gc from its work.
import { hexOf } from '../format/bytes.ts'
import { type CborValue, isList, isMap } from '../format/cbor.ts'
import { idBytes, type ObjectId } from '../format/id.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer } from '../progress.ts'
import { createIdTable } from '../store/idTable.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { listedBy, type SeqRange } from '../timeline/forgotten.ts'
import type { Work } from '../timeline/model.ts'

export type { SeqRange } from '../timeline/forgotten.ts'

export const repairAction = 'repair'
const fieldName = 'lost'
/** A record's body holds at most so many ids; what is beyond stays damage. */
const objectsMax = 10_000
const rangesMax = 10_000

export interface Losses {
  hasObject(id: ObjectId): boolean
  hasRecord(seq: number): boolean
  /** Whether a `forget` lists the object: that it is missing is as it should be. */
  isForgotten(id: ObjectId): boolean
  /** Takes in what a record says; others than repairs and `forget` say nothing. */
  add(record: JournalRecord): void
}

export function createLosses(): Losses {
  const objects = new Set<string>()
  const forgotten = createIdTable()
  const ranges: SeqRange[] = []
  return {
    hasObject: id => objects.has(id),
    hasRecord: seq => ranges.some(range => seq >= range.from && seq < range.to),
    isForgotten: id => forgotten.find(idBytes(id)) >= 0,
    add({ body }) {
      for (const id of listedBy(body).objects) forgotten.add(id)
      const lost = body?.action === repairAction ? body.fields?.[fieldName] : undefined
      if (!isMap(lost)) return
      for (const id of isList(lost.objects) ? lost.objects : []) {
        if (id instanceof Uint8Array && id.length === 32) objects.add(hexOf(id))
      }
      for (const range of isList(lost.records) ? lost.records : []) {
        const [from, to] = isList(range) ? range : []
        if (typeof from === 'number' && typeof to === 'number') ranges.push({ from, to })
      }
    },
  }
}

/** All that any record says to be lost; reads the whole journal. */
export async function* readLosses(context: TimelineContext, signal?: AbortSignal): Work<Losses> {
  const losses = createLosses()
  const slicer = createSlicer(context.clock, signal)
  const { size } = context.journal.head()
  for (const result of context.journal.records({ from: 0, to: size })) {
    if (result.state !== 'intact') continue
    losses.add(result.record)
    if (!slicer.due()) continue
    yield { phase: 'known losses', done: result.record.seq, total: size, unit: 'records' }
    await slicer.pause()
  }
  return losses
}

/** Ids as plain bytes: as links they would have to be kept. */
export function lossField(objects: readonly ObjectId[], records: readonly SeqRange[]): Record<string, CborValue> {
  if (objects.length === 0 && records.length === 0) return {}
  const lost: Record<string, CborValue> = {}
  if (objects.length > 0) lost.objects = objects.slice(0, objectsMax).map(idBytes)
  if (records.length > 0) lost.records = records.slice(0, rangesMax).map(({ from, to }) => [from, to])
  return { [fieldName]: lost }
}
