// What the disk held when it was last looked at: for each file its stat and the link of its content, so that a look at
// an unchanged tree hashes nothing. One flat file, a block a directory in scan order; derived, rebuilt by any scan.

import { asBuffer } from '../format/bytes.ts'
import { crc32 } from '../format/hash.ts'
import type { Link, ObjectId } from '../format/id.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat, OpenFile, Randomness } from '../host/host.ts'

// File: magic 8 | version u32 | i64 time of the look in microseconds | blocks | u32 zero | u32 CRC-32 of all before.
// Block: u32 bytes of the rest | u16 path bytes | path | u32 entries | entries.
// Entry: u8 name bytes | name | u64 dev | u64 inode | u64 size | u32 mode | i64 mtime ns | i64 ctime ns | u8 codec | id.
const magic = 'SNTSTAT1'
const headerBytes = 20
const entryBytesFixed = 1 + 8 + 8 + 8 + 4 + 8 + 8 + 1 + 32
const bufferBytes = 1 << 20

/** An entry is written only when both its times are this much older than the probe made when the scan began. */
export const settledNs = 2_000_000_000n

export interface CachedContent {
  readonly stat: FileStat
  readonly link: Link
}

export interface StatCache {
  /** Microseconds; undefined when the tree was never looked at. */
  readonly lookedAt: number | undefined
  /** The block of a directory: content links by name, for files whose stat is still the same. */
  block(path: ByteString): (name: ByteString, stat: FileStat) => Link | undefined
  readonly bytes: number
}

const emptyBlock = () => undefined
export const emptyStatCache: StatCache = { lookedAt: undefined, block: () => emptyBlock, bytes: 0 }

const fileBytesMax = 1 << 30

/** Reads the cache; anything odd about the file makes it an empty one. */
export function loadStatCache(derived: Directory, name: ByteString): StatCache {
  const bytes = readWhole(derived, name)
  if (bytes === undefined || bytes.length < headerBytes + 8) return emptyStatCache
  if (bytes.toString('latin1', 0, 8) !== magic) return emptyStatCache
  if (crc32(bytes.subarray(0, bytes.length - 4)) !== bytes.readUInt32LE(bytes.length - 4)) return emptyStatCache
  const blocks = new Map<ByteString, number>()
  for (let at = headerBytes; at < bytes.length - 8; ) {
    const length = bytes.readUInt32LE(at)
    if (length === 0) break
    const pathLength = bytes.readUInt16LE(at + 4)
    blocks.set(bytes.toString('latin1', at + 6, at + 6 + pathLength), at + 6 + pathLength)
    at += 4 + length
  }
  return {
    lookedAt: Number(bytes.readBigInt64LE(12)),
    bytes: bytes.length,
    block: path => {
      const at = blocks.get(path)
      return at === undefined ? emptyBlock : openBlock(bytes, at)
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

function openBlock(bytes: Buffer, start: number) {
  const offsets = new Map<ByteString, number>()
  let at = start + 4
  for (let left = bytes.readUInt32LE(start); left > 0; left--) {
    const nameLength = bytes[at]
    offsets.set(bytes.toString('latin1', at + 1, at + 1 + nameLength), at + 1 + nameLength)
    at += entryBytesFixed + nameLength
  }
  return (name: ByteString, stat: FileStat): Link | undefined => {
    const offset = offsets.get(name)
    if (offset === undefined || stat.kind !== 'file') return undefined
    const same =
      bytes.readBigInt64LE(offset + 28) === stat.mtimeNs &&
      bytes.readBigInt64LE(offset + 36) === stat.ctimeNs &&
      bytes.readBigUInt64LE(offset + 16) === BigInt(stat.size) &&
      bytes.readBigUInt64LE(offset + 8) === stat.inode &&
      bytes.readBigUInt64LE(offset) === BigInt(stat.dev) &&
      bytes.readUInt32LE(offset + 24) === stat.mode
    if (!same) return undefined
    const codec = bytes[offset + 44] === 0 ? 'raw' : 'dag-cbor'
    return { codec, id: bytes.toString('hex', offset + 45, offset + 77) as ObjectId }
  }
}

export interface StatCacheWriter {
  beginDirectory(path: ByteString): void
  add(name: ByteString, stat: FileStat, link: Link): void
  /** Puts the new cache in place of the old one. */
  finish(): void
  abort(): void
}

/** Starts a new cache file; `probeNs` is the file system's own time now, see `settledNs`. */
export function writeStatCache(
  derived: Directory,
  name: ByteString,
  options: { readonly random: Randomness; readonly probeNs: bigint; readonly lookedAt: number },
): StatCacheWriter {
  const temporary = `${name}.${asBuffer(options.random.bytes(6)).toString('hex')}.new`
  const file = derived.open(temporary, 'create', 0o600)
  const limit = options.probeNs - settledNs
  const out = blockedWriter(file)
  const header = Buffer.alloc(headerBytes)
  header.write(magic, 'latin1')
  header.writeUInt32LE(1, 8)
  header.writeBigInt64LE(BigInt(options.lookedAt), 12)
  out.write(header)
  let path: ByteString | undefined
  let entries: Buffer[] = []
  const endDirectory = () => {
    if (path !== undefined && entries.length > 0) out.write(encodeBlock(path, entries))
    entries = []
  }
  return {
    beginDirectory(next) {
      endDirectory()
      path = next
    },
    add(entryName, stat, link) {
      if (stat.mtimeNs < limit && stat.ctimeNs < limit) entries.push(encodeCached(entryName, stat, link))
    },
    finish() {
      endDirectory()
      out.write(Buffer.alloc(4))
      out.end()
      file.close()
      derived.rename(temporary, derived, name)
    },
    abort() {
      file.close()
      derived.removeFile(temporary)
    },
  }
}

function encodeBlock(path: ByteString, entries: readonly Buffer[]): Buffer {
  const head = Buffer.allocUnsafe(4 + 2 + path.length + 4)
  let length = 2 + path.length + 4
  for (const entry of entries) length += entry.length
  head.writeUInt32LE(length, 0)
  head.writeUInt16LE(path.length, 4)
  head.write(path, 6, 'latin1')
  head.writeUInt32LE(entries.length, 6 + path.length)
  return Buffer.concat([head, ...entries])
}

function encodeCached(name: ByteString, stat: FileStat, link: Link): Buffer {
  const bytes = Buffer.allocUnsafe(entryBytesFixed + name.length)
  bytes[0] = name.length
  bytes.write(name, 1, 'latin1')
  const at = 1 + name.length
  bytes.writeBigUInt64LE(BigInt(stat.dev), at)
  bytes.writeBigUInt64LE(stat.inode, at + 8)
  bytes.writeBigUInt64LE(BigInt(stat.size), at + 16)
  bytes.writeUInt32LE(stat.mode, at + 24)
  bytes.writeBigInt64LE(stat.mtimeNs, at + 28)
  bytes.writeBigInt64LE(stat.ctimeNs, at + 36)
  bytes[at + 44] = link.codec === 'raw' ? 0 : 1
  bytes.write(link.id, at + 45, 'hex')
  return bytes
}

function blockedWriter(file: OpenFile) {
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let position = 0
  let checksum = 0
  const drain = () => {
    if (waitingBytes === 0) return
    const bytes = Buffer.concat(waiting)
    checksum = crc32(bytes, checksum)
    file.write(bytes, position)
    position += bytes.length
    waiting = []
    waitingBytes = 0
  }
  return {
    write(bytes: Buffer) {
      waiting.push(bytes)
      waitingBytes += bytes.length
      if (waitingBytes >= bufferBytes) drain()
    },
    end() {
      drain()
      const tail = Buffer.alloc(4)
      tail.writeUInt32LE(checksum)
      file.write(tail, position)
    },
  }
}
