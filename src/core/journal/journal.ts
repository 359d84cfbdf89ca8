// The journal: every record of what happened, in order, chained and Merkle-hashed, durable before it is acknowledged.
// `.runtime/journal` holds the records in segments, `.runtime/marks` how much of them is on disk, `.runtime/tile` and
// `.runtime/checkpoint` what others can check them by.

import { SentientError } from '../errors.ts'
import { segmentBytesMax } from '../format/constants.generated.ts'
import { consistencyPath, inclusionPath, rootAt } from '../format/merkle.ts'
import { isHostError } from '../host/error.ts'
import { readCheckpoint, storeCheckpoint } from './checkpointFile.ts'
import { emptyHead, type JournalContext, type JournalState } from './context.ts'
import { forgetBodies } from './forget.ts'
import { createHashTree } from './hashTree.ts'
import { createRawLock } from './lock.ts'
import { createMarksStore } from './marksFile.ts'
import { type MendedFrame, mendFrames } from './mend.ts'
import type { Journal, JournalLimits, JournalLock, JournalOptions, LockSession } from './model.ts'
import { createOffsetTables } from './offsets.ts'
import { readLeaves, readRawRecords, readRecord, readRecords } from './reader.ts'
import { openEnd, refreshEnd } from './recovery.ts'
import { searchRecords } from './search.ts'
import { createSegments } from './segments.ts'
import type { OtherCopy } from './takeFrom.ts'
import { takeOver } from './takeOver.ts'
import { createTileFiles } from './tiles.ts'
import { verifyJournal } from './verify.ts'
import { appendRecords, noteApplied, writeError, writeMarks } from './writer.ts'

export type {
  Head,
  Journal,
  JournalCheckpoint,
  JournalDamage,
  JournalFinding,
  JournalFindingCode,
  JournalLimits,
  JournalLock,
  JournalOptions,
  JournalRecord,
  JournalVerification,
  LockSession,
  NewRecord,
  PackMark,
  RawRecord,
  RecordRange,
  RecordResult,
  SearchResult,
  VerifyOptions,
} from './model.ts'

const logIdBytes = 16

export const journalLimits: JournalLimits = {
  segmentBytesMax,
  lockWaitMs: 5000,
  holderTouchMs: 500,
  openSegmentsMax: 8,
  earliestMicros: 0,
  findingsMax: 1000,
}

/**
 * Opens the journal in a `.runtime` directory; an empty directory is an empty journal. Takes the same few milliseconds
 * whatever its size: it reads the marks and the last record. Damage found there makes it read-only, see `damage`.
 */
export function openJournal(options: JournalOptions): Journal {
  if (options.logId.length !== logIdBytes) throw new SentientError('INTERNAL', { what: 'A log id has 16 bytes' })
  const context = createContext(options)
  const { state, tree, lock } = context
  try {
    openEnd(context)
  } catch (error) {
    closeContext(context)
    throw error
  }
  const checkSize = (size: number): void => {
    if (Number.isSafeInteger(size) && size >= 0 && size <= state.head.size) return
    throw new SentientError('STATE_NOT_FOUND', {
      what: `The journal has ${state.head.size} records`,
      found: String(size),
    })
  }
  return {
    head: () => state.head,
    refresh: () => !lock.held && refreshEnd(context),
    read: seq => readRecord(context, seq),
    records: range => readRecords(context, range),
    flushedSize: () => Math.min(state.flushedSize, state.head.size),
    rawRecords: range => readRawRecords(context, range),
    search: (range, wanted) => searchRecords(context, range, wanted),
    append: (records, pack, appendOptions) => appendRecords(context, records, pack, appendOptions),
    *forgetBodies(isListed) {
      try {
        yield* forgetBodies(context, isListed)
      } catch (error) {
        throw writeError(error, 'take bodies out of the journal')
      }
    },
    setApplied: (size, applyOptions) => noteApplied(context, size, applyOptions),
    damage: () => state.damage,
    leafHashes(from, to) {
      checkSize(to)
      checkSize(from)
      return readLeaves(context, from, to)
    },
    rootHash(size) {
      checkSize(size)
      return rootAt(size, tree.hashAt)
    },
    subtreeHash(level, index) {
      checkSize((index + 1) * 2 ** level)
      return tree.hashAt(level, index)
    },
    inclusion(index, size) {
      checkSize(size)
      if (!(index >= 0 && index < size)) checkSize(Number.NaN)
      return inclusionPath(size, index, tree.hashAt)
    },
    consistency(from, to) {
      checkSize(to)
      if (from > to) checkSize(Number.NaN)
      return consistencyPath(from, to, tree.hashAt)
    },
    mend: (signal, other) => mend(context, signal, other),
    verify: (verifyOptions = {}) => verifyJournal(context, verifyOptions),
    checkpoint: () => readCheckpoint(context),
    signCheckpoint: signer => storeCheckpoint(context, signer),
    writerLock: createWriterLock(context),
    close: () => closeContext(context),
  }
}

function createContext(options: JournalOptions): JournalContext {
  const { directory: runtime, derived, clock, random, processes, locks, logId } = options
  const limits = { ...journalLimits, ...options.limits }
  const writable = options.access === 'write'
  const state: JournalState = {
    head: emptyHead,
    flushedSize: 0,
    end: { segment: 0, bytes: 0 },
    marks: undefined,
    damage: undefined,
    poison: undefined,
    intruded: false,
    wrote: false,
    checkpointSize: 0,
    marksUnflushed: false,
  }
  const segments = createSegments({
    ...{ runtime, writable, logId, earlierLogIds: options.earlierLogIds ?? [], logIdsNow: options.logIdsNow },
    openMax: limits.openSegmentsMax,
  })
  const context: JournalContext = {
    ...{ runtime, clock, random, processes, logId, writable, limits, state, segments },
    marks: createMarksStore(runtime, writable),
    offsets: createOffsetTables({ derived, segments, processes, writable, openMax: limits.openSegmentsMax }),
    tree: createHashTree({
      files: createTileFiles(runtime),
      size: () => state.head.size,
      checkpointSize: () => state.checkpointSize,
      leaves: (from, to) => readLeaves(context, from, to),
    }),
    lock: createRawLock({
      ...{ runtime, locks, clock, processes },
      waitMs: limits.lockWaitMs,
      touchMs: limits.holderTouchMs,
    }),
  }
  return context
}

function createWriterLock(context: JournalContext): JournalLock {
  const { lock, state } = context
  const requireWritable = (): void => {
    if (!context.writable) throw new SentientError('READ_ONLY', { what: 'The journal was opened for reading' })
    if (state.damage !== undefined) {
      throw new SentientError('DAMAGED', { where: state.damage.where, found: state.damage.reason })
    }
  }
  const run = async <T>(work: (session: LockSession) => Promise<T> | T): Promise<T> => {
    try {
      return await work(takeOverGuarded(context))
    } finally {
      releaseLock(context)
    }
  }
  return {
    get held() {
      return lock.held
    },
    async hold(label, signal, work) {
      requireWritable()
      await lock.acquire(label, signal)
      return run(work)
    },
    async tryHold(label, _signal, work) {
      requireWritable()
      if (lock.tryAcquire(label)) return { held: true, value: await run(work) }
      const holder = lock.holder()
      return holder === undefined ? { held: false } : { held: false, holder }
    },
    progress: () => lock.progress(),
  }
}

async function mend(
  context: JournalContext,
  signal: AbortSignal | undefined,
  other: OtherCopy | undefined,
): Promise<MendedFrame[]> {
  if (!context.writable) throw new SentientError('READ_ONLY', { what: 'The journal was opened for reading' })
  try {
    return await mendFrames(context, signal, other)
  } catch (error) {
    throw writeError(error, 'mend the journal')
  }
}

function takeOverGuarded(context: JournalContext): LockSession {
  try {
    return takeOver(context)
  } catch (error) {
    throw writeError(error, 'make the journal ready for writing')
  }
}

function releaseLock(context: JournalContext): void {
  const { state, lock } = context
  try {
    const sound = state.poison === undefined && state.damage === undefined && !state.intruded
    if (sound && state.marks?.clean === false) {
      writeMarks(context, { clean: true })
    }
  } catch (error) {
    // The next holder will look at the tail, find it whole and go on.
    if (!isHostError(error)) throw error
  } finally {
    lock.release()
  }
}

function closeContext(context: JournalContext): void {
  try {
    if (context.state.marksUnflushed) context.marks.flush()
  } catch (error) {
    // Marks that are not on disk cost the next writer a look at the tail.
    if (!isHostError(error)) throw error
  }
  context.lock.close()
  context.marks.close()
  context.offsets.close()
  context.segments.close()
}
