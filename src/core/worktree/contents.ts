// What a look knows of the files of one directory: stat and content of each, packed, as a directory may hold very many.
import type { Link } from '../format/id.ts'
import type { ByteString, FileStat } from '../host/host.ts'
import { createPackedList } from '../store/packedList.ts'

export interface FoundContent {
  readonly stat: FileStat
  readonly link: Link
}

/** By name; each name is set once. */
export interface FoundContents {
  set(name: ByteString, content: FoundContent): void
  /** Stops now and then, for callers who give way in between; what it comes back with is in name order. */
  sorted(): Generator<undefined, Iterable<NamedContent>>
}

export interface NamedContent extends FoundContent {
  readonly name: ByteString
}

export function createContents(): FoundContents {
  const list = createPackedList<FoundContent & { readonly path: ByteString }>({
    write(writer, { stat, link }) {
      writer.stat(stat)
      writer.link(link)
    },
    read: (reader, path) => ({ path, stat: reader.stat() as FileStat, link: reader.link() as Link }),
  })
  const named = function* (items: typeof list): Generator<NamedContent, void> {
    for (const { path: name, stat, link } of items) yield { name, stat, link }
  }
  return {
    set: (name, { stat, link }) => list.push({ path: name, stat, link }),
    *sorted() {
      yield* list.sort()
      return named(list)
    },
  }
}
