// Which objects a range of records needs: everything that their states and bodies lead to, without what the side that
// has the records before it is sure to have.
import { dagLink, idBytes, type Link } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createIdTable, type IdTable } from '../store/idTable.ts'
import { reachable } from '../store/reach.ts'
import type { Store } from '../store/store.ts'
import { linksOf } from '../timeline/records.ts'

export interface Need {
  readonly link: Link
  readonly horizonMax: number
}

export interface Needs {
  /** What is met from here on is known, and not asked for. */
  know(link: Link): Generator<void>
  /**
   * Objects that a record leads to and that were not met before, each with the horizon up to which a gc leaves it: that
   * keeps the state before its horizon, and not what the record of it says of changes.
   */
  of(record: Pick<JournalRecord, 'envelope'> & { readonly body: Body | undefined }): Generator<Need>
}

/** `unreadable`: told of a link that leads to nothing that can be read. */
export function createNeeds(store: Pick<Store, 'get' | 'read'>, unreadable: (link: Link) => void): Needs {
  const met: Record<Link['codec'], IdTable> = { raw: createIdTable(), 'dag-cbor': createIdTable() }
  const seen = (link: Link): boolean => {
    const table = met[link.codec]
    const before = table.size
    table.add(idBytes(link.id))
    return table.size === before
  }
  return {
    *know(link) {
      for (const _ of reachable(store, link, { seen, unreadable: () => {} })) yield
    },
    *of(record) {
      const { seq, root } = record.envelope
      const below = (link: Link) => reachable(store, link, { seen, unreadable })
      for (const link of below(dagLink(root))) yield { link, horizonMax: seq + 1 }
      for (const named of record.body === undefined ? [] : linksOf(record as JournalRecord))
        for (const link of below(named)) yield { link, horizonMax: seq }
    },
  }
}
