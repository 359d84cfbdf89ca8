// Checks that a directory and all below it have their one canonical form, and that what entries say of their contents
// is so. Damage comes back as findings, each naming the object and the path it was first met at.

import { isSentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { chunkBytesMax, listEntriesMax } from '../format/constants.generated.ts'
import { decodeList, type ListNode } from '../format/content.ts'
import { isFormatError } from '../format/formatError.ts'
import type { Link } from '../format/id.ts'
import { checkChild, type DirectoryNode, decodeNode, type Entry, entryCount } from '../format/node.ts'
import type { ByteString } from '../host/host.ts'
import type { ObjectReader } from './tree.ts'

export interface TreeFinding {
  readonly code: 'object-missing' | 'object-damaged' | 'node-not-canonical'
  /** The first path that needs the object; '' is the root. */
  readonly path: ByteString
  readonly link: Link
  readonly found: string
}

export interface CanonicalOptions {
  /**
   * True: checked before. The key names the object together with all that is claimed of it where it hangs (place in
   * its directory, count, size), so that a link that is right in one place is still checked in another.
   */
  readonly seen?: (key: string) => boolean
  /** Bytes of a raw object: what entries and lists say of their contents is held against it. Undefined: not known. */
  readonly sizeOf?: (link: Link) => number | undefined
  /** The metadata that entries carry, where that is to be checked: as the state says. */
  readonly metadataSet?: readonly string[]
  /** Told of each node that is read, before its links. */
  readonly onNode?: (link: Link) => void
  /** Told of every link of every node that is read, the same one each time it is met. */
  readonly onLink?: (link: Link) => void
}

interface Place {
  readonly link: Link
  readonly path: ByteString
  /** Entries of the directory, or bytes of the content, as claimed above. */
  readonly claimed: number | undefined
  /** Of a directory node: the slots from the directory's root down. Of a list node: its depth. */
  readonly slots?: readonly number[]
  readonly listDepth?: number
  /** Of a list node: whether it is the last of its level, which alone may be less than full. */
  readonly last?: boolean
}

/**
 * Checks a directory and all directories and list nodes below it, each once. Chunks and symlink targets are not read:
 * that every object is what its name says is the store's own check.
 */
export function* checkCanonical(
  reader: ObjectReader,
  directory: Link,
  options: CanonicalOptions = {},
): Generator<TreeFinding> {
  for (const step of canonicalSteps(reader, directory, options)) if (step !== undefined) yield step
}

/** The same for callers who give way in between: undefined comes after each node. */
export function* canonicalSteps(
  reader: ObjectReader,
  directory: Link,
  options: CanonicalOptions = {},
): Generator<TreeFinding | undefined> {
  const stack: Place[] = [{ link: directory, path: '', claimed: undefined, slots: [] }]
  const meta = options.metadataSet === undefined ? '' : ` ${options.metadataSet.join()}`
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const at = place.slots === undefined ? `list ${place.listDepth} ${place.last}` : place.slots.join('.') + meta
    const key = `${place.link.id} ${at} ${place.claimed}`
    if (options.seen?.(key)) continue
    try {
      if (place.slots === undefined) checkList(reader, place, stack, options)
      else checkDirectory(reader, place, place.slots, stack, options)
    } catch (error) {
      yield { ...findingOf(error), path: place.path, link: place.link }
    }
    yield undefined
  }
}

class NotCanonical extends Error {}

function findingOf(error: unknown): Pick<TreeFinding, 'code' | 'found'> {
  if (error instanceof NotCanonical) return { code: 'node-not-canonical', found: error.message }
  if (isFormatError(error)) return { code: 'node-not-canonical', found: error.reason }
  if (isSentientError(error, 'OBJECT_MISSING')) return { code: 'object-missing', found: 'no pack holds it' }
  if (isSentientError(error, 'DAMAGED')) return { code: 'object-damaged', found: error.details.found ?? error.message }
  throw error
}

function checkDirectory(
  reader: ObjectReader,
  place: Place,
  slots: readonly number[],
  stack: Place[],
  options: CanonicalOptions,
): void {
  const node: DirectoryNode = decodeNode(reader.get(place.link))
  options.onNode?.(place.link)
  if (node.kind === 'leaf') for (const entry of node.entries) options.onLink?.(entry.content)
  else for (const slot of node.slots) if (slot !== null) options.onLink?.(slot.link)
  if (slots.length > 0) checkChild(slots, place.claimed!, node)
  else {
    if (node.kind === 'branch' && node.depth !== 0)
      throw new NotCanonical('a directory begins with a branch of depth 0')
    if (place.claimed !== undefined && place.claimed !== entryCount(node)) {
      throw new NotCanonical(`${entryCount(node)} entries where its entry says ${place.claimed}`)
    }
  }
  if (node.kind === 'branch') {
    for (const [digit, slot] of node.slots.entries()) {
      if (slot !== null)
        stack.push({ link: slot.link, path: place.path, claimed: slot.count, slots: [...slots, digit] })
    }
    return
  }
  for (const entry of node.entries) pushContent(entry, place, stack)
  checkEntries(node.entries, options)
}

/** What entries say of themselves: their metadata is what the state names, their size that of their raw content. */
function checkEntries(entries: readonly Entry[], { sizeOf, metadataSet }: CanonicalOptions): void {
  for (const { name, kind, size, content, meta } of entries) {
    const known = kind === 'dir' || content.codec !== 'raw' ? undefined : sizeOf?.(content)
    if (known !== undefined && known !== size)
      throw new NotCanonical(`${displayBytes(name)} has ${known} bytes, its entry says ${size}`)
    if (metadataSet === undefined) continue
    const owned = meta?.uid !== undefined
    if (owned !== metadataSet.includes('owner') || (meta?.xattrs !== undefined && !metadataSet.includes('xattrs')))
      throw new NotCanonical(`${displayBytes(name)} has other metadata than the state names`)
  }
}

function pushContent(entry: Entry, place: Place, stack: Place[]): void {
  const path = place.path === '' ? entry.name : `${place.path}/${entry.name}`
  if (entry.kind === 'dir') stack.push({ link: entry.content, path, claimed: entry.size, slots: [] })
  else if (entry.content.codec === 'dag-cbor')
    stack.push({ link: entry.content, path, claimed: entry.size, last: true })
}

function checkList(reader: ObjectReader, place: Place, stack: Place[], options: CanonicalOptions): void {
  const node: ListNode = decodeList(reader.get(place.link))
  options.onNode?.(place.link)
  for (const { link } of node.entries) options.onLink?.(link)
  if (node.bytes !== place.claimed) throw new NotCanonical(`${node.bytes} bytes where ${place.claimed} are claimed`)
  if (place.listDepth === undefined) {
    if (node.entries.length < 2) throw new NotCanonical('a content of one part needs no list')
  } else if (node.depth !== place.listDepth) throw new NotCanonical('a list node of another depth than its place')
  if (place.last !== true && node.entries.length !== listEntriesMax) {
    throw new NotCanonical('a list node that is not full, with more behind it')
  }
  if (node.depth === 0) {
    checkChunks(node, options)
    return
  }
  for (const [index, entry] of node.entries.entries()) {
    const last = place.last === true && index === node.entries.length - 1
    stack.push({ link: entry.link, path: place.path, claimed: entry.bytes, listDepth: node.depth - 1, last })
  }
}

/** The raw parts of a list have the bytes that it says. */
function checkChunks({ entries }: ListNode, { sizeOf }: CanonicalOptions): void {
  for (const { link, bytes } of entries) {
    if (bytes > chunkBytesMax) throw new NotCanonical('a chunk over the limit')
    const known = sizeOf?.(link)
    if (known !== undefined && known !== bytes)
      throw new NotCanonical(`a chunk has ${known} bytes, its list says ${bytes}`)
  }
}
