// verify-inclusion: checks an inclusion file by a key, with nothing else at hand.

import { exitCodes, SentientError } from '../../core/errors.ts'
import { inclusionBytesMax } from '../../core/format/constants.generated.ts'
import { FormatError } from '../../core/format/formatError.ts'
import { verifyInclusionFile } from '../../core/format/inclusion.ts'
import { parseVerifierKey, type VerifierKey } from '../../core/format/note.ts'
import { isoTime } from '../data.ts'
import type { Handler } from '../spec.ts'
import type { verifyInclusionSpec } from './spec.ts'

export const run: Handler<typeof verifyInclusionSpec> = async function* ({ args, caller, signal }) {
  const key = parsedKey(args.key)
  const source = args.file === '-' ? await caller.standardInput(signal) : await caller.openFile(args.file)
  let bytes: Uint8Array
  try {
    // One byte more than allowed is enough to see that it is too long.
    bytes = new Uint8Array(Math.min(source.size, inclusionBytesMax + 1))
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = source.read(bytes, length, bytes.length - length, length)
    }
    bytes = bytes.subarray(0, length)
  } finally {
    source.close()
  }
  const verdict = verifyInclusionFile(bytes, [key])
  if (verdict.state === 'bad')
    return { result: { included: false, reason: verdict.reason }, exitCode: exitCodes.damage }
  const { envelope, checkpoint } = verdict
  const { origin, size } = checkpoint
  return { result: { included: true, seq: envelope.seq, time: isoTime(envelope.time), origin, size } }
}

function parsedKey(text: string): VerifierKey {
  try {
    return parseVerifierKey(text.trim())
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    const found = error.reason
    throw new SentientError(
      'USAGE',
      { what: '--key is wrong', expected: 'what "sentctl checkpoint key" printed', found },
      error,
    )
  }
}
