// verify-inclusion: checks an inclusion file by a key, with nothing else at hand.

import { exitCodes } from '../../core/errors.ts'
import { inclusionBytesMax } from '../../core/format/constants.generated.ts'
import { verifyInclusionFile } from '../../core/format/inclusion.ts'
import { isoTime } from '../data.ts'
import type { Handler } from '../spec.ts'
import { parsedKey, smallFile } from './outsideFiles.ts'
import type { verifyInclusionSpec } from './spec.ts'

export const run: Handler<typeof verifyInclusionSpec> = async function* ({ args, caller, signal }) {
  const key = parsedKey(args.key)
  const bytes = await smallFile({ caller, signal }, args.file, inclusionBytesMax)
  const verdict = verifyInclusionFile(bytes, [key])
  if (verdict.state === 'bad')
    return { result: { included: false, reason: verdict.reason }, exitCode: exitCodes.damage }
  const { envelope, checkpoint } = verdict
  const { origin, size } = checkpoint
  return { result: { included: true, seq: envelope.seq, time: isoTime(envelope.time), origin, size } }
}
