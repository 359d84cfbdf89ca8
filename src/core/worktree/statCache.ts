// What a look at the tree found, directory by directory: the recorded entries, and for each file its stat and the link
// of its content. The next look at an unchanged tree hashes nothing and reads no directory node. Derived.
import { asBuffer } from '../format/bytes.ts'
import { crc32 } from '../format/hash.ts'
import type { Link, ObjectId } from '../format/id.ts'
import type { Entry, EntryKind } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat, OpenFile, Randomness } from '../host/host.ts'
import type { FoundContents, NamedContent } from './contents.ts'
import { ancestorsOf } from './paths.ts'
import { removeQuietly } from './stage.ts'

// File: magic 8 | blocks | u32 zero | u32 CRC-32 of all before.
// Block: u32 bytes of the rest | u16 path bytes | path | u8 1 and 32 bytes id of the recorded node, or 0 | u32 entries.
// Entry: u8 name bytes | name | u8 parts | [recorded: u8 kind, u16 mode, f64 size, link] | [disk: stat, link].
// Stat: f64 dev | u64 inode | f64 size | u16 mode | i64 mtime ns | i64 ctime ns. Link: u8 codec | 32 bytes id.
const magic = 'SNTSTAT2'
const statBytes = 8 + 8 + 8 + 2 + 8 + 8
const linkBytes = 33
const recordedBytes = 1 + 2 + 8 + linkBytes
const hasRecorded = 1
const hasDisk = 2
const fileBytesMax = 1 << 30
const drainBytes = 4 << 20
const kinds: readonly EntryKind[] = ['file', 'dir', 'symlink']

/** A stat is kept only when both its times are this much older than the probe made when the look began. */
export const settledNs = 2_000_000_000n

/** One directory as it was found. */
export interface CachedDirectory {
  /** The recorded entries in name order, if they were those of this very node. Each going through makes them anew. */
  entries(node: Link): Iterable<Entry> | undefined
  /** The content of a file whose stat is still the same. */
  content(name: ByteString, stat: FileStat): Link | undefined
  /** How many files have a stat here. */
  readonly contents: number
  /** The whole block, to be written again as it is. */
  readonly block: Buffer
}

export interface StatCache {
  directory(path: ByteString): CachedDirectory | undefined
  readonly directories: number
  /** The blocks of all directories, in no particular order. */
  blocks(): Iterable<{ readonly path: ByteString; readonly block: Buffer }>
}

export const emptyStatCache: StatCache = {
  directory: () => undefined,
  directories: 0,
  blocks: () => [],
}

/** Reads the cache; anything odd about the file makes it an empty one. */
export function loadStatCache(derived: Directory, name: ByteString): StatCache {
  const bytes = readWhole(derived, name)
  if (bytes === undefined || bytes.length < 16 || bytes.toString('latin1', 0, 8) !== magic) return emptyStatCache
  if (crc32(bytes.subarray(0, bytes.length - 4)) !== bytes.readUInt32LE(bytes.length - 4)) return emptyStatCache
  const blocks = new Map<ByteString, number>()
  for (let at = 8; at < bytes.length - 8; at += 4 + bytes.readUInt32LE(at)) {
    const pathLength = bytes.readUInt16LE(at + 4)
    blocks.set(bytes.toString('latin1', at + 6, at + 6 + pathLength), at)
  }
  // Single looks come directory by directory: the block of the last one stays decoded.
  let last: { readonly path: ByteString; readonly directory: CachedDirectory } | undefined
  return {
    directories: blocks.size,
    *blocks() {
      for (const [path, at] of blocks) yield { path, block: bytes.subarray(at, at + 4 + bytes.readUInt32LE(at)) }
    },
    directory(path) {
      if (last?.path === path) return last.directory
      const at = blocks.get(path)
      if (at === undefined) return undefined
      const directory = openBlock(bytes.subarray(at, at + 4 + bytes.readUInt32LE(at)))
      last = { path, directory }
      return directory
    },
  }
}

function readWhole(directory: Directory, name: ByteString): Buffer | undefined {
  let file: OpenFile | undefined
  try {
    file = directory.open(name, 'read')
    const size = file.stat().size
    if (size > fileBytesMax) return undefined
    const bytes = Buffer.allocUnsafe(size)
    let got = 0
    while (got < size) {
      const count = file.read(bytes, got, size - got, got)
      if (count === 0) return undefined
      got += count
    }
    return bytes
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  } finally {
    file?.close()
  }
}

/** One directory of a cache, from its whole block. Nothing is decoded before it is asked for: there may be very much. */
export function openBlock(block: Buffer): CachedDirectory {
  const head = 6 + block.readUInt16LE(4)
  const node = block[head] === 1 ? block.toString('hex', head + 1, head + 33) : undefined
  const start = head + (node === undefined ? 1 : 33)
  const places = new Uint32Array(block.readUInt32LE(start))
  let contents = 0
  let at = start + 4
  for (let i = 0; i < places.length; i++) {
    places[i] = at
    const parts = partsAt(block, at)
    if ((parts & hasDisk) !== 0) contents++
    at = recordedAt(block, at) + ((parts & hasRecorded) !== 0 ? recordedBytes : 0)
    if ((parts & hasDisk) !== 0) at += statBytes + linkBytes
  }
  const entries = function* (): Generator<Entry, void> {
    for (const place of places) if ((partsAt(block, place) & hasRecorded) !== 0) yield entryAt(block, place)
  }
  const placeOf = createNameSearch(block, places)
  return {
    block,
    contents,
    entries: wanted => (wanted.id === node ? { [Symbol.iterator]: entries } : undefined),
    content(name, stat) {
      const place = placeOf(name)
      const parts = place === undefined ? 0 : partsAt(block, place)
      if (place === undefined || (parts & hasDisk) === 0) return undefined
      const from = recordedAt(block, place) + ((parts & hasRecorded) !== 0 ? recordedBytes : 0)
      return isSameStat(block, from, stat) ? readLink(block, from + statBytes) : undefined
    },
  }
}

// An item of a block: its name, its parts, and where the first of them begins.
const nameLengthAt = (block: Buffer, at: number): number => block[at] as number
const partsAt = (block: Buffer, at: number): number => block[at + 1 + nameLengthAt(block, at)] as number
const recordedAt = (block: Buffer, at: number): number => at + 2 + nameLengthAt(block, at)

function entryAt(block: Buffer, at: number): Entry {
  const from = recordedAt(block, at)
  return {
    name: block.toString('latin1', at + 1, from - 1),
    kind: kinds[block[from] as number] as EntryKind,
    mode: block.readUInt16LE(from + 1),
    size: block.readDoubleLE(from + 3),
    content: readLink(block, from + 11),
  }
}

/** Finds items by their names, fastest when they are asked for in order, as every walk does. */
function createNameSearch(block: Buffer, places: Uint32Array): (name: ByteString) => number | undefined {
  let next = 0
  const side = (index: number, name: ByteString): number => compareName(block, places[index] as number, name)
  return name => {
    let low = next < places.length && side(next, name) <= 0 ? next : 0
    // The wanted one is likely to be near: steps that double, then halves.
    let high = low
    for (let step = 1; high < places.length && side(high, name) < 0; step *= 2) {
      low = high + 1
      high += step
    }
    high = Math.min(high, places.length - 1)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (side(middle, name) < 0) low = middle + 1
      else high = middle
    }
    next = low
    return low < places.length && side(low, name) === 0 ? places[low] : undefined
  }
}

/** Below zero when the item's name comes first. */
function compareName(block: Buffer, at: number, name: ByteString): number {
  const length = nameLengthAt(block, at)
  const shared = Math.min(length, name.length)
  for (let i = 0; i < shared; i++) {
    const difference = (block[at + 1 + i] as number) - name.charCodeAt(i)
    if (difference !== 0) return difference
  }
  return length - name.length
}

function readLink(block: Buffer, at: number): Link {
  return { codec: block[at] === 0 ? 'raw' : 'dag-cbor', id: block.toString('hex', at + 1, at + linkBytes) as ObjectId }
}

function isSameStat(block: Buffer, at: number, stat: FileStat): boolean {
  return (
    stat.kind === 'file' &&
    block.readDoubleLE(at + 16) === stat.size &&
    block.readUInt16LE(at + 24) === stat.mode &&
    block.readBigInt64LE(at + 26) === stat.mtimeNs &&
    block.readBigInt64LE(at + 34) === stat.ctimeNs &&
    block.readBigUInt64LE(at + 8) === stat.inode &&
    block.readDoubleLE(at) === stat.dev
  )
}

/** What a look found in one directory. */
export interface FoundDirectory {
  readonly path: ByteString
  /** The recorded node and its entries in name order; without a node there are none. */
  readonly node: Link | undefined
  readonly entries: Iterable<Entry>
  /** Contents of files on disk, by name. */
  readonly contents: Pick<FoundContents, 'sorted'>
}

export interface StatCacheWriter {
  /** Whether a stat is old enough to be trusted later. */
  isSettled(stat: FileStat): boolean
  /** Stops now and then, for callers who give way in between. */
  add(found: FoundDirectory): Generator<undefined, void>
  /** The directory is as the last look found it. */
  keep(directory: CachedDirectory): void
  /** A directory and all below it are as the last look found them, or as `renew` has them. */
  keepBelow(path: ByteString): void
  /** By directory: blocks that take the place of old ones. */
  renew(blocks: ReadonlyMap<ByteString, Buffer>): void
  /** Puts the new cache in place of the old one; does nothing when all was kept. Stops now and then. */
  finish(): Generator<undefined, void>
  abort(): void
  /** For somebody who writes the whole new cache to a file himself: then nothing is added or kept here. */
  readonly elsewhere: { readonly directory: Directory; readonly name: ByteString; readonly settledBelowNs: bigint }
  /** That file is written: `finish` puts it in place. */
  writtenElsewhere(): void
}

/** Collects a new cache; `probeNs` is the file system's own time now, see `settledNs`. */
export function writeStatCache(
  derived: Directory,
  name: ByteString,
  options: { readonly random: Randomness; readonly probeNs: bigint; readonly before: () => StatCache },
): StatCacheWriter {
  const limit = options.probeNs - settledNs
  const temporary = `${name}.${asBuffer(options.random.bytes(6)).toString('hex')}.new`
  const out = lateWriter(() => derived.open(temporary, 'create', 0o600))
  let failed = false
  // What is derived must not fail a look: without it the next one hashes more.
  const quietly = (write: () => void) => {
    try {
      if (!failed) write()
    } catch (error) {
      if (!isHostError(error)) throw error
      failed = true
      discard()
    }
  }
  const discard = () => {
    try {
      if (out.close()) derived.removeFile(temporary)
    } catch (error) {
      if (!isHostError(error)) throw error
    }
  }
  const isSettled = (stat: FileStat) => stat.mtimeNs < limit && stat.ctimeNs < limit
  const elsewhere = {
    directory: derived,
    name: `${temporary.slice(0, -'.new'.length)}.other.new`,
    settledBelowNs: limit,
  }
  let writtenElsewhere = false
  let added = 0
  const keptBelow = new Set<ByteString>()
  let renewed: ReadonlyMap<ByteString, Buffer> = new Map()
  const keepBlock = (block: Buffer) => {
    if (failed) return
    out.write(block)
    // Most looks find nothing new: what is only kept is written once something else is, as it lies in the old cache.
    if (added > 0 && out.waitingBytes() >= drainBytes) quietly(out.drain)
  }
  out.write(Buffer.from(magic, 'latin1'))
  return {
    isSettled,
    *add(found) {
      added++
      if (failed) return
      out.write(yield* encodeBlock(found, isSettled))
      if (out.waitingBytes() >= drainBytes) quietly(out.drain)
    },
    keep: directory => keepBlock(directory.block),
    keepBelow: path => keptBelow.add(path),
    renew(blocks) {
      renewed = blocks
    },
    *finish() {
      if (writtenElsewhere) {
        quietly(() => derived.rename(elsewhere.name, derived, name))
        return
      }
      // Nothing new; what the old cache knows of directories that are gone does no harm.
      if (added === 0 && renewed.size === 0) return
      if (keptBelow.size > 0) {
        for (const { path, block } of options.before().blocks()) {
          if (!renewed.has(path) && isBelowAny(path, keptBelow)) keepBlock(block)
          yield
        }
        for (const [path, block] of renewed) {
          if (isBelowAny(path, keptBelow)) keepBlock(block)
          yield
        }
      }
      out.write(Buffer.alloc(4))
      quietly(() => {
        out.end()
        derived.rename(temporary, derived, name)
      })
    },
    abort() {
      discard()
      removeQuietly(derived, elsewhere.name)
    },
    elsewhere,
    writtenElsewhere() {
      writtenElsewhere = true
    },
  }
}

function isBelowAny(path: ByteString, tops: ReadonlySet<ByteString>): boolean {
  return tops.has(path) || tops.has('') || ancestorsOf(path).some(ancestor => tops.has(ancestor))
}

function* encodeBlock(found: FoundDirectory, isSettled: (stat: FileStat) => boolean): Generator<undefined, Buffer> {
  const { path, entries, contents } = found
  // Metadata beyond the mode has no place here: such directories are read from their nodes.
  const node = found.node !== undefined && (yield* haveMeta(entries)) ? undefined : found.node
  const seen = yield* contents.sorted()
  const whole: Buffer[] = []
  let parts: Buffer[] = []
  let count = 0
  for (const { name, entry, content } of byName(node === undefined ? [] : entries, seen)) {
    const encoded = encodeItem(name, entry, content !== undefined && isSettled(content.stat) ? content : undefined)
    if (encoded === undefined) continue
    count++
    parts.push(encoded)
    // A hundred thousand small buffers would take more room than what is in them.
    if (parts.length < joinedMax) continue
    whole.push(Buffer.concat(parts))
    parts = []
    yield
  }
  const head = Buffer.alloc(6 + path.length + (node === undefined ? 1 : 33) + 4)
  head.writeUInt16LE(path.length, 4)
  head.write(path, 6, 'latin1')
  if (node !== undefined) {
    head[6 + path.length] = 1
    head.write(node.id, 7 + path.length, 'hex')
  }
  head.writeUInt32LE(count, head.length - 4)
  const block = Buffer.concat([head, ...whole, ...parts])
  block.writeUInt32LE(block.length - 4, 0)
  return block
}

const joinedMax = 512

function* haveMeta(entries: Iterable<Entry>): Generator<undefined, boolean> {
  let seen = 0
  for (const { meta } of entries) {
    if (meta !== undefined) return true
    if (++seen % joinedMax === 0) yield
  }
  return false
}

/** Entries and contents side by side, both in name order, each name once. */
function* byName(entries: Iterable<Entry>, contents: Iterable<NamedContent>) {
  const seen = contents[Symbol.iterator]()
  let next = seen.next()
  for (const entry of entries) {
    while (!next.done && next.value.name < entry.name) {
      yield { name: next.value.name, entry: undefined, content: next.value }
      next = seen.next()
    }
    const same = !next.done && next.value.name === entry.name ? next.value : undefined
    yield { name: entry.name, entry, content: same }
    if (same !== undefined) next = seen.next()
  }
  for (; !next.done; next = seen.next()) yield { name: next.value.name, entry: undefined, content: next.value }
}

function encodeItem(
  name: ByteString,
  recorded: Entry | undefined,
  disk: { readonly stat: FileStat; readonly link: Link } | undefined,
): Buffer | undefined {
  if (recorded === undefined && disk === undefined) return undefined
  const length =
    2 + name.length + (recorded === undefined ? 0 : recordedBytes) + (disk === undefined ? 0 : statBytes + linkBytes)
  const bytes = Buffer.allocUnsafe(length)
  bytes[0] = name.length
  bytes.write(name, 1, 'latin1')
  let at = 1 + name.length
  bytes[at++] = (recorded === undefined ? 0 : hasRecorded) | (disk === undefined ? 0 : hasDisk)
  if (recorded !== undefined) {
    bytes[at] = kinds.indexOf(recorded.kind)
    bytes.writeUInt16LE(recorded.mode, at + 1)
    bytes.writeDoubleLE(recorded.size, at + 3)
    writeLink(bytes, at + 11, recorded.content)
    at += recordedBytes
  }
  if (disk !== undefined) {
    const { stat, link } = disk
    bytes.writeDoubleLE(stat.dev, at)
    bytes.writeBigUInt64LE(stat.inode, at + 8)
    bytes.writeDoubleLE(stat.size, at + 16)
    bytes.writeUInt16LE(stat.mode, at + 24)
    bytes.writeBigInt64LE(stat.mtimeNs, at + 26)
    bytes.writeBigInt64LE(stat.ctimeNs, at + 34)
    writeLink(bytes, at + statBytes, link)
  }
  return bytes
}

function writeLink(bytes: Buffer, at: number, link: Link): void {
  bytes[at] = link.codec === 'raw' ? 0 : 1
  bytes.write(link.id, at + 1, 'hex')
}

/** Collects blocks and makes the file only when it must: most looks find nothing new. */
function lateWriter(open: () => OpenFile) {
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let position = 0
  let checksum = 0
  let file: OpenFile | undefined
  const drain = () => {
    if (file === undefined) {
      file = open()
      made = true
    }
    const bytes = Buffer.concat(waiting)
    checksum = crc32(bytes, checksum)
    file.write(bytes, position)
    position += bytes.length
    waiting = []
    waitingBytes = 0
  }
  let made = false
  /** True when there is a file to remove. */
  const close = (): boolean => {
    file?.close()
    file = undefined
    return made
  }
  return {
    waitingBytes: () => waitingBytes,
    write(bytes: Buffer) {
      waiting.push(bytes)
      waitingBytes += bytes.length
    },
    drain,
    end() {
      drain()
      const tail = Buffer.alloc(4)
      tail.writeUInt32LE(checksum)
      file?.write(tail, position)
      close()
    },
    close,
  }
}
