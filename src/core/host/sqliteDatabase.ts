// Databases of derived data over node:sqlite. Nothing in them is worth a flush: a damaged file is thrown away.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Database, Databases, DatabaseValue } from './database.ts'
import { type DiskDirectory, isDiskDirectory } from './diskDirectory.ts'
import { isHostError } from './error.ts'
import type { ByteString, Directory } from './host.ts'
import { isDamage, loadSqlite } from './sqliteModule.ts'

/** How many prepared statements a database keeps. */
const statementsMax = 64

/** How long a statement waits for another process that writes. */
const busyMs = 2_000

export function createSqliteDatabases(): Databases {
  return {
    open: (directory, name) => {
      if (!isDiskDirectory(directory)) return undefined
      const first = tryOpen(directory, name)
      if (first !== 'damaged') return first
      for (const suffix of ['', '-journal', '-wal', '-shm']) removeIfThere(directory, name + suffix)
      const second = tryOpen(directory, name)
      return second === 'damaged' ? undefined : second
    },
  }
}

function removeIfThere(directory: Directory, name: ByteString): void {
  try {
    directory.removeFile(name)
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

function tryOpen(directory: DiskDirectory, name: ByteString): Database | 'damaged' | undefined {
  let opened: DatabaseSync | undefined
  try {
    // SQLite would follow a symlink out of the root folder.
    const kind = directory.stat(name)?.kind
    if (kind !== undefined && kind !== 'file') return kind === 'dir' ? undefined : 'damaged'
    const { DatabaseSync } = loadSqlite()
    opened = new DatabaseSync(directory.place(name), { timeout: busyMs })
    opened.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA schema_version')
    opened.prepare('SELECT count(*) FROM sqlite_master').get()
    return wrap(opened)
  } catch (error) {
    opened?.close()
    return isDamage(error) ? 'damaged' : undefined
  }
}

function wrap(database: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>()
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      if (statements.size >= statementsMax) statements.clear()
      statement = database.prepare(sql)
      statements.set(sql, statement)
    }
    return statement
  }
  return {
    run: (sql, ...values) => void prepared(sql).run(...values),
    all: (sql, ...values) => prepared(sql).all(...values) as Record<string, DatabaseValue>[],
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}
