// Making a root folder of a directory: what would be adopted and what stands in the way, then the skeleton. The format
// file comes last, so that a killed `init` is simply begun again; adopting the content is an operation like any other.
import { SentientError } from '../errors.ts'
import { displayBytes, hexOf } from '../format/bytes.ts'
import { encodeFormatFile } from '../format/formatFile.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Clock, Directory, Files, Randomness } from '../host/host.ts'
import type { Native, SurveyRequest } from '../native/native.ts'
import { createSlicer } from '../progress.ts'
import { writeProblem } from '../worktree/apply.ts'
import { compileIgnoreRule, type IgnoreRule, matchRules } from '../worktree/ignore.ts'
import { joinPath } from '../worktree/paths.ts'
import { reservedTopNames, settingsName, unfinishedName } from '../worktree/reserved.ts'
import type { GovernedPath, Work } from './model.ts'
import { defaultIgnore } from './settings.ts'

export interface FolderSurvey {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  readonly secondsEstimate: number
  readonly collisions: readonly ByteString[]
  readonly nestedRoots: readonly GovernedPath[]
  readonly skips: readonly { readonly pattern: string; readonly files: number; readonly bytes: number }[]
  readonly unreadable: readonly GovernedPath[]
  readonly special: readonly GovernedPath[]
}

/** Written first and removed last: what has it and no format file is an init that did not finish. */
const skeleton: readonly ByteString[] = ['.auth', '.db', '.runtime', '.tree']
const directoryMode = 0o700

/** Rates of a slow phone and a fast disk lie around these; the estimate is meant to be no surprise, not exact. */
const filesPerSecond = 5_000
const bytesPerSecond = 60_000_000

/** Counts what `init` would adopt; reads names and sizes only. */
export async function* survey(
  ports: { readonly files: Files; readonly clock: Clock; readonly native?: Native | undefined },
  options: { readonly path: string; readonly ignore?: readonly string[]; readonly signal?: AbortSignal },
): Work<FolderSurvey> {
  const root = openFolder(ports.files, options.path)
  const patterns = options.ignore ?? defaultIgnore
  const rules = patterns.map(pattern => compileIgnoreRule(pattern)).filter(rule => rule !== undefined)
  const skips = new Map<string, { pattern: string; files: number; bytes: number }>()
  const found = { files: 0, directories: 0, symlinks: 0, bytes: 0 }
  const lists = { nestedRoots: [] as GovernedPath[], unreadable: [] as GovernedPath[], special: [] as GovernedPath[] }
  const slicer = createSlicer(ports.clock, options.signal)
  const waiting: { path: GovernedPath; skipped: IgnoreRule | undefined }[] = [{ path: '', skipped: undefined }]
  try {
    const collisions = collisionsIn(root)
    const ours = leftByInit(root)
    const outside = [...ours, ...collisions, settingsName]
    const native = yield* surveyNatively(ports.native, { root, rules, outside, signal: options.signal })
    if (native !== undefined) return { ...native, secondsEstimate: secondsFor(native), collisions }
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const directory = descend(root, at.path)
      if (directory === undefined) {
        lists.unreadable.push(at.path)
        continue
      }
      try {
        if (at.path !== '' && isRootFolder(directory)) lists.nestedRoots.push(at.path)
        for (const { name, kind } of directory.list()) {
          const path = joinPath(at.path, name)
          if (at.path === '' && outside.includes(name)) continue
          const rule = at.skipped ?? matchRules(rules, path, kind === 'dir')
          if (kind === 'dir') waiting.push({ path, skipped: rule })
          if (rule !== undefined) {
            const skip = skips.get(rule.pattern) ?? { pattern: rule.pattern, files: 0, bytes: 0 }
            skips.set(rule.pattern, skip)
            if (kind === 'file') {
              skip.files++
              skip.bytes += directory.stat(name)?.size ?? 0
            }
          } else if (kind === 'file') {
            found.files++
            found.bytes += directory.stat(name)?.size ?? 0
          } else if (kind === 'dir') found.directories++
          else if (kind === 'symlink') found.symlinks++
          else lists.special.push(path)
          if (slicer.due()) {
            yield { phase: 'counting', done: found.files, unit: 'files' }
            await slicer.pause()
          }
        }
      } finally {
        directory.close()
      }
    }
    return { ...found, ...lists, secondsEstimate: secondsFor(found), collisions, skips: [...skips.values()] }
  } finally {
    root.close()
  }
}

const secondsFor = ({ files, bytes }: { readonly files: number; readonly bytes: number }): number =>
  Math.ceil(files / filesPerSecond + bytes / bytesPerSecond)

/** The counts of the native core; undefined where there is none, or where it leaves this to us. */
async function* surveyNatively(
  native: Native | undefined,
  request: Omit<SurveyRequest, 'rules'> & { readonly rules: readonly IgnoreRule[] },
): Work<Omit<FolderSurvey, 'secondsEstimate' | 'collisions'> | undefined> {
  const found = native && (yield* native.survey(request))
  if (found === undefined) return undefined
  const skips = new Map<string, { pattern: string; files: number; bytes: number }>()
  for (const [number, files, bytes] of found.skips) {
    const pattern = request.rules[number]?.pattern ?? ''
    const skip = skips.get(pattern) ?? { pattern, files: 0, bytes: 0 }
    skips.set(pattern, { pattern, files: skip.files + files, bytes: skip.bytes + bytes })
  }
  return { ...found, skips: [...skips.values()] }
}

function openFolder(files: Files, path: string): Directory {
  const root = files.openDirectory(path)
  if (root === undefined) throw new SentientError('PATH_NOT_FOUND', { what: 'No such directory', where: path })
  return root
}

function descend(root: Directory, path: GovernedPath): Directory | undefined {
  let directory = root.clone()
  for (const part of path === '' ? [] : path.split('/')) {
    let next: Directory | undefined
    try {
      next = directory.child(part)
    } catch (error) {
      if (!isHostError(error)) throw error
    }
    directory.close()
    if (next === undefined) return undefined
    directory = next
  }
  return directory
}

/** True for a directory that holds `.runtime/format`. */
export function isRootFolder(directory: Directory): boolean {
  let runtime: Directory | undefined
  try {
    runtime = directory.child('.runtime')
    return runtime?.stat('format')?.kind === 'file'
  } catch (error) {
    // What may not be looked into, or is something else, is none; a disk that fails is no answer.
    if (isHostError(error, 'NOT_FOUND', 'DENIED', 'NOT_A_DIRECTORY', 'SYMLINK')) return false
    throw writeProblem(error, directory.path)
  } finally {
    runtime?.close()
  }
}

/** Names of ours that somebody else's content has. The rest of an unfinished init is no collision. */
function collisionsIn(root: Directory): ByteString[] {
  const ours = leftByInit(root)
  return reservedTopNames.filter(name => root.stat(name) !== undefined && !ours.includes(name))
}

/** What an init that was ended before its time has made. An empty `.runtime` is all that comes before the marker. */
function leftByInit(root: Directory): readonly ByteString[] {
  let runtime: Directory | undefined
  try {
    runtime = root.child('.runtime')
    if (runtime === undefined) return []
    if (runtime.list().length === 0) return ['.runtime']
    return runtime.stat(unfinishedName) !== undefined && runtime.stat('format') === undefined ? skeleton : []
  } catch (error) {
    if (isHostError(error)) return []
    throw error
  } finally {
    runtime?.close()
  }
}

/** Clears away what an earlier init left, all but the marker: a kill in the middle of this leaves it to be done again. */
function clearLeft(root: Directory): void {
  for (const name of leftByInit(root)) {
    if (name !== '.runtime') {
      removeTree(root, name)
      continue
    }
    const runtime = root.child(name)
    for (const item of runtime?.list() ?? []) {
      if (runtime !== undefined && item.name !== unfinishedName) removeTree(runtime, item.name)
    }
    runtime?.close()
  }
}

/** Takes back what an init made that could not go on; what can not be removed now the next one clears away. */
export function removeUnfinished(root: Directory): void {
  try {
    if (leftByInit(root).length === 0) return
    clearLeft(root)
    removeTree(root, '.runtime')
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

export interface Skeleton {
  readonly logId: Uint8Array
  /** Makes the folder a root folder. */
  finish(): void
}

/** Writes the dotfolders; throws NAME_RESERVED before anything is written when a name is taken. */
export function createSkeleton(root: Directory, random: Randomness): Skeleton {
  if (isRootFolder(root)) throw new SentientError('ROOT_EXISTS', { where: root.path })
  const collisions = collisionsIn(root)
  if (collisions.length > 0) {
    throw new SentientError('NAME_RESERVED', {
      where: root.path,
      found: collisions.map(displayBytes).join(', '),
      expected: 'none of the names that SentientOS keeps for itself',
    })
  }
  clearLeft(root)
  const made = (parent: Directory, name: ByteString): Directory => {
    if (parent.stat(name) === undefined) parent.makeDirectory(name, directoryMode)
    return parent.child(name) as Directory
  }
  const runtime = made(root, '.runtime')
  if (runtime.stat(unfinishedName) === undefined) runtime.open(unfinishedName, 'create', 0o600).close()
  runtime.flush()
  for (const name of skeleton) if (name !== '.runtime') made(root, name).close()
  made(runtime, 'stage').close()
  root.flush()
  const logId = random.bytes(16)
  return {
    logId,
    finish() {
      const bytes = encodeFormatFile({ format: 1, requires: [], options: [], logId })
      const temporary = `format-${hexOf(random.bytes(4))}`
      const file = runtime.open(temporary, 'create', 0o600)
      try {
        file.write(bytes, 0)
        file.flush()
      } finally {
        file.close()
      }
      runtime.rename(temporary, runtime, 'format')
      runtime.flush()
      runtime.removeFile(unfinishedName)
      runtime.close()
    },
  }
}

/** Removes a tree of ours; follows no links. */
export function removeTree(parent: Directory, name: ByteString): void {
  const stat = parent.stat(name)
  if (stat === undefined) return
  if (stat.kind !== 'dir') {
    parent.removeFile(name)
    return
  }
  const directory = parent.child(name)
  if (directory !== undefined) {
    try {
      for (const item of directory.list()) removeTree(directory, item.name)
    } finally {
      directory.close()
    }
  }
  parent.removeDirectory(name)
}
