// Checks that a directory and all below it have their one canonical form, and that what entries say of their contents
// is so. Damage comes back as findings, each naming the object and the path it was first met at.

import { isSentientError } from '../errors.ts'
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
  /** Told after each node that was read. */
  readonly onNode?: (link: Link) => void
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
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const key = `${place.link.id} ${place.slots?.join('.') ?? `list ${place.listDepth} ${place.last}`} ${place.claimed}`
    if (options.seen?.(key)) continue
    try {
      if (place.slots === undefined) checkListNode(reader, place, stack)
      else checkDirectoryNode(reader, place, place.slots, stack)
    } catch (error) {
      yield { ...findingOf(error), path: place.path, link: place.link }
    }
    options.onNode?.(place.link)
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

function checkDirectoryNode(reader: ObjectReader, place: Place, slots: readonly number[], stack: Place[]): void {
  const node: DirectoryNode = decodeNode(reader.get(place.link))
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
}

function pushContent(entry: Entry, place: Place, stack: Place[]): void {
  const path = place.path === '' ? entry.name : `${place.path}/${entry.name}`
  if (entry.kind === 'dir') stack.push({ link: entry.content, path, claimed: entry.size, slots: [] })
  else if (entry.content.codec === 'dag-cbor')
    stack.push({ link: entry.content, path, claimed: entry.size, last: true })
}

function checkListNode(reader: ObjectReader, place: Place, stack: Place[]): void {
  const node: ListNode = decodeList(reader.get(place.link))
  if (node.bytes !== place.claimed) throw new NotCanonical(`${node.bytes} bytes where ${place.claimed} are claimed`)
  if (place.listDepth === undefined) {
    if (node.entries.length < 2) throw new NotCanonical('a content of one part needs no list')
  } else if (node.depth !== place.listDepth) throw new NotCanonical('a list node of another depth than its place')
  if (place.last !== true && node.entries.length !== listEntriesMax) {
    throw new NotCanonical('a list node that is not full, with more behind it')
  }
  if (node.depth === 0) {
    if (node.entries.some(entry => entry.bytes > chunkBytesMax)) throw new NotCanonical('a chunk over the limit')
    return
  }
  for (const [index, entry] of node.entries.entries()) {
    const last = place.last === true && index === node.entries.length - 1
    stack.push({ link: entry.link, path: place.path, claimed: entry.bytes, listDepth: node.depth - 1, last })
  }
}
