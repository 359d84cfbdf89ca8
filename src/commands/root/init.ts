// init: looks at the directory, says what it found, then makes a root folder of it.

import { isSentientError, SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import {
  type FolderSurvey,
  findRoot,
  type InitResult,
  initRoot,
  isUnfinishedRoot,
  surveyFolder,
} from '../../core/system.ts'
import type { Work } from '../../core/timeline/model.ts'
import { absolutePath } from '../absolutePath.ts'
import { pathData } from '../data.ts'
import { type CommandContext, type Handler, type OutputOf, relay } from '../spec.ts'
import { counted, spokenSize } from '../words.ts'
import { excludeFromGit } from './gitExclude.ts'
import type { initSpec } from './spec.ts'

type Context = CommandContext<typeof initSpec>
type Result = OutputOf<typeof initSpec>

export const run: Handler<typeof initSpec> = async function* (context) {
  const { host, args, signal } = context
  const path = directoryOf(context)
  const begun = findRoot(host, path) === path && (await isUnfinishedRoot(host, path))
  if (!begun) refuseNested(findRoot(host, path))
  const patterns = args.ignoreNothing ? [] : args.ignore.length > 0 ? args.ignore : undefined
  const ignore = patterns === undefined ? {} : { ignore: patterns }
  const survey = yield* relay(surveyFolder(host, { path, signal, ...ignore }))
  if (!begun) refuse(survey)
  yield { notice: surveyText(survey, path) }
  const result = { rootPath: path, dryRun: args.dryRun, zk: args.zk, survey: surveyData(survey) }
  if (args.dryRun) return { result }
  const made = yield* adoptedBy(initRoot(host, { path, zk: args.zk, signal, ...ignore }))
  return { result: { ...result, recorded: recordedData(made, excludeFromGit(host.files, path)) } }
}

function directoryOf({ args, caller, cwd }: Context): string {
  const given = args.dir ?? caller.rootOption
  return given === undefined ? cwd : absolutePath(given, cwd)
}

function refuseNested(above: string | undefined): void {
  if (above === undefined) return
  throw new SentientError('ROOT_EXISTS', {
    where: above,
    hint: 'Use it as it is; sentctl absorb records what is not recorded yet.',
  })
}

/** Stopped in the middle it is a root folder already, whose content is not recorded yet: nothing is lost by going on. */
async function* adoptedBy(work: Work<InitResult>) {
  try {
    return yield* relay(work)
  } catch (error) {
    if (!isSentientError(error, 'CANCELLED')) throw error
    const hint = 'None of your files changed. sentctl init goes on from here.'
    throw new SentientError('CANCELLED', { hint }, error)
  }
}

/** What stands in the way is named before anything is written. */
function refuse({ collisions, nestedRoots }: FolderSurvey): void {
  if (collisions.length > 0) {
    throw new SentientError('NAME_RESERVED', { where: collisions.map(displayBytes).join(', ') })
  }
  if (nestedRoots.length > 0) {
    throw new SentientError('ROOT_EXISTS', {
      what: 'There is a root folder inside',
      where: nestedRoots.slice(0, 5).map(displayBytes).join(', '),
      hint: 'Root folders are never nested: move it out, or leave it out with --ignore.',
    })
  }
}

function surveyText(survey: FolderSurvey, path: string): string {
  const { files, directories, bytes, secondsEstimate, skips, unreadable, special } = survey
  const parts = [
    `${path}: ${counted(files, 'file')}, ${counted(directories, 'directory', 'directories')}, ${spokenSize(bytes)}, about ${Math.max(1, Math.ceil(secondsEstimate))} s`,
    'changes none of them',
  ]
  const left = skips.filter(skip => skip.files > 0)
  if (left.length > 0) {
    const shown = left
      .slice(0, 8)
      .map(skip => `${skip.pattern} (${counted(skip.files, 'file')}, ${spokenSize(skip.bytes)})`)
    parts.push(`skips ${shown.join(', ')}${left.length > 8 ? ` and ${left.length - 8} more` : ''}`)
  }
  if (unreadable.length > 0) parts.push(`cannot read ${unreadable.slice(0, 5).map(displayBytes).join(', ')}`)
  if (special.length > 0)
    parts.push(`leaves out ${counted(special.length, 'socket, pipe or device', 'sockets, pipes and devices')}`)
  return parts.join('; ')
}

function surveyData(survey: FolderSurvey): Result['survey'] {
  const { files, directories, symlinks, bytes, secondsEstimate, skips, unreadable, special } = survey
  return {
    files,
    directories,
    symlinks,
    bytes,
    secondsEstimate,
    skips: skips.map(skip => ({ pattern: skip.pattern, files: skip.files, bytes: skip.bytes })),
    unreadable: unreadable.map(pathData),
    special: special.map(pathData),
  }
}

function recordedData(made: InitResult, gitExclude: boolean): NonNullable<Result['recorded']> {
  const { seq, files, bytes, logId, origin, verifierKey, notices } = made
  return {
    // In an empty directory there is nothing to keep: the first record is all.
    seq: Math.max(0, seq),
    files,
    bytes,
    logId,
    origin,
    verifierKey,
    gitExclude,
    notices: notices.map(({ code, text }) => ({ code, text })),
  }
}
