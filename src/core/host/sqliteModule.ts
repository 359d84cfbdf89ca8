// node:sqlite, loaded when it is first used, and what its errors mean.

/** SQLite's primary result codes that mean something of their own to a host. */
export const sqliteResult = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notDatabase: 26,
} as const

// Some Node versions call the module experimental on stderr when it is loaded: what is used here is not.
export function loadSqlite(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}

/** The extended result code of what node:sqlite threw; 0 for anything else. */
export function resultOf(error: unknown): number {
  const result = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  return typeof result === 'number' ? result : 0
}

export function primaryResultOf(error: unknown): number {
  return resultOf(error) & 0xff
}

/** Whether the error says that the file is no whole database. */
export function isDamage(error: unknown): boolean {
  const result = primaryResultOf(error)
  return result === sqliteResult.corrupt || result === sqliteResult.notDatabase
}
