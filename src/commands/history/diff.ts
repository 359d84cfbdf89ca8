// diff: what differs between two states, or a state and the disk, with the contents of text files.

import { isSentientError, SentientError } from '../../core/errors.ts'
import { displayBytes } from '../../core/format/bytes.ts'
import type { System } from '../../core/system.ts'
import type { FileDiff, GovernedPath, StatePoint, TreeChange } from '../../core/timeline/model.ts'
import { pathData, pointData, treeChangeData } from '../data.ts'
import { governedPaths } from '../governedPaths.ts'
import { type CommandContext, type Handler, type OutputOf, relay } from '../spec.ts'
import type { diffSpec } from './spec.ts'

type Context = CommandContext<typeof diffSpec>
type FileData = OutputOf<typeof diffSpec>['files'][number]

const filesMax = 1000

export const run: Handler<typeof diffSpec> = async function* (context) {
  const { system, args, signal, cwd } = context
  const from = system.resolve(args.from)
  const to = args.to === 'disk' ? 'disk' : system.resolve(args.to)
  const under = governedPaths(system, args.path, cwd)
  checkPathsExist(system, args.path, under, from, to)
  const report = yield* relay(system.diff(from, to, { signal, ...(under.length === 0 ? {} : { under }) }))
  const files = args.names ? [] : yield* fileDiffs(context, report.changes, from, to)
  return {
    result: {
      from: pointData(from),
      ...(to === 'disk' ? {} : { to: pointData(to) }),
      disk: to === 'disk',
      counts: report.counts,
      changes: report.changes.map(treeChangeData),
      files,
    },
  }
}

/** A word that is no path but a state was meant as one: say how to write that. */
function checkPathsExist(
  system: System,
  texts: readonly string[],
  paths: readonly GovernedPath[],
  ...states: (StatePoint | 'disk')[]
): void {
  for (const [index, path] of paths.entries()) {
    if (states.some(state => system.entry(path, state === 'disk' ? {} : { at: state }) !== undefined)) continue
    const [from, to] = texts.filter(text => recordNumber.test(text) || isState(system, text)).map(shellWord)
    if (from === undefined || !(recordNumber.test(texts[index]!) || isState(system, texts[index]!))) {
      throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(path) })
    }
    throw new SentientError('USAGE', {
      what: 'A state is given by --from and --to, not as a path',
      found: `"${texts[index]}"`,
      hint: `sentctl diff --from ${from}${to === undefined ? '' : ` --to ${to}`}`,
    })
  }
}

const recordNumber = /^#\d+$/

/** As a shell takes it: there a # begins a comment. */
const shellWord = (text: string): string =>
  /^[\w.,:@%+=/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

function isState(system: System, text: string): boolean {
  try {
    system.resolve(text)
    return true
  } catch (error) {
    if (isSentientError(error)) return false
    throw error
  }
}

/** One content that is missing in the store does not hide the others. */
function fileDiffOf(
  { system, args }: Context,
  path: GovernedPath,
  from: StatePoint,
  to: StatePoint | 'disk',
): FileData {
  try {
    return fileData(system.fileDiff(path, from, to, { context: args.context }))
  } catch (error) {
    if (!isSentientError(error, 'OBJECT_MISSING', 'DAMAGED', 'FORGOTTEN')) throw error
    const kind = error.code === 'FORGOTTEN' ? 'forgotten' : 'lost'
    return { ...pathData(path), kind, added: 0, removed: 0, hunks: [] }
  }
}

async function* fileDiffs(context: Context, changes: readonly TreeChange[], from: StatePoint, to: StatePoint | 'disk') {
  const { signal } = context
  const files: FileData[] = []
  const candidates = changes.filter(isFileChange).slice(0, filesMax)
  for (const { path } of candidates) {
    if (signal.aborted) throw new SentientError('CANCELLED')
    files.push(fileDiffOf(context, path, from, to))
    yield { progress: { phase: 'comparing', done: files.length, total: candidates.length, unit: 'files' } } as const
    await new Promise(setImmediate)
  }
  return files
}

function isFileChange({ before, after }: TreeChange): boolean {
  return before?.kind === 'file' || after?.kind === 'file'
}

function fileData({ path, kind, added, removed, hunks }: FileDiff): FileData {
  return { ...pathData(path), kind, added, removed, hunks: hunks.map(hunk => ({ ...hunk })) }
}
