// `recycle.trace`: the replay chain, every record's changes from a base state on, as one stream that can be exported
// and replayed without the journal. Derived.

import { asBuffer, concatBytes } from './bytes.ts'
import { CborReader, written } from './cbor.ts'
import { type Change, readChange, writeChange } from './changes.ts'
import { formatVersion, magics, traceItemBytesMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { crc32 } from './hash.ts'
import type { ObjectId } from './id.ts'

export interface TraceHeader {
  /** The record whose state the replay starts from. */
  readonly baseSeq: number
  readonly baseRoot: ObjectId
  readonly origin: string
}

export interface TraceItem {
  readonly seq: number
  /** The state after the record. */
  readonly root: ObjectId
  /** Sorted by path; empty for a record that changed no path. */
  readonly changes: readonly Change[]
  /** The next item goes on with changes of the same record. */
  readonly more: boolean
}

export type TraceResult<T> =
  | { readonly state: 'ok'; readonly value: T; readonly nextOffset: number }
  | { readonly state: 'short' | 'bad'; readonly reason: string }

/** The magic and the header block, the first bytes of the file. */
export function encodeTraceHeader({ baseSeq, baseRoot, origin }: TraceHeader): Uint8Array {
  const content = written(writer => {
    writer.map(4)
    writer.text('v')
    writer.integer(formatVersion)
    writer.text('seq')
    writer.integer(baseSeq)
    writer.text('root')
    writer.link({ codec: 'dag-cbor', id: baseRoot })
    writer.text('origin')
    writer.text(origin)
  })
  return concatBytes(Buffer.from(magics.trace, 'latin1'), block(content))
}

export function encodeTraceItem({ seq, root, changes, more }: TraceItem): Uint8Array {
  checkOrder(changes)
  return block(
    written(writer => {
      writer.map(4)
      writer.text('e')
      writer.list(changes.length)
      for (const change of changes) writeChange(writer, change)
      writer.text('seq')
      writer.integer(seq)
      writer.text('more')
      writer.boolean(more)
      writer.text('root')
      writer.link({ codec: 'dag-cbor', id: root })
    }),
  )
}

/** Reads the start of a file. */
export function decodeTraceHeader(bytes: Uint8Array): TraceResult<TraceHeader> {
  if (asBuffer(bytes).toString('latin1', 0, 8) !== magics.trace) {
    return { state: bytes.length < 8 ? 'short' : 'bad', reason: 'not a recycle.trace' }
  }
  return decodeBlock(bytes, 8, reader => {
    if (reader.map() !== 4) reader.fail('a trace header has four keys')
    reader.key('v')
    if (reader.unsigned() !== formatVersion) reader.fail('a trace of an unknown version')
    reader.key('seq')
    const baseSeq = reader.unsigned()
    reader.key('root')
    const baseRoot = readRoot(reader)
    reader.key('origin')
    return { baseSeq, baseRoot, origin: reader.text() }
  })
}

export function decodeTraceItemAt(bytes: Uint8Array, offset: number): TraceResult<TraceItem> {
  return decodeBlock(bytes, offset, reader => {
    if (reader.map() !== 4) reader.fail('a trace item has four keys')
    reader.key('e')
    const changes: Change[] = []
    for (let left = reader.list(); left > 0; left--) changes.push(readChange(reader))
    checkOrder(changes)
    reader.key('seq')
    const seq = reader.unsigned()
    reader.key('more')
    const more = reader.boolean()
    reader.key('root')
    return { seq, root: readRoot(reader), changes, more }
  })
}

/** Length, CRC over the length bytes and the content, content. */
function block(content: Uint8Array): Uint8Array {
  if (content.length > traceItemBytesMax) throw new FormatError('a trace item over its limit')
  const head = Buffer.alloc(8)
  head.writeUInt32LE(content.length, 0)
  head.writeUInt32LE(crc32(content, crc32(head.subarray(0, 4))), 4)
  return concatBytes(head, content)
}

function decodeBlock<T>(bytes: Uint8Array, offset: number, read: (reader: CborReader) => T): TraceResult<T> {
  const buffer = asBuffer(bytes)
  if (offset + 8 > buffer.length) return { state: 'short', reason: 'ends within the head of an item' }
  const length = buffer.readUInt32LE(offset)
  if (length > traceItemBytesMax) return { state: 'bad', reason: 'impossible length' }
  const nextOffset = offset + 8 + length
  if (nextOffset > buffer.length) return { state: 'short', reason: 'ends within an item' }
  const content = buffer.subarray(offset + 8, nextOffset)
  if (crc32(content, crc32(buffer.subarray(offset, offset + 4))) !== buffer.readUInt32LE(offset + 4)) {
    return { state: 'bad', reason: 'wrong CRC' }
  }
  try {
    const reader = new CborReader(content)
    const value = read(reader)
    reader.end()
    return { state: 'ok', value, nextOffset }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { state: 'bad', reason: error.reason }
  }
}

function readRoot(reader: CborReader): ObjectId {
  const link = reader.link()
  if (link.codec !== 'dag-cbor') reader.fail('a state root is a dag-cbor link')
  return link.id
}

function checkOrder(changes: readonly Change[]): void {
  for (let i = 1; i < changes.length; i++) {
    if (changes[i - 1]!.path >= changes[i]!.path) throw new FormatError('changes are not unique and sorted')
  }
}
