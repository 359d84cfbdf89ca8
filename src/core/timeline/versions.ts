// When did this path change? Answered from an index of paths and records, kept with the derived data and added to by
// each question; what it does not know yet, and where none can be kept, from the journal itself.

import { SentientError } from '../errors.ts'
import { type Database, isDatabaseError } from '../host/database.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer, inSlices } from '../progress.ts'
import type { TimelineContext } from './context.ts'
import type { GovernedPath, Version, Work } from './model.ts'
import { bytesOfPath, changeAt, changesOf, requireRecord } from './records.ts'

export const indexName = 'index.sqlite'
const indexVersion = 1
/** Records, and paths of records, that one question adds to the index. */
const addedPerQuestion = 10_000
const defaultLimit = 1_000

interface VersionsOptions {
  readonly limit?: number
  readonly signal?: AbortSignal
  readonly database?: Database
}

/** Every record that changed the path itself, newest first. */
export async function* versions(
  context: TimelineContext,
  path: GovernedPath,
  options: VersionsOptions = {},
): Work<Version[]> {
  const { database, limit = defaultLimit, signal } = options
  const indexed = database === undefined ? 0 : yield* catchUp(context, database, signal)
  const found = yield* searched(context, path, { from: indexed, limit, signal })
  if (database === undefined || found.length >= limit) return found
  const slicer = createSlicer(context.clock, signal)
  const bytes = Buffer.from(path, 'latin1')
  const rows = database.all(
    'SELECT seq FROM touch WHERE path = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
    bytes,
    indexed,
    limit - found.length,
  )
  for (const { seq } of rows) {
    const version = versionIn(context, requireRecord(context, Number(seq)), path)
    if (version !== undefined) found.push(version)
    if (slicer.due()) {
      yield { phase: 'searching', done: found.length, unit: 'records' }
      await slicer.pause()
    }
  }
  return found
}

/** The same of the records from `from` on, from the journal alone. */
async function* searched(
  context: TimelineContext,
  path: GovernedPath,
  { from, limit, signal }: { readonly from: number; readonly limit: number; readonly signal?: AbortSignal },
): Work<Version[]> {
  const slicer = createSlicer(context.clock, signal)
  const to = context.journal.head().size
  const found: Version[] = []
  for (const result of context.journal.search({ from, to, reverse: true }, bytesOfPath(path))) {
    const version = result.state === 'intact' ? versionIn(context, result.record, path) : undefined
    if (version !== undefined) found.push(version)
    if (found.length >= limit) break
    if (slicer.due()) {
      const seq = result.state === 'intact' ? result.record.seq : result.seq
      yield { phase: 'searching', done: to - seq, total: to - from, unit: 'records' }
      await slicer.pause()
    }
  }
  return found
}

function versionIn(context: TimelineContext, record: JournalRecord, path: GovernedPath): Version | undefined {
  const change = changeAt(context, record, path)
  if (change === undefined || record.body === undefined) return undefined
  const { actor, action } = record.body
  return { seq: record.seq, time: record.envelope.time, actor, action, before: change.before, after: change.after }
}

/** Whose index is being added to: one transaction at a time. */
const busy = new WeakSet<Database>()

/**
 * Adds records to the index and returns how many it stands for; begins anew when it is of another version or another
 * journal. Not all at once: a long journal is indexed by many questions, each of which searches what is left.
 */
async function* catchUp(context: TimelineContext, database: Database, signal?: AbortSignal): Work<number> {
  try {
    const next = prepare(context, database)
    if (next >= context.journal.head().size || busy.has(database)) return next
    busy.add(database)
    try {
      return yield* index(context, database, { from: next, signal })
    } finally {
      busy.delete(database)
    }
  } catch (error) {
    // A full disk, another process that keeps it busy: the journal knows as much.
    if (isDatabaseError(error)) return 0
    throw error
  }
}

async function* index(
  context: TimelineContext,
  database: Database,
  { from, signal }: { readonly from: number; readonly signal: AbortSignal | undefined },
): Work<number> {
  const slicer = createSlicer(context.clock, signal)
  const size = context.journal.head().size
  let next = from
  const progress = () => ({ phase: 'indexing', done: next, total: size, unit: 'records' }) as const
  database.run('BEGIN IMMEDIATE')
  try {
    let added = 0
    for (const result of context.journal.records({ from, to: size })) {
      if (result.state === 'intact') {
        added += yield* inSlices(slicer, addTouches(context, database, result.record), progress)
      }
      next = (result.state === 'intact' ? result.record.seq : result.seq) + 1
      if (++added >= addedPerQuestion) break
    }
  } finally {
    database.run("UPDATE state SET value = ? WHERE key = 'next'", String(next))
    database.run('COMMIT')
  }
  return next
}

/** Adds the paths of a record, stopping after each; a list that is pruned or damaged is verify's business. */
function* addTouches(
  context: TimelineContext,
  database: Database,
  record: JournalRecord,
): Generator<undefined, number> {
  let added = 0
  yield
  try {
    for (const { path } of changesOf(context, record)) {
      const bytes = Buffer.from(path, 'latin1')
      database.run('INSERT OR IGNORE INTO touch (path, seq) VALUES (?, ?)', bytes, record.seq)
      added++
      yield
    }
  } catch (error) {
    if (!(error instanceof SentientError)) throw error
  }
  return added
}

function prepare(context: TimelineContext, database: Database): number {
  const journal = journalKey(context)
  database.run('CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID')
  const row = (key: string) => database.all('SELECT value FROM state WHERE key = ?', key)[0]?.value
  if (row('version') !== String(indexVersion) || row('journal') !== journal) {
    database.run('DROP TABLE IF EXISTS touch')
    database.run('CREATE TABLE touch (path BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (path, seq)) WITHOUT ROWID')
    database.run(
      "INSERT OR REPLACE INTO state VALUES ('version', ?), ('journal', ?), ('next', '0')",
      String(indexVersion),
      journal,
    )
  }
  const next = Number(row('next') ?? 0)
  return Number.isSafeInteger(next) ? next : 0
}

/** What tells one journal from another: its first leaf. */
function journalKey(context: TimelineContext): string {
  return Buffer.from(requireRecord(context, 0).leaf).toString('hex')
}
