// Packs that one ingest writes for itself in `.tree/stage`, and how they become part of the store: small ones are
// appended to the shared pack, large ones get a number and are renamed into place.

import { SentientError } from '../errors.ts'
import { idBytes } from '../format/id.ts'
import { entryHeaderBytes, fitsPack, packFileName, packHeaderBytes } from '../format/pack.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, OpenFile } from '../host/host.ts'
import type { StagedPack } from '../native/native.ts'
import { createPlaceTable, type Place, type PlaceTable } from './idTable.ts'
import { createPageCache, indexFileOf, tableRecords } from './indexFile.ts'
import type { ObjectSink } from './ingest.ts'
import {
  createNew,
  ignoringHostErrors,
  newPackHeader,
  packIdOf,
  removeIfThere,
  type StoreOptions,
  stageName,
} from './layout.ts'
import { openPack, type Pack, placeOf } from './pack.ts'
import { scanEntries } from './packScan.ts'
import type { PackSet } from './packSet.ts'
import { createPackWriter, type PackWriter } from './packWriter.ts'
import type { SharedPack } from './sharedPack.ts'

interface Part {
  readonly name: string
  readonly header: Uint8Array
  readonly writer: PackWriter
  /** How much of it was flushed. */
  sealed: number
  /** How much of it its index covers. */
  indexed: number
}

interface Taken {
  readonly name: string
  readonly pack: Pack
}

/** As much as a pack writer keeps in memory. */
const smallBytesMax = 1 << 20

export function createStageWriter(options: StoreOptions, set: PackSet, shared: SharedPack): ObjectSink {
  let table: PlaceTable = createPlaceTable()
  let parts: Part[] = []
  /** Written by somebody else, sealed, with an index each. */
  let taken: Taken[] = []

  const lastPart = (storedBytes: number): Part => {
    const last = parts.at(-1)
    if (last !== undefined && fitsPack(last.writer.end, storedBytes)) return last
    // The full pack's data goes to disk while the next one fills.
    if (last !== undefined) {
      seal(last)
      last.writer.rest()
    }
    const part = createPart(options, set)
    parts.push(part)
    return part
  }

  const seal = (part: Part): void => {
    if (part.sealed === part.writer.end) return
    part.writer.flush()
    part.sealed = part.writer.end
  }

  const writePartIndex = (part: Part, number: number): void => {
    if (part.indexed === part.writer.end) return
    const stage = set.folders.need('stage')
    const name = `${part.name}.idx`
    removeIfThere(stage, name)
    const file = createNew(stage, name)
    try {
      file.write(indexFileOf(packIdOf(part.header)!, part.writer.end, tableRecords(table, { part: number })), 0)
      // Torn by a power cut it would be taken for damage.
      file.flush()
    } finally {
      file.close()
    }
    part.indexed = part.writer.end
  }

  /** Small enough to be in memory as a whole: nothing of it was written to the stage. */
  const isSmall = (): boolean =>
    taken.length === 0 && parts.length === 1 && parts[0]!.writer.written === packHeaderBytes

  const publishSmall = (): void => {
    shared.acquire()
    shared.appendAll(table, parts[0]!.writer.pending())
    shared.flush()
  }

  const publishParts = (): void => {
    const stage = set.folders.need('stage')
    const packs = set.folders.need('packs')
    for (const [index, part] of parts.entries()) {
      seal(part)
      // Derived: a pack without an index is scanned.
      ignoringHostErrors(() => writePartIndex(part, index))
    }
    const numbers: number[] = []
    for (const part of [...taken, ...parts]) {
      const packNumber = set.nextNumber()
      ignoringHostErrors(() => stage.rename(`${part.name}.idx`, packs, packFileName(packNumber, 'idx')))
      stage.rename(`${part.name}.pack`, packs, packFileName(packNumber))
      numbers.push(packNumber)
    }
    packs.flush()
    for (const part of parts) part.writer.close()
    for (const { pack } of taken) pack.close()
    for (const packNumber of numbers) set.add(packNumber)
  }

  const forget = (): void => {
    table = createPlaceTable()
    parts = []
    taken = []
  }

  const inTaken = (id: Uint8Array): Taken | undefined => taken.find(({ pack }) => pack.find(id) !== undefined)

  const append = (id: Uint8Array, place: Place, entry: { header: Uint8Array; payload: Uint8Array }): void => {
    const part = lastPart(entry.payload.length)
    table.put(id, { ...place, offset: part.writer.end }, parts.length - 1)
    part.writer.append(entry.header, entry.payload)
  }

  /** What would have stayed in memory here is taken into memory. */
  const takeIn = (stage: Directory, { name }: StagedPack): void => {
    const file = stage.open(`${name}.pack`, 'read')
    try {
      for (const item of scanEntries(file, packHeaderBytes, file.stat().size)) {
        if (item.state === 'damaged')
          throw new SentientError('IO', { what: 'What was written reads otherwise', found: item.reason })
        const header = Uint8Array.from(item.raw.subarray(0, entryHeaderBytes))
        const payload = Uint8Array.from(item.raw.subarray(entryHeaderBytes))
        append(idBytes(item.header.id), placeOf(item.header, 0), { header, payload })
      }
    } finally {
      file.close()
    }
    for (const extension of ['pack', 'idx']) removeIfThere(stage, `${name}.${extension}`)
  }

  return {
    find(id) {
      const ordinal = table.find(id)
      return ordinal < 0 ? inTaken(id)?.pack.find(id) : table.placeAt(ordinal)
    },
    payload(id, place) {
      const ordinal = table.find(id)
      if (ordinal < 0) return inTaken(id)!.pack.payload(place)
      return parts[table.partAt(ordinal)]!.writer.payload(place.offset, place.storedBytes)
    },
    append,
    take(packs) {
      const stage = set.folders.need('stage')
      const small = parts.length === 0 && packs.length === 1 && packs[0]!.bytes <= smallBytesMax
      if (small) takeIn(stage, packs[0]!)
      else for (const { name } of packs) taken.push({ name, pack: openTaken(stage, name) })
    },
    seal() {
      if (parts.length === 0 || isSmall()) return
      for (const [index, part] of parts.entries()) {
        seal(part)
        ignoringHostErrors(() => writePartIndex(part, index))
      }
    },
    publish() {
      if (parts.length === 0 && taken.length === 0) return
      if (isSmall()) publishSmall()
      else publishParts()
      forget()
    },
    abort() {
      const stage = set.folders.find('stage')
      for (const { pack } of taken) pack.close()
      for (const part of parts) part.writer.close()
      for (const part of [...taken, ...parts]) {
        for (const extension of ['pack', 'idx']) {
          ignoringHostErrors(() => stage !== undefined && removeIfThere(stage, `${part.name}.${extension}`))
        }
      }
      forget()
    },
  }
}

function createPart(options: StoreOptions, set: PackSet): Part {
  const name = stageName(options)
  const header = newPackHeader(options.random)
  const open = (again: boolean): OpenFile => {
    const stage = set.folders.need('stage')
    if (again) return stage.open(`${name}.pack`, 'modify')
    const file = createNew(stage, `${name}.pack`)
    try {
      file.write(header, 0)
    } catch (error) {
      file.close()
      if (isHostError(error)) ignoringHostErrors(() => removeIfThere(stage, `${name}.pack`))
      throw error
    }
    return file
  }
  return { name, header, writer: createPackWriter(packHeaderBytes, open), sealed: packHeaderBytes, indexed: 0 }
}

/** Its index is in memory: it is there for the length of one ingest. */
function openTaken(directory: Directory, name: string): Pack {
  const context = { pages: createPageCache(1), reserve: () => true, release() {}, opened() {} }
  const limitBytes = Number.POSITIVE_INFINITY
  const [packName, indexName] = [`${name}.pack`, `${name}.idx`]
  return openPack({ ...{ directory, packName, indexName, context, limitBytes }, number: 0, label: `stage/${packName}` })
}
