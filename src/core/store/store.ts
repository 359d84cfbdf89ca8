// The object store in `.tree`: immutable objects named by the BLAKE3-256 of their bytes, in packs. Any number of
// processes read without a lock; packs get into place, and the shared pack grows, only under the writer lock, which is
// the caller's business.
import { SentientError } from '../errors.ts'
import { equalBytes } from '../format/bytes.ts'
import { isFormatError } from '../format/formatError.ts'
import { blake3 } from '../format/hash.ts'
import { type Codec, cidText, codecOf, idBytes, type Link, type ObjectId } from '../format/id.ts'
import { decodeEntryHeader, entryHeaderBytes, packingOf } from '../format/pack.ts'
import { isHostError } from '../host/error.ts'
import type { StoredObject } from '../native/native.ts'
import type { Progress } from '../progress.ts'
import { type CollectOptions, type CollectReport, collect } from './gc.ts'
import { createIngest, type Ingest } from './ingest.ts'
import { asStoreErrors, type StoreOptions, stageName } from './layout.ts'
import { isWithin, type Pack } from './pack.ts'
import { unpackBytes } from './packing.ts'
import { type Found, openPackSet } from './packSet.ts'
import { recoverSharedPack } from './recover.ts'
import { createSharedPack } from './sharedPack.ts'
import { type ScanItem, type ScanOptions, scanWholePack } from './verifyPack.ts'

export type { Ingest } from './ingest.ts'
export type { StoreOptions } from './layout.ts'

export type ReadResult =
  | { readonly state: 'intact'; readonly codec: Codec; readonly bytes: Uint8Array }
  | { readonly state: 'missing' }
  | DamagedRead

export interface DamagedRead {
  readonly state: 'damaged'
  readonly reason: string
  /** The pack's file below `.tree`. */
  readonly pack: string
  /** Of the entry in the pack. */
  readonly offset: number
}

export interface PackInfo {
  readonly number: number
  /** Below `.tree`. */
  readonly file: string
  readonly bytes: number
  /** Distinct objects, as the index and the scanned tail have them. */
  readonly objects: number
  readonly shared: boolean
  readonly indexed: boolean
  /** There is an index, and it does not say what the pack holds. */
  readonly misindexed: boolean
  /** Of a pack that was given up: how much of it is good. */
  readonly goodBytes: number | undefined
}

export interface SharedPackMark {
  /** 0 while there is no shared pack. */
  readonly number: number
  readonly flushedBytes: number
  /** The id in the pack's header, which tells it from another pack of the same number. */
  readonly packId?: Uint8Array
}

export interface Store {
  /** Whether a pack has it, as of the last look at the disk; not whether it is intact. */
  has(id: ObjectId): boolean
  /** Bytes that it takes in its pack, header included; undefined when no pack has it. */
  storedBytes(id: ObjectId): number | undefined
  /** Bytes of the object itself, as its pack says; undefined when no pack has it. */
  objectBytes(id: ObjectId): number | undefined
  /**
   * Reads an object and checks it against its name; looks again, and into what gc moved away (which does not last, so
   * that `lasting` leaves it out), before it says missing.
   */
  read(id: ObjectId, options?: { readonly lasting?: boolean }): ReadResult
  /** Throws OBJECT_MISSING or DAMAGED, naming the object, the pack and the offset. The bytes are the caller's. */
  get(link: Link): Uint8Array
  locate(link: Link): StoredObject | undefined
  /**
   * `shared` only while the writer lock is held, until the ingest is flushed or aborted; several at a time are flushed
   * together by the flush of one, and fail together.
   */
  beginIngest(options: { readonly shared: boolean }): Ingest
  /** Looks at the pack list and at the end of the shared pack again. */
  refresh(): void
  /** For the journal's mark. */
  sharedPack(): SharedPackMark
  /**
   * Under the lock, after a holder ended uncleanly: makes what lies beyond the marked size durable, and moves what is
   * no sound entry there to `.tree/torn/`. Never touches what lies below the mark.
   */
  recoverSharedPack(mark: SharedPackMark): { readonly cutBytes: number }
  packs(): PackInfo[]
  /** The entries of a pack from the file itself, not from its index; goes on behind damage. */
  scanPack(packNumber: number, options?: ScanOptions): Generator<ScanItem>
  /** The index says something else than the pack: from now on, and until it is written anew, the pack itself counts. */
  ignoreIndex(packNumber: number): void
  /** Under the lock: scans the pack and writes its index anew. */
  rebuildIndex(packNumber: number): void
  /**
   * Under the lock: copies what is live out of packs with much that is dead, and moves these packs to `.tree/dead/`;
   * unlinks those that were moved at least an hour ago.
   */
  collect(isLive: (id: ObjectId) => boolean, options?: CollectOptions): AsyncGenerator<Progress, CollectReport, void>
  close(): void
}

/** Opens a store; nothing is read before the first look-up, and nothing is written before the first ingest. */
export function openStore(options: StoreOptions): Store {
  const set = openPackSet(options)
  const shared = createSharedPack(options, set)

  const needWrite = (): void => {
    if (options.access !== 'write') throw new SentientError('READ_ONLY', { what: 'The store was opened for reading' })
  }

  const unsound = (id: Uint8Array): DamagedRead | undefined => {
    const entry = set.findUnsound(id)
    return entry && { state: 'damaged', reason: entry.reason, pack: entry.pack.label, offset: entry.offset }
  }

  const read = (id: ObjectId, { lasting = false } = {}): ReadResult => {
    const wanted = Buffer.from(id, 'hex')
    let damage: DamagedRead | undefined
    const suspects = new Set<Pack>()
    const among = (places: Iterable<Found>): ReadResult | undefined => {
      for (const found of places) {
        const result = readFound(wanted, found)
        if (result.state === 'intact') return result
        damage ??= result
        suspects.add(found.pack)
      }
      return undefined
    }
    const intact = among(set.find(wanted))
    if (intact !== undefined) return intact
    // Another process may have appended, swapped packs, or cut back and written anew what this one had seen.
    for (const pack of suspects) reloadIfThere(pack)
    set.refresh(true)
    const again = among(set.find(wanted)) ?? (lasting ? undefined : among(set.findDead(wanted)))
    if (again !== undefined) return again
    // Or the index leads to where something else lies.
    const misled = [...set.find(wanted)].filter(found => holdsAnother(wanted, found))
    for (const { pack } of misled) pack.ignoreIndex()
    const scanned = misled.length === 0 ? undefined : among(set.find(wanted))
    return scanned ?? damage ?? unsound(wanted) ?? { state: 'missing' }
  }

  const get = (link: Link): Uint8Array => {
    const result = asStoreErrors('The store can not be read', () => read(link.id))
    if (result.state === 'intact') return result.bytes
    if (result.state === 'missing') throw new SentientError('OBJECT_MISSING', { where: cidText(link) })
    const { pack, offset, reason } = result
    throw new SentientError('DAMAGED', {
      what: 'An object is damaged',
      where: `${cidText(link)} in ${pack}, offset ${offset}`,
      found: reason,
    })
  }

  const locate = ({ id }: Link): StoredObject | undefined =>
    asStoreErrors('The store can not be read', () => {
      const found = set.findFirst(Buffer.from(id, 'hex'))
      const packs = found && set.folders.find('packs')
      if (found === undefined || packs === undefined) return undefined
      const { offset, storedBytes, objectBytes, packing } = found.place
      return { packs, pack: found.pack.number, offset, storedBytes, objectBytes, packing }
    })

  const needPack = (packNumber: number) => {
    set.refresh()
    const pack = set.get(packNumber)
    if (pack === undefined)
      throw new SentientError('OBJECT_MISSING', { what: 'There is no such pack', where: `pack ${packNumber}` })
    return pack
  }

  return {
    has: id => asStoreErrors('The store can not be read', () => set.findFirst(Buffer.from(id, 'hex')) !== undefined),
    storedBytes(id) {
      const found = asStoreErrors('The store can not be read', () => set.findFirst(Buffer.from(id, 'hex')))
      return found === undefined ? undefined : entryHeaderBytes + found.place.storedBytes
    },
    objectBytes: id =>
      asStoreErrors('The store can not be read', () => set.findFirst(Buffer.from(id, 'hex'))?.place.objectBytes),
    read: (id, readOptions) => asStoreErrors('The store can not be read', () => read(id, readOptions)),
    get,
    locate,
    beginIngest(ingestOptions) {
      needWrite()
      return createIngest({ options, set, shared, get, locate }, ingestOptions.shared ? 'shared' : 'private')
    },
    refresh: () => asStoreErrors('The store can not be read', () => set.refresh()),
    sharedPack: () => asStoreErrors('The store can not be read', () => shared.mark()),
    recoverSharedPack(mark) {
      needWrite()
      return asStoreErrors('The shared pack can not be recovered', () => recoverSharedPack(options, set, mark))
    },
    packs: () =>
      asStoreErrors('The store can not be read', () => {
        set.refresh(true)
        const sharedNumber = set.sharedNumber()
        return set.packs().map(pack => ({
          number: pack.number,
          file: pack.label,
          bytes: pack.size(),
          objects: pack.objects(),
          shared: pack.number === sharedNumber,
          indexed: pack.coverage().indexed,
          misindexed: pack.isIndexIgnored(),
          goodBytes: set.poisoned().get(pack.number),
        }))
      }),
    *scanPack(packNumber, scanOptions) {
      yield* scanWholePack(needPack(packNumber), scanOptions ?? {})
    },
    ignoreIndex: packNumber => asStoreErrors('The store can not be read', () => needPack(packNumber).ignoreIndex()),
    rebuildIndex(packNumber) {
      needWrite()
      asStoreErrors('An index can not be written', () => needPack(packNumber).rebuildIndex(`.${stageName(options)}`))
    },
    collect(isLive, collectOptions) {
      needWrite()
      return collect({ options, set, shared, readFound }, isLive, collectOptions ?? {})
    },
    close() {
      shared.close()
      set.close()
    },
  }
}

/** A sound entry of another object, or the middle of one: a damaged entry has, but for its damage, the name. */
function holdsAnother(id: Uint8Array, { pack, place }: Found): boolean {
  if (!pack.coverage().indexed) return false
  try {
    return !equalBytes(idBytes(decodeEntryHeader(pack.header(place), 0).id), id)
  } catch (error) {
    if (!isHostError(error) && !isFormatError(error)) throw error
    return isFormatError(error)
  }
}

function reloadIfThere(pack: Pack): void {
  try {
    pack.reload()
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

function readFound(id: Uint8Array, { pack, place }: Found): Extract<ReadResult, { state: 'intact' }> | DamagedRead {
  const damaged = (reason: string): DamagedRead => ({
    state: 'damaged',
    reason,
    pack: pack.label,
    offset: place.offset,
  })
  try {
    if (!isWithin(place, pack.size())) return damaged('the pack ends before the object')
    const payload = pack.payload(place)
    if (payload.length < place.storedBytes) return damaged('the pack ends before the object')
    const bytes = unpackBytes(packingOf(place.packing), payload, place.objectBytes)
    if (bytes === undefined) return damaged('the payload can not be unpacked')
    if (!equalBytes(blake3(bytes), id)) return damaged('the bytes are not what their name says')
    return { state: 'intact', codec: codecOf(place.codec) ?? 'raw', bytes }
  } catch (error) {
    if (!isHostError(error)) throw error
    return damaged(`the disk reported ${error.code}`)
  }
}
