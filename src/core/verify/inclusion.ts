// One small file that proves a record's place in the journal to somebody who has neither the folder nor this program:
// the envelope, the audit path and the signed checkpoint.

import { SentientError } from '../errors.ts'
import { hexOf } from '../format/bytes.ts'
import { encodeInclusion } from '../format/inclusion.ts'
import { encodeEnvelope } from '../format/record.ts'
import type { JournalCheckpoint } from '../journal/model.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { requireRecord } from '../timeline/records.ts'

/** The text of the inclusion file of record `seq` under a checkpoint that covers it. */
export function inclusionFileText(context: TimelineContext, seq: number, checkpoint: JournalCheckpoint): string {
  const { envelope } = requireRecord(context, seq)
  const root = context.journal.rootHash(checkpoint.size)
  if (hexOf(root) !== hexOf(checkpoint.root)) {
    throw new SentientError('DAMAGED', {
      what: 'The journal does not have the root that its checkpoint signs',
      where: '.runtime/checkpoint',
      expected: hexOf(checkpoint.root),
      found: hexOf(root),
    })
  }
  const bytes = encodeInclusion({
    index: seq,
    envelopeBytes: encodeEnvelope(envelope),
    path: context.journal.inclusion(seq, checkpoint.size),
    checkpointNote: checkpoint.bytes,
  })
  return Buffer.from(bytes).toString('utf8')
}
