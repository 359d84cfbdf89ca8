// Directories as trees in the store: finding, listing, editing by paths, comparing. Nothing here loads more than one
// directory at a time; equal links are never read when two trees are compared.
import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { nameBytesMax } from '../format/constants.generated.ts'
import type { Codec, Link } from '../format/id.ts'
import { type Entry, entryCount, nameDigit, sameEntry } from '../format/node.ts'
import type { ObjectKind } from '../format/pack.ts'
import type { ByteString } from '../host/host.ts'
import {
  buildNode,
  differingNames,
  editNode,
  type NameEdit,
  type NamePair,
  putNode,
  readNode,
  sortedEntries,
} from './nodes.ts'

/** `Store` and `Ingest` fit. `get` throws OBJECT_MISSING or DAMAGED. */
export interface ObjectReader {
  get(link: Link): Uint8Array
}

/** `put` does not keep `bytes`: the caller may use the buffer again. */
export interface ObjectWriter extends ObjectReader {
  put(codec: Codec, kind: ObjectKind, bytes: Uint8Array): Link
}

/** The mode that the root of the files domain is shown with; it has no entry, so none is stored. */
const rootMode = 0o755

export function emptyDirectory(writer: ObjectWriter): Link {
  return putNode(writer, { kind: 'leaf', entries: [] })
}

/** Looks one name up by its hash: O(log n) nodes. */
export function findEntry(reader: ObjectReader, directory: Link, name: ByteString): Entry | undefined {
  let link = directory
  for (let depth = 0; ; depth++) {
    const node = readNode(reader, link)
    if (node.kind === 'leaf') return findSorted(node.entries, name)
    const slot = node.slots[nameDigit(name, depth)]
    if (slot === null || slot === undefined) return undefined
    link = slot.link
  }
}

function findSorted(entries: readonly Entry[], name: ByteString): Entry | undefined {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entries[middle]!.name < name) low = middle + 1
    else high = middle
  }
  return entries[low]?.name === name ? entries[low] : undefined
}

/** The entry at a path; '' is the root: a directory entry with the name '' and a nominal mode. */
export function findPath(reader: ObjectReader, filesRoot: Link, path: ByteString): Entry | undefined {
  if (path === '') {
    return { name: '', kind: 'dir', mode: rootMode, size: countEntries(reader, filesRoot), content: filesRoot }
  }
  let directory = filesRoot
  let found: Entry | undefined
  for (const name of path.split('/')) {
    if (found !== undefined && found.kind !== 'dir') return undefined
    found = findEntry(reader, directory, name)
    if (found === undefined) return undefined
    directory = found.content
  }
  return found
}

/** The entries of one directory in name order, those with names from `from` on. Gathers that directory in memory. */
export function* listEntries(reader: ObjectReader, directory: Link, from: ByteString = ''): Generator<Entry> {
  for (const entry of sortedEntries(reader, directory)) if (entry.name >= from) yield entry
}

/** How many direct entries a directory has; reads one node. */
export function countEntries(reader: ObjectReader, directory: Link): number {
  return entryCount(readNode(reader, directory))
}

/** Writes the canonical directory of these entries, in any order; names must be unique. */
export function buildDirectory(writer: ObjectWriter, entries: Iterable<Entry>): { link: Link; count: number } {
  return buildNode(writer, [...entries])
}

/**
 * What a path shall be. `after` null deletes it and all below (a missing path is left missing). A directory keeps
 * the children that it has when edits of paths below it are given too, or with `keepChildren`; else its content link
 * is taken as it is, which grafts a whole subtree. The entry's own name is ignored: the path's last part counts.
 */
export interface Edit {
  readonly path: ByteString
  readonly after: Entry | null
  readonly keepChildren?: boolean
}

interface EditNode {
  edit: Edit | undefined
  children: Map<ByteString, EditNode> | undefined
  /** Something below shall exist: then this must be a directory. */
  fills: boolean
}

/**
 * Applies edits, sorted or not, and returns the new root; of two edits of one path the later counts. The result is
 * canonical. Throws PATH_NOT_FOUND where a parent is missing and not among the edits, NOT_A_DIRECTORY where it is
 * something else, PATH_INVALID for a bad path.
 */
export function editTree(writer: ObjectWriter, filesRoot: Link, edits: readonly Edit[]): Link {
  const top: EditNode = { edit: undefined, children: undefined, fills: false }
  for (const edit of edits) plant(top, edit)
  if (top.children === undefined) return filesRoot
  return editDirectory(writer, filesRoot, top.children, '').link
}

function plant(top: EditNode, edit: Edit): void {
  let node = top
  for (const name of edit.path.split('/')) {
    if (name === '' || name === '.' || name === '..' || name.length > nameBytesMax || name.includes('\0')) {
      throw new SentientError('PATH_INVALID', { where: displayBytes(edit.path) })
    }
    if (edit.after !== null) node.fills = true
    node.children ??= new Map()
    let next = node.children.get(name)
    if (next === undefined) node.children.set(name, (next = { edit: undefined, children: undefined, fills: false }))
    node = next
  }
  node.edit = edit
}

function editDirectory(
  writer: ObjectWriter,
  directory: Link | undefined,
  children: ReadonlyMap<ByteString, EditNode>,
  prefix: ByteString,
): { link: Link; count: number } {
  const changes: NameEdit[] = []
  for (const [name, child] of children) {
    const after = editedEntry(writer, directory, name, child, prefix + name)
    if (after !== undefined) changes.push({ name, after })
  }
  return editNode(writer, directory, changes)
}

/** What the name becomes; undefined: it stays as it is. */
function editedEntry(
  writer: ObjectWriter,
  directory: Link | undefined,
  name: ByteString,
  child: EditNode,
  path: ByteString,
): Entry | null | undefined {
  const after = child.edit?.after
  if (after === null || (after !== undefined && after.kind !== 'dir')) {
    if (child.fills) throw missingParent(path, after?.kind)
    return after === null ? null : { ...after, name }
  }
  if (after !== undefined && child.children === undefined && child.edit?.keepChildren !== true)
    return { ...after, name }
  const before = directory === undefined ? undefined : findEntry(writer, directory, name)
  if (after === undefined && before?.kind !== 'dir') {
    if (child.fills) throw missingParent(path, before?.kind)
    return undefined
  }
  const base = before?.kind === 'dir' ? before.content : undefined
  const { link, count } = editDirectory(writer, base, child.children ?? new Map(), `${path}/`)
  return { ...(after ?? before!), name, size: count, content: link }
}

function missingParent(path: ByteString, found: string | undefined): SentientError {
  const where = displayBytes(path)
  if (found === undefined)
    return new SentientError('PATH_NOT_FOUND', { what: 'The parent directory is missing', where })
  return new SentientError('NOT_A_DIRECTORY', { where, found: `a ${found}` })
}

/** A path whose own entry differs. A directory counts by kind, mode and meta only; entries are given as they were. */
export interface TreeChange {
  readonly path: ByteString
  readonly before: Entry | null
  readonly after: Entry | null
}

export interface DiffOptions {
  /** Only this path and what lies below it. */
  readonly under?: ByteString
  /** Asked before a directory that differs is entered; false leaves out what lies below it. */
  readonly into?: (change: TreeChange) => boolean
}

/**
 * The paths that differ between two files roots (undefined: empty), depth first, names sorted in each directory, a
 * directory before what it holds. This is not the byte order of whole paths: see `sortChanges` in changes.ts.
 */
export function* diffTrees(
  reader: ObjectReader,
  before: Link | undefined,
  after: Link | undefined,
  options: DiffOptions = {},
): Generator<TreeChange> {
  const under = options.under ?? ''
  if (under === '') {
    yield* diffDirectories(reader, [{ pairs: differingNames(reader, before, after), at: 0, prefix: '' }], options)
    return
  }
  const old = before === undefined ? undefined : findPath(reader, before, under)
  const now = after === undefined ? undefined : findPath(reader, after, under)
  if (sameEntry(old ?? null, now ?? null)) return
  const slash = under.lastIndexOf('/')
  const pair = { name: under.slice(slash + 1), before: old ?? null, after: now ?? null }
  yield* diffDirectories(reader, [{ pairs: [pair], at: 0, prefix: under.slice(0, slash + 1) }], options)
}

interface DiffLevel {
  readonly pairs: readonly NamePair[]
  at: number
  readonly prefix: ByteString
}

function* diffDirectories(reader: ObjectReader, stack: DiffLevel[], options: DiffOptions): Generator<TreeChange> {
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    const pair = level.pairs[level.at++]
    if (pair === undefined) {
      stack.pop()
      continue
    }
    const { before, after } = pair
    const change = { path: level.prefix + pair.name, before, after }
    if (!sameApartFromChildren(before, after)) yield change
    const old = before?.kind === 'dir' ? before.content : undefined
    const now = after?.kind === 'dir' ? after.content : undefined
    if (old?.id === now?.id || options.into?.(change) === false) continue
    stack.push({ pairs: differingNames(reader, old, now), at: 0, prefix: `${change.path}/` })
  }
}

/** Whether two entries of one path say the same, a directory's children left aside. */
export function sameApartFromChildren(before: Entry | null, after: Entry | null): boolean {
  if (before?.kind !== 'dir' || after?.kind !== 'dir') return sameEntry(before, after)
  return sameEntry(before, { ...after, size: before.size, content: before.content })
}

export interface WalkOptions {
  /** Starts at this path: yields it, then what lies below it. */
  readonly under?: ByteString
  /** Asked before a directory is entered. */
  readonly into?: (path: ByteString, entry: Entry) => boolean
}

/** All entries below a files root, depth first, names sorted in each directory, a directory before what it holds. */
export function* walkTree(
  reader: ObjectReader,
  directory: Link,
  options: WalkOptions = {},
): Generator<{ path: ByteString; entry: Entry }> {
  const under = options.under ?? ''
  const stack: { entries: readonly Entry[]; at: number; prefix: ByteString }[] = []
  if (under === '') stack.push({ entries: sortedEntries(reader, directory), at: 0, prefix: '' })
  else {
    const found = findPath(reader, directory, under)
    const prefix = under.slice(0, under.lastIndexOf('/') + 1)
    if (found !== undefined) stack.push({ entries: [found], at: 0, prefix })
  }
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    const entry = level.entries[level.at++]
    if (entry === undefined) {
      stack.pop()
      continue
    }
    const path = level.prefix + entry.name
    yield { path, entry }
    if (entry.kind !== 'dir' || options.into?.(path, entry) === false) continue
    stack.push({ entries: sortedEntries(reader, entry.content), at: 0, prefix: `${path}/` })
  }
}
