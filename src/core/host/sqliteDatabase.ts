// Databases of derived data over node:sqlite. Nothing in them is worth a flush: a damaged file is thrown away.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Database, Databases, DatabaseValue } from './database.ts'
import { isDiskDirectory } from './diskDirectory.ts'
import { isHostError } from './error.ts'
import type { Directory } from './host.ts'
import { joinPath } from './names.ts'

const statementsMax = 64

export function createSqliteDatabases(): Databases {
  return {
    open(directory, name) {
      if (!isDiskDirectory(directory)) return undefined
      return tryOpen(directory, name) ?? tryAgain(directory, name)
    },
  }
}

function tryAgain(directory: Directory, name: string): Database | undefined {
  for (const suffix of ['', '-journal']) {
    try {
      directory.removeFile(name + suffix)
    } catch (error) {
      if (!isHostError(error)) throw error
    }
  }
  return tryOpen(directory, name)
}

function tryOpen(directory: Directory, name: string): Database | undefined {
  let opened: DatabaseSync | undefined
  try {
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
    opened = new DatabaseSync(joinPath(directory.path, name), { timeout: 2_000 })
    opened.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA schema_version')
    opened.prepare('SELECT count(*) FROM sqlite_master').get()
    return wrap(opened)
  } catch {
    opened?.close()
    return undefined
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
    close: () => database.close(),
  }
}
