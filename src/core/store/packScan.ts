// Reading a pack from front to back without its index: every entry is checked by its CRC; behind damage the scan goes
// on at the next entry. Index rebuilding, tails that no index covers, deep verification and gc all read packs this way.

import { isFormatError } from '../format/formatError.ts'
import {
  decodeEntryHeader,
  entryCrcOk,
  entryHeaderBytes,
  findEntryMarker,
  packHeaderBytes,
  type ReadEntryHeader,
} from '../format/pack.ts'
import type { OpenFile } from '../host/host.ts'
import { readInto } from './layout.ts'

export interface ScannedEntry {
  readonly state: 'intact'
  readonly offset: number
  /** Of header and payload. */
  readonly bytes: number
  readonly header: ReadEntryHeader
  /** Header and payload as they lie in the pack; a view that the next step overwrites. */
  readonly raw: Uint8Array
}

export interface ScannedDamage {
  readonly state: 'damaged'
  readonly offset: number
  /** Up to the next entry, or to the end. */
  readonly bytes: number
  readonly reason: string
  /** What the header says, when it still looks like one. */
  readonly header: ReadEntryHeader | undefined
}

export type Scanned = ScannedEntry | ScannedDamage

const windowBytes = 1 << 20

/** A part of a file in memory that moves forward. Grows to one entry's size where it must. */
function createWindow(file: Pick<OpenFile, 'read'>, end: number) {
  let buffer = Buffer.allocUnsafeSlow(windowBytes)
  let start = 0
  let length = 0
  return {
    /** A view of `count` bytes at a position, fewer where the file ends. */
    at(position: number, count: number): Buffer {
      const wanted = Math.min(count, end - position)
      if (position < start || position + wanted > start + length) {
        if (wanted > buffer.length) buffer = Buffer.allocUnsafeSlow(wanted)
        start = position
        length = readInto(file, buffer, 0, Math.min(buffer.length, end - position), position)
      }
      return buffer.subarray(position - start, Math.min(position - start + wanted, length))
    },
  }
}

/**
 * The entries of a pack between two offsets, the first of which must be the start of an entry. Damage comes as items
 * too; together the items cover every byte. `first` is where entries begin in this file.
 */
export function* scanEntries(
  file: Pick<OpenFile, 'read'>,
  from: number,
  to: number,
  first = packHeaderBytes,
): Generator<Scanned> {
  const window = createWindow(file, to)
  for (let offset = Math.max(from, first); offset < to; ) {
    const item = entryAt(window, offset, to)
    yield item
    offset += item.bytes
  }
}

type Window = ReturnType<typeof createWindow>

function entryAt(window: Window, offset: number, to: number): Scanned {
  const read = headerAt(window, offset)
  if (typeof read === 'string') return damageAt(window, offset, to, read, undefined)
  const bytes = entryHeaderBytes + read.storedBytes
  const raw = window.at(offset, bytes)
  if (raw.length < bytes) return damageAt(window, offset, to, 'an entry that is cut short', read)
  if (entryCrcOk(raw.subarray(0, entryHeaderBytes), raw.subarray(entryHeaderBytes))) {
    return { state: 'intact', offset, bytes, header: read, raw }
  }
  return damageAt(window, offset, to, 'the CRC does not fit', read)
}

function headerAt(window: Window, offset: number): ReadEntryHeader | string {
  try {
    return decodeEntryHeader(window.at(offset, entryHeaderBytes), 0)
  } catch (error) {
    if (!isFormatError(error)) throw error
    return error.reason
  }
}

/** Damage reaches to the next entry: where the header says it is, when one is there, else at the next sound marker. */
function damageAt(
  window: Window,
  offset: number,
  to: number,
  reason: string,
  header: ReadEntryHeader | undefined,
): ScannedDamage {
  const claimedEnd = header === undefined ? to : offset + entryHeaderBytes + header.storedBytes
  const next =
    claimedEnd < to && typeof headerAt(window, claimedEnd) !== 'string' ? claimedEnd : nextSound(window, offset + 1, to)
  return { state: 'damaged', offset, bytes: next - offset, reason, header }
}

function nextSound(window: Window, from: number, to: number): number {
  for (let offset = from; offset < to; ) {
    const part = window.at(offset, windowBytes)
    const found = findEntryMarker(part, 0)
    if (found < 0) {
      // The marker may begin at the part's very end.
      if (offset + part.length >= to) return to
      offset += Math.max(1, part.length - 7)
      continue
    }
    const candidate = offset + found
    if (isSound(window, candidate)) return candidate
    offset = candidate + 1
  }
  return to
}

function isSound(window: Window, offset: number): boolean {
  const header = headerAt(window, offset)
  if (typeof header === 'string') return false
  const bytes = entryHeaderBytes + header.storedBytes
  const raw = window.at(offset, bytes)
  return raw.length === bytes && entryCrcOk(raw.subarray(0, entryHeaderBytes), raw.subarray(entryHeaderBytes))
}
