// completion: which script, or names that only the root folder knows. Names are asked for at every key: whatever goes
// wrong, the answer then is no names.

import { type ErrorCode, errorTable, SentientError } from '../../core/errors.ts'
import type { CommandContext, Handler } from '../spec.ts'
import type { completionSpec } from './spec.ts'

export const run: Handler<typeof completionSpec> = async function* (context) {
  const { shell, candidates } = context.args
  if (candidates === 'code') return { result: { candidates: Object.keys(errorTable) as ErrorCode[] } }
  if (candidates !== undefined) return { result: { candidates: await stateNames(context, candidates === 'state') } }
  if (shell === undefined) {
    throw new SentientError('USAGE', {
      what: 'SHELL is missing',
      expected: 'bash, zsh or fish',
      hint: 'See sentctl help completion.',
    })
  }
  return { result: { shell } }
}

async function stateNames(context: CommandContext<typeof completionSpec>, words: boolean): Promise<string[]> {
  const { host, cwd, signal, caller } = context
  try {
    const { openRoot } = await import('../openRoot.ts')
    const system = await openRoot(host, { access: 'read', cwd, rootPath: caller.rootOption, signal })
    try {
      for await (const _ of system.ready({ signal }));
      const names = system.snapshots().map(({ name }) => name)
      return words ? ['now', 'yesterday', ...names.reverse()] : names.reverse()
    } finally {
      await system.close()
    }
  } catch {
    return []
  }
}
