// Writing objects. A private ingest needs no lock until it publishes: what grows above a megabyte goes into packs of
// its own in `.tree/stage`, what stays below is kept in memory and appended to the shared pack at the end. A shared
// ingest appends to the shared pack from the start and needs the writer lock all along.
import { SentientError } from '../errors.ts'
import { asBuffer, hexOf } from '../format/bytes.ts'
import { blake3 } from '../format/hash.ts'
import { type Codec, codecNumbers, type Link, type ObjectId } from '../format/id.ts'
import {
  encodeEntryHeader,
  kindNumber,
  type ObjectKind,
  objectLimit,
  packingNumber,
  packingOf,
} from '../format/pack.ts'
import type { Directory } from '../host/host.ts'
import type { StagedPack, StoredObject } from '../native/native.ts'
import { createIdTable, type Place } from './idTable.ts'
import type { StoreOptions } from './layout.ts'
import { asStoreErrors } from './layout.ts'
import { packBytes, unpackBytes } from './packing.ts'
import type { PackSet } from './packSet.ts'
import type { SharedPack } from './sharedPack.ts'
import { createStageWriter } from './stageWriter.ts'

export interface PutOptions {
  /** Writes the object even where the store has it: a repair of a damaged copy. */
  readonly force?: boolean
}

export interface Ingest {
  /** Stores an object unless it is there; `bytes` may be used again afterwards. Throws LIMIT, IO, DISK_FULL. */
  put(codec: Codec, kind: ObjectKind, bytes: Uint8Array, options?: PutOptions): Link
  /** Whether the store or this ingest has it; counts as reuse: see `revalidate`. */
  has(id: ObjectId): boolean
  get(link: Link): Uint8Array
  locate(link: Link): StoredObject | undefined
  /** Bytes that went, or will go, into packs. */
  readonly bytesWritten: number
  readonly objectsWritten: number
  /** Private: makes what was put so far durable in the stage, without the lock, so that `flush` is short. */
  seal(): void
  /**
   * Under the lock. Ids that this ingest found in the store and that are gone since, because of a gc: they must be
   * put again before `flush`. Empty at once when no gc was.
   */
  revalidate(): ObjectId[]
  /** Under the lock. Makes all objects durable and visible to others. More may be put afterwards. */
  flush(): void
  /** Takes back what was not flushed. */
  abort(): void
  /** Private: where somebody else may write sealed packs, and what he needs to write them as this would. */
  staging(): Staging
  /** Private: packs that somebody else wrote there belong to this ingest from now on, as if it had put their objects. */
  takeStaged(packs: readonly StagedPack[]): void
}

export interface Staging {
  readonly directory: Directory
  readonly zstdLevel: number
  readonly owner: number
  readonly seed: Uint8Array
}

/** Where an ingest's objects go. */
export interface ObjectSink {
  find(id: Uint8Array): Place | undefined
  payload(id: Uint8Array, place: Place): Uint8Array
  append(id: Uint8Array, place: Place, entry: { header: Uint8Array; payload: Uint8Array }): void
  seal(): void
  publish(): void
  abort(): void
  take?(packs: readonly StagedPack[]): void
}

export interface IngestContext {
  readonly options: StoreOptions
  readonly set: PackSet
  readonly shared: SharedPack
  get(link: Link): Uint8Array
  locate(link: Link): StoredObject | undefined
}

const zstdLevelDefault = 3

/** Appends to the shared pack; several at a time share its flush. */
function createSharedSink(shared: SharedPack): ObjectSink {
  shared.acquire()
  const { pending } = shared
  let { epoch } = shared
  let start = shared.position()
  let activityBefore = shared.activity
  let activity = 0

  const noteActivity = (): void => {
    activity++
    shared.activity++
  }
  const checkEpoch = (): void => {
    if (shared.epoch === epoch) return
    throw new SentientError('IO', {
      what: 'What was to be flushed together with this is lost: nothing of it was recorded',
    })
  }

  return {
    find(id) {
      checkEpoch()
      const ordinal = pending.find(id)
      if (ordinal < 0) return undefined
      noteActivity()
      return pending.placeAt(ordinal)
    },
    payload: (_id, place) => shared.pendingPayload(place),
    append(id, place, entry) {
      checkEpoch()
      noteActivity()
      shared.append(id, place, entry)
    },
    seal() {},
    publish() {
      checkEpoch()
      shared.flush()
      start = shared.position()
      activityBefore = shared.activity
      activity = 0
    },
    abort() {
      // What another ingest appended behind, or found here, must stay.
      if (shared.epoch === epoch && shared.activity === activityBefore + activity) shared.takeBack(start)
      epoch = -1
    },
  }
}

export function createIngest(context: IngestContext, kind: 'shared' | 'private'): Ingest {
  const { options, set, shared } = context
  const level = options.zstdLevel ?? zstdLevelDefault
  const reused = createIdTable()
  let failed = false
  let bytesWritten = 0
  let objectsWritten = 0
  const sink = asStoreErrors('A write to the store could not begin', () => {
    if (kind === 'shared') return createSharedSink(shared)
    set.refresh()
    return createStageWriter(options, set, shared)
  })
  let generation = set.generation()

  /** After an error part of the objects may be gone, so nothing that links to them may be written any more. */
  const writing = <T>(what: string, action: () => T): T => {
    if (failed) throw new SentientError('INTERNAL', { what: 'A failed ingest was used again' })
    return asStoreErrors(what, () => {
      try {
        return action()
      } catch (error) {
        failed = true
        throw error
      }
    })
  }

  const isThere = (id: Uint8Array): boolean => {
    if (sink.find(id) !== undefined) return true
    if (set.findFirst(id) === undefined) return false
    if (kind === 'private') reused.add(id)
    return true
  }

  const write = (id: Uint8Array, codec: Codec, objectKind: ObjectKind, bytes: Uint8Array): void => {
    const { packing, payload } = packBytes(bytes, level)
    const fields = {
      id: hexOf(id) as ObjectId,
      codec,
      kind: objectKind,
      packing,
      storedBytes: payload.length,
      objectBytes: bytes.length,
    }
    const header = encodeEntryHeader(fields, payload)
    const place: Place = {
      offset: 0,
      storedBytes: payload.length,
      objectBytes: bytes.length,
      codec: codecNumbers[codec],
      kind: kindNumber(objectKind),
      packing: packingNumber(packing),
    }
    sink.append(id, place, { header, payload })
    bytesWritten += header.length + payload.length
    objectsWritten++
  }

  return {
    put(codec, objectKind, bytes, putOptions) {
      const limit = objectLimit(objectKind)
      if (bytes.length > limit) {
        throw new SentientError('LIMIT', {
          what: 'An object is too large',
          expected: `at most ${limit} bytes`,
          found: `${bytes.length}`,
        })
      }
      const id = blake3(bytes)
      writing('An object could not be written', () => {
        // What this ingest wrote itself is sound: even a repair need not write it twice.
        const there = putOptions?.force === true ? sink.find(id) !== undefined : isThere(id)
        if (!there) write(id, codec, objectKind, bytes)
      })
      return { codec, id: hexOf(id) as ObjectId }
    },
    has: id => isThere(idOf(id)),
    get(link) {
      const id = idOf(link.id)
      const place = sink.find(id)
      if (place === undefined) return context.get(link)
      const payload = writing('An object could not be read back', () => sink.payload(id, place))
      const bytes = unpackBytes(packingOf(place.packing), payload, place.objectBytes)
      if (bytes === undefined)
        throw new SentientError('IO', { what: 'What was written can not be read back', where: link.id })
      return bytes
    },
    // What this ingest wrote may not be in its file yet.
    locate: link => (sink.find(idOf(link.id)) === undefined ? context.locate(link) : undefined),
    get bytesWritten() {
      return bytesWritten
    },
    get objectsWritten() {
      return objectsWritten
    },
    seal: () => writing('Objects could not be made durable', () => sink.seal()),
    revalidate() {
      if (kind === 'shared') return []
      const gone: ObjectId[] = []
      asStoreErrors('The store could not be read', () => set.refresh())
      // Without the file nobody can tell: it may have been there and was lost.
      if (generation !== undefined && set.generation() === generation) return gone
      generation = set.generation()
      for (let ordinal = 0; ordinal < reused.size; ordinal++) {
        const id = reused.idAt(ordinal)
        if (sink.find(id) === undefined && set.findFirst(id) === undefined) gone.push(hexOf(id) as ObjectId)
      }
      return gone
    },
    flush: () => writing('Objects could not be made durable', () => sink.publish()),
    abort() {
      failed = true
      asStoreErrors('What was written could not be taken back', () => sink.abort())
    },
    staging: () =>
      asStoreErrors('A write to the store could not begin', () => ({
        directory: set.folders.need('stage'),
        zstdLevel: level,
        owner: options.processes.id,
        seed: options.random.bytes(32),
      })),
    takeStaged: packs =>
      writing('Packs could not be taken over', () => {
        sink.take?.(packs)
        for (const pack of packs) {
          bytesWritten += pack.bytes
          objectsWritten += pack.objects
        }
      }),
  }
}

const idOf = (id: ObjectId): Uint8Array => asBuffer(Buffer.from(id, 'hex'))
