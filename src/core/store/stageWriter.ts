// Packs that one ingest writes for itself in `.tree/stage`, and how they become part of the store: small ones are
// appended to the shared pack, large ones get a number and are renamed into place.

import { fitsPack, packFileName, packHeaderBytes } from '../format/pack.ts'
import { isHostError } from '../host/error.ts'
import type { OpenFile } from '../host/host.ts'
import { createPlaceTable, type PlaceTable } from './idTable.ts'
import { indexFileOf, tableRecords } from './indexFile.ts'
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

export function createStageWriter(options: StoreOptions, set: PackSet, shared: SharedPack): ObjectSink {
  let table: PlaceTable = createPlaceTable()
  let parts: Part[] = []

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
    } finally {
      file.close()
    }
    part.indexed = part.writer.end
  }

  /** Small enough to be in memory as a whole: nothing of it was written to the stage. */
  const isSmall = (): boolean => parts.length === 1 && parts[0]!.writer.written === packHeaderBytes

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
    for (const part of parts) {
      const packNumber = set.nextNumber()
      ignoringHostErrors(() => stage.rename(`${part.name}.idx`, packs, packFileName(packNumber, 'idx')))
      stage.rename(`${part.name}.pack`, packs, packFileName(packNumber))
      numbers.push(packNumber)
    }
    packs.flush()
    for (const part of parts) part.writer.close()
    for (const packNumber of numbers) set.add(packNumber)
  }

  const forget = (): void => {
    table = createPlaceTable()
    parts = []
  }

  return {
    find(id) {
      const ordinal = table.find(id)
      return ordinal < 0 ? undefined : table.placeAt(ordinal)
    },
    payload: (id, place) => parts[table.partAt(table.find(id))]!.writer.payload(place.offset, place.storedBytes),
    append(id, place, { header, payload }) {
      const part = lastPart(payload.length)
      table.put(id, { ...place, offset: part.writer.end }, parts.length - 1)
      part.writer.append(header, payload)
    },
    seal() {
      if (parts.length === 0 || isSmall()) return
      for (const [index, part] of parts.entries()) {
        seal(part)
        ignoringHostErrors(() => writePartIndex(part, index))
      }
    },
    publish() {
      if (parts.length === 0) return
      if (isSmall()) publishSmall()
      else publishParts()
      forget()
    },
    abort() {
      const stage = set.folders.find('stage')
      for (const part of parts) {
        part.writer.close()
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
