// The fields of a packed item as bytes: entries, links, stats, texts. In memory only, never written anywhere, so the
// layout is nobody's contract.
import { CborReader, written } from '../format/cbor.ts'
import { dagLink, type Link, type ObjectId } from '../format/id.ts'
import { type Entry, type EntryKind, type EntryMeta, readEntry, writeEntry } from '../format/node.ts'
import type { ByteString, FileKind, FileStat } from '../host/host.ts'

/** An entry that is not there, and one that nothing is said of. */
export type PackedEntry = Entry | null | undefined

export interface PackedWriter {
  begin(path: ByteString): void
  /** The name of an entry is the last part of the path, whatever it says itself. */
  entry(entry: PackedEntry): void
  link(link: Link | undefined): void
  stat(stat: FileStat | undefined): void
  flag(value: boolean | undefined): void
  text(text: ByteString | undefined): void
  /** Path and fields, to be copied before the next `begin`. */
  finish(): Buffer
}

/** Reads the fields in the order in which they were written. */
export interface PackedReader {
  begin(bytes: Buffer, offset: number, path: ByteString): void
  entry(): PackedEntry
  link(): Link | undefined
  stat(): FileStat | undefined
  flag(): boolean
  text(): ByteString | undefined
}

const entryKinds: readonly EntryKind[] = ['file', 'dir', 'symlink']
const fileKinds: readonly FileKind[] = ['file', 'dir', 'symlink', 'other']
const isNull = 0xfe
const isAbsent = 0xff
/** In an entry's first byte, above its kind. */
const dagBit = 4
const metaBit = 8
const idBytes = 32
const fieldBytesMax = 64

export function createPackedWriter(): PackedWriter {
  let bytes = Buffer.allocUnsafe(1 << 10)
  let at = 0
  const need = (count: number) => {
    if (at + count <= bytes.length) return
    const wider = Buffer.allocUnsafe(2 * (at + count))
    bytes.copy(wider, 0, 0, at)
    bytes = wider
  }
  const putId = (id: ObjectId) => {
    bytes.write(id, at, idBytes, 'hex')
    at += idBytes
  }
  const putBytes = (value: Uint8Array) => {
    need(4 + value.length)
    at = bytes.writeUInt32LE(value.length, at)
    bytes.set(value, at)
    at += value.length
  }
  return {
    begin(path) {
      at = 0
      need(2 + path.length)
      at = bytes.writeUInt16LE(path.length, at)
      at += bytes.write(path, at, 'latin1')
    },
    entry(entry) {
      need(fieldBytesMax)
      if (entry === null || entry === undefined) {
        bytes[at++] = entry === null ? isNull : isAbsent
        return
      }
      const { kind, mode, size, content, meta } = entry
      const dag = content.codec === 'dag-cbor' ? dagBit : 0
      bytes[at++] = entryKinds.indexOf(kind) | dag | (meta === undefined ? 0 : metaBit)
      at = bytes.writeUInt16LE(mode, at)
      at = bytes.writeDoubleLE(size, at)
      putId(content.id)
      if (meta !== undefined) putBytes(metaBytes(meta, content.id))
    },
    link(link) {
      need(fieldBytesMax)
      bytes[at++] = link === undefined ? isAbsent : link.codec === 'dag-cbor' ? dagBit : 0
      if (link !== undefined) putId(link.id)
    },
    stat(stat) {
      need(fieldBytesMax)
      bytes[at++] = stat === undefined ? isAbsent : fileKinds.indexOf(stat.kind)
      if (stat === undefined) return
      at = bytes.writeUInt16LE(stat.mode, at)
      at = bytes.writeDoubleLE(stat.size, at)
      at = bytes.writeBigInt64LE(stat.mtimeNs, at)
      at = bytes.writeBigInt64LE(stat.ctimeNs, at)
      at = bytes.writeDoubleLE(stat.dev, at)
      at = bytes.writeBigUInt64LE(stat.inode, at)
      at = bytes.writeDoubleLE(stat.links, at)
    },
    flag(value) {
      need(1)
      bytes[at++] = value === true ? 1 : 0
    },
    text(text) {
      need(1)
      bytes[at++] = text === undefined ? isAbsent : 0
      if (text !== undefined) putBytes(Buffer.from(text, 'latin1'))
    },
    finish: () => bytes.subarray(0, at),
  }
}

/** As the format writes it, with an entry around it. */
function metaBytes(meta: EntryMeta, id: ObjectId): Uint8Array {
  return written(writer => writeEntry(writer, { name: 'm', kind: 'dir', mode: 0, size: 0, content: dagLink(id), meta }))
}

export function createPackedReader(): PackedReader {
  let bytes: Buffer = Buffer.alloc(0)
  let at = 0
  let path: ByteString = ''
  const linkAt = (dag: boolean): Link => {
    const id = bytes.toString('hex', at, at + idBytes) as ObjectId
    at += idBytes
    return { codec: dag ? 'dag-cbor' : 'raw', id }
  }
  const bytesAt = (): Buffer => {
    const length = bytes.readUInt32LE(at)
    at += 4 + length
    return bytes.subarray(at - length, at)
  }
  return {
    begin(from, offset, ofPath) {
      bytes = from
      at = offset
      path = ofPath
    },
    entry() {
      const first = bytes[at++] as number
      if (first >= isNull) return first === isNull ? null : undefined
      const mode = bytes.readUInt16LE(at)
      const size = bytes.readDoubleLE(at + 2)
      at += 10
      const content = linkAt((first & dagBit) !== 0)
      const name = path.slice(path.lastIndexOf('/') + 1)
      const entry: Entry = { name, kind: entryKinds[first & 3] as EntryKind, mode, size, content }
      return (first & metaBit) === 0 ? entry : { ...entry, meta: readEntry(new CborReader(bytesAt())).meta }
    },
    link() {
      const first = bytes[at++] as number
      return first === isAbsent ? undefined : linkAt(first === dagBit)
    },
    stat() {
      const first = bytes[at++] as number
      if (first === isAbsent) return undefined
      const start = at
      at += 50
      return {
        kind: fileKinds[first] as FileKind,
        mode: bytes.readUInt16LE(start),
        size: bytes.readDoubleLE(start + 2),
        mtimeNs: bytes.readBigInt64LE(start + 10),
        ctimeNs: bytes.readBigInt64LE(start + 18),
        dev: bytes.readDoubleLE(start + 26),
        inode: bytes.readBigUInt64LE(start + 34),
        links: bytes.readDoubleLE(start + 42),
      }
    },
    flag: () => bytes[at++] === 1,
    text: () => (bytes[at++] === isAbsent ? undefined : bytesAt().toString('latin1')),
  }
}
