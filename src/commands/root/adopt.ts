// adopt: says what a folder is that this device does not know as its own.

import { SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import { type AdoptReport, adoptRoot } from '../../core/system.ts'
import { absolutePath } from '../absolutePath.ts'
import { type Answer, askWhatItIs } from '../asking.ts'
import { rootPathOf } from '../openRoot.ts'
import { type CommandContext, type Handler, relay } from '../spec.ts'
import type { adoptSpec } from './spec.ts'

export const run: Handler<typeof adoptSpec> = async function* (context) {
  const { host, caller, cwd, signal } = context
  const rootPath = rootPathOf(host, {
    cwd,
    rootPath: caller.rootOption === undefined ? undefined : absolutePath(caller.rootOption, cwd),
  })
  const as = await answerOf(context, rootPath)
  const report = yield* relay(adoptRoot(host, { rootPath, as, signal }))
  return { result: { rootPath, as, ...reportData(report) } }
}

async function answerOf({ args, caller }: CommandContext<typeof adoptSpec>, rootPath: string): Promise<Answer> {
  const { moved, copy } = args
  if (moved && copy) throw new SentientError('USAGE', { what: 'It is one or the other: --moved or --copy' })
  if (moved) return 'moved'
  if (copy) return 'copy'
  const answer = await askWhatItIs(caller, rootPath)
  if (answer !== undefined) return answer
  throw new SentientError('USAGE', {
    what: 'Was this folder moved here, or is it a copy?',
    expected: '--moved or --copy',
    hint: 'sentctl help adopt says what each of them does; sentctl doctor what this device knows.',
  })
}

function reportData({ adopted, found, from, origin, verifierKey, seq, goesOnFrom, lost, notices }: AdoptReport) {
  return {
    adopted,
    found,
    ...(from === undefined ? {} : { from: displayBytes(from) }),
    origin,
    verifierKey,
    ...(seq === undefined ? {} : { seq }),
    ...(goesOnFrom === undefined ? {} : { goesOnFrom }),
    ...(lost === undefined ? {} : { lost }),
    notices: notices.map(({ code, text }) => ({ code, text })),
  }
}
