// Handles on directories and files of the memory file system, with the semantics and the errors of the real disk seen
// by root: permission bits are kept but forbid nothing.

import { HostError, type HostErrorCode } from './error.ts'
import { type ByteString, createModeDefault, type Directory, type OpenFile, type OpenMode } from './host.ts'
import {
  type DirectoryNode,
  type FileNode,
  fileStatOfNode,
  type MemoryNode,
  type MemoryState,
  nameOnDisk,
  newDirectory,
  newFile,
  newSymlink,
  nowNs,
  releaseIfGone,
  reportAttributes,
  setEntry,
  truncateBytes,
  writeBytes,
} from './memoryNodes.ts'
import { flushAll, flushFile, flushNames, forgetUnflushed } from './memoryPowerCut.ts'
import { checkName, checkTarget, joinPath } from './names.ts'

/** Few, so that tests see several parts. */
const namesPerPart = 16

export interface MemoryDirectory extends Directory {
  readonly state: MemoryState
  readonly node: DirectoryNode
}

export function isMemoryDirectory(directory: Directory, state: MemoryState): directory is MemoryDirectory {
  return 'state' in directory && directory.state === state
}

/** Opens a handle on a directory node; `path` is for messages. */
export function openMemoryDirectory(state: MemoryState, node: DirectoryNode, path: string): MemoryDirectory {
  let open = true
  const full = (name: ByteString): string => joinPath(path, name)
  const requireOpen = (call: string): void => {
    if (!open) throw new HostError('OTHER', call, path, new Error('the directory is closed'))
  }
  const check = (call: string, name: ByteString): void => {
    checkName(call, path, name)
    requireOpen(call)
  }
  const requireWritable = (call: string, name: ByteString): void => {
    if (state.readOnly) throw new HostError('READ_ONLY', call, full(name))
    state.callNext += 1
  }
  const at = (name: ByteString): MemoryNode | undefined => node.entries.get(nameOnDisk(state, node, name))
  const existing = (call: string, name: ByteString): MemoryNode => {
    const found = at(name)
    if (found === undefined) throw new HostError('NOT_FOUND', call, full(name))
    return found
  }
  const add = (call: string, name: ByteString, made: MemoryNode): void => {
    if (node.parent === undefined) throw new HostError('NOT_FOUND', call, full(name))
    if (at(name) !== undefined) throw new HostError('EXISTS', call, full(name))
    requireWritable(call, name)
    setEntry(state, node, nameOnDisk(state, node, name), made)
  }

  return {
    path,
    state,
    node,
    child: name => {
      check('child', name)
      const found = at(name)
      if (found === undefined) return undefined
      if (found.kind !== 'dir') throw new HostError('NOT_A_DIRECTORY', 'child', full(name))
      return openMemoryDirectory(state, found, full(name))
    },
    clone: () => {
      requireOpen('clone')
      return openMemoryDirectory(state, node, path)
    },
    // The youngest first, so that nobody relies on an order that a disk does not have.
    list: () => {
      requireOpen('list')
      return [...node.entries].reverse().map(([name, entry]) => ({ name, kind: entry.kind }))
    },
    *listInParts() {
      requireOpen('list')
      const names = [...node.entries].reverse()
      for (let at = 0; at < names.length; at += namesPerPart)
        yield names.slice(at, at + namesPerPart).map(([name, entry]) => ({ name, kind: entry.kind }))
    },
    stat: name => {
      check('stat', name)
      const found = at(name)
      return found === undefined ? undefined : fileStatOfNode(found)
    },
    selfStat: () => {
      requireOpen('stat')
      return fileStatOfNode(node)
    },
    readLink: name => {
      check('readLink', name)
      const found = existing('readLink', name)
      if (found.kind !== 'symlink') throw new HostError('UNSUPPORTED', 'readLink', full(name))
      return found.target
    },
    open: (name, how, mode = createModeDefault) => {
      check('open', name)
      if (how === 'create') add('open', name, newFile(state, mode & 0o7777))
      const file = requireFile(existing('open', name), full(name))
      if (how !== 'read') requireWritable('open', name)
      return openMemoryFile({ state, file, directory: node, name, how, path: full(name) })
    },
    makeDirectory: (name, mode) => {
      check('makeDirectory', name)
      add('makeDirectory', name, newDirectory(state, mode & 0o7777))
    },
    makeSymlink: (name, target) => {
      check('makeSymlink', name)
      checkTarget('makeSymlink', full(name), target)
      add('makeSymlink', name, newSymlink(state, target))
    },
    rename: (name, to, toName) => {
      check('rename', name)
      requireWritable('rename', name)
      checkName('rename', to.path, toName)
      if (!isMemoryDirectory(to, state)) throw new HostError('CROSS_DEVICE', 'rename', full(name))
      to.selfStat()
      const moved = existing('rename', name)
      const target = nameOnDisk(state, to.node, toName)
      const code = renameRefusal(moved, node, to.node, target)
      if (code !== undefined) throw new HostError(code, 'rename', full(name))
      if (to.node.entries.get(target) === moved) return
      setEntry(state, node, nameOnDisk(state, node, name))
      setEntry(state, to.node, target, moved)
    },
    removeFile: name => {
      check('removeFile', name)
      requireWritable('removeFile', name)
      if (existing('removeFile', name).kind === 'dir') throw new HostError('IS_A_DIRECTORY', 'removeFile', full(name))
      setEntry(state, node, nameOnDisk(state, node, name))
    },
    removeDirectory: name => {
      check('removeDirectory', name)
      requireWritable('removeDirectory', name)
      const found = existing('removeDirectory', name)
      if (found.kind !== 'dir') throw new HostError('NOT_A_DIRECTORY', 'removeDirectory', full(name))
      if (found.entries.size > 0) throw new HostError('NOT_EMPTY', 'removeDirectory', full(name))
      setEntry(state, node, nameOnDisk(state, node, name))
    },
    setMode: (name, mode) => {
      check('setMode', name)
      const found = existing('setMode', name)
      requireWritable('setMode', name)
      if (found.kind === 'symlink') throw new HostError('SYMLINK', 'setMode', full(name))
      if (found.kind === 'other') throw new HostError('UNSUPPORTED', 'setMode', full(name))
      found.mode = mode & 0o7777
      found.ctimeNs = nowNs(state)
      reportAttributes(node, name, found)
    },
    setTimes: (name, mtimeNs) => {
      check('setTimes', name)
      const found = existing('setTimes', name)
      requireWritable('setTimes', name)
      found.mtimeNs = mtimeNs
      found.ctimeNs = nowNs(state)
      reportAttributes(node, name, found)
    },
    flush: () => {
      requireOpen('flush')
      flushNames(state, node)
    },
    flushFileSystem: () => {
      requireOpen('flushFileSystem')
      flushAll(state)
    },
    freeBytes: () => {
      requireOpen('freeBytes')
      return Math.max(0, state.capacityBytes - state.usedBytes)
    },
    close: () => {
      open = false
    },
  }
}

function requireFile(node: MemoryNode, path: string): FileNode {
  if (node.kind === 'file') return node
  if (node.kind === 'symlink') throw new HostError('SYMLINK', 'open', path)
  throw new HostError(node.kind === 'dir' ? 'IS_A_DIRECTORY' : 'UNSUPPORTED', 'open', path)
}

// Why Linux would refuse the rename, in the order in which it looks.
function renameRefusal(
  moved: MemoryNode,
  from: DirectoryNode,
  to: DirectoryNode,
  toName: ByteString,
): HostErrorCode | undefined {
  if (to.parent === undefined) return 'NOT_FOUND'
  const target = to.entries.get(toName)
  if (moved.kind === 'dir' && isWithin(to, moved)) return 'OTHER'
  if (target === moved || target === undefined) return undefined
  if (target.kind === 'dir' && isWithin(from, target)) return 'NOT_EMPTY'
  if (moved.kind !== 'dir') return target.kind === 'dir' ? 'IS_A_DIRECTORY' : undefined
  if (target.kind !== 'dir') return 'NOT_A_DIRECTORY'
  return target.entries.size > 0 ? 'NOT_EMPTY' : undefined
}

function isWithin(directory: DirectoryNode, ancestor: DirectoryNode): boolean {
  for (let at: DirectoryNode | undefined = directory; at !== undefined; at = at.parent) {
    if (at === ancestor) return true
    if (at.parent === at) return false
  }
  return false
}

interface OpenMemoryFile {
  readonly state: MemoryState
  readonly file: FileNode
  readonly directory: DirectoryNode
  readonly name: ByteString
  readonly how: OpenMode
  readonly path: string
}

export interface MemoryFile extends OpenFile {
  /**
   * A flush that failed: as Linux does, the bytes stay readable, count as clean and are never written; a later flush
   * that succeeds means nothing for them. A power cut shows it.
   */
  failFlush(): void
}

function openMemoryFile({ state, file, directory, name, how, path }: OpenMemoryFile): MemoryFile {
  let open = true
  file.openCount += 1
  const require = (call: string): void => {
    if (!open) throw new HostError('OTHER', call, path, new Error('the file is closed'))
  }
  const change = (call: string, body: () => void): void => {
    require(call)
    if (how === 'read' && call !== 'setMode') throw new HostError('OTHER', call, path, new Error('opened for reading'))
    if (state.readOnly) throw new HostError('READ_ONLY', call, path)
    try {
      body()
    } catch (error) {
      throw error instanceof HostError ? new HostError(error.code, call, path) : error
    } finally {
      for (const report of directory.watches) report(name)
    }
  }
  return {
    read: (target, offset, length, position) => {
      require('read')
      const part = file.bytes.subarray(position, Math.max(position, Math.min(file.size, position + length)))
      target.set(part, offset)
      return part.length
    },
    write: (bytes, position) => {
      require('write')
      if (bytes.length > 0) change('write', () => writeBytes(state, file, bytes, position))
    },
    truncate: size => change('truncate', () => truncateBytes(state, file, size)),
    flush: () => {
      require('flush')
      flushFile(state, file)
    },
    failFlush: () => forgetUnflushed(state, file),
    stat: () => {
      require('stat')
      return fileStatOfNode(file)
    },
    setMode: mode =>
      change('setMode', () => {
        file.mode = mode & 0o7777
        file.ctimeNs = nowNs(state)
      }),
    close: () => {
      if (!open) return
      open = false
      file.openCount -= 1
      releaseIfGone(state, file)
    },
  }
}
