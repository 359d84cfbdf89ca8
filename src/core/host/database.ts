// A small relational database for derived data: an index that may be lost at any time and is then made anew.
import type { Directory } from './host.ts'

export type DatabaseValue = null | number | string | Uint8Array

export interface Database {
  run(sql: string, ...values: readonly DatabaseValue[]): void
  all(sql: string, ...values: readonly DatabaseValue[]): Record<string, DatabaseValue>[]
  close(): void
}

export interface Databases {
  /** Opens (and creates) a database file; undefined where none can be had. A file that is no database is replaced. */
  open(directory: Directory, name: string): Database | undefined
}

/** True for what a database throws when it can not do as asked: busy, full, damaged. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}
