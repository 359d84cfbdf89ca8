// `.runtime/checkpoint`: the last signed statement of the journal's size and root. Read without judging the signature,
// which takes the trusted keys; written only for records that are flushed.

import { SentientError } from '../errors.ts'
import { asBuffer, equalBytes } from '../format/bytes.ts'
import { parseCheckpoint, signCheckpoint } from '../format/checkpoint.ts'
import { noteBytesMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { rootAt } from '../format/merkle.ts'
import { type NoteSigner, parseNote } from '../format/note.ts'
import type { Directory } from '../host/host.ts'
import type { JournalContext } from './context.ts'
import type { JournalCheckpoint } from './model.ts'
import { readFully } from './segments.ts'
import { flushMarks, requireLock, writeError, writeMarks } from './writer.ts'

const fileName = 'checkpoint'
const newName = 'checkpoint.new'

/** The stored checkpoint; undefined when there is none, a text when it cannot be read. */
export function readCheckpointFile(runtime: Directory): JournalCheckpoint | string | undefined {
  const stat = runtime.stat(fileName)
  if (stat === undefined) return undefined
  if (stat.kind !== 'file' || stat.size > noteBytesMax) return 'no note has this size'
  const file = runtime.open(fileName, 'read')
  try {
    const memory = new Uint8Array(stat.size)
    return parseCheckpointNote(memory.subarray(0, readFully(file, memory, 0)))
  } finally {
    file.close()
  }
}

function parseCheckpointNote(bytes: Uint8Array): JournalCheckpoint | string {
  try {
    const { origin, size, root } = parseCheckpoint(parseNote(bytes).text)
    return { origin, size, root, bytes, text: asBuffer(bytes).toString('utf8') }
  } catch (error) {
    if (isFormatError(error)) return error.reason
    throw error
  }
}

/** What the stored checkpoint covers; 0 when there is none or it cannot be read, which verification reports. */
export function readCheckpointSize(runtime: Directory): number {
  const stored = readCheckpointFile(runtime)
  return typeof stored === 'object' ? stored.size : 0
}

export function readCheckpoint(context: JournalContext): JournalCheckpoint | undefined {
  const stored = readCheckpointFile(context.runtime)
  if (typeof stored !== 'string') return stored
  throw new SentientError('DAMAGED', { what: 'The checkpoint cannot be read', where: 'checkpoint', found: stored })
}

/** Signs the flushed size and stores it. Refuses when the records are not those of the checkpoint before. */
export function storeCheckpoint(context: JournalContext, signer: NoteSigner): JournalCheckpoint {
  requireLock(context, 'signCheckpoint')
  const { state, tree, runtime } = context
  const { size } = state.head
  const before = readCheckpoint(context)
  if (before !== undefined && (before.size > size || !equalBytes(rootAt(before.size, tree.hashAt), before.root))) {
    throw new SentientError('DAMAGED', {
      what: 'The journal does not go on from its last checkpoint; no second history is signed',
      where: 'checkpoint',
      expected: `the records of the checkpoint of size ${before.size}`,
    })
  }
  const root = before?.size === size ? before.root : rootAt(size, tree.hashAt)
  if (before?.size === size && before.origin === signer.name) return before
  try {
    tree.storeTiles(size)
    // Also tells other writers that there is a new checkpoint.
    writeMarks(context, { clean: false })
    flushMarks(context)
    const bytes = signCheckpoint({ origin: signer.name, size, root }, signer)
    replaceFile(runtime, bytes)
    state.checkpointSize = size
    return { origin: signer.name, size, root, bytes, text: asBuffer(bytes).toString('utf8') }
  } catch (error) {
    throw writeError(error, 'store the checkpoint')
  }
}

function replaceFile(runtime: Directory, bytes: Uint8Array): void {
  if (runtime.stat(newName) !== undefined) runtime.removeFile(newName)
  const file = runtime.open(newName, 'create', 0o600)
  try {
    file.write(bytes, 0)
    file.flush()
  } finally {
    file.close()
  }
  runtime.rename(newName, runtime, fileName)
  runtime.flush()
}
