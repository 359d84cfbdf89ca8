// Where each record lies in its segment: a flat file of 32-bit offsets a segment, under `.db/offsets`. Derived: an
// offset is only a hint, the frame found there says which record it is. What is missing or wrong is scanned anew.

import { segmentHeaderBytes } from '../format/frame.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, OpenFile, Processes } from '../host/host.ts'
import { runBytesDefault, runBytesMax, runForwards } from './frameRun.ts'
import { envelopeOf } from './frames.ts'
import { createFrameWindow } from './frameWindow.ts'
import { readFully, type Segments } from './segments.ts'

export interface OffsetTables {
  /** Where record `segment + index` should be; undefined when no record of that seq is known in [0, end). */
  find(segment: number, index: number, end: number): number | undefined
  /** The hint was wrong: reads the whole segment and keeps its table in memory. */
  rescan(segment: number, end: number): void
  /** Notes new records of the last segment, the first at `index`. Never fails: a table can be made again. */
  append(segment: number, index: number, offsets: readonly number[], end: number): void
  /** Forgets what is in memory of a segment: its end changed other than by `append`. */
  drop(segment: number): void
  /** Another process wrote: what is known of the files may be out of date. */
  settle(): void
  close(): void
}

interface ScannedTable {
  offsets: Uint32Array
  count: number
  scannedTo: number
  /** Which file was scanned. */
  readonly inode: bigint
  /** Every frame is decoded and says which record it is; otherwise they are counted. */
  readonly careful: boolean
}

export interface OffsetsOptions {
  readonly derived: Directory | undefined
  readonly segments: Segments
  readonly processes: Processes
  readonly writable: boolean
  readonly openMax: number
}

const directoryName = 'offsets'
const entryBytes = 4
/** More records than any segment can hold. */
const recordsMax = 1 << 20

export function createOffsetTables(options: OffsetsOptions): OffsetTables {
  const { segments, writable, openMax } = options
  const scanned = new Map<number, ScannedTable>()
  const files = createTableFiles(options)

  const tableOf = (segment: number, end: number, careful = false): ScannedTable => {
    let table = scanned.get(segment)
    if (table === undefined) {
      table = {
        offsets: new Uint32Array(1024),
        count: 0,
        scannedTo: segmentHeaderBytes,
        inode: segments.open(segment).stat().inode,
        careful,
      }
      scanned.set(segment, table)
      if (scanned.size > openMax) scanned.delete(scanned.keys().next().value!)
    }
    if (table.scannedTo < end) scanInto(table, segments, segment, end)
    return table
  }
  const rescan = (segment: number, end: number): void => {
    // Scanning the same bytes again would find the same.
    const known = scanned.get(segment)
    if (known?.careful === true && known.inode === segments.open(segment).stat().inode) return
    scanned.delete(segment)
    const table = tableOf(segment, end, true)
    // The last segment's file is written by who appends; the others never change.
    const last = segments.list().at(-1)
    if (writable && last !== undefined && segment < last) files.replace(segment, table.offsets.subarray(0, table.count))
    else files.distrust(segment)
  }
  return {
    find(segment, index, end) {
      if (!scanned.has(segment)) {
        const offset = files.read(segment, index)
        if (offset !== undefined) return offset
      }
      return tableOf(segment, end).offsets[index] || undefined
    },
    rescan,
    append(segment, index, offsets, end) {
      if (!writable || files.append(segment, index, offsets)) return
      const table = tableOf(segment, end)
      files.replace(segment, table.offsets.subarray(0, table.count))
    },
    drop(segment) {
      scanned.delete(segment)
    },
    settle: () => files.dropAll(),
    close: () => files.close(),
  }
}

// Frames are counted as long as nothing is odd; a wrong count shows when a record is asked for.
function countInto(table: ScannedTable, segments: Segments, segment: number, end: number): void {
  let bytes = Buffer.alloc(0)
  for (let wanted = runBytesDefault; table.scannedTo < end; ) {
    const length = Math.min(wanted, end - table.scannedTo)
    if (bytes.length < length) bytes = Buffer.allocUnsafeSlow(length)
    const got = readFully(segments.open(segment), bytes.subarray(0, length), table.scannedTo)
    const run = runForwards(bytes.subarray(0, got), recordsMax - table.count)
    const first = table.count
    for (let i = 0; i < run.count; i++) note(table, first + i, table.scannedTo + run.starts[i]!)
    table.scannedTo += run.to
    if (run.next !== 'short' || (run.count === 0 && wanted === runBytesMax)) return
    if (run.count === 0) wanted = runBytesMax
  }
}

function scanInto(table: ScannedTable, segments: Segments, segment: number, end: number): void {
  if (!table.careful) countInto(table, segments, segment, end)
  const window = createFrameWindow(segments, { segment, end })
  let offset = table.scannedTo
  while (offset < end) {
    const found = window.at(offset)
    if (found.state === 'end') break
    if (found.state === 'bad') {
      const next = window.search(offset + 1, () => true)
      if (next.state !== 'ok') break
      offset = next.offset
      continue
    }
    const envelope = envelopeOf(found.frame)
    if (typeof envelope !== 'string') note(table, envelope.seq - segment, found.offset)
    offset = found.next
  }
  table.scannedTo = end
}

function note(table: ScannedTable, index: number, offset: number): void {
  if (index < 0 || index >= recordsMax) return
  if (index >= table.offsets.length) {
    const larger = new Uint32Array(Math.min(recordsMax, Math.max(index + 1, table.offsets.length * 2)))
    larger.set(table.offsets)
    table.offsets = larger
  }
  table.offsets[index] = offset
  table.count = Math.max(table.count, index + 1)
}

interface TableFiles {
  read(segment: number, index: number): number | undefined
  /** True when the file now holds all offsets up to these. */
  append(segment: number, index: number, offsets: readonly number[]): boolean
  replace(segment: number, offsets: Uint32Array): void
  /** The file is wrong somewhere: the next append replaces it. */
  distrust(segment: number): void
  dropAll(): void
  close(): void
}

function createTableFiles({ derived, processes, writable, openMax }: OffsetsOptions): TableFiles {
  const open = new Map<number, OpenFile>()
  // Of files that this journal wrote since it last took the lock.
  const sizes = new Map<number, number>()
  const distrusted = new Set<number>()
  // Tables that could not be written: not tried again by this journal, so that a full disk costs no time.
  const givenUp = new Set<number>()
  let home: Directory | undefined

  const nameOf = (segment: number): string => `${String(segment).padStart(20, '0')}.off`
  const directory = (make: boolean): Directory | undefined => {
    home ??= derived?.child(directoryName)
    if (home === undefined && make && derived !== undefined) {
      derived.makeDirectory(directoryName, 0o700)
      home = derived.child(directoryName)
    }
    return home
  }
  const drop = (segment: number): void => {
    const file = open.get(segment)
    open.delete(segment)
    sizes.delete(segment)
    file?.close()
  }
  const dropAll = (): void => {
    for (const segment of [...open.keys()]) drop(segment)
  }
  // Nothing derived may fail a read or an append.
  const quietly = <T>(segment: number, body: () => T): T | undefined => {
    try {
      return body()
    } catch (error) {
      if (!isHostError(error)) throw error
      drop(segment)
      return undefined
    }
  }
  const keep = (segment: number, file: OpenFile): OpenFile => {
    open.set(segment, file)
    if (open.size > openMax) drop(open.keys().next().value!)
    return file
  }
  const fileOf = (segment: number): OpenFile | undefined => {
    const known = open.get(segment)
    if (known !== undefined) return known
    const at = directory(false)
    if (at?.stat(nameOf(segment)) === undefined) return undefined
    return keep(segment, at.open(nameOf(segment), writable ? 'modify' : 'read'))
  }
  const createFile = (segment: number): OpenFile | undefined => {
    const at = directory(true)
    return at && keep(segment, at.open(nameOf(segment), 'create', 0o600))
  }
  const giveUp = (segment: number): void => {
    distrusted.add(segment)
    givenUp.add(segment)
  }
  const readOnce = (segment: number, index: number): number | undefined =>
    quietly(segment, () => {
      const bytes = Buffer.alloc(entryBytes)
      const file = fileOf(segment)
      if (file === undefined || readFully(file, bytes, index * entryBytes) < entryBytes) return undefined
      return bytes.readUInt32LE() || undefined
    })
  return {
    read(segment, index) {
      if (distrusted.has(segment)) return undefined
      const offset = readOnce(segment, index)
      if (offset !== undefined || !open.has(segment)) return offset
      // Another process may have replaced the file.
      drop(segment)
      return readOnce(segment, index)
    },
    append(segment, index, offsets) {
      if (derived === undefined || givenUp.has(segment)) return true
      if (distrusted.has(segment)) return false
      const done = quietly(segment, () => {
        const file = fileOf(segment) ?? (index === 0 ? createFile(segment) : undefined)
        if (file === undefined) return false
        const size = sizes.get(segment) ?? file.stat().size
        if (size < index * entryBytes) return false
        file.write(bytesOfOffsets(offsets), index * entryBytes)
        const end = (index + offsets.length) * entryBytes
        if (size > end) file.truncate(end)
        sizes.set(segment, end)
        return true
      })
      if (done === undefined) giveUp(segment)
      return done ?? true
    },
    replace(segment, offsets) {
      if (derived === undefined || givenUp.has(segment)) return
      drop(segment)
      const done = quietly(segment, () => {
        const at = directory(true)!
        const newName = `${nameOf(segment)}.${processes.id}`
        if (at.stat(newName) !== undefined) at.removeFile(newName)
        const file = at.open(newName, 'create', 0o600)
        try {
          file.write(bytesOfOffsets(offsets), 0)
        } finally {
          file.close()
        }
        at.rename(newName, at, nameOf(segment))
        distrusted.delete(segment)
        return true
      })
      if (done === undefined) giveUp(segment)
    },
    distrust(segment) {
      distrusted.add(segment)
      drop(segment)
    },
    dropAll,
    close() {
      dropAll()
      home?.close()
      home = undefined
    },
  }
}

function bytesOfOffsets(offsets: ArrayLike<number>): Uint8Array {
  const bytes = Buffer.allocUnsafe(offsets.length * entryBytes)
  for (let i = 0; i < offsets.length; i++) bytes.writeUInt32LE(offsets[i]!, i * entryBytes)
  return bytes
}
