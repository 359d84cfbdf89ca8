// Directories as trees in the store: finding, listing, editing by paths, comparing. Nothing here loads more than one
// directory at a time; equal links are never read when two trees are compared.
import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { nameBytesMax } from '../format/constants.generated.ts'
import type { Codec, Link } from '../format/id.ts'
import { type Entry, entryCount, nameDigit, sameEntry } from '../format/node.ts'
import type { ObjectKind } from '../format/pack.ts'
import type { ByteString } from '../host/host.ts'
import type { StoredObject } from '../native/native.ts'
import { drained, sortInSteps } from '../progress.ts'
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
  /** Where an object lies in a pack, for who reads many at a time; undefined when it has to be asked for by `get`. */
  locate?(link: Link): StoredObject | undefined
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
  for (const entry of drained(sortedEntries(reader, directory))) if (entry.name >= from) yield entry
}

/** All of them, stopping now and then, for callers who give way in between. */
export const entriesInSteps = (reader: ObjectReader, directory: Link): Generator<undefined, readonly Entry[]> =>
  sortedEntries(reader, directory)

/** How many direct entries a directory has; reads one node. */
export function countEntries(reader: ObjectReader, directory: Link): number {
  return entryCount(readNode(reader, directory))
}

/** Writes the canonical directory of these entries, in any order; names must be unique. */
export function buildDirectory(writer: ObjectWriter, entries: Iterable<Entry>): { link: Link; count: number } {
  return drained(buildDirectorySteps(writer, [...entries]))
}

/** The same, stopping after each node, for callers who give way in between. */
export function buildDirectorySteps(
  writer: ObjectWriter,
  entries: readonly Entry[],
): Generator<undefined, { link: Link; count: number }> {
  return buildNode(writer, entries)
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

/**
 * Applies edits, sorted or not, and returns the new root; of two edits of one path the later counts. The result is
 * canonical. Throws PATH_NOT_FOUND where a parent is missing and not among the edits, NOT_A_DIRECTORY where it is
 * something else, PATH_INVALID for a bad path.
 */
export function editTree(writer: ObjectWriter, filesRoot: Link, edits: readonly Edit[]): Link {
  const last = new Map(edits.map(edit => [edit.path, edit]))
  const sorted = [...last.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  return drained(editSorted(writer, filesRoot, sorted))
}

/** A directory on the way to the edit at hand. */
interface EditedDirectory {
  readonly path: ByteString
  /** As it was; undefined for the root and where nothing was. */
  readonly entry: Entry | undefined
  /** The place of its own edit among the edits of the directory above; -1: none. */
  readonly at: number
  /** As it shall be, its children left aside; undefined: as it was. */
  readonly own: Entry | null | undefined
  /** Of its names, sorted as they came. */
  readonly edits: NameEdit[]
  /** Places of directories among them that keep the children they have. */
  readonly keeping: Set<number>
  /** Directories without an edit of their own that were gone into. */
  readonly entered: NameEdit[]
}

/**
 * The same for edits that come sorted by the bytes of whole paths, no path twice. Holds the edits of the directories
 * above the one at hand and stops after each edit and each node, for callers who give way in between.
 */
export function* editSorted(writer: ObjectWriter, filesRoot: Link, edits: Iterable<Edit>): Generator<undefined, Link> {
  const entry: Entry = { name: '', kind: 'dir', mode: rootMode, size: 0, content: filesRoot }
  const stack = [openEdited('', entry, -1, undefined)]
  let last: ByteString | undefined
  for (const { path, after, keepChildren } of edits) {
    checkEditPath(path)
    if (last !== undefined && last >= path) throw new SentientError('INTERNAL', { what: 'Edits are not sorted' })
    last = path
    while (!isBelow(path, stackTop(stack).path)) yield* closeTop(writer, stack)
    const top = enter(writer, stack, path)
    if (isDirectory(top)) {
      const name = path.slice(path.lastIndexOf('/') + 1)
      if (after?.kind === 'dir' && keepChildren === true) top.keeping.add(top.edits.length)
      top.edits.push({ name, after: after === null ? null : { ...after, name } })
    } else if (after !== null) {
      throw missingParent(top.path, (top.own === undefined ? top.entry : top.own)?.kind)
    }
    yield
  }
  while (stack.length > 1) yield* closeTop(writer, stack)
  return last === undefined ? filesRoot : (yield* editDirectory(writer, stackTop(stack))).link
}

function openEdited(
  path: ByteString,
  entry: Entry | undefined,
  at: number,
  own: Entry | null | undefined,
): EditedDirectory {
  return { path, entry, at, own, edits: [], keeping: new Set(), entered: [] }
}

/** Whether it is one and stays one, or becomes one: else nothing may be put into it. */
const isDirectory = ({ own, entry }: EditedDirectory): boolean => (own === undefined ? entry : own)?.kind === 'dir'

/** Goes down to the directory that holds the path, or to what stands in the way. */
function enter(writer: ObjectWriter, stack: EditedDirectory[], path: ByteString): EditedDirectory {
  for (let top = stackTop(stack); ; top = stackTop(stack)) {
    const start = top.path === '' ? 0 : top.path.length + 1
    const slash = path.indexOf('/', start)
    if (slash < 0 || !isDirectory(top)) return top
    const name = path.slice(start, slash)
    const before = top.entry?.kind === 'dir' ? findEntry(writer, top.entry.content, name) : undefined
    const at = lastIndexOfName(top.edits, name)
    stack.push(openEdited(path.slice(0, slash), before, at, top.edits[at]?.after))
  }
}

/** By halving: the names are sorted. */
function lastIndexOfName(edits: readonly NameEdit[], name: ByteString): number {
  let low = 0
  let high = edits.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (edits[middle]!.name < name) low = middle + 1
    else high = middle
  }
  return edits[low]?.name === name ? low : -1
}

/** Says in the directory above what became of the one that was gone into. */
function* closeTop(writer: ObjectWriter, stack: EditedDirectory[]): Generator<undefined, void> {
  const closed = stack.pop()!
  if (!isDirectory(closed)) return
  const above = stackTop(stack)
  const { link, count } = yield* editDirectory(writer, closed)
  const name = closed.path.slice(closed.path.lastIndexOf('/') + 1)
  const edit = { name, after: { ...(closed.own ?? closed.entry!), name, size: count, content: link } }
  if (closed.at < 0) above.entered.push(edit)
  else above.edits[closed.at] = edit
  above.keeping.delete(closed.at)
}

function* editDirectory(
  writer: ObjectWriter,
  { entry, edits, keeping, entered }: EditedDirectory,
): Generator<undefined, { link: Link; count: number }> {
  const before = entry?.kind === 'dir' ? entry.content : undefined
  for (const at of keeping) {
    const { name, after } = edits[at]!
    const kept = before && findEntry(writer, before, name)
    const content = kept?.kind === 'dir' ? kept.content : emptyDirectory(writer)
    edits[at] = { name, after: { ...after!, size: countEntries(writer, content), content } }
    yield
  }
  for (const edit of entered) edits.push(edit)
  return yield* editNode(writer, before, edits)
}

const stackTop = (stack: readonly EditedDirectory[]): EditedDirectory => stack[stack.length - 1]!

const isBelow = (path: ByteString, directory: ByteString): boolean =>
  directory === '' || (path.startsWith(directory) && path[directory.length] === '/')

function checkEditPath(path: ByteString): void {
  for (const name of path.split('/')) {
    if (name === '' || name === '.' || name === '..' || name.length > nameBytesMax || name.includes('\0')) {
      throw new SentientError('PATH_INVALID', { where: displayBytes(path) })
    }
  }
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
  /** `paths`: by the bytes of whole paths, as lists of changes are; else as a walk comes by them. */
  readonly order?: 'walk' | 'paths'
  /** Asked before a directory that differs is entered; false leaves out what lies below it. */
  readonly into?: (change: TreeChange) => boolean
}

/**
 * The paths that differ between two files roots (undefined: empty), depth first, names sorted in each directory, a
 * directory before what it holds. This is not the byte order of whole paths ("a.b" comes before "a/b"): ask for that.
 */
export function* diffTrees(
  reader: ObjectReader,
  before: Link | undefined,
  after: Link | undefined,
  options: DiffOptions = {},
): Generator<TreeChange> {
  for (const change of diffTreesInSteps(reader, before, after, options)) if (change !== undefined) yield change
}

/** The same for callers who give way: undefined stands for a while without a change, as in very large directories. */
export function* diffTreesInSteps(
  reader: ObjectReader,
  before: Link | undefined,
  after: Link | undefined,
  options: DiffOptions = {},
): Generator<TreeChange | undefined, void> {
  const under = options.under ?? ''
  if (under === '') {
    const level = yield* diffLevel(yield* differingNames(reader, before, after), '', options)
    yield* diffDirectories(reader, [level], options)
    return
  }
  const old = before === undefined ? undefined : findPath(reader, before, under)
  const now = after === undefined ? undefined : findPath(reader, after, under)
  if (sameEntry(old ?? null, now ?? null)) return
  const slash = under.lastIndexOf('/')
  const pair = { name: under.slice(slash + 1), before: old ?? null, after: now ?? null }
  yield* diffDirectories(reader, [yield* diffLevel([pair], under.slice(0, slash + 1), options)], options)
}

interface DiffLevel {
  readonly pairs: readonly NamePair[]
  at: number
  /** In the order of whole paths: directories to be gone into, each when its turn has come. */
  readonly below: readonly { readonly key: ByteString; readonly pair: NamePair }[] | undefined
  belowAt: number
  readonly prefix: ByteString
}

function* diffLevel(
  pairs: readonly NamePair[],
  prefix: ByteString,
  { order }: DiffOptions,
): Generator<undefined, DiffLevel> {
  const directories = ({ before, after }: NamePair) => before?.kind === 'dir' || after?.kind === 'dir'
  const keyed = order === 'paths' ? pairs.filter(directories).map(pair => ({ key: `${pair.name}/`, pair })) : undefined
  const below = keyed && (yield* sortInSteps(keyed, (a, b) => (a.key < b.key ? -1 : 1)))
  return { pairs, at: 0, below, belowAt: 0, prefix }
}

function* diffDirectories(
  reader: ObjectReader,
  stack: DiffLevel[],
  options: DiffOptions,
): Generator<TreeChange | undefined, void> {
  const goInto = function* (prefix: ByteString, { name, before, after }: NamePair): Generator<undefined, void> {
    const old = before?.kind === 'dir' ? before.content : undefined
    const now = after?.kind === 'dir' ? after.content : undefined
    if (old?.id === now?.id || options.into?.({ path: prefix + name, before, after }) === false) return
    stack.push(yield* diffLevel(yield* differingNames(reader, old, now), `${prefix}${name}/`, options))
  }
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    const pair = level.pairs[level.at]
    const below = level.below?.[level.belowAt]
    if (below !== undefined && (pair === undefined || below.key < pair.name)) {
      level.belowAt++
      yield* goInto(level.prefix, below.pair)
    } else if (pair === undefined) stack.pop()
    else {
      level.at++
      const { name, before, after } = pair
      if (!sameApartFromChildren(before, after)) yield { path: level.prefix + name, before, after }
      if (level.below === undefined) yield* goInto(level.prefix, pair)
    }
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
export function* walkTree(reader: ObjectReader, directory: Link, options: WalkOptions = {}): Generator<WalkedEntry> {
  for (const item of walkTreeInSteps(reader, directory, options)) if (item !== undefined) yield item
}

export interface WalkedEntry {
  readonly path: ByteString
  readonly entry: Entry
}

/** The same for callers who give way: undefined stands for a while without an entry, as in very large directories. */
export function* walkTreeInSteps(
  reader: ObjectReader,
  directory: Link,
  options: WalkOptions = {},
): Generator<WalkedEntry | undefined, void> {
  const under = options.under ?? ''
  const stack: { entries: readonly Entry[]; at: number; prefix: ByteString }[] = []
  if (under === '') stack.push({ entries: yield* sortedEntries(reader, directory), at: 0, prefix: '' })
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
    stack.push({ entries: yield* sortedEntries(reader, entry.content), at: 0, prefix: `${path}/` })
  }
}
