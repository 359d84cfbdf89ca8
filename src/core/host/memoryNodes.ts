// The inodes of the memory file system: what a name leads to, and the state that all handles on one disk share.
// What is written and not yet flushed is kept apart where power cuts are modelled, see memoryPowerCut.ts.

import { HostError } from './error.ts'
import type { ByteString, Clock, FileStat } from './host.ts'

interface NodeBase {
  readonly inode: bigint
  mode: number
  mtimeNs: bigint
  ctimeNs: bigint
  links: number
}

/** A change to a file's bytes that no flush has made durable yet; without `bytes` it is a truncation. */
export interface UnflushedChange {
  readonly position: number
  readonly bytes: Uint8Array | undefined
}

/** The bytes of a file: the first `size` of `bytes`; what lies beyond is zero. */
export interface Content {
  bytes: Uint8Array
  size: number
}

export interface FileNode extends NodeBase, Content {
  readonly kind: 'file'
  openCount: number
  /** What is certain to survive a power cut; undefined where power cuts are not modelled. */
  readonly durable: Content | undefined
  unflushed: UnflushedChange[]
}

export interface DirectoryNode extends NodeBase {
  readonly kind: 'dir'
  readonly entries: Map<ByteString, MemoryNode>
  /** Itself for the root, undefined once the directory is removed. */
  parent: DirectoryNode | undefined
  readonly watches: Set<(name: ByteString | undefined) => void>
}

export interface SymlinkNode extends NodeBase {
  readonly kind: 'symlink'
  readonly target: ByteString
}

/** A fifo, socket or device. */
export interface OtherNode extends NodeBase {
  readonly kind: 'other'
}

export type MemoryNode = FileNode | DirectoryNode | SymlinkNode | OtherNode

/** A change of one name that no flush has made durable yet. Those of one call share `call`. */
export interface UnflushedName {
  readonly call: number
  readonly directory: DirectoryNode
  readonly name: ByteString
  /** What the name led to before. */
  readonly before: MemoryNode | undefined
}

/**
 * How names that were not flushed survive a power cut. `ordered`: all up to a point in time and none after it, renames
 * whole, and a flush of any directory flushes all names, as with a journaling file system. `loose`: each directory
 * for itself, so that a file renamed between two may be found in both or in neither.
 */
export type NameSurvival = 'ordered' | 'loose'

/** A file system that takes several names for one. */
export interface NameFolding {
  /** Upper and lower case are one name, and a name is kept as it was first given; else every name is kept apart. */
  readonly foldsCase?: boolean
  /** Composed and decomposed letters are one name, kept decomposed. */
  readonly normalises?: boolean
}

/** What all handles on one memory disk share. */
export interface MemoryState {
  readonly names: NameFolding
  readonly clock: Clock
  /** How power cuts are modelled; undefined: not at all, which saves memory. */
  readonly powerCut: NameSurvival | undefined
  root: DirectoryNode
  inodeNext: bigint
  callNext: number
  readOnly: boolean
  capacityBytes: number
  usedBytes: number
  unflushedNames: UnflushedName[]
  /** Files with unflushed bytes; a file leaves when it is flushed. */
  readonly unflushedFiles: Set<FileNode>
  /** Who holds the lock on a lock file. */
  readonly lockHolders: Map<MemoryNode, LockHolder>
  /** The processes that ever used the disk, and whether they live. */
  readonly processes: Map<number, boolean>
}

/** One handle of one process. */
export interface LockHolder {
  readonly processId: number
}

export function newState(
  clock: Clock,
  options: {
    readonly powerCut: NameSurvival | undefined
    readonly capacityBytes: number
    readonly names: NameFolding
  },
): MemoryState {
  const { powerCut, capacityBytes, names } = options
  const state: MemoryState = {
    names,
    clock,
    powerCut,
    root: bareDirectory({ inode: 2n, mode: 0o755, mtimeNs: 0n, ctimeNs: 0n, links: 2 }),
    inodeNext: 3n,
    callNext: 1,
    readOnly: false,
    capacityBytes,
    usedBytes: 0,
    unflushedNames: [],
    unflushedFiles: new Set(),
    lockHolders: new Map(),
    processes: new Map(),
  }
  state.root.parent = state.root
  return state
}

const deviceNumber = 1

export function nowNs(state: MemoryState): bigint {
  return BigInt(Math.floor(state.clock.nowMicros())) * 1000n
}

function baseOf(state: MemoryState, mode: number): NodeBase {
  const now = nowNs(state)
  const inode = state.inodeNext
  state.inodeNext += 1n
  return { inode, mode, mtimeNs: now, ctimeNs: now, links: 0 }
}

export function newFile(state: MemoryState, mode: number): FileNode {
  const durable = state.powerCut === undefined ? undefined : newContent()
  return { kind: 'file', ...baseOf(state, mode), ...newContent(), openCount: 0, durable, unflushed: [] }
}

export function newContent(): Content {
  return { bytes: new Uint8Array(0), size: 0 }
}

export function newDirectory(state: MemoryState, mode: number): DirectoryNode {
  return bareDirectory({ ...baseOf(state, mode), links: 2 })
}

function bareDirectory(base: NodeBase): DirectoryNode {
  return { kind: 'dir', ...base, entries: new Map(), parent: undefined, watches: new Set() }
}

export function newSymlink(state: MemoryState, target: ByteString): SymlinkNode {
  return { kind: 'symlink', ...baseOf(state, 0o777), target }
}

export function newOther(state: MemoryState, mode: number): OtherNode {
  return { kind: 'other', ...baseOf(state, mode) }
}

export function fileStatOfNode(node: MemoryNode): FileStat {
  const size = node.kind === 'file' ? node.size : node.kind === 'symlink' ? node.target.length : 0
  const { kind, mode, mtimeNs, ctimeNs, inode, links } = node
  return { kind, mode, size, mtimeNs, ctimeNs, dev: deviceNumber, inode, links }
}

/** Tells who watches the directory, or the directory that the name leads to, that its mode or times changed. */
export function reportAttributes(directory: DirectoryNode, name: ByteString, node: MemoryNode): void {
  for (const report of directory.watches) report(name)
  if (node.kind === 'dir') for (const report of node.watches) report(undefined)
}

/** The name under which a directory has, or would keep, what is called `name`. */
export function nameOnDisk({ names }: MemoryState, directory: DirectoryNode, name: ByteString): ByteString {
  if ((names.foldsCase !== true && names.normalises !== true) || directory.entries.has(name)) return name
  const given = Buffer.from(name, 'latin1').toString('utf8')
  const kept = names.normalises === true ? Buffer.from(given.normalize('NFD')).toString('latin1') : name
  if (names.foldsCase !== true || directory.entries.has(kept)) return kept
  const folded = (other: ByteString) => Buffer.from(other, 'latin1').toString('utf8').toLowerCase()
  return [...directory.entries.keys()].find(other => folded(other) === folded(kept)) ?? kept
}

/** Lets `name` lead to `node`, or to nothing; keeps link counts, times and the unflushed names. */
export function setEntry(state: MemoryState, directory: DirectoryNode, name: ByteString, node?: MemoryNode): void {
  const before = directory.entries.get(name)
  const now = nowNs(state)
  if (before !== undefined) unlinkNode(state, directory, before, now)
  if (node === undefined) {
    directory.entries.delete(name)
  } else {
    directory.entries.set(name, node)
    node.ctimeNs = now
    if (node.kind === 'dir') {
      node.parent = directory
      directory.links += 1
    } else {
      node.links += 1
    }
  }
  directory.mtimeNs = now
  directory.ctimeNs = now
  if (state.powerCut !== undefined) state.unflushedNames.push({ call: state.callNext, directory, name, before })
  for (const report of directory.watches) report(name)
}

function unlinkNode(state: MemoryState, directory: DirectoryNode, node: MemoryNode, now: bigint): void {
  node.ctimeNs = now
  if (node.kind === 'dir') {
    node.parent = undefined
    directory.links -= 1
    return
  }
  node.links -= 1
  if (node.kind === 'file') releaseIfGone(state, node)
}

/** Gives the space of a file back that has neither a name nor a handle. */
export function releaseIfGone(state: MemoryState, node: FileNode): void {
  if (node.links === 0 && node.openCount === 0) state.usedBytes -= node.size
}

/** Writes what fits, then throws NO_SPACE where not all did. */
export function writeBytes(state: MemoryState, node: FileNode, bytes: Uint8Array, position: number): void {
  const room = node.size + Math.max(0, state.capacityBytes - state.usedBytes)
  const fitting = bytes.subarray(0, Math.max(0, Math.min(bytes.length, room - position)))
  if (fitting.length > 0) change(state, node, { position, bytes: fitting })
  if (fitting.length < bytes.length) throw new HostError('NO_SPACE', 'write', '')
}

export function truncateBytes(state: MemoryState, node: FileNode, size: number): void {
  if (size - node.size > state.capacityBytes - state.usedBytes) throw new HostError('NO_SPACE', 'truncate', '')
  change(state, node, { position: size, bytes: undefined })
}

function change(state: MemoryState, node: FileNode, made: UnflushedChange): void {
  const sizeBefore = node.size
  applyChange(node, made)
  state.usedBytes += node.size - sizeBefore
  const now = nowNs(state)
  node.mtimeNs = now
  node.ctimeNs = now
  if (node.durable === undefined) return
  // A copy, as the caller may use its buffer again (`slice` of a Buffer makes none).
  node.unflushed.push({ position: made.position, bytes: made.bytes && new Uint8Array(made.bytes) })
  state.unflushedFiles.add(node)
}

export function applyChange(content: Content, { position, bytes }: UnflushedChange): void {
  const size = bytes === undefined ? position : Math.max(content.size, position + bytes.length)
  if (size < content.size) content.bytes.fill(0, size, content.size)
  if (size > content.bytes.length) {
    const larger = new Uint8Array(Math.max(size, content.bytes.length * 2))
    larger.set(content.bytes.subarray(0, content.size))
    content.bytes = larger
  }
  content.size = size
  if (bytes !== undefined) content.bytes.set(bytes, position)
}
