// What a memory disk keeps when the power goes: flushed bytes and names for certain, of all others any that the page
// cache happened to have written: lost, reordered, torn at sectors. Tests reopen what is left.

import type { Randomness } from './host.ts'
import {
  applyChange,
  type Content,
  type DirectoryNode,
  type FileNode,
  type MemoryNode,
  type MemoryState,
  newContent,
  type UnflushedChange,
  type UnflushedName,
} from './memoryNodes.ts'

/** What a disk writes as a whole. */
const sectorBytes = 512

type Pick = (below: number) => number

export function flushFile(state: MemoryState, file: FileNode): void {
  if (file.durable === undefined) return
  for (const change of file.unflushed) applyChange(file.durable, change)
  forgetUnflushed(state, file)
}

export function forgetUnflushed(state: MemoryState, file: FileNode): void {
  file.unflushed = []
  state.unflushedFiles.delete(file)
}

export function flushNames(state: MemoryState, directory: DirectoryNode): void {
  const others = state.unflushedNames.filter(change => change.directory !== directory)
  state.unflushedNames = state.powerCut === 'loose' ? others : []
}

export function flushAll(state: MemoryState): void {
  for (const file of [...state.unflushedFiles]) flushFile(state, file)
  state.unflushedNames = []
}

/** Leaves on the disk what the power left. Handles from before must not be used any more. */
export function cutPower(state: MemoryState, random: Randomness): void {
  if (state.powerCut === undefined) throw new TypeError('this memory disk does not model power cuts')
  const pick: Pick = below => Math.floor(fraction(random) * below)
  const lost = state.powerCut === 'ordered' ? lostInOrder(state.unflushedNames, pick) : lostLoosely(state, pick)
  for (const { directory, name, before } of lost.reverse()) {
    if (before === undefined) directory.entries.delete(name)
    else directory.entries.set(name, before)
  }
  for (const file of state.unflushedFiles) {
    if (file.durable === undefined) continue
    for (const change of file.unflushed)
      for (const part of survivingParts(change, pick)) applyChange(file.durable, part)
    file.unflushed = []
  }
  state.unflushedFiles.clear()
  state.unflushedNames = []
  state.lockHolders.clear()
  recount(state)
}

function fraction(random: Randomness): number {
  const bytes = random.bytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32
}

function lostInOrder(changes: readonly UnflushedName[], pick: Pick): UnflushedName[] {
  const calls = [...new Set(changes.map(change => change.call))]
  const lost = new Set(calls.slice(pick(calls.length + 1)))
  return changes.filter(change => lost.has(change.call))
}

function lostLoosely({ unflushedNames }: MemoryState, pick: Pick): UnflushedName[] {
  const byDirectory = Map.groupBy(unflushedNames, change => change.directory)
  const lost = new Set([...byDirectory.values()].flatMap(own => own.slice(pick(own.length + 1))))
  return unflushedNames.filter(change => lost.has(change))
}

// Nothing, all, or some sectors.
function survivingParts(change: UnflushedChange, pick: Pick): UnflushedChange[] {
  const fate = pick(3)
  if (fate === 0) return []
  const { position, bytes } = change
  if (fate === 1 || bytes === undefined) return [change]
  const parts: UnflushedChange[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes))
    if (pick(2) === 0) parts.push({ position: position + at, bytes: bytes.subarray(at, end) })
    at = end
  }
  return parts
}

// The page cache is gone and names came back or went: contents, link counts, parents and used space as the disk says.
function recount(state: MemoryState): void {
  const links = new Map<MemoryNode, number>()
  state.usedBytes = 0
  const visit = (directory: DirectoryNode): void => {
    directory.links = 2
    for (const node of directory.entries.values()) {
      const known = links.get(node) ?? 0
      links.set(node, known + 1)
      if (node.kind === 'dir') directory.links += 1
      if (known > 0) continue
      if (node.kind === 'dir') {
        node.parent = directory
        visit(node)
      } else if (node.kind === 'file') {
        Object.assign(node, copyOf(node.durable ?? newContent()), { openCount: 0 })
        state.usedBytes += node.size
      }
    }
  }
  visit(state.root)
  for (const [node, count] of links) if (node.kind !== 'dir') node.links = count
}

export function copyOf({ bytes, size }: Content): Content {
  return { bytes: bytes.slice(0, size), size }
}
