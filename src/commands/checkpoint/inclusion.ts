// inclusion: a small file that proves that a record is in the history.

import { SentientError } from '../../core/errors.ts'
import type { Handler } from '../spec.ts'
import type { inclusionSpec } from './spec.ts'

export const run: Handler<typeof inclusionSpec> = async function* ({ system, args, caller }) {
  const seq = /^#?\d{1,15}$/.test(args.seq) ? Number(args.seq.replace('#', '')) : undefined
  if (seq === undefined) {
    throw new SentientError('USAGE', {
      what: 'SEQ is wrong',
      expected: 'the number of a record',
      found: `"${args.seq}"`,
      hint: 'sentctl log shows the numbers.',
    })
  }
  if (args.file !== undefined && args.output !== undefined) {
    throw new SentientError('USAGE', { what: 'FILE and --output say the same twice', found: `"${args.output}"` })
  }
  const file = args.output ?? args.file
  const proof = await system.inclusion(seq)
  if (file === undefined) return { result: { seq, proof } }
  await caller.writeFile(file, proof)
  return { result: { seq, file, proof } }
}
