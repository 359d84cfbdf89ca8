// After a writer ended without letting its lock go: what it appended to the shared pack beyond the last mark may be
// torn, or sound but never flushed. Sound entries are kept and made durable, the rest is moved aside, nothing below the
// mark is touched.

import { equalBytes } from '../format/bytes.ts'
import { packFileName, packHeaderBytes } from '../format/pack.ts'
import type { OpenFile } from '../host/host.ts'
import { createNew, readInto, removeIfThere, type StoreOptions } from './layout.ts'
import { scanEntries } from './packScan.ts'
import type { PackSet } from './packSet.ts'
import type { SharedPackMark } from './store.ts'

const copyBytesMax = 1 << 20

/** Returns how many bytes were moved to `.tree/torn/`. */
export function recoverSharedPack(options: StoreOptions, set: PackSet, mark: SharedPackMark): { cutBytes: number } {
  set.refresh()
  // The mark may be older than the last change of the shared pack: then the new one is all beyond the mark.
  const numbers = new Set([mark.number, set.sharedNumber() ?? 0])
  let cutBytes = 0
  for (const packNumber of numbers) {
    const pack = set.get(packNumber)
    if (pack === undefined) continue
    const flushed = packNumber === mark.number && isMarked(pack.id(), mark.packId) ? mark.flushedBytes : 0
    cutBytes += recoverPack({ options, set, packNumber, from: Math.max(flushed, packHeaderBytes) })
    pack.reload()
  }
  return { cutBytes }
}

/** A mark without an id, and a pack whose header is damaged, are taken at their number. */
function isMarked(packId: Uint8Array | undefined, markedId: Uint8Array | undefined): boolean {
  return packId === undefined || markedId === undefined || equalBytes(packId, markedId)
}

interface Recovery {
  readonly options: StoreOptions
  readonly set: PackSet
  readonly packNumber: number
  readonly from: number
}

function recoverPack(recovery: Recovery): number {
  const { set, packNumber, from } = recovery
  const file = set.folders.need('packs').open(packFileName(packNumber), 'modify')
  try {
    const { size } = file.stat()
    if (size <= from) return 0
    let soundEnd = from
    for (const item of scanEntries(file, from, size)) {
      if (item.state === 'damaged') break
      soundEnd = item.offset + item.bytes
    }
    // After a failed flush the kernel takes pages for clean that never reached the disk: only writing them again counts.
    rewrite(file, from, soundEnd)
    file.flush()
    return soundEnd < size ? moveTorn(recovery, file, { soundEnd, size }) : 0
  } finally {
    file.close()
  }
}

function rewrite(file: OpenFile, from: number, to: number): void {
  const buffer = new Uint8Array(Math.min(copyBytesMax, Math.max(0, to - from)))
  for (let at = from; at < to; ) {
    const count = readInto(file, buffer, 0, Math.min(buffer.length, to - at), at)
    if (count === 0) return
    file.write(buffer.subarray(0, count), at)
    at += count
  }
}

/**
 * Keeps the unsound end aside, cuts it, and appends the sound entries that lay in it again: pages reach the disk in any
 * order, and a mark is not flushed, so what lies behind a hole may have been acknowledged.
 */
function moveTorn(recovery: Recovery, file: OpenFile, { soundEnd, size }: { soundEnd: number; size: number }): number {
  const { options, set, packNumber } = recovery
  const torn = set.folders.need('torn')
  const time = options.clock.nowMicros().toString().padStart(16, '0')
  const copy = createNew(torn, `${time}-${packFileName(packNumber)}-${soundEnd}`)
  try {
    const buffer = new Uint8Array(copyBytesMax)
    for (let at = soundEnd; at < size; ) {
      const count = readInto(file, buffer, 0, Math.min(buffer.length, size - at), at)
      if (count === 0) break
      copy.write(buffer.subarray(0, count), at - soundEnd)
      at += count
    }
    copy.flush()
    torn.flush()
    set.changeGeneration()
    // A mark may be older than an index, which must not tell of what was cut.
    removeIfThere(set.folders.need('packs'), packFileName(packNumber, 'idx'))
    file.truncate(soundEnd)
    file.flush()
    let end = soundEnd
    // Scanned in the copy, whose offsets begin where the pack was cut.
    const shiftedScan = scanEntries(copy, 0, size - soundEnd, 0)
    for (const item of shiftedScan) {
      if (item.state === 'damaged') continue
      file.write(item.raw, end)
      end += item.bytes
    }
    file.flush()
    set.changeGeneration()
    return size - end
  } finally {
    copy.close()
  }
}
