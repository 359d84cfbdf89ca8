// The words of the journal: what its callers give, get and hold. `journal.ts` opens one; the other files of this
// folder are its parts and see each other through `context.ts`.

import type { ObjectId } from '../format/id.ts'
import type { Marks } from '../format/marks.ts'
import type { NoteSigner } from '../format/note.ts'
import type { Body, Envelope } from '../format/record.ts'
import type { Clock, Directory, Locks, Processes, Randomness } from '../host/host.ts'
import type { Progress } from '../progress.ts'
import type { OtherCopy } from './takeFrom.ts'

export interface JournalLimits {
  /** A frame that would pass it starts a new segment. */
  readonly segmentBytesMax: number
  /** How long a waiter stands a holder that makes no progress. */
  readonly lockWaitMs: number
  /** A holder writes its advisory file at most this often. */
  readonly holderTouchMs: number
  /** Segments and offset tables held open at a time. */
  readonly openSegmentsMax: number
  /** A clock before it is wrong: when this program was built. */
  readonly earliestMicros: number
  /** Findings of one verification that are kept; more are only counted. */
  readonly findingsMax: number
}

export interface JournalOptions {
  /** `.runtime`; made by the caller. The journal never closes it. */
  readonly directory: Directory
  /** `.db`, where the offset tables go; without it they are kept in memory. The journal never closes it. */
  readonly derived?: Directory | undefined
  readonly clock: Clock
  readonly random: Randomness
  readonly processes: Processes
  readonly locks: Locks
  readonly access: 'read' | 'write'
  /** The 16 bytes that every segment of this log carries. */
  readonly logId: Uint8Array
  /** Ids that older segments may carry: the folder is a copy of those logs. */
  readonly earlierLogIds?: readonly Uint8Array[]
  /** This log's id and the earlier ones as they are now: another process may have made it a log of its own meanwhile. */
  readonly logIdsNow?: () => readonly Uint8Array[]
  readonly limits?: Partial<JournalLimits>
}

export interface NewRecord {
  readonly root: ObjectId
  readonly body: Body
  /** Microseconds; the clock's when left out. Earlier than the record before: kept, and marked doubtful. */
  readonly time?: number
}

/** The end of the journal as far as it is known to be flushed. */
export interface Head {
  /** Records. */
  readonly size: number
  /** Leaf hash of the last record; 32 zero bytes when there is none. */
  readonly leaf: Uint8Array
  readonly root: ObjectId | undefined
  /** Of the last record; 0 when there is none. */
  readonly time: number
  /** How many records have been applied to the governed tree. */
  readonly applied: number
}

export interface JournalRecord {
  readonly seq: number
  readonly envelope: Envelope
  /** Undefined when the body was removed by `forget`. */
  readonly body: Body | undefined
  /** Size of the frame. */
  readonly bytes: number
  readonly leaf: Uint8Array
}

/** What a caller has to branch on. `missing`: the journal has no such record (yet). */
export type RecordResult =
  | { readonly state: 'intact'; readonly record: JournalRecord }
  | { readonly state: 'missing'; readonly seq: number }
  | { readonly state: 'damaged'; readonly seq: number; readonly where: string; readonly reason: string }

/** A record as it lies in its segment. The bytes are views that the next step overwrites. */
export type RawRecord =
  | {
      readonly state: 'intact'
      readonly seq: number
      readonly envelopeBytes: Uint8Array
      /** Null, as `bodyBytes`, when the body was forgotten. */
      readonly salt: Uint8Array | null
      readonly bodyBytes: Uint8Array | null
    }
  | Extract<RecordResult, { readonly state: 'damaged' }>

export interface RecordRange {
  /** The first record. */
  readonly from: number
  /** The record after the last; the head's size when left out. */
  readonly to?: number
  /** From the last to the first. */
  readonly reverse?: boolean
}

/** `passed`: between the records given so far and `seq` (in the direction of the search) nothing was found. */
export type SearchResult = RecordResult | { readonly state: 'passed'; readonly seq: number }

/** Why a journal can be read only. */
export interface JournalDamage {
  /** File and offset below `.runtime`. */
  readonly where: string
  readonly reason: string
  /** The first record that is affected, where it is known. */
  readonly seq?: number
}

export type JournalFindingCode =
  | 'segment' // a segment's header or name, a segment that should not be there or is not
  | 'frame' // bytes that are no valid frame
  | 'sequence' // a record that is not there, or out of order
  | 'chain' // `prev` is not the leaf hash of the record before
  | 'body' // the body does not have the hash that the envelope names, or is no body
  | 'forgotten' // a body is missing and no record says that it was removed
  | 'time' // a time before the record before, not marked doubtful
  | 'tile' // a hash tile is missing or wrong
  | 'marks'
  | 'checkpoint'

export interface JournalFinding {
  readonly code: JournalFindingCode
  readonly where: string
  readonly reason: string
  readonly seq?: number
  readonly expected?: string
  readonly found?: string
}

/** What a verification looked at and found. */
export interface JournalVerification {
  /** Records [from, to) were checked. */
  readonly from: number
  readonly to: number
  readonly records: number
  readonly segments: number
  readonly bytes: number
  readonly tiles: number
  /** Bodies that were removed, each with a record that says so. */
  readonly forgotten: number
  /** Records whose time is marked doubtful. */
  readonly doubtful: number
  /** The Merkle root of [0, to), when every record of it could be read. */
  readonly root: Uint8Array | undefined
  readonly findings: readonly JournalFinding[]
  /** Findings beyond the limit. */
  readonly findingsOmitted: number
}

export interface VerifyOptions {
  /** The first record to check; 0 when left out. */
  readonly since?: number
  readonly signal?: AbortSignal | undefined
  /** Called with each intact record in order: a deeper verification looks at what they name. */
  readonly each?: (record: JournalRecord) => void
}

/** The stored checkpoint. Its signature was checked by nobody yet: that takes the trusted keys. */
export interface JournalCheckpoint {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
  /** The whole signed note, as text and as the bytes of the file. */
  readonly text: string
  readonly bytes: Uint8Array
}

/** What has been flushed of the shared pack, for the mark. */
export interface PackMark {
  readonly number: number
  readonly flushedBytes: number
  /** The eight bytes of the pack's header. */
  readonly packId?: Uint8Array
}

export interface AppendOptions {
  /** The records begin a segment, unless the last one is empty. */
  readonly newSegment?: boolean
}

export interface LockSession {
  /** The last holder did not release the lock: what lay beyond its mark was checked and written again. */
  readonly uncleanTakeover: boolean
  /** As it was found when the lock was taken. */
  readonly mark: Marks
}

export interface JournalLock {
  /**
   * Waits for the lock, runs `work`, releases. Not re-entrant. Throws LOCKED with the holder's name after five seconds
   * in which the holder made no progress, DAMAGED when the journal's tail is damaged, READ_ONLY when it was opened so.
   */
  hold<T>(label: string, signal: AbortSignal | undefined, work: (session: LockSession) => Promise<T> | T): Promise<T>
  /** The same without waiting. */
  tryHold<T>(
    label: string,
    signal: AbortSignal | undefined,
    work: (session: LockSession) => Promise<T> | T,
  ): Promise<{ readonly held: true; readonly value: T } | { readonly held: false; readonly holder?: string }>
  /** True while `work` of this journal's `hold` runs. */
  readonly held: boolean
  /** Tells waiters that the holder is alive; cheap enough to call often. */
  progress(): void
}

export interface Journal {
  /** Flushed records only. */
  head(): Head
  /** Looks for what other processes appended; true when the head moved or more was applied. */
  refresh(): boolean
  read(seq: number): RecordResult
  /** Streams the frames. Reverse from the end walks backwards by the frames' trailing lengths and needs no table. */
  records(range: RecordRange): Generator<RecordResult, void>
  /** How many of the head's records are certain to be on disk: what may be carried elsewhere. */
  flushedSize(): number
  /** Records as they lie there, for whoever carries them elsewhere and checks them itself. */
  rawRecords(range: RecordRange): Generator<RawRecord, void>
  /**
   * The records whose bodies hold any of these byte sequences (see format/bodyBytes.ts), and perhaps some that do not:
   * callers look at what they get. The others are passed over unchecked. Says how far it came about every megabyte.
   */
  search(range: RecordRange, wanted: readonly Uint8Array[]): Generator<SearchResult, void>
  /**
   * Under the lock. One flush for all (two where a segment ends within). After the return the records are durable; when
   * it throws, none was acknowledged, and none is there unless the message says that this is uncertain.
   */
  append(records: readonly NewRecord[], pack: PackMark, options?: AppendOptions): JournalRecord[]
  /**
   * Under the lock: takes the bodies of these records out of all segments but the last. The record that lists them is
   * there and began that segment. Yields the seq now and then; finishes what an earlier run left undone.
   */
  forgetBodies(isListed: (seq: number) => boolean): Generator<number, void>
  /** Under the lock: the first `size` records have been applied. `flush` makes that durable at once. */
  setApplied(size: number, options?: { readonly flush?: boolean }): void
  /** Found at opening or when the lock was taken: the journal is read-only then. */
  damage(): JournalDamage | undefined
  /** Leaf hashes of the records [from, to); throws DAMAGED where one cannot be had. */
  leafHashes(from: number, to: number): Uint8Array[]
  /** RFC 6962 root of the first `size` records. */
  rootHash(size: number): Uint8Array
  /** The root of the 2^level records from index * 2^level on, all of which must be there. */
  subtreeHash(level: number, index: number): Uint8Array
  /** RFC 6962 audit path of record `index` in the tree of the first `size` records. */
  inclusion(index: number, size: number): Uint8Array[]
  /** RFC 6962 consistency proof between the trees of the first `from` and `to` records. */
  consistency(from: number, to: number): Uint8Array[]
  verify(options?: VerifyOptions): AsyncGenerator<Progress, JournalVerification, void>
  /**
   * Takes the lock itself, damage or not. Puts right what one changed byte did to records, where hashes prove what they
   * were; the damaged segments are kept in `torn`. What is lost is taken from another copy, where it is proven to be what
   * was here. Returns the records that can be read again.
   */
  mend(signal?: AbortSignal, other?: OtherCopy): Promise<readonly { readonly seq: number; readonly where: string }[]>
  /** The stored one, read anew; undefined when there is none, throws DAMAGED when it cannot be read. */
  checkpoint(): JournalCheckpoint | undefined
  /** Under the lock. Of the flushed size; the tiles it covers and the marks are flushed before it is stored. */
  signCheckpoint(signer: NoteSigner): JournalCheckpoint
  readonly writerLock: JournalLock
  close(): void
}
