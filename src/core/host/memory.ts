// A host in memory: a whole file system with the real one's semantics and errors, locks, and processes that share it.
// For tests, previews and dry runs. Permission bits are kept but forbid nothing, as for root.

import { createSystemClock, createSystemRandomness } from './clock.ts'
import { HostError } from './error.ts'
import type { ByteString, Clock, Directory, Files, Host, Randomness } from './host.ts'
import { isMemoryDirectory, type MemoryDirectory } from './memoryDirectory.ts'
import { createMemoryLocks, releaseLocksOf } from './memoryLock.ts'
import {
  type DirectoryNode,
  type MemoryNode,
  type MemoryState,
  type NameFolding,
  type NameSurvival,
  newOther,
  newState,
  setEntry,
} from './memoryNodes.ts'
import { cutPower } from './memoryPowerCut.ts'
import { copyTree, makePath, openByPath, usedBytesOf, watchNode } from './memoryTree.ts'
import { checkName, joinPath } from './names.ts'

export interface MemoryDiskOptions {
  /** For the times of files; the system's unless given. */
  readonly clock?: Clock
  readonly capacityBytes?: number
  /** How names survive `cutPower`; without it power cuts can not be simulated. */
  readonly powerCut?: NameSurvival
  /** Which names are one; none unless given. */
  readonly names?: NameFolding
}

/** All that a disk holds at one moment, unflushed changes counting as flushed. */
export interface MemorySnapshot {
  readonly root: DirectoryNode
}

/** A file system that lasts while hosts come and go. */
export interface MemoryDisk {
  readonly files: Files
  readonly state: MemoryState
  /** Every changing call fails with READ_ONLY while this is set. */
  setReadOnly(readOnly: boolean): void
  setCapacity(bytes: number): void
  /** A second name for a file, which the port itself never makes. */
  makeHardLink(directory: Directory, name: ByteString, newName: ByteString): void
  makeFifo(directory: Directory, name: ByteString): void
  snapshot(): MemorySnapshot
  /** Goes back; handles from before lead to files that are no longer part of the tree. */
  restore(snapshot: MemorySnapshot): void
  /** Leaves what flushes made durable and, as chance has it, parts of the rest; all locks are free. */
  cutPower(random: Randomness): void
}

export interface MemoryHostOptions {
  readonly disk?: MemoryDisk
  readonly clock?: Clock
  readonly random?: Randomness
  readonly label?: string
  /** Made when it is missing. */
  readonly stateDirectoryPath?: string
}

export interface MemoryHost extends Host {
  readonly disk: MemoryDisk
  /** Ends the host as a process ends: its locks are free, its id is no longer alive. */
  exit(): void
}

export function createMemoryDisk(options: MemoryDiskOptions = {}): MemoryDisk {
  const clock = options.clock ?? createSystemClock()
  const state = newState(clock, {
    powerCut: options.powerCut,
    capacityBytes: options.capacityBytes ?? 2 ** 40,
    names: options.names ?? {},
  })
  return {
    state,
    files: {
      openDirectory: path => openByPath(state, path),
      watch: (directory, changed) => watchNode(ownDirectory(state, directory).node, changed),
    },
    setReadOnly: readOnly => {
      state.readOnly = readOnly
    },
    setCapacity: bytes => {
      state.capacityBytes = bytes
    },
    makeHardLink: (directory, name, newName) => {
      const linked = ownDirectory(state, directory).node.entries.get(name)
      if (linked?.kind !== 'file') throw new HostError('NOT_FOUND', 'link', joinPath(directory.path, name))
      addEntry(state, directory, newName, linked)
    },
    makeFifo: (directory, name) => addEntry(state, directory, name, newOther(state, 0o644)),
    snapshot: () => ({ root: copyTree(state.root) }),
    restore: snapshot => {
      state.root = copyTree(snapshot.root)
      state.unflushedNames = []
      state.unflushedFiles.clear()
      state.lockHolders.clear()
      state.usedBytes = usedBytesOf(state.root)
    },
    cutPower: random => cutPower(state, random),
  }
}

export function createMemoryHost(options: MemoryHostOptions = {}): MemoryHost {
  const clock = options.clock ?? options.disk?.state.clock ?? createSystemClock()
  const disk = options.disk ?? createMemoryDisk({ clock })
  const { state } = disk
  const id = state.processes.size + 1
  state.processes.set(id, true)
  const path = options.stateDirectoryPath
  return {
    disk,
    files: disk.files,
    locks: createMemoryLocks(state, id),
    clock,
    random: options.random ?? createSystemRandomness(),
    processes: {
      id,
      label: options.label ?? 'memory',
      isAlive: other => state.processes.get(other) === true,
      umask: 0o022,
    },
    stateDirectory: path === undefined ? undefined : makePath(state, path),
    exit: () => {
      state.processes.set(id, false)
      releaseLocksOf(state, id)
    },
  }
}

function ownDirectory(state: MemoryState, directory: Directory): MemoryDirectory {
  if (isMemoryDirectory(directory, state)) return directory
  throw new HostError('UNSUPPORTED', 'use', directory.path, new TypeError('a directory of another disk'))
}

function addEntry(state: MemoryState, directory: Directory, name: ByteString, node: MemoryNode): void {
  checkName('add', directory.path, name)
  const { entries } = ownDirectory(state, directory).node
  if (entries.has(name)) throw new HostError('EXISTS', 'add', joinPath(directory.path, name))
  state.callNext += 1
  setEntry(state, ownDirectory(state, directory).node, name, node)
}
