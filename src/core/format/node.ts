// Directory nodes: the canonical tree of a directory's entries. A set of entries has exactly one node: a leaf up to
// 64 entries, above a branch over one hex digit of the hash of the names. A change rewrites only a few small nodes.

import type { ByteString } from '../host/host.ts'
import { bytesOf, hexOf, isByteString } from './bytes.ts'
import { CborReader, type CborValue, type CborWriter, decode, encode, written } from './cbor.ts'
import {
  branchDepthMax,
  chunkBytesMax,
  chunkBytesMin,
  integerMax,
  leafEntriesMax,
  linkTargetBytesMax,
  metaBytesMax,
  modeMax,
  nameBytesMax,
  ownerIdMax,
  xattrNameBytesMax,
} from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { blake3 } from './hash.ts'
import { type Link, sameLink } from './id.ts'

export type EntryKind = 'file' | 'dir' | 'symlink'

/** Metadata beyond the mode, only what the state's `metadataSet` names: `owner` both ids, `xattrs` those there are. */
export interface EntryMeta {
  readonly uid?: number
  readonly gid?: number
  /** Sorted by name, unique, never empty. */
  readonly xattrs?: readonly { readonly name: ByteString; readonly value: ByteString }[]
}

export interface Entry {
  readonly name: ByteString
  readonly kind: EntryKind
  /** Permission bits; of a symlink always 0o777. */
  readonly mode: number
  /** Of a file its bytes, of a directory its direct entries, of a symlink the bytes of its target. */
  readonly size: number
  /** Of a file its chunk or list node, of a directory its node, of a symlink the raw object that holds the target. */
  readonly content: Link
  readonly meta?: EntryMeta
}

export interface Slot {
  readonly link: Link
  /** Entries below. */
  readonly count: number
}

export interface LeafNode {
  readonly kind: 'leaf'
  readonly entries: readonly Entry[]
}

export interface BranchNode {
  readonly kind: 'branch'
  /** Which hex digit of the name hash chooses the slot. */
  readonly depth: number
  readonly slots: readonly (Slot | null)[]
}

export type DirectoryNode = LeafNode | BranchNode

/** The mode that every symlink has in the state, whatever the platform says. */
export const symlinkMode = 0o777

const kinds: readonly EntryKind[] = ['file', 'dir', 'symlink']
const kindNumbers: Readonly<Record<EntryKind, number>> = { file: 0, dir: 1, symlink: 2 }

/** The name hash as 64 hex digits: digit d chooses the slot in a branch of depth d. */
export function nameDigits(name: ByteString): string {
  return hexOf(blake3(bytesOf(name)))
}

/** The hex digit of the name hash that chooses the slot in a branch of this depth, 0 to 15. */
export function nameDigit(name: ByteString, depth: number): number {
  const byte = blake3(bytesOf(name))[depth >> 1]!
  return depth % 2 === 0 ? byte >> 4 : byte & 15
}

/** How many entries the node holds, below it too. */
export function entryCount(node: DirectoryNode): number {
  if (node.kind === 'leaf') return node.entries.length
  return node.slots.reduce((sum, slot) => sum + (slot?.count ?? 0), 0)
}

/** Throws FormatError when the node breaks a rule that shows in it alone. */
export function encodeNode(node: DirectoryNode): Uint8Array {
  return written(writer => {
    if (node.kind === 'leaf') writeLeaf(writer, node)
    else writeBranch(writer, node)
  })
}

/** Checks all that shows in the node alone; where it hangs is checked by `checkChild`. */
export function decodeNode(bytes: Uint8Array): DirectoryNode {
  const reader = new CborReader(bytes)
  const keys = reader.map()
  const node = reader.hasKey('d') ? readBranch(reader, keys) : readLeaf(reader, keys)
  reader.end()
  return node
}

/**
 * Checks what shows only with the branch above: the child has the slot's count and the form that this count demands,
 * and every name of a leaf belongs there. `path` holds the slot numbers from the directory's root down to the child.
 */
export function checkChild(path: readonly number[], count: number, child: DirectoryNode): void {
  if (entryCount(child) !== count) throw new FormatError('a slot names another count than its node has')
  if (child.kind === 'branch') {
    if (child.depth !== path.length) throw new FormatError('a branch of another depth than its place')
    return
  }
  for (const { name } of child.entries) {
    const digits = nameDigits(name)
    for (const [depth, slot] of path.entries()) {
      if (Number.parseInt(digits[depth]!, 16) !== slot) throw new FormatError('a name in the wrong slot')
    }
  }
}

/** Throws FormatError unless it may be a name in a directory. */
export function checkName(name: ByteString): void {
  const { length } = name
  if (length === 0 || length > nameBytesMax) throw new FormatError('a name has 1 to 255 bytes')
  for (let i = 0; i < length; i++) {
    const byte = name.charCodeAt(i)
    if (byte === 0 || byte === 0x2f || byte > 0xff) throw new FormatError('a name with NUL, "/" or a wide char')
  }
  if (name === '.' || name === '..') throw new FormatError('a name "." or ".."')
}

function writeLeaf(writer: CborWriter, node: LeafNode): void {
  const { entries } = node
  if (entries.length > leafEntriesMax) throw new FormatError('a leaf has at most 64 entries')
  writer.map(2)
  writer.text('e')
  writer.list(entries.length)
  let last: ByteString | undefined
  for (const entry of entries) {
    if (last !== undefined && last >= entry.name) throw new FormatError('names are not unique and sorted')
    last = entry.name
    writeEntry(writer, entry)
  }
  writer.text('k')
  writer.text('leaf')
}

function readLeaf(reader: CborReader, keys: number): LeafNode {
  if (keys !== 2) reader.fail('a leaf has two keys')
  reader.key('e')
  const count = reader.list()
  if (count > leafEntriesMax) reader.fail('a leaf has at most 64 entries')
  const entries: Entry[] = []
  let last: ByteString | undefined
  for (let i = 0; i < count; i++) {
    const entry = readEntry(reader)
    if (last !== undefined && last >= entry.name) reader.fail('names are not unique and sorted')
    last = entry.name
    entries.push(entry)
  }
  reader.key('k')
  reader.key('leaf')
  return { kind: 'leaf', entries }
}

function writeBranch(writer: CborWriter, node: BranchNode): void {
  checkBranch(node)
  writer.map(3)
  writer.text('d')
  writer.integer(node.depth)
  writer.text('k')
  writer.text('branch')
  writer.text('s')
  writer.list(16)
  for (const slot of node.slots) {
    if (slot === null) writer.null()
    else {
      writer.list(2)
      writer.link(slot.link)
      writer.integer(slot.count)
    }
  }
}

function readBranch(reader: CborReader, keys: number): BranchNode {
  if (keys !== 3) reader.fail('a branch has three keys')
  const depth = reader.unsigned()
  reader.key('k')
  reader.key('branch')
  reader.key('s')
  if (reader.list() !== 16) reader.fail('a branch has 16 slots')
  const slots: (Slot | null)[] = []
  for (let i = 0; i < 16; i++) {
    if (reader.isNull()) {
      slots.push(null)
      continue
    }
    if (reader.list() !== 2) reader.fail('a slot is a link and a count')
    const link = reader.link()
    slots.push({ link, count: reader.unsigned() })
  }
  const node: BranchNode = { kind: 'branch', depth, slots }
  checkBranch(node)
  return node
}

function checkBranch(node: BranchNode): void {
  if (!Number.isInteger(node.depth) || node.depth < 0 || node.depth > branchDepthMax) {
    throw new FormatError('a branch is 0 to 63 deep')
  }
  if (node.slots.length !== 16) throw new FormatError('a branch has 16 slots')
  for (const slot of node.slots) {
    if (slot === null) continue
    if (!Number.isSafeInteger(slot.count) || slot.count < 1) throw new FormatError('a slot without entries is null')
    if (slot.link.codec !== 'dag-cbor') throw new FormatError('a slot links to a directory node')
  }
  const count = entryCount(node)
  if (count <= leafEntriesMax || count > integerMax) throw new FormatError('a directory of 64 or less is a leaf')
}

export function encodeEntry(entry: Entry): CborValue {
  return decode(written(writer => writeEntry(writer, entry)))
}

export function decodeEntry(value: CborValue): Entry {
  const reader = new CborReader(encode(value))
  return readEntry(reader)
}

/** Writes one entry; throws FormatError for one that breaks a rule. */
export function writeEntry(writer: CborWriter, entry: Entry): void {
  checkEntry(entry)
  writer.list(entry.meta === undefined ? 5 : 6)
  writer.byteString(entry.name)
  writer.integer(kindNumbers[entry.kind])
  writer.integer(entry.mode)
  writer.integer(entry.size)
  writer.link(entry.content)
  if (entry.meta !== undefined) writeMeta(writer, entry.meta)
}

/** Reads one entry and checks it. */
export function readEntry(reader: CborReader): Entry {
  const fields = reader.list()
  if (fields !== 5 && fields !== 6) reader.fail('an entry has five or six fields')
  const name = reader.byteString()
  const kind = kinds[reader.unsigned()]
  if (kind === undefined) reader.fail('an entry of an unknown kind')
  const mode = reader.unsigned()
  const size = reader.unsigned()
  const content = reader.link()
  const entry: Entry =
    fields === 5 ? { name, kind, mode, size, content } : { name, kind, mode, size, content, meta: readMeta(reader) }
  checkEntry(entry)
  return entry
}

function checkEntry(entry: Entry): void {
  const { kind, mode, size, content } = entry
  checkName(entry.name)
  if (!Number.isInteger(mode) || mode < 0 || mode > modeMax) throw new FormatError('a mode is 0 to 0o7777')
  if (!Number.isSafeInteger(size) || size < 0) throw new FormatError('a size is an integer from 0 on')
  if (kind === 'file') {
    if (content.codec === 'raw' ? size > chunkBytesMax : size <= chunkBytesMin) {
      throw new FormatError('a file of that size has another form')
    }
  } else if (kind === 'dir') {
    if (content.codec !== 'dag-cbor') throw new FormatError('a directory links to a node')
  } else {
    if (content.codec !== 'raw' || mode !== symlinkMode) throw new FormatError('a symlink is raw with mode 0o777')
    if (size < 1 || size > linkTargetBytesMax) throw new FormatError('a symlink has a target of 1 to 4095 bytes')
  }
  if (entry.meta !== undefined) checkMeta(entry.meta)
}

function checkMeta({ uid, gid, xattrs }: EntryMeta): void {
  if ((uid === undefined) !== (gid === undefined)) throw new FormatError('uid and gid come together')
  if (uid === undefined && xattrs === undefined) throw new FormatError('empty metadata is left out')
  for (const id of [uid, gid]) {
    if (id !== undefined && !(Number.isInteger(id) && id >= 0 && id <= ownerIdMax)) throw new FormatError('a bad owner')
  }
  if (xattrs === undefined) return
  if (xattrs.length === 0) throw new FormatError('an empty list of attributes is left out')
  let total = 0
  let last: ByteString | undefined
  for (const { name, value } of xattrs) {
    if (name.length === 0 || name.length > xattrNameBytesMax || name.includes('\0')) {
      throw new FormatError('an attribute name has 1 to 255 bytes without NUL')
    }
    if (!isByteString(name) || !isByteString(value)) throw new FormatError('an attribute with a wide char')
    if (last !== undefined && last >= name) throw new FormatError('attributes are not unique and sorted')
    last = name
    total += name.length + value.length
  }
  if (total > metaBytesMax) throw new FormatError('attributes of more than 64 KiB')
}

function writeMeta(writer: CborWriter, { uid, gid, xattrs }: EntryMeta): void {
  const value: Record<string, CborValue> = {}
  if (uid !== undefined) value.uid = uid
  if (gid !== undefined) value.gid = gid
  if (xattrs !== undefined) value.xattrs = xattrs.map(({ name, value }) => [bytesOf(name), bytesOf(value)])
  writer.value(value)
}

function readMeta(reader: CborReader): EntryMeta {
  const meta: { -readonly [key in keyof EntryMeta]: EntryMeta[key] } = {}
  for (let left = reader.map(); left > 0; left--) {
    // In canonical order: gid, uid, xattrs.
    const isOwnerNext = meta.xattrs === undefined
    if (isOwnerNext && meta.gid === undefined && reader.hasKey('gid')) meta.gid = reader.unsigned()
    else if (isOwnerNext && meta.gid !== undefined && meta.uid === undefined && reader.hasKey('uid'))
      meta.uid = reader.unsigned()
    else if (meta.xattrs === undefined && reader.hasKey('xattrs')) meta.xattrs = readXattrs(reader)
    else reader.fail('metadata that is unknown or out of order')
  }
  return meta
}

function readXattrs(reader: CborReader): { name: ByteString; value: ByteString }[] {
  const xattrs: { name: ByteString; value: ByteString }[] = []
  for (let left = reader.list(); left > 0; left--) {
    if (reader.list() !== 2) reader.fail('an attribute is a name and a value')
    const name = reader.byteString()
    xattrs.push({ name, value: reader.byteString() })
  }
  return xattrs
}

/** Equal in everything that is hashed; null stands for an absent path. */
export function sameEntry(a: Entry | null, b: Entry | null): boolean {
  if (a === null || b === null) return a === b
  return (
    a.name === b.name &&
    a.kind === b.kind &&
    a.mode === b.mode &&
    a.size === b.size &&
    sameLink(a.content, b.content) &&
    sameMeta(a.meta, b.meta)
  )
}

function sameMeta(a: EntryMeta | undefined, b: EntryMeta | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.uid !== b.uid || a.gid !== b.gid || a.xattrs?.length !== b.xattrs?.length) return false
  return (a.xattrs ?? []).every(({ name, value }, i) => b.xattrs![i]!.name === name && b.xattrs![i]!.value === value)
}
