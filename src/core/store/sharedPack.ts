// The pack that small ingests append to, one after the other, under the writer lock. It is cut back to what was flushed
// when an append fails; when even that fails the pack is given up and the process writes no more.
import { SentientError } from '../errors.ts'
import { fitsPack, packFileName, packHeaderBytes } from '../format/pack.ts'
import { isHostError } from '../host/error.ts'
import { createPlaceTable, type Place, type PlaceTable } from './idTable.ts'
import { createNew, ignoringHostErrors, newPackHeader, removeIfThere, type StoreOptions, stageName } from './layout.ts'
import type { Pack } from './pack.ts'
import type { PackSet } from './packSet.ts'
import { createPackWriter, type PackWriter } from './packWriter.ts'
import type { SharedPackMark } from './store.ts'

export interface SharedPack {
  /**
   * Under the lock: finds or makes the pack, or joins those who have appended and not yet flushed: many operations
   * may share one flush. Throws when this process is poisoned.
   */
  acquire(): void
  /** Rises when all that was pending is lost: an append or flush failed, or the lock was let go in between. */
  readonly epoch: number
  /** Counts appends and look-ups that found something pending. */
  activity: number
  /** What was appended and not flushed. */
  readonly pending: PlaceTable
  pendingPayload(place: Place): Uint8Array
  append(id: Uint8Array, place: Place, entry: { header: Uint8Array; payload: Uint8Array }): void
  /** Appends entries that lie in `bytes` as they would in a pack, from its header's end on. */
  appendAll(entries: PlaceTable, bytes: Uint8Array): void
  position(): Position
  /** Takes back what was appended since, as far as it is in memory only; the rest stays, as garbage, but durable. */
  takeBack(to: Position): void
  flush(): void
  mark(): SharedPackMark
  close(): void
}

export interface Position {
  readonly pack: Pack
  readonly end: number
  readonly entries: number
}

interface Current {
  readonly pack: Pack
  readonly writer: PackWriter
  flushed: number
}

/** More than this behind the index's end, and opening a store would take noticeably long. */
const uncoveredBytesMax = 8 << 20
const uncoveredEntriesMax = 4096
/** The index is rewritten as a whole: it may wait until an eighth is new. */
const uncoveredShareMax = 1 / 8

export function createSharedPack(options: StoreOptions, set: PackSet): SharedPack {
  const pending = createPlaceTable()
  let current: Current | undefined
  let poisoned = false
  let indexDue = false
  let epoch = 0
  let activity = 0

  const begin = (pack: Pack, end: number): void => {
    current?.writer.close()
    const writer = createPackWriter(end, () => set.folders.need('packs').open(packFileName(pack.number), 'modify'))
    current = { pack, writer, flushed: end }
  }

  const create = (): void => {
    const pack = publishEmptyPack(options, set)
    set.setShared(pack.number)
    begin(pack, packHeaderBytes)
  }

  const needCurrent = (): Current => {
    if (poisoned) throw poisonedError()
    if (current === undefined) throw new SentientError('INTERNAL', { what: 'The shared pack was not acquired' })
    return current
  }

  const dropPending = (): void => {
    if (pending.size > 0) epoch++
    pending.clear()
  }

  const poison = ({ pack, flushed }: Current): void => {
    poisoned = true
    // The disk is failing: the note may fail as well. The lock's unclean end tells the next writer then.
    ignoringHostErrors(() => set.setPoisoned(new Map([...set.poisoned(), [pack.number, flushed]])))
    ignoringHostErrors(() => set.changeGeneration())
  }

  /** After a failure: back to what was flushed. */
  const cutBack = (): void => {
    dropPending()
    if (current === undefined) return
    const { writer, flushed } = current
    if (!writer.dirtyBeyond(flushed)) {
      writer.cutBack(flushed)
      return
    }
    // Others may have read what is cut now and built on it. They ask for the generation under the lock; one who looks
    // between the first change and the cut is told by the second.
    ignoringHostErrors(() => set.changeGeneration())
    try {
      writer.cutBack(flushed)
      writer.flush()
      set.changeGeneration()
    } catch (error) {
      if (!isHostError(error)) throw error
      poison(current)
    }
  }

  const guarded = (action: () => void): void => {
    try {
      action()
    } catch (error) {
      cutBack()
      throw error
    }
  }

  const flush = (): void => {
    if (current === undefined || pending.size === 0) return
    guarded(needCurrent().writer.flush)
    current.flushed = current.writer.end
    current.pack.adopt(pending, current.flushed)
    pending.clear()
    indexDue = true
    if (isIndexWorthwhile(current)) writeIndex()
  }

  const writeIndex = (): void => {
    if (current === undefined || !indexDue) return
    const { pack, flushed } = current
    // Not what others have appended since: that may yet be cut off again.
    ignoringHostErrors(() => pack.writeIndex(`.${stageName(options)}`, flushed))
    indexDue = false
  }

  /** Makes room for an entry, in a new pack when this one is full. */
  const makeRoom = (storedBytes: number): PackWriter => {
    const { writer } = needCurrent()
    if (fitsPack(writer.end, storedBytes)) return writer
    flush()
    writeIndex()
    create()
    return needCurrent().writer
  }

  /** Whether the pack's file is as this process left it, so that what is pending still has its place. */
  const isOurs = (): boolean => {
    if (current === undefined || pending.size === 0) return false
    const { pack, writer } = current
    return set.folders.find('packs')?.stat(packFileName(pack.number))?.size === writer.fileEnd
  }

  return {
    pending,
    get epoch() {
      return epoch
    },
    get activity() {
      return activity
    },
    set activity(count) {
      activity = count
    },
    acquire() {
      if (poisoned) throw poisonedError()
      if (isOurs()) return
      dropPending()
      set.refresh()
      settlePoisoned(set)
      const pack = usablePack(set)
      if (pack === undefined) create()
      // A writer that dropped something, or whose pack grew without it, must not go on where it stood.
      else if (current?.pack !== pack || current.writer.end !== pack.soundEnd()) begin(pack, pack.soundEnd())
    },
    append(id, place, { header, payload }) {
      guarded(() => {
        const writer = makeRoom(payload.length)
        pending.put(id, { ...place, offset: writer.end })
        writer.append(header, payload)
      })
    },
    appendAll(entries, bytes) {
      guarded(() => {
        const writer = makeRoom(bytes.length)
        const shift = writer.end - packHeaderBytes
        for (let ordinal = 0; ordinal < entries.size; ordinal++) {
          const place = entries.placeAt(ordinal)
          pending.put(entries.idAt(ordinal), { ...place, offset: place.offset + shift })
        }
        writer.appendRaw(bytes)
      })
    },
    pendingPayload: place => needCurrent().writer.payload(place.offset, place.storedBytes),
    position() {
      const { pack, writer } = needCurrent()
      return { pack, end: writer.end, entries: pending.size }
    },
    takeBack(to) {
      if (current === undefined || current.pack !== to.pack || pending.size <= to.entries) return
      if (current.writer.written > to.end) flush()
      else {
        pending.truncate(to.entries)
        current.writer.cutBack(to.end)
      }
    },
    flush,
    mark() {
      if (current !== undefined && pending.size > 0) return markOf(current.pack, current.flushed)
      set.refresh()
      const pack = set.get(set.sharedNumber() ?? 0)
      return pack === undefined ? { number: 0, flushedBytes: 0 } : markOf(pack, pack.soundEnd())
    },
    close() {
      // The lock is gone by now: what was not flushed is left as it lies, the next writer sees to it.
      dropPending()
      writeIndex()
      current?.writer.close()
      current = undefined
    },
  }
}

function markOf(pack: Pack, flushedBytes: number): SharedPackMark {
  const packId = pack.id()
  return packId === undefined ? { number: pack.number, flushedBytes } : { number: pack.number, flushedBytes, packId }
}

function isIndexWorthwhile({ pack, flushed }: Current): boolean {
  const { coveredBytes, tailEntries } = pack.coverage()
  const covered = pack.objects() - tailEntries
  return (
    flushed - coveredBytes > uncoveredBytesMax ||
    tailEntries > Math.max(uncoveredEntriesMax, covered * uncoveredShareMax)
  )
}

/** The pack that `.tree/shared` names, when entries can be appended to it safely. */
function usablePack(set: PackSet): Pack | undefined {
  const packNumber = set.sharedNumber()
  const pack = packNumber === undefined ? undefined : set.get(packNumber)
  if (pack === undefined || pack.id() === undefined) return undefined
  // Behind unsound bytes nothing is appended, nor to a pack that lost its end: its index tells of what is gone.
  return pack.soundEnd() === pack.size() && fitsPack(pack.size(), 0) ? pack : undefined
}

/** Tries again to cut packs whose writer could not; while that fails they stay as they are and are not written to. */
function settlePoisoned(set: PackSet): void {
  const notes = set.poisoned()
  if (notes.size === 0) return
  const left = new Map<number, number>()
  for (const [packNumber, flushedBytes] of notes) {
    const settled = ignoringHostErrors(() => {
      if (set.get(packNumber) === undefined) return
      const file = set.folders.need('packs').open(packFileName(packNumber), 'modify')
      try {
        if (file.stat().size > flushedBytes) file.truncate(flushedBytes)
        file.flush()
      } finally {
        file.close()
      }
    })
    if (!settled) left.set(packNumber, flushedBytes)
  }
  if (left.size < notes.size) set.setPoisoned(left)
  set.refresh(true)
}

/** A new pack without entries, durable and in place. */
export function publishEmptyPack(options: StoreOptions, set: PackSet): Pack {
  const stage = set.folders.need('stage')
  const packs = set.folders.need('packs')
  // Missing it would mean that nobody can tell whether a gc was.
  if (set.generation() === undefined) set.changeGeneration()
  const name = `${stageName(options)}.pack`
  const file = createNew(stage, name)
  let packNumber: number
  try {
    try {
      file.write(newPackHeader(options.random), 0)
      file.flush()
    } finally {
      file.close()
    }
    packNumber = set.nextNumber()
    stage.rename(name, packs, packFileName(packNumber))
  } catch (error) {
    ignoringHostErrors(() => removeIfThere(stage, name))
    throw error
  }
  packs.flush()
  return set.add(packNumber)
}

function poisonedError(): SentientError {
  return new SentientError('IO', {
    what: 'A flush failed before, and what it left could not be taken back; nothing more is written',
    hint: 'Check the disk, then run the command again; it will use a new pack.',
  })
}
