// `.runtime/poisoned`: a failed flush that could not be taken back. The kernel may call pages clean that never reached
// the disk, so the next writer copies what was acknowledged into a new file instead of trusting a second flush.

import { isHostError } from '../host/error.ts'
import type { Directory } from '../host/host.ts'
import type { JournalContext } from './context.ts'
import { type Position, readFully } from './segments.ts'

const fileName = 'poisoned'
const noteBytes = 64

/** Remembers, here and on disk if that still works, where the acknowledged records end. */
export function notePoison(context: JournalContext, end: Position): void {
  context.state.poison = { end }
  const { runtime } = context
  try {
    if (runtime.stat(fileName) !== undefined) return
    const file = runtime.open(fileName, 'create', 0o600)
    try {
      file.write(Buffer.from(`${end.segment} ${end.bytes}\n`), 0)
      file.flush()
    } finally {
      file.close()
    }
    runtime.flush()
  } catch (error) {
    // Nothing can be written: the marks still say that the lock was not released cleanly.
    if (!isHostError(error)) throw error
  }
}

/** What an earlier writer left: where the acknowledged records end; `unknown` when the note cannot be read. */
export function readPoison(runtime: Directory): Position | 'unknown' | undefined {
  if (runtime.stat(fileName) === undefined) return undefined
  const file = runtime.open(fileName, 'read')
  try {
    const bytes = Buffer.alloc(noteBytes)
    const match = /^(\d{1,16}) (\d{1,16})\n$/.exec(bytes.toString('latin1', 0, readFully(file, bytes, 0)))
    return match === null ? 'unknown' : { segment: Number(match[1]), bytes: Number(match[2]) }
  } finally {
    file.close()
  }
}

export function clearPoison(context: JournalContext): void {
  const { runtime } = context
  if (runtime.stat(fileName) !== undefined) {
    runtime.removeFile(fileName)
    runtime.flush()
  }
  context.state.poison = undefined
}
