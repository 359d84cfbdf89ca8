// The consistency file of this journal and a checkpoint that somebody kept: proof that the history goes on from it, or,
// when it does not, the evidence of that.

import { SentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { type Checkpoint, parseCheckpoint, verifyCheckpoint } from '../format/checkpoint.ts'
import { consistencyFileOf } from '../format/consistency.ts'
import { parseNote, type VerifierKey } from '../format/note.ts'
import type { Journal } from '../journal/journal.ts'

/** The older tree: so many records of this journal, or a signed checkpoint that was kept. */
export type OlderTree = number | Uint8Array

export interface ConsistencyText {
  readonly text: string
  readonly old: Pick<Checkpoint, 'size' | 'root'>
  readonly newer: Checkpoint
  /** False: the journal does not begin with the older checkpoint, and the text shows it. */
  readonly consistent: boolean
}

/**
 * Throws FormatError for a note that is no checkpoint, STATE_NOT_FOUND for an older tree that is larger than the newer
 * (DAMAGED when a key of the log's own signed it), DAMAGED for a newer checkpoint that is none of this journal.
 */
export function consistencyFileText(
  { journal, keys }: { readonly journal: Journal; readonly keys: readonly VerifierKey[] },
  older: OlderTree,
  newNote: Uint8Array,
): ConsistencyText {
  const newer = checkpointOf(newNote)
  // Another process may have appended and signed since the journal was opened.
  if (newer.size > journal.head().size) journal.refresh()
  if (newer.size > journal.head().size || !equalBytes(journal.rootHash(newer.size), newer.root)) {
    throw new SentientError('DAMAGED', {
      what: 'The newer checkpoint is none of this journal',
      where: `${newer.size} records of ${newer.origin}`,
      found: hexOf(newer.root),
    })
  }
  const oldNote = typeof older === 'number' ? undefined : older
  const kept = oldNote === undefined ? undefined : checkpointOf(oldNote)
  const size = kept?.size ?? (older as number)
  if (size > newer.size && oldNote !== undefined && verifyCheckpoint(oldNote, keys).state === 'ok') {
    throw new SentientError('DAMAGED', {
      what: 'This history is shorter than what its key has signed before',
      expected: `at least the ${size} records of the older checkpoint`,
      found: String(newer.size),
      hint: 'Bring the later records back from a backup: sentctl repair looks for what is left of them.',
    })
  }
  if (size > newer.size) {
    throw new SentientError('STATE_NOT_FOUND', {
      what: 'The older tree is larger than the newer one',
      expected: `at most ${newer.size} records`,
      found: String(size),
      hint: 'Run sentctl checkpoint sign, or compare the other way round.',
    })
  }
  const found = journal.rootHash(size)
  const old = { size, root: kept?.root ?? found }
  const bytes = consistencyFileOf({ old, oldNote, newNote, path: journal.consistency(size, newer.size), found })
  return { text: Buffer.from(bytes).toString('utf8'), old, newer, consistent: equalBytes(found, old.root) }
}

function checkpointOf(note: Uint8Array): Checkpoint {
  return parseCheckpoint(parseNote(note).text)
}
