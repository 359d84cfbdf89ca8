// How each operation of the screen is run by the core.
import type { System } from '../../core/system.ts'
import type { OperationResult, Work } from '../../core/timeline/model.ts'
import type { TreeOperation } from '../state/operation.ts'

const nothing = { size: 0, read: () => 0 }

/** The work of an operation; it stops with CANCELLED when the signal is aborted. */
export function startOperation(
  system: System,
  operation: TreeOperation,
  options: { readonly signal: AbortSignal; readonly session: string },
): Work<OperationResult> {
  const { signal, session } = options
  switch (operation.do) {
    case 'restore':
      return system.restore(operation.paths, system.resolve(operation.to), {
        signal,
        ...(operation.hunks === undefined ? {} : { hunks: operation.hunks }),
        ...(operation.as === undefined ? {} : { as: operation.as }),
      })
    case 'absorb':
      return system.absorb(operation.paths, { signal })
    case 'remove':
      return system.remove(operation.paths, { recursive: true, signal })
    case 'move':
      return system.move(operation.from, operation.to, { signal })
    case 'copy':
      return system.copy(operation.from, operation.to, { recursive: true, signal })
    case 'makeDirectory':
      return system.makeDirectory(operation.path, { parents: true, signal })
    case 'makeFile':
      return system.put(operation.path, nothing, { parents: true, signal })
    case 'setMode':
      return system.setMode(operation.paths, () => operation.mode, { signal })
    case 'rollback':
      return system.rollback(system.resolve(operation.to), { signal })
    case 'undo':
      return system.undo({ seq: operation.seq, signal })
    case 'redo':
      return system.redo({ session, signal })
    case 'snapshot':
      return system.snapshotCreate({ ...(operation.label === '' ? {} : { label: operation.label }), signal })
    case 'label':
      return system.snapshotLabel(operation.name, operation.label)
    case 'pin':
      return system.snapshotPin(operation.name, operation.pinned)
    case 'removeSnapshot':
      return system.snapshotRemove(operation.name)
  }
}
