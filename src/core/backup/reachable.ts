// Which objects a range of records needs: everything that their states and bodies lead to, without what the side that
// has the records before it is sure to have.
import { dagLink, idBytes, type Link } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createIdTable, type IdTable } from '../store/idTable.ts'
import { reachable } from '../store/reach.ts'
import type { Store } from '../store/store.ts'
import { linksOf } from '../timeline/records.ts'

export interface Needs {
  /** What is met from here on is known, and not asked for. */
  know(link: Link): Generator<void>
  /** Objects that a record leads to and that were not met before. */
  of(record: Pick<JournalRecord, 'envelope'> & { readonly body: Body | undefined }): Generator<Link>
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
      const links = record.body === undefined ? [] : linksOf(record as JournalRecord)
      for (const link of [dagLink(record.envelope.root), ...links]) yield* reachable(store, link, { seen, unreadable })
    },
  }
}
