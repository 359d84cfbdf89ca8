// Nodes of one directory: reading, building and editing the canonical tree of leaves and branches that format/node.ts
// lays out. Whatever the order of edits, the result is node(S, 0) of the set S of entries: a branch whose count falls
// to the leaf's limit is folded back into a leaf, so equal sets always have equal links.

import { SentientError } from '../errors.ts'
import { leafEntriesMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import type { Link, ObjectId } from '../format/id.ts'
import {
  type BranchNode,
  type DirectoryNode,
  decodeNode,
  type Entry,
  encodeNode,
  nameDigit,
  sameEntry,
} from '../format/node.ts'
import type { ByteString } from '../host/host.ts'
import { sortInSteps } from '../progress.ts'
import { damagedObject } from './damage.ts'
import type { ObjectReader, ObjectWriter } from './tree.ts'

const slotCount = 16
/**
 * Decoded nodes kept for each reader: paths that are looked up one after another share their upper nodes. Few leaves,
 * as they are large: what a walk over a tree leaves behind must be gone before it counts as old and stays in memory.
 */
const cachedBranchesMax = 512
const cachedLeavesMax = 32

interface NodeCache {
  readonly branch: Map<ObjectId, DirectoryNode>
  readonly leaf: Map<ObjectId, DirectoryNode>
}

const caches = new WeakMap<ObjectReader, NodeCache>()

/** The decoded node; the caller must not change it. Throws DAMAGED when it is no directory node. */
export function readNode(reader: ObjectReader, link: Link): DirectoryNode {
  let cache = caches.get(reader)
  if (cache === undefined) caches.set(reader, (cache = { branch: new Map(), leaf: new Map() }))
  const cached = cache.branch.get(link.id) ?? cache.leaf.get(link.id)
  if (cached !== undefined) return cached
  const node = damagedObject(link, 'a directory node', () => decodeNode(reader.get(link)))
  const kept = cache[node.kind]
  const max = node.kind === 'leaf' ? cachedLeavesMax : cachedBranchesMax
  if (kept.size >= max) for (const oldest of kept.keys()) if (kept.delete(oldest)) break
  kept.set(link.id, node)
  return node
}

/** A change of one name in one directory. */
export interface NameEdit {
  readonly name: ByteString
  readonly after: Entry | null
}

/** A node that may not be written yet: leaves stay in memory until it is known that no parent folds them. */
interface Built {
  readonly count: number
  readonly link?: Link
  readonly entries?: readonly Entry[]
}

const byName = (a: { readonly name: ByteString }, b: { readonly name: ByteString }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0

/** Throws INTERNAL when the caller's entries break a rule of the format: names are checked where they enter. */
export function putNode(writer: ObjectWriter, node: DirectoryNode): Link {
  let bytes: Uint8Array
  try {
    bytes = encodeNode(node)
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError('INTERNAL', { what: `A directory can not be written: ${error.reason}` }, error)
  }
  return writer.put('dag-cbor', 'node', bytes)
}

function written(writer: ObjectWriter, built: Built): Link {
  return built.link ?? putNode(writer, { kind: 'leaf', entries: [...(built.entries ?? [])] })
}

/** Work on one directory that stops after each node, for callers who give way in between. */
export type NodeSteps<T> = Generator<undefined, T>

/** Writes node(entries, 0); entries in any order, names unique. */
export function* buildNode(writer: ObjectWriter, entries: readonly Entry[]): NodeSteps<{ link: Link; count: number }> {
  const sorted = yield* sortInSteps(entries, byName)
  return { link: written(writer, yield* buildAt(writer, sorted, 0)), count: sorted.length }
}

function* buildAt(writer: ObjectWriter, sorted: readonly Entry[], depth: number): NodeSteps<Built> {
  if (sorted.length <= leafEntriesMax) return { count: sorted.length, entries: sorted }
  const parts = yield* byDigit(sorted, depth)
  const slots: BranchNode['slots'][number][] = []
  for (const part of parts) {
    if (part.length === 0) slots.push(null)
    else slots.push({ link: written(writer, yield* buildAt(writer, part, depth + 1)), count: part.length })
    yield
  }
  return { count: sorted.length, link: putNode(writer, { kind: 'branch', depth, slots }) }
}

/** Names hashed between two stops. */
const stepNames = 256

function* byDigit<T extends { readonly name: ByteString }>(items: readonly T[], depth: number): NodeSteps<T[][]> {
  const parts: T[][] = Array.from({ length: slotCount }, () => [])
  for (const [i, item] of items.entries()) {
    parts[nameDigit(item.name, depth)]!.push(item)
    if ((i + 1) % stepNames === 0) yield
  }
  return parts
}

/** Applies edits (unique names, any order) to a directory; undefined stands for the empty one. */
export function* editNode(
  writer: ObjectWriter,
  directory: Link | undefined,
  edits: readonly NameEdit[],
): NodeSteps<{ link: Link; count: number }> {
  const built = yield* editAt(writer, directory, yield* sortInSteps(edits, byName), 0)
  return { link: written(writer, built), count: built.count }
}

function* editAt(
  writer: ObjectWriter,
  link: Link | undefined,
  edits: readonly NameEdit[],
  depth: number,
): NodeSteps<Built> {
  if (link === undefined) return yield* buildAt(writer, merged([], edits), depth)
  const node = readNode(writer, link)
  if (node.kind === 'leaf') return yield* buildAt(writer, merged(node.entries, edits), depth)
  const parts = yield* byDigit(edits, depth)
  const slots: Built[] = []
  for (const [digit, slot] of node.slots.entries()) {
    if (parts[digit]!.length === 0) slots.push(slot ?? { count: 0 })
    else slots.push(yield* editAt(writer, slot?.link, parts[digit]!, depth + 1))
    yield
  }
  const count = slots.reduce((sum, slot) => sum + slot.count, 0)
  if (count <= leafEntriesMax) {
    const entries: Entry[] = []
    for (const slot of slots) {
      if (slot.entries !== undefined) entries.push(...slot.entries)
      else if (slot.link !== undefined) yield* gather(writer, slot.link, entries)
    }
    return { count, entries: entries.sort(byName) }
  }
  const next = slots.map(slot => (slot.count === 0 ? null : { link: written(writer, slot), count: slot.count }))
  return { count, link: putNode(writer, { kind: 'branch', depth, slots: next }) }
}

function merged(entries: readonly Entry[], edits: readonly NameEdit[]): Entry[] {
  const result: Entry[] = []
  let at = 0
  for (const edit of edits) {
    while (at < entries.length && entries[at]!.name < edit.name) result.push(entries[at++]!)
    if (at < entries.length && entries[at]!.name === edit.name) at++
    if (edit.after !== null) result.push(edit.after)
  }
  while (at < entries.length) result.push(entries[at++]!)
  return result
}

/** Appends all entries at and below the node to `into`, in no order. */
export function* gather(reader: ObjectReader, link: Link, into: Entry[]): NodeSteps<void> {
  const node = readNode(reader, link)
  if (node.kind === 'leaf') {
    for (const entry of node.entries) into.push(entry)
    yield
  } else for (const slot of node.slots) if (slot !== null) yield* gather(reader, slot.link, into)
}

/** All entries of one directory in name order. */
export function* sortedEntries(reader: ObjectReader, directory: Link): NodeSteps<readonly Entry[]> {
  const node = readNode(reader, directory)
  // Most directories are one leaf, whose entries are in order.
  if (node.kind === 'leaf') return node.entries
  const entries: Entry[] = []
  yield* gather(reader, directory, entries)
  return yield* sortInSteps(entries, byName)
}

/** One name that differs between two directories. */
export interface NamePair {
  readonly name: ByteString
  readonly before: Entry | null
  readonly after: Entry | null
}

/** The names whose entries differ, in name order; nodes with equal links are not read. */
export function* differingNames(
  reader: ObjectReader,
  before: Link | undefined,
  after: Link | undefined,
): NodeSteps<readonly NamePair[]> {
  const pairs: NamePair[] = []
  yield* pairAt(reader, before, after, pairs)
  return yield* sortInSteps(pairs, byName)
}

function* pairAt(
  reader: ObjectReader,
  before: Link | undefined,
  after: Link | undefined,
  pairs: NamePair[],
): NodeSteps<void> {
  if (before?.id === after?.id) return
  const old = before === undefined ? undefined : readNode(reader, before)
  const now = after === undefined ? undefined : readNode(reader, after)
  if (old?.kind === 'branch' && now?.kind === 'branch') {
    for (let digit = 0; digit < slotCount; digit++) {
      yield* pairAt(reader, old.slots[digit]?.link, now.slots[digit]?.link, pairs)
      yield
    }
    return
  }
  const olds = before === undefined ? [] : yield* sortedEntries(reader, before)
  const news = after === undefined ? [] : yield* sortedEntries(reader, after)
  let o = 0
  let n = 0
  while (o < olds.length || n < news.length) {
    const left = olds[o]
    const right = news[n]
    if (right === undefined || (left !== undefined && left.name < right.name)) {
      pairs.push({ name: left!.name, before: left!, after: null })
      o++
    } else if (left === undefined || right.name < left.name) {
      pairs.push({ name: right.name, before: null, after: right })
      n++
    } else {
      if (!sameEntry(left, right)) pairs.push({ name: left.name, before: left, after: right })
      o++
      n++
    }
    if ((o + n) % stepNames === 0) yield
  }
}
