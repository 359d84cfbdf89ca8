// Whole paths and whole trees of the memory file system: finding a directory by path, copying, measuring, watching.

import { HostError } from './error.ts'
import type { ByteString, Files } from './host.ts'
import { type MemoryDirectory, openMemoryDirectory } from './memoryDirectory.ts'
import { type DirectoryNode, type MemoryNode, type MemoryState, newDirectory, setEntry } from './memoryNodes.ts'
import { copyOf } from './memoryPowerCut.ts'
import { bytesOfText, joinPath } from './names.ts'

/** How many symlinks a path may lead through, as on Linux. */
const linksFollowedMax = 40

/** The directory that an absolute path leads to, following symlinks; undefined when something on the way is missing. */
export function openByPath(state: MemoryState, path: string): MemoryDirectory | undefined {
  const rest = partsOf(bytesOfText(path))
  let node = state.root
  let followed = 0
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    const next: MemoryNode | undefined = part === '..' ? node.parent : node.entries.get(part)
    if (next === undefined) return undefined
    if (next.kind === 'symlink') {
      followed += 1
      if (followed > linksFollowedMax) throw new HostError('SYMLINK', 'openDirectory', path)
      if (next.target.startsWith('/')) node = state.root
      rest.unshift(...partsOf(next.target))
    } else if (next.kind === 'dir') {
      node = next
    } else {
      throw new HostError('NOT_A_DIRECTORY', 'openDirectory', path)
    }
  }
  return openMemoryDirectory(state, node, realPathOf(node))
}

function partsOf(path: ByteString): ByteString[] {
  return path.split('/').filter(part => part !== '' && part !== '.')
}

function realPathOf(node: DirectoryNode): string {
  const { parent } = node
  if (parent === undefined || parent === node) return '/'
  for (const [name, entry] of parent.entries) if (entry === node) return joinPath(realPathOf(parent), name)
  return '/'
}

/** Makes the directories of a path that are missing, private ones. */
export function makePath(state: MemoryState, path: string): MemoryDirectory {
  let node = state.root
  for (const part of partsOf(bytesOfText(path))) {
    let next = node.entries.get(part)
    if (next === undefined) {
      next = newDirectory(state, 0o700)
      setEntry(state, node, part, next)
    }
    if (next.kind !== 'dir') throw new HostError('NOT_A_DIRECTORY', 'makeDirectory', path)
    node = next
  }
  return openMemoryDirectory(state, node, realPathOf(node))
}

/** A copy that shares nothing; files with several names keep them. What was not flushed counts as flushed. */
export function copyTree(root: DirectoryNode): DirectoryNode {
  const copies = new Map<MemoryNode, MemoryNode>()
  const copyNode = (node: MemoryNode, parent: DirectoryNode | undefined): MemoryNode => {
    const known = copies.get(node)
    if (known !== undefined) return known
    if (node.kind === 'dir') return copyDirectory(node, parent)
    const copy = node.kind === 'file' ? { ...node, ...copyOf(node), openCount: 0, unflushed: [] } : { ...node }
    if (copy.kind === 'file' && copy.durable !== undefined) Object.assign(copy, { durable: copyOf(copy) })
    copies.set(node, copy)
    return copy
  }
  const copyDirectory = (node: DirectoryNode, parent: DirectoryNode | undefined): DirectoryNode => {
    const copy: DirectoryNode = { ...node, entries: new Map(), watches: new Set(), parent }
    copy.parent ??= copy
    for (const [name, entry] of node.entries) copy.entries.set(name, copyNode(entry, copy))
    return copy
  }
  return copyDirectory(root, undefined)
}

export function usedBytesOf(root: DirectoryNode): number {
  const seen = new Set<MemoryNode>()
  const visit = (directory: DirectoryNode): number => {
    let sum = 0
    for (const node of directory.entries.values()) {
      if (seen.has(node)) continue
      seen.add(node)
      if (node.kind === 'dir') sum += visit(node)
      if (node.kind === 'file') sum += node.size
    }
    return sum
  }
  return visit(root)
}

/** Reports changes in a directory a moment later, as the system does. */
export function watchNode(node: DirectoryNode, changed: Parameters<Files['watch']>[1]): { close(): void } {
  const report = (name: ByteString | undefined): void => {
    setImmediate(() => {
      if (node.watches.has(report)) changed(name === undefined ? { overflow: false } : { name, overflow: false })
    })
  }
  node.watches.add(report)
  return { close: () => node.watches.delete(report) }
}
