// consistency: a small file that proves that the history goes on from what somebody kept of it, or that it does not.

import { exitCodes, SentientError } from '../../core/errors.ts'
import { parseCheckpoint } from '../../core/format/checkpoint.ts'
import { noteBytesMax } from '../../core/format/constants.generated.ts'
import { isFormatError } from '../../core/format/formatError.ts'
import { parseNote } from '../../core/format/note.ts'
import type { CommandContext, Handler } from '../spec.ts'
import { smallFile } from './outsideFiles.ts'
import type { consistencySpec } from './spec.ts'

export const run: Handler<typeof consistencySpec> = async function* (context) {
  const { system, args, caller } = context
  const older = /^#?\d{1,15}$/.test(args.old)
    ? Number(args.old.replace('#', ''))
    : await checkpointIn(context, args.old)
  const newer = args.new === undefined ? undefined : await checkpointIn(context, args.new)
  const { text: proof, old, newer: to, consistent } = await system.consistency(older, newer)
  if (args.output !== undefined) await caller.writeFile(args.output, proof)
  const result = { consistent, old: old.size, size: to.size, proof }
  return {
    result: args.output === undefined ? result : { ...result, file: args.output },
    exitCode: consistent ? 0 : exitCodes.damage,
  }
}

async function checkpointIn(context: CommandContext<typeof consistencySpec>, file: string): Promise<Uint8Array> {
  const bytes = await smallFile(context, file, noteBytesMax)
  try {
    parseCheckpoint(parseNote(bytes).text)
    return bytes
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError(
      'USAGE',
      { what: 'Not a signed checkpoint', where: file, found: error.reason, hint: 'See sentctl checkpoint show.' },
      error,
    )
  }
}
