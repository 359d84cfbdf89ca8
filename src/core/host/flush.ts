// Making many changes durable at once, by the best way that the platform has.

import { isHostError } from './error.ts'
import type { ByteString, Directory } from './host.ts'

/** Names in one directory that were written, made, renamed or removed. */
export interface Written {
  readonly directory: Directory
  readonly names: Iterable<ByteString>
}

/**
 * Makes everything that was written durable: by one flush of the file system that holds `directory`, where the platform
 * can, else by flushing each of `written`, its files and its directory. All of `written` must be on that file system.
 */
export function flushWritten(directory: Directory, written: Iterable<Written>): void {
  try {
    directory.flushFileSystem()
  } catch (error) {
    if (!isHostError(error, 'UNSUPPORTED')) throw error
    for (const each of written) flushEach(each)
  }
}

function flushEach({ directory, names }: Written): void {
  for (const name of names) {
    if (directory.stat(name)?.kind !== 'file') continue
    const file = directory.open(name, 'read')
    try {
      file.flush()
    } finally {
      file.close()
    }
  }
  directory.flush()
}
