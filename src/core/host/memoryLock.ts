// The memory host's lock among its processes: who holds which lock file.

import { HostError } from './error.ts'
import type { ByteString, Locks, WriterLock } from './host.ts'
import { isMemoryDirectory, type MemoryDirectory } from './memoryDirectory.ts'
import type { LockHolder, MemoryNode, MemoryState } from './memoryNodes.ts'
import { joinPath } from './names.ts'

export function createMemoryLocks(state: MemoryState, processId: number): Locks {
  return {
    open: (directory, name) => {
      if (!isMemoryDirectory(directory, state)) {
        throw new HostError('UNSUPPORTED', 'lock', joinPath(directory.path, name))
      }
      lockFile(directory, name)
      return openLock(state, directory.clone() as MemoryDirectory, name, { processId })
    },
  }
}

/** Frees what a process holds, as its end does. */
export function releaseLocksOf(state: MemoryState, processId: number): void {
  for (const [file, holder] of state.lockHolders) if (holder.processId === processId) state.lockHolders.delete(file)
}

function openLock(state: MemoryState, directory: MemoryDirectory, name: ByteString, self: LockHolder): WriterLock {
  let open = true
  let held: MemoryNode | undefined
  const release = (): void => {
    if (held !== undefined && state.lockHolders.get(held) === self) state.lockHolders.delete(held)
    held = undefined
  }
  return {
    tryAcquire: () => {
      if (!open) throw new HostError('OTHER', 'lock', joinPath(directory.path, name), new Error('the lock is closed'))
      if (state.readOnly) throw new HostError('READ_ONLY', 'lock', joinPath(directory.path, name))
      const file = lockFile(directory, name)
      if (state.lockHolders.has(file)) return false
      state.lockHolders.set(file, self)
      held = file
      return true
    },
    release,
    close: () => {
      if (!open) return
      open = false
      release()
      directory.close()
    },
  }
}

// Made when it is missing, also when somebody removed it meanwhile.
function lockFile(directory: MemoryDirectory, name: ByteString): MemoryNode {
  if (directory.stat(name) === undefined) directory.open(name, 'create', 0o600).close()
  const file = directory.node.entries.get(name)
  if (file?.kind === 'file') return file
  throw new HostError(file?.kind === 'symlink' ? 'SYMLINK' : 'UNSUPPORTED', 'lock', joinPath(directory.path, name))
}
