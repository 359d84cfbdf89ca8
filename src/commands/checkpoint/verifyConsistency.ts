// verify-consistency: checks a consistency file, or the evidence of a fork, with nothing else at hand.

import { exitCodes } from '../../core/errors.ts'
import { equalBytes, hexOf } from '../../core/format/bytes.ts'
import { type Checkpoint, verifyCheckpoint } from '../../core/format/checkpoint.ts'
import { type ConsistencyVerdict, consistencyBytesMax, verifyConsistencyFile } from '../../core/format/consistency.ts'
import { noteBytesMax } from '../../core/format/constants.generated.ts'
import type { VerifierKey } from '../../core/format/note.ts'
import type { Handler } from '../spec.ts'
import { parsedKey, smallFile } from './outsideFiles.ts'
import type { verifyConsistencySpec } from './spec.ts'

export const run: Handler<typeof verifyConsistencySpec> = async function* ({ args, caller, signal }) {
  const keys = args.key.map(parsedKey)
  const kept = args.old === undefined ? undefined : await smallFile({ caller, signal }, args.old, noteBytesMax)
  const bytes = await smallFile({ caller, signal }, args.file, consistencyBytesMax)
  const verdict = verifyConsistencyFile(bytes, keys)
  const reason = verdict.state === 'bad' ? verdict.reason : keptReason(verdict, kept, keys)
  if (verdict.state === 'bad' || reason !== undefined) {
    return { result: { consistent: false, fork: false, reason: reason ?? '' }, exitCode: exitCodes.damage }
  }
  const consistent = verdict.state === 'consistent'
  const { origin, size, root } = verdict.checkpoint
  const old = {
    size: verdict.old.size,
    root: hexOf(verdict.old.root),
    signed: verdict.state === 'fork' || verdict.oldSigned,
  }
  return {
    result: { consistent, fork: !consistent, origin, old, size, root: hexOf(root) },
    exitCode: consistent ? 0 : exitCodes.damage,
  }
}

/** Why the older tree is not the one of the checkpoint that was kept; undefined when it is, or none was given. */
function keptReason(
  { old }: Exclude<ConsistencyVerdict, { state: 'bad' }>,
  kept: Uint8Array | undefined,
  keys: readonly VerifierKey[],
): string | undefined {
  if (kept === undefined) return undefined
  const verdict = verifyCheckpoint(kept, keys)
  if (verdict.state === 'bad') return `the checkpoint of --old: ${verdict.reason}`
  return isSameTree(verdict.checkpoint, old) ? undefined : 'the older tree is not the one of the checkpoint of --old'
}

function isSameTree(a: Checkpoint, b: Pick<Checkpoint, 'size' | 'root'>): boolean {
  return a.size === b.size && equalBytes(a.root, b.root)
}
