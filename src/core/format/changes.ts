// Lists of changes: what a record did when it touched more than one path. One node up to 4096 changes, above a tree of
// one more level. The list is canonical: the same changes in any order of finding make the same object.

import type { ByteString } from '../host/host.ts'
import { CborReader, type CborWriter, written } from './cbor.ts'
import { changesEntriesMax, changesNodeBytesMax, pathBytesMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { dagLink, type Link, type ObjectId } from './id.ts'
import { checkName, type Entry, readEntry, sameEntry, writeEntry } from './node.ts'

export interface Change {
  /** From below the root folder; no leading slash. */
  readonly path: ByteString
  /** Null: the path was absent. The name of an entry is the last part of the path. */
  readonly before: Entry | null
  readonly after: Entry | null
}

export interface ChangesPart {
  /** The first path below the link. */
  readonly firstPath: ByteString
  readonly link: Link
  /** Changes below the link. */
  readonly count: number
}

export type ChangesNode =
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  | { readonly kind: 'changes-tree'; readonly count: number; readonly parts: readonly ChangesPart[] }

/** Throws FormatError unless it is a path below the root folder: names joined by "/", at most 65535 bytes. */
export function checkPath(path: ByteString): void {
  if (path.length > pathBytesMax) throw new FormatError('a path has at most 65535 bytes')
  for (const name of path.split('/')) checkName(name)
}

export function lastName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** One change as it stands in a list: [path, before, after]. */
export function writeChange(writer: CborWriter, change: Change): void {
  checkChange(change)
  writer.list(3)
  writer.byteString(change.path)
  for (const entry of [change.before, change.after]) {
    if (entry === null) writer.null()
    else writeEntry(writer, entry)
  }
}

export function readChange(reader: CborReader): Change {
  if (reader.list() !== 3) reader.fail('a change is path, before and after')
  const path = reader.byteString()
  const before = reader.isNull() ? null : readEntry(reader)
  const after = reader.isNull() ? null : readEntry(reader)
  const change: Change = { path, before, after }
  checkChange(change)
  return change
}

function checkChange({ path, before, after }: Change): void {
  checkPath(path)
  const name = lastName(path)
  for (const entry of [before, after]) {
    if (entry !== null && entry.name !== name) throw new FormatError('an entry of another name than its path')
  }
  if (sameEntry(before, after)) throw new FormatError('a change that changes nothing')
}

/** One node; `changesBuilder` makes the canonical list of any length. */
export function encodeChanges(node: ChangesNode): Uint8Array {
  if (node.kind === 'changes')
    return encodeLeaf(node.changes.map(change => written(writer => writeChange(writer, change))))
  checkParts(node.count, node.parts)
  return written(writer => {
    writer.map(3)
    writer.text('e')
    writer.list(node.parts.length)
    for (const { firstPath, link, count } of node.parts) {
      writer.list(3)
      writer.byteString(firstPath)
      writer.link(link)
      writer.integer(count)
    }
    writer.text('k')
    writer.text('changes-tree')
    writer.text('n')
    writer.integer(node.count)
  })
}

function encodeLeaf(items: readonly Uint8Array[]): Uint8Array {
  return written(writer => {
    writer.map(3)
    writer.text('e')
    writer.list(items.length)
    for (const item of items) writer.append(item)
    writer.text('k')
    writer.text('changes')
    writer.text('n')
    writer.integer(items.length)
  })
}

/** Checks all that shows in the node alone; the order across the nodes of a tree is the caller's to check. */
export function decodeChanges(bytes: Uint8Array): ChangesNode {
  const reader: CborReader = new CborReader(bytes)
  if (reader.map() !== 3) reader.fail('a list of changes has three keys')
  reader.key('e')
  const count = reader.list()
  if (count === 0 || count > changesEntriesMax) reader.fail('a list of changes has 1 to 4096 entries')
  const start = reader.offset
  // Only a change has an entry or null in second place; a part of a tree has a link there.
  const tree = peekTree(reader)
  reader.offset = start
  const node = tree ? readTree(reader, count) : readLeaf(reader, count)
  reader.end()
  return node
}

function peekTree(reader: CborReader): boolean {
  reader.list()
  reader.byteString()
  return reader.peek() === 6
}

function readLeaf(reader: CborReader, count: number): ChangesNode {
  const changes: Change[] = []
  const start = reader.offset
  for (let i = 0; i < count; i++) {
    const change = readChange(reader)
    if (i > 0 && changes[i - 1]!.path >= change.path) reader.fail('changes are not unique and sorted')
    changes.push(change)
  }
  if (reader.offset - start > changesNodeBytesMax && count > 1) reader.fail('a list of changes over its limit')
  reader.key('k')
  reader.key('changes')
  reader.key('n')
  if (reader.unsigned() !== count) reader.fail('a list of changes with a wrong count')
  return { kind: 'changes', changes }
}

function readTree(reader: CborReader, entries: number): ChangesNode {
  const parts: ChangesPart[] = []
  for (let i = 0; i < entries; i++) {
    if (reader.list() !== 3) reader.fail('a part is path, link and count')
    const firstPath = reader.byteString()
    const link = reader.link()
    parts.push({ firstPath, link, count: reader.unsigned() })
  }
  reader.key('k')
  reader.key('changes-tree')
  reader.key('n')
  const count = reader.unsigned()
  checkParts(count, parts)
  return { kind: 'changes-tree', count, parts }
}

function checkParts(total: number, parts: readonly ChangesPart[]): void {
  if (parts.length < 2 || parts.length > changesEntriesMax)
    throw new FormatError('a tree of changes has 2 to 4096 parts')
  let sum = 0
  let last: ByteString | undefined
  for (const { firstPath, link, count } of parts) {
    checkPath(firstPath)
    if (last !== undefined && last >= firstPath) throw new FormatError('parts are not unique and sorted')
    last = firstPath
    if (link.codec !== 'dag-cbor') throw new FormatError('a part links to a list of changes')
    if (!(count >= 1 && count <= changesEntriesMax)) throw new FormatError('a part has 1 to 4096 changes')
    sum += count
  }
  if (sum !== total) throw new FormatError('the counts of a tree of changes do not add up')
}

export interface ChangesBuilder {
  /** Adds the next change; paths must come sorted. */
  push(change: Change): void
  /** The link of the whole list; undefined when there was no change. */
  finish(): Link | undefined
  readonly count: number
}

/**
 * Builds the canonical list of changes that come sorted by path; `put` stores a finished node and returns its id.
 * Nodes are filled from left to right: one is closed before the change that would be its 4097th or would bring its
 * encoded changes above 4 MiB. Holds one node in memory.
 */
export function changesBuilder(put: (node: Uint8Array) => ObjectId): ChangesBuilder {
  let items: Uint8Array[] = []
  let itemBytes = 0
  let firstPath: ByteString = ''
  let lastPath: ByteString | undefined
  let total = 0
  const parts: ChangesPart[] = []
  const close = (): void => {
    if (parts.length === changesEntriesMax) throw new FormatError('more changes than a list can hold')
    parts.push({ firstPath, link: dagLink(put(encodeLeaf(items))), count: items.length })
    items = []
    itemBytes = 0
  }
  return {
    get count() {
      return total
    },
    push(change) {
      if (lastPath !== undefined && lastPath >= change.path) throw new FormatError('changes are not unique and sorted')
      lastPath = change.path
      const item = written(writer => writeChange(writer, change))
      const full = items.length === changesEntriesMax || itemBytes + item.length > changesNodeBytesMax
      if (items.length > 0 && full) close()
      if (items.length === 0) firstPath = change.path
      items.push(item)
      itemBytes += item.length
      total++
    },
    finish() {
      if (total === 0) return undefined
      close()
      if (parts.length === 1) return parts[0]!.link
      return dagLink(put(encodeChanges({ kind: 'changes-tree', count: total, parts })))
    },
  }
}
