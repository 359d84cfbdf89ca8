// The proof level of a listed path: reads its recorded object through the store, which checks each piece against its
// name. What is not recorded, or differs on disk from the record, proves nothing.

import { isSentientError } from '../../core/errors.ts'
import type { System } from '../../core/system.ts'
import type { ListedEntry, StatePoint } from '../../core/timeline/model.ts'
import type { ListedData } from '../data.ts'

type Proof = NonNullable<ListedData['proof']>

const pieceBytes = 256 * 1024

const notes = {
  merkle: 'its record is in the signed Merkle tree, its object was read and has its name; no zero-knowledge proof yet',
  recorded: 'recorded, but no signed checkpoint covers the last record yet, or what is on disk differs',
  none: 'not recorded, or its object cannot be read',
} as const

export function proofOf(system: System, entry: ListedEntry, point: StatePoint): Proof {
  const level = levelOf(system, entry, point)
  return { level, note: notes[level] }
}

function levelOf(system: System, entry: ListedEntry, point: StatePoint): Proof['level'] {
  if (entry.mark === '+' || entry.mark === 's' || entry.mark === ' ' || entry.mark === '!') return 'none'
  if (entry.kind === 'file' && !readsWell(system, entry, point)) return 'none'
  const covered = (system.checkpoint()?.size ?? 0) > point.seq
  return covered && entry.mark !== '~' && entry.mark !== '-' ? 'merkle' : 'recorded'
}

function readsWell(system: System, entry: ListedEntry, point: StatePoint): boolean {
  try {
    const file = system.openFile(entry.path, point)
    if (file === undefined) return false
    try {
      const piece = new Uint8Array(pieceBytes)
      let position = 0
      for (let read = -1; read !== 0; position += read) read = file.read(piece, 0, pieceBytes, position)
      return position === file.size
    } finally {
      file.close()
    }
  } catch (error) {
    if (isSentientError(error, 'DAMAGED', 'OBJECT_MISSING', 'FORGOTTEN')) return false
    throw error
  }
}
