// When did this path change? Answered from an index of paths and records, kept with the derived data and caught up
// before each question; where none can be kept, from the journal itself.

import { SentientError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import type { ByteString } from '../host/host.ts'
import type { JournalRecord } from '../journal/model.ts'
import { createSlicer } from '../progress.ts'
import { findChange } from '../store/changes.ts'
import type { TimelineContext } from './context.ts'
import type { GovernedPath, TreeChange, Version, Work } from './model.ts'
import { changesOf, requireRecord } from './records.ts'

export const indexName = 'index.sqlite'
const indexVersion = 1
const recordsPerCommit = 20_000
const defaultLimit = 1_000

/** Every record that changed the path itself, newest first. */
export async function* versions(
  context: TimelineContext,
  path: GovernedPath,
  options: { readonly limit?: number; readonly signal?: AbortSignal; readonly database?: Database } = {},
): Work<Version[]> {
  const limit = options.limit ?? defaultLimit
  const found: Version[] = []
  if (options.database === undefined) {
    const slicer = createSlicer(context.clock, options.signal)
    const size = context.journal.head().size
    for (const result of context.journal.records({ from: 0, to: size, reverse: true })) {
      const version = result.state === 'intact' ? versionIn(context, result.record, path) : undefined
      if (version !== undefined) found.push(version)
      if (found.length >= limit) break
      if (slicer.due()) {
        yield {
          phase: 'searching',
          done: result.state === 'intact' ? size - result.record.seq : 0,
          total: size,
          unit: 'records',
        }
        await slicer.pause()
      }
    }
    return found
  }
  yield* catchUp(context, options.database, options.signal)
  const bytes = Buffer.from(path, 'latin1')
  const rows = options.database.all('SELECT seq FROM touch WHERE path = ? ORDER BY seq DESC LIMIT ?', bytes, limit)
  for (const { seq } of rows) {
    const version = versionIn(context, requireRecord(context, Number(seq)), path)
    if (version !== undefined) found.push(version)
  }
  return found
}

function versionIn(context: TimelineContext, record: JournalRecord, path: GovernedPath): Version | undefined {
  const change = changeAt(context, record, path)
  if (change === undefined || record.body === undefined) return undefined
  const { actor, action } = record.body
  return { seq: record.seq, time: record.envelope.time, actor, action, before: change.before, after: change.after }
}

function changeAt(context: TimelineContext, record: JournalRecord, path: GovernedPath): TreeChange | undefined {
  const body = record.body
  if (body?.changes !== undefined) {
    try {
      return findChange(context.store, body.changes, path)
    } catch (error) {
      if (error instanceof SentientError) return undefined
      throw error
    }
  }
  if (body?.subject.kind !== 'file' || body.subject.id !== path) return undefined
  if (body.before === undefined && body.after === undefined) return undefined
  return { path, before: body.before ?? null, after: body.after ?? null }
}

/** Adds the records that the index does not know yet; begins anew when it is of another version or another journal. */
export async function* catchUp(context: TimelineContext, database: Database, signal?: AbortSignal): Work<void> {
  const size = context.journal.head().size
  let next = prepare(context, database)
  if (next >= size) return
  const slicer = createSlicer(context.clock, signal)
  database.run('BEGIN IMMEDIATE')
  try {
    let since = 0
    for (const result of context.journal.records({ from: next, to: size })) {
      if (result.state === 'intact') {
        for (const path of touchedPaths(context, result.record)) {
          database.run(
            'INSERT OR IGNORE INTO touch (path, seq) VALUES (?, ?)',
            Buffer.from(path, 'latin1'),
            result.record.seq,
          )
          since++
        }
        next = result.record.seq + 1
      }
      if (++since >= recordsPerCommit) {
        database.run("UPDATE state SET value = ? WHERE key = 'next'", String(next))
        database.run('COMMIT')
        database.run('BEGIN IMMEDIATE')
        since = 0
      }
      if (slicer.due()) {
        yield { phase: 'indexing', done: next, total: size, unit: 'records' }
        await slicer.pause()
      }
    }
    database.run("UPDATE state SET value = ? WHERE key = 'next'", String(size))
  } finally {
    database.run('COMMIT')
  }
}

function touchedPaths(context: TimelineContext, record: JournalRecord): ByteString[] {
  try {
    return [...changesOf(context, record)].map(change => change.path)
  } catch (error) {
    // A pruned or damaged list is verify's business; the index goes on without it.
    if (error instanceof SentientError) return []
    throw error
  }
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
