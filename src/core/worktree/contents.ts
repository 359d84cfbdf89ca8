// What a look knows of the files of one directory: stat and content of each, packed, as a directory may hold very many.
import type { Link } from '../format/id.ts'
import type { ByteString, FileStat } from '../host/host.ts'
import { drained } from '../progress.ts'
import { createPackedList } from '../store/packedList.ts'

export interface FoundContent {
  readonly stat: FileStat
  readonly link: Link
}

/** By name; each name is set once. */
export interface FoundContents {
  set(name: ByteString, content: FoundContent): void
  /** In name order. */
  sorted(): Generator<FoundContent & { readonly name: ByteString }, void>
}

export function createContents(): FoundContents {
  const list = createPackedList<FoundContent & { readonly path: ByteString }>({
    write(writer, { stat, link }) {
      writer.stat(stat)
      writer.link(link)
    },
    read: (reader, path) => ({ path, stat: reader.stat() as FileStat, link: reader.link() as Link }),
  })
  return {
    set: (name, { stat, link }) => list.push({ path: name, stat, link }),
    *sorted() {
      drained(list.sort())
      for (const { path: name, stat, link } of list) yield { name, stat, link }
    },
  }
}
