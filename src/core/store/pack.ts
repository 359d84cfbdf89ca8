// One pack, open for reading: its index, and the entries behind the index's end, which are found by scanning. The file
// only ever grows at its end, or loses what was never acknowledged there.

import { hexOf } from '../format/bytes.ts'
import { codecNumbers, idBytes, type ObjectId } from '../format/id.ts'
import { type EntryHeader, entryHeaderBytes, kindNumber, packHeaderBytes, packingNumber } from '../format/pack.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, OpenFile } from '../host/host.ts'
import { createPlaceTable, type Place, type PlaceTable } from './idTable.ts'
import {
  type IndexRecords,
  indexFileOf,
  mergeRecords,
  openIndex,
  type PackIndex,
  type PageCache,
  tableRecords,
} from './indexFile.ts'
import { ignoringHostErrors, packIdOf, readFully, replaceFile } from './layout.ts'
import { scanEntries } from './packScan.ts'

/** What packs share: memory for their indexes, and the number of files held open. */
export interface PackContext {
  readonly pages: PageCache
  /** Takes memory for an index that is kept whole; false: none left, use pages. */
  reserve(bytes: number): boolean
  release(bytes: number): void
  /** The pack has its file open now; the one used least recently is told to let its file go. */
  opened(pack: Pack): void
}

export interface PackOptions {
  readonly directory: Directory
  readonly number: number
  readonly packName: string
  readonly indexName: string
  /** For messages: where the file lies below `.tree`. */
  readonly label: string
  readonly context: PackContext
  /** What lies behind is not to be relied on. */
  readonly limitBytes: number
}

export interface Pack {
  readonly number: number
  readonly label: string
  /** Undefined when the pack's header is damaged. */
  id(): Uint8Array | undefined
  find(id: Uint8Array): Place | undefined
  /** Where the scan met an entry of that id that is not sound, and what is wrong with it. */
  unsound(id: Uint8Array): UnsoundEntry | undefined
  /** The payload; shorter than the place says where the file ends. Throws host errors. */
  payload(place: Place): Uint8Array
  /** The bytes at which the entry's header should be. Throws host errors. */
  header(place: Place): Uint8Array
  /** A file handle for the caller alone. */
  openFile(): OpenFile
  /** Where the next entry may be appended: the end of the last sound entry. */
  soundEnd(): number
  size(): number
  /** Looks for entries appended since; `anew` forgets all that the index does not cover first. */
  refresh(limitBytes: number, anew: boolean): void
  /** Reads index and tail again: another process may have replaced both. */
  reload(): void
  /** Takes entries over that the writer in this process appended and flushed. */
  adopt(entries: PlaceTable, end: number): void
  /** Places of all objects in the order of their ids. */
  records(): IndexRecords
  coverage(): { readonly indexed: boolean; readonly coveredBytes: number; readonly tailEntries: number }
  objects(): number
  /** Writes the index of what lies before `end`, which must never be cut off any more. Host errors pass. */
  writeIndex(unique: string, end: number): void
  /** Takes the pack's own entries in the place of an index that is wrong. */
  ignoreIndex(): void
  isIndexIgnored(): boolean
  /** Scans the pack and writes its index, whatever there was before. */
  rebuildIndex(unique: string): void
  /** Lets the file descriptor go; it comes back at the next read. */
  rest(): void
  close(): void
}

export interface UnsoundEntry {
  readonly offset: number
  readonly reason: string
}

/** Of a pack with more damage than this the rest is missing rather than damaged. */
const unsoundEntriesMax = 10_000

export const placeOf = (header: EntryHeader, offset: number): Place => ({
  offset,
  storedBytes: header.storedBytes,
  objectBytes: header.objectBytes,
  codec: codecNumbers[header.codec],
  kind: kindNumber(header.kind),
  packing: packingNumber(header.packing),
})

interface Loaded {
  readonly packId: Uint8Array | undefined
  index: PackIndex | undefined
  readonly tail: PlaceTable
  readonly unsound: Map<ObjectId, UnsoundEntry>
  soundEnd: number
  size: number
}

/** Opens nothing yet: a folder of many packs costs what is looked at. Methods throw NOT_FOUND when the file is gone. */
export function openPack(options: PackOptions): Pack {
  const { directory, context } = options
  let limitBytes = options.limitBytes
  let file: OpenFile | undefined
  let state: Loaded | undefined
  let isIgnored = false

  const needFile = (): OpenFile => {
    if (file === undefined) {
      file = directory.open(options.packName, 'read')
      context.opened(pack)
    }
    return file
  }

  const loaded = (): Loaded => {
    if (state === undefined) {
      const packId = packIdOf(readFully(needFile(), 0, packHeaderBytes))
      const index = isIgnored ? undefined : findIndex(options, packId)
      const soundEnd = Math.max(packHeaderBytes, index?.coveredBytes ?? 0)
      const fresh = { packId, index, tail: createPlaceTable(), unsound: new Map(), soundEnd, size: 0 }
      state = fresh
      orUnload(() => scanTail(needFile(), fresh, limitBytes))
    }
    return state
  }

  const unload = (): void => {
    const index = state?.index
    state = undefined
    if (index === undefined) return
    context.release(index.heldBytes)
    index.close()
  }

  /** What was read in part would be taken for all that there is, and written into an index. */
  const orUnload = (action: () => void): void => {
    try {
      action()
    } catch (error) {
      unload()
      throw error
    }
  }

  const records = (before?: number): IndexRecords => {
    const { index, tail } = loaded()
    const newer = tableRecords(tail, { before })
    const older = index?.records()
    if (older !== undefined) return newer.length === 0 ? older : mergeRecords(older, newer)
    if (index === undefined) return newer
    // The index turned out to be bad after it was opened by pages: the pack itself says what it holds.
    dropIndex(needFile(), loaded(), limitBytes, context)
    return tableRecords(loaded().tail, { before })
  }

  const pack: Pack = {
    number: options.number,
    label: options.label,
    id: () => loaded().packId,
    find(id) {
      const { tail, index } = loaded()
      const ordinal = tail.find(id)
      return ordinal >= 0 ? tail.placeAt(ordinal) : index?.find(id)
    },
    unsound: id => loaded().unsound.get(hexOf(id) as ObjectId),
    header: place => readFully(needFile(), place.offset, entryHeaderBytes),
    payload: place => readFully(needFile(), place.offset + entryHeaderBytes, place.storedBytes),
    openFile: () => directory.open(options.packName, 'read'),
    soundEnd: () => loaded().soundEnd,
    size: () => loaded().size,
    refresh(nextLimit, anew) {
      const lowered = nextLimit < limitBytes
      limitBytes = nextLimit
      const known = state
      if (known === undefined) return
      orUnload(() => {
        const size = needFile().stat().size
        if (anew || lowered || size < known.size) resetTail(known)
        scanTail(needFile(), known, limitBytes)
      })
    },
    reload() {
      pack.rest()
      unload()
      loaded()
    },
    adopt(entries, end) {
      const { tail } = loaded()
      for (let ordinal = 0; ordinal < entries.size; ordinal++) tail.put(entries.idAt(ordinal), entries.placeAt(ordinal))
      state!.soundEnd = end
      state!.size = Math.max(state!.size, end)
    },
    records: () => records(),
    coverage() {
      const { index, tail } = loaded()
      return {
        indexed: index !== undefined,
        coveredBytes: index?.coveredBytes ?? packHeaderBytes,
        tailEntries: tail.size,
      }
    },
    objects: () => (loaded().index?.count ?? 0) + loaded().tail.size,
    writeIndex(unique, end) {
      const { packId } = loaded()
      if (packId === undefined) return
      replaceFile(directory, options.indexName, indexFileOf(packId, end, records(end)), true, unique)
      unload()
    },
    ignoreIndex() {
      isIgnored = true
      if (state?.index !== undefined) orUnload(() => dropIndex(needFile(), loaded(), limitBytes, context))
    },
    isIndexIgnored: () => isIgnored,
    rebuildIndex(unique) {
      isIgnored = false
      dropIndex(needFile(), loaded(), limitBytes, context)
      pack.writeIndex(unique, loaded().soundEnd)
    },
    rest() {
      file?.close()
      file = undefined
    },
    close() {
      pack.rest()
      unload()
    },
  }
  return pack
}

function findIndex(options: PackOptions, packId: Uint8Array | undefined): PackIndex | undefined {
  let file: OpenFile
  try {
    file = options.directory.open(options.indexName, 'read')
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND')) return undefined
    throw error
  }
  let index: PackIndex | undefined
  // An index that can not be read is an index that is not there.
  ignoringHostErrors(() => {
    const size = file.stat().size
    const inMemory = options.context.reserve(size)
    index = openIndex(file, { packId, inMemory, pages: options.context.pages })
    if (inMemory && index === undefined) options.context.release(size)
  })
  return index
}

function resetTail(state: Loaded): void {
  state.tail.clear()
  state.unsound.clear()
  state.soundEnd = Math.max(packHeaderBytes, state.index?.coveredBytes ?? 0)
}

function dropIndex(file: OpenFile, state: Loaded, limitBytes: number, context: PackContext): void {
  if (state.index !== undefined) {
    context.release(state.index.heldBytes)
    state.index.close()
    state.index = undefined
  }
  resetTail(state)
  scanTail(file, state, limitBytes)
}

/** Adds the sound entries from the sound end on. What is not sound may be another process's write under way. */
function scanTail(file: OpenFile, state: Loaded, limitBytes: number): void {
  state.size = file.stat().size
  for (const item of scanEntries(file, state.soundEnd, Math.min(state.size, limitBytes))) {
    if (item.state === 'damaged') {
      const { header, offset, reason } = item
      if (header !== undefined && state.unsound.size < unsoundEntriesMax)
        state.unsound.set(header.id, { offset, reason })
      continue
    }
    state.tail.put(idBytes(item.header.id), placeOf(item.header, item.offset))
    state.soundEnd = item.offset + item.bytes
  }
}

/** Whether a place lies in the file at all: an index may cover what was cut off a pack. */
export function isWithin(place: Place, size: number): boolean {
  return place.offset + entryHeaderBytes + place.storedBytes <= size
}
