// What the parts of an open journal share: its ports, its files, and what is known of its end.

import type { Marks } from '../format/marks.ts'
import { zeroHash } from '../format/record.ts'
import type { Clock, Directory, Processes, Randomness } from '../host/host.ts'
import type { HashTree } from './hashTree.ts'
import type { RawLock } from './lock.ts'
import type { MarksStore } from './marksFile.ts'
import type { Head, JournalDamage, JournalLimits } from './model.ts'
import type { OffsetTables } from './offsets.ts'
import type { Position, Segments } from './segments.ts'

/** A failed write that could not be taken back: where the acknowledged records end. */
export interface Poison {
  readonly end: Position
}

export interface JournalState {
  head: Head
  /** How many of the head's records are certain; a reader may show more, which the next writer could take back. */
  flushedSize: number
  /** The end of the flushed records: the segment of the last one. */
  end: Position
  /** The newest marks that were read or written. */
  marks: Marks | undefined
  damage: JournalDamage | undefined
  poison: Poison | undefined
  /** The newest marks are of this journal, which knows what it wrote. */
  wrote: boolean
  /** Another process wrote in spite of the lock: nothing more is written until the lock is taken again. */
  intruded: boolean
  /** Size of the stored checkpoint; 0 when there is none. */
  checkpointSize: number
  /** Marks were written since they were flushed. */
  marksUnflushed: boolean
}

export interface JournalContext {
  readonly runtime: Directory
  readonly clock: Clock
  readonly random: Randomness
  readonly processes: Processes
  readonly writable: boolean
  readonly logId: Uint8Array
  readonly limits: JournalLimits
  readonly segments: Segments
  readonly marks: MarksStore
  readonly offsets: OffsetTables
  readonly tree: HashTree
  readonly lock: RawLock
  readonly state: JournalState
}

export const emptyHead: Head = { size: 0, leaf: zeroHash, root: undefined, time: 0, applied: 0 }
