// Packs on their way: which there are on one side, which the other side lacks, and the copying, entry by entry, of what
// is new. A pack is known by the id in its header, whatever its number; an entry counts only when its CRC fits.
import { SentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { isFormatError } from '../format/formatError.ts'
import { decodePackHeader, packFileName, packHeaderBytes, parsePackFileName } from '../format/pack.ts'
import { decodeIndexHeader } from '../format/packIndex.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, OpenFile } from '../host/host.ts'
import { scanEntries } from '../store/packScan.ts'
import { beginNew, finishNew, readFully, readWhole, removeIfThere, writeWhole } from './files.ts'

export interface PackFile {
  readonly number: number
  /** The pack id, in hex. */
  readonly id: string
  readonly bytes: number
}

/** A pack of the side that gives. */
export interface SourcePack extends PackFile {
  /** What lies below must be sound; what lies beyond up to `bytes` is taken as far as it is. */
  readonly soundBytes: number
  /** It may still grow. */
  readonly grows: boolean
}

/** All packs of a `packs` directory; those whose header is damaged have the id ''. */
export function listPacks(packs: Directory | undefined): PackFile[] {
  const found: PackFile[] = []
  for (const { name } of packs?.list() ?? []) {
    const parsed = parsePackFileName(name)
    if (packs === undefined || parsed?.extension !== 'pack') continue
    const file = openIfThere(packs, name)
    if (file === undefined) continue
    try {
      found.push({ number: parsed.packNumber, id: packIdOf(file), bytes: file.stat().size })
    } finally {
      file.close()
    }
  }
  return found.sort((a, b) => a.number - b.number)
}

export function openIfThere(directory: Directory, name: ByteString): OpenFile | undefined {
  try {
    return directory.open(name, 'read')
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

function packIdOf(file: OpenFile): string {
  const header = new Uint8Array(packHeaderBytes)
  readFully(file, header, 0)
  try {
    return hexOf(decodePackHeader(header))
  } catch (error) {
    if (!isFormatError(error)) throw error
    return ''
  }
}

/** A pack by number and id; where gc has moved it away meanwhile, from there. Undefined when it is gone for good. */
export function openSourcePack(tree: Directory, pack: PackFile): OpenFile | undefined {
  for (const folder of ['packs', 'dead', 'packs'] as const) {
    const directory = tree.child(folder)
    if (directory === undefined) continue
    try {
      const end = packFileName(pack.number)
      const names = folder === 'packs' ? [end] : directory.list().map(({ name }) => name)
      for (const name of names) {
        if (!name.endsWith(end)) continue
        const file = openIfThere(directory, name)
        if (file !== undefined && packIdOf(file) === pack.id) return file
        file?.close()
      }
    } finally {
      directory.close()
    }
  }
  return undefined
}

const batchBytes = 1 << 20

/**
 * Writes the entries of a pack from `from` on into a file that may already hold some of them: only what differs is
 * written. Yields the bytes it came on, returns where the sound entries end and how much was written. Nothing is flushed.
 */
export function* copyEntries(
  source: Pick<OpenFile, 'read'>,
  target: OpenFile,
  { pack, from, where }: { readonly pack: SourcePack; readonly from: number; readonly where: string },
): Generator<number, { readonly end: number; readonly written: number }> {
  const known = target.stat().size
  const batch = Buffer.allocUnsafeSlow(batchBytes)
  const compared = Buffer.allocUnsafeSlow(batchBytes)
  let held = 0
  let at = from
  let written = 0
  const put = (bytes: Uint8Array): void => {
    const isThere = at + bytes.length <= known && bytes.length <= batchBytes
    const before = isThere ? compared.subarray(0, bytes.length) : undefined
    if (before !== undefined && readFully(target, before, at) === before.length && equalBytes(before, bytes)) {
      at += bytes.length
      return
    }
    target.write(bytes, at)
    at += bytes.length
    written += bytes.length
  }
  const flush = (): void => {
    if (held > 0) put(batch.subarray(0, held))
    held = 0
  }
  for (const item of scanEntries(source, from, pack.bytes)) {
    if (item.state === 'damaged') {
      if (item.offset < pack.soundBytes) {
        throw new SentientError('DAMAGED', {
          what: 'An object is damaged',
          where: `${where}, offset ${item.offset}`,
          found: item.reason,
        })
      }
      break
    }
    if (held + item.raw.length > batchBytes) flush()
    if (item.raw.length > batchBytes) put(item.raw)
    else {
      batch.set(item.raw, held)
      held += item.raw.length
    }
    yield item.bytes
  }
  flush()
  return { end: at, written }
}

/** A pack that the target lacks, under a name that counts when it is whole. Durable but for the directory. */
export function* copyPack(
  source: Pick<OpenFile, 'read'>,
  packs: Directory,
  { pack, number, where }: { readonly pack: SourcePack; readonly number: number; readonly where: string },
): Generator<number, number> {
  const name = packFileName(number)
  const file = beginNew(packs, name)
  let done = false
  try {
    const header = new Uint8Array(packHeaderBytes)
    readFully(source, header, 0)
    file.write(header, 0)
    const { written } = yield* copyEntries(source, file, { pack, from: packHeaderBytes, where })
    file.flush()
    done = true
    return packHeaderBytes + written
  } finally {
    file.close()
    if (done) finishNew(packs, name)
    else removeIfThere(packs, `${name}.new`)
  }
}

/** What a pack that the target has lacks, or has otherwise, from `from` on. Durable. */
export function* updatePack(
  source: Pick<OpenFile, 'read'>,
  packs: Directory,
  request: { readonly pack: SourcePack; readonly number: number; readonly from: number; readonly where: string },
): Generator<number, number> {
  const file = packs.open(packFileName(request.number), 'modify')
  try {
    const { end, written } = yield* copyEntries(source, file, request)
    const isLonger = file.stat().size > end
    if (isLonger) file.truncate(end)
    if (isLonger || written > 0) file.flush()
    return written
  } finally {
    file.close()
  }
}

const indexBytesMax = 512 << 20

/** How much of its pack an index knows. */
function coveredBy(index: Uint8Array): number {
  try {
    return decodeIndexHeader(index).coveredBytes
  } catch (error) {
    if (isFormatError(error)) return Number.POSITIVE_INFINITY
    throw error
  }
}

/** Derived, so a copy that does not fit is taken as absent by whoever reads it; one of a pack that grew is left. */
export function copyIndex(
  from: Directory,
  to: Directory,
  { source, target }: { source: number; target: number },
): void {
  const name = packFileName(source, 'idx')
  const size = from.stat(name)?.size
  if (size === undefined || size > indexBytesMax) return
  const bytes = readWhole(from, name, size)
  if (bytes === undefined || coveredBy(bytes) > (to.stat(packFileName(target))?.size ?? 0)) return
  writeWhole(to, packFileName(target, 'idx'), file => file.write(bytes, 0))
}
