// eject: removes the history and leaves the files. There is no way back, so it asks for the folder's name.

import { ejectionOf, ejectRoot } from '../../core/carrying.ts'
import { SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import { absolutePath } from '../absolutePath.ts'
import { rootPathOf } from '../openRoot.ts'
import { includeInGit } from '../root/gitExclude.ts'
import type { CommandContext, Handler } from '../spec.ts'
import { spokenSize } from '../words.ts'
import type { ejectSpec } from './spec.ts'

type Context = CommandContext<typeof ejectSpec>

export const run: Handler<typeof ejectSpec> = async function* (context) {
  const { args, caller, cwd, host } = context
  const rootPath = rootPathOf(host, {
    cwd,
    rootPath: caller.rootOption === undefined ? undefined : absolutePath(caller.rootOption, cwd),
  })
  const { names, bytes, left, hasUnapplied } = ejectionOf(host, rootPath)
  const note = hasUnapplied
    ? { note: 'paths that the disk could not take are in the history alone: sentctl status names them' }
    : {}
  const result = { rootPath, removed: names.map(displayBytes), bytes, left: left.map(displayBytes), ...note }
  if (args.dryRun) return { result: { ...result, dryRun: true, git: false } }
  if (!args.yes) await confirm(context, result)
  ejectRoot(host, rootPath)
  return { result: { ...result, dryRun: false, git: includeInGit(host.files, rootPath) } }
}

async function confirm(
  { caller }: Context,
  { rootPath, removed, bytes, note }: { rootPath: string; removed: string[]; bytes: number; note?: string },
): Promise<void> {
  if (caller.ask === undefined) {
    throw new SentientError('USAGE', {
      what: 'The history does not come back, and nobody can be asked here',
      expected: '--yes',
      hint: 'See first what would go: sentctl eject --dry-run.',
    })
  }
  const name = rootPath.slice(rootPath.lastIndexOf('/') + 1)
  const lines = [
    `For good: the whole history and the keys of ${rootPath}, ${spokenSize(bytes)}: ${removed.join(' ')}`,
    ...(note === undefined ? [] : [`But: ${note}.`]),
    `Your files stay. To go on, type the folder's name (${name}): `,
  ]
  if ((await caller.ask(lines.join('\n')))?.trim() !== name)
    throw new SentientError('CANCELLED', {
      what: 'Nothing was removed',
      hint: 'The name was not the one of the folder.',
    })
}
