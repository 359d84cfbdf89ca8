// File contents of more than one chunk: list nodes, and lists of lists above 4096 entries. One content has one form:
// nodes are filled from left to right, and a level is added only while more than one node is left.

import { type CborReader, CborReader as Reader, written } from './cbor.ts'
import { chunkBytesMax, chunkBytesMin, integerMax, listDepthMax, listEntriesMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { dagLink, type Link, type ObjectId } from './id.ts'

export interface ListEntry {
  readonly link: Link
  /** File bytes below the link. */
  readonly bytes: number
}

export interface ListNode {
  /** 0: the entries are chunks; n: they are list nodes of depth n-1. */
  readonly depth: number
  /** File bytes below all entries. */
  readonly bytes: number
  readonly entries: readonly ListEntry[]
}

/** Throws FormatError when the node breaks a rule that shows in it alone. */
export function encodeList(node: ListNode): Uint8Array {
  checkList(node)
  return written(writer => {
    writer.map(4)
    writer.text('c')
    writer.list(node.entries.length)
    for (const { link, bytes } of node.entries) {
      writer.list(2)
      writer.link(link)
      writer.integer(bytes)
    }
    writer.text('d')
    writer.integer(node.depth)
    writer.text('k')
    writer.text('list')
    writer.text('n')
    writer.integer(node.bytes)
  })
}

export function decodeList(bytes: Uint8Array): ListNode {
  const reader = new Reader(bytes)
  if (reader.map() !== 4) reader.fail('a list node has four keys')
  reader.key('c')
  const count = reader.list()
  if (count > listEntriesMax) reader.fail('too many entries in a list node')
  const entries: ListEntry[] = []
  for (let i = 0; i < count; i++) entries.push(readListEntry(reader))
  reader.key('d')
  const depth = reader.unsigned()
  reader.key('k')
  if (reader.text() !== 'list') reader.fail('not a list node')
  reader.key('n')
  const total = reader.unsigned()
  reader.end()
  const node: ListNode = { depth, bytes: total, entries }
  checkList(node)
  return node
}

/** True when the bytes begin as a list node does, which no other kind of object does. */
function readListEntry(reader: CborReader): ListEntry {
  if (reader.list() !== 2) reader.fail('a list entry is a link and a size')
  const link = reader.link()
  return { link, bytes: reader.unsigned() }
}

function checkList(node: ListNode): void {
  const { depth, entries } = node
  if (depth > listDepthMax) throw new FormatError('a list node that is too deep')
  if (entries.length === 0 || entries.length > listEntriesMax)
    throw new FormatError('a list node has 1 to 4096 entries')
  const fullChunks = listEntriesMax ** depth
  let total = 0
  for (const [index, { link, bytes }] of entries.entries()) {
    if (link.codec !== (depth === 0 ? 'raw' : 'dag-cbor')) throw new FormatError('a list entry of the wrong codec')
    const least = index === entries.length - 1 ? 1 : chunkBytesMin * fullChunks
    if (!(bytes >= least && bytes <= chunkBytesMax * fullChunks)) throw new FormatError('a list entry of a wrong size')
    total += bytes
  }
  if (total !== node.bytes || total > integerMax) throw new FormatError('the sizes of a list node do not add up')
}

export interface ContentBuilder {
  /** Adds the next chunk: its id and its length. */
  push(chunk: ObjectId, bytes: number): void
  /** The content link of all chunks. */
  finish(): Link
}

/**
 * Builds the one form of a content from its chunks, in order; `put` stores a finished list node and returns its id.
 * A file without bytes has one chunk without bytes. Holds at most 4096 entries a level.
 */
export function contentBuilder(put: (node: Uint8Array) => ObjectId): ContentBuilder {
  const levels: ListEntry[][] = [[]]
  const close = (depth: number): void => {
    const entries = levels[depth]!
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    const link = dagLink(put(encodeList({ depth, bytes, entries })))
    levels[depth] = []
    add(depth + 1, { link, bytes })
  }
  const add = (depth: number, entry: ListEntry): void => {
    levels[depth] ??= []
    // A full node is closed only when one more entry comes: a single full node is the root, without a level above.
    if (levels[depth].length === listEntriesMax) close(depth)
    levels[depth]!.push(entry)
  }
  return {
    push: (id, bytes) => add(0, { link: { codec: 'raw', id }, bytes }),
    finish() {
      if (levels[0]!.length === 0) throw new FormatError('a content has at least one chunk')
      for (let depth = 0; ; depth++) {
        const only = depth === levels.length - 1 && levels[depth]!.length === 1
        if (only) return levels[depth]![0]!.link
        close(depth)
      }
    },
  }
}
