// The first keeping of a whole tree. It is walked once, directories are built from below, and the list of changes is
// written from the finished tree, so that memory grows with the largest directory and not with the tree.
import { displayBytes } from '../format/bytes.ts'
import type { Link } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat, ListedName } from '../host/host.ts'
import type { FileCounts } from '../native/native.ts'
import { createSlicer, inSlices, type Progress, type Slicer, sortInSteps } from '../progress.ts'
import { writeChangesSteps } from '../store/changes.ts'
import type { Ingest } from '../store/store.ts'
import { buildDirectorySteps, countEntries, diffTreesInSteps, emptyDirectory } from '../store/tree.ts'
import { createContents, type FoundContents } from '../worktree/contents.ts'
import { type IgnoreRule, matchRules } from '../worktree/ignore.ts'
import { joinPath } from '../worktree/paths.ts'
import { isOutsideFiles, reservedTopNames, settingsName } from '../worktree/reserved.ts'
import { withGitignore } from '../worktree/scan.ts'
import type { StatCacheWriter } from '../worktree/statCache.ts'
import { absorb } from './absorb.ts'
import { captureEntry } from './capture.ts'
import { stateInForce, type TimelineContext } from './context.ts'
import type { GovernedPath, Notice, OperationResult, Work } from './model.ts'
import { nothingDone } from './operations.ts'
import { namingErrors, transact } from './transact.ts'

interface Walk {
  readonly context: TimelineContext
  readonly ingest: Ingest
  readonly slicer: Slicer
  readonly empty: Link
  readonly cache: StatCacheWriter | undefined
  readonly problems: { readonly path: GovernedPath; readonly reason: string }[]
  stored: number
  hardLinks: number
  kept: FileCounts
}

export interface AdoptTreeOptions {
  readonly signal?: AbortSignal
  /** Gets the directory that was recorded, with how many files are in it, and how large. */
  readonly counted?: (files: Link, counts: FileCounts) => void
}

/** Records everything that is there, as the first content of a new root folder. */
export const adopt = (context: TimelineContext, options: AdoptTreeOptions = {}): Work<OperationResult> =>
  namingErrors(context, adoptAll(context, options))

async function* adoptAll(context: TimelineContext, { counted, ...options }: AdoptTreeOptions): Work<OperationResult> {
  const { state } = stateInForce(context)
  if (!isEmpty(context, state.files)) return yield* absorb(context, [], { ...options, action: 'adopt' })
  const ingest = context.store.beginIngest({ shared: false })
  const cache = context.worktree.startCache()
  const walk: Walk = {
    context,
    ingest,
    slicer: createSlicer(context.clock, options.signal),
    empty: emptyDirectory(ingest),
    cache: cache?.writer,
    problems: [],
    stored: 0,
    hardLinks: 0,
    kept: { files: 0, bytes: 0 },
  }
  let cached = false
  try {
    const { ignore, gitignore } = context.settings()
    const rules = context.worktree.rules({ ignore, gitignore })
    const native = gitignore ? undefined : yield* storeNatively(walk, { rules, signal: options.signal })
    const files = native ?? (yield* storeDirectory(walk, { path: '', handle: context.worktree.root, rules, gitignore }))
    const result = yield* transact(context, { label: 'adopt', signal: options.signal, ingest }, async function* (tx) {
      if (files.count === 0 || !isEmpty(context, tx.state.files)) return undefined
      const created = diffTreesInSteps(tx.ingest, undefined, files.link, { order: 'paths' })
      const changes =
        native?.changes ?? (yield* inSlices(walk.slicer, writeChangesSteps(tx.ingest, created), () => storing(walk)))
      const adopted = { files: files.link, changes: changes.link, count: changes.count }
      return { action: 'adopt', subject: { kind: 'file', id: '' }, changes: [], adopted, onDisk: true }
    })
    if (result === undefined) ingest.abort()
    else counted?.(files.link, walk.kept)
    if (cache !== undefined) yield* inSlices(walk.slicer, cache.finish(), () => storing(walk))
    cached = true
    // Somebody was faster: what differs from that is kept like any other change.
    const { state: now } = stateInForce(context)
    if (result === undefined && !isEmpty(context, now.files)) {
      return yield* absorb(context, [], { ...options, action: 'adopt' })
    }
    return { ...(result ?? nothingDone('adopt')), ...problemReport(walk) }
  } catch (error) {
    ingest.abort()
    throw error
  } finally {
    if (!cached) cache?.writer.abort()
  }
}

const isEmpty = (context: TimelineContext, files: Link): boolean => countEntries(context.store, files) === 0

function problemReport({ problems, hardLinks }: Walk): Pick<OperationResult, 'drifted' | 'notices'> {
  const notices: Notice[] = []
  if (problems.length > 0) {
    const text = `${problems.length === 1 ? '1 path was' : `${problems.length} paths were`} not kept, first ${displayBytes(problems[0].path)}: ${problems[0].reason}`
    notices.push({ code: 'drift', text })
  }
  if (hardLinks > 0) {
    notices.push({
      code: 'links',
      text: `${hardLinks} files have more than one name; each name is recorded as a file of its own`,
    })
  }
  return { drifted: problems.map(problem => problem.path), notices }
}

const storing = ({ stored }: Walk): Progress => ({ phase: 'storing', done: stored, unit: 'files' })

interface Frame {
  readonly path: GovernedPath
  readonly handle: Directory
  readonly rules: readonly IgnoreRule[]
  readonly gitignore: boolean
}

const nativeReasons = {
  other: 'a socket, pipe or device',
  changes: 'it changes while it is read',
  denied: 'permission denied',
} as const

interface StoredTree {
  readonly link: Link
  readonly count: number
  readonly changes: { readonly link: Link; readonly count: number } | undefined
}

/** The same in one call of the native core; undefined where there is none, or where it leaves this to us. */
async function* storeNatively(
  walk: Walk,
  options: { readonly rules: readonly IgnoreRule[]; readonly signal: AbortSignal | undefined },
): Work<StoredTree | undefined> {
  const { context, ingest, cache } = walk
  if (context.native === undefined) return undefined
  const { directory: stage, ...staging } = ingest.staging()
  const stored = yield* context.native.adopt({
    ...{ root: context.worktree.root, stage, ...staging, ...options },
    outside: [...reservedTopNames, settingsName],
    cache: cache?.elsewhere,
  })
  if (stored === undefined) return undefined
  ingest.takeStaged(stored.packs)
  cache?.writtenElsewhere()
  walk.hardLinks = stored.hardLinks
  walk.kept = stored.kept
  for (const { path, reason } of stored.problems) {
    const text = reason === 'disk' ? `the disk reports an error at ${displayBytes(path)}` : nativeReasons[reason]
    walk.problems.push({ path, reason: text })
  }
  return { link: stored.files, count: stored.count, changes: stored.changes }
}

/** Stores a directory and all below it, and remembers what it found for the next look. */
async function* storeDirectory(walk: Walk, frame: Frame): Work<{ link: Link; count: number }> {
  const listed = yield* inSlices(walk.slicer, listNames(frame.handle), () => storing(walk))
  const rules = frame.gitignore ? withGitignore(frame, listed) : frame.rules
  const entries: Entry[] = []
  const directories: { name: ByteString; stat: FileStat }[] = []
  const contents = createContents()
  for (const { name } of listed) {
    const path = joinPath(frame.path, name)
    if (frame.path === '' && isOutsideFiles(name)) continue
    const stat = frame.handle.stat(name)
    if (stat === undefined || matchRules(rules, path, stat.kind === 'dir') !== undefined) continue
    if (stat.kind === 'dir') directories.push({ name, stat })
    else if (stat.kind === 'other') walk.problems.push({ path, reason: 'a socket, pipe or device' })
    else {
      const entry = yield* storeLeaf(walk, { parent: frame.handle, path, disk: stat, contents })
      if (entry !== undefined) entries.push(entry)
    }
    if (walk.slicer.due()) {
      yield storing(walk)
      await walk.slicer.pause()
    }
  }
  for (const { name, stat } of directories) {
    const handle = openQuietly(walk, frame, name)
    if (handle === undefined) continue
    try {
      const below = yield* storeDirectory(walk, {
        path: joinPath(frame.path, name),
        handle,
        rules,
        gitignore: frame.gitignore,
      })
      entries.push({ name, kind: 'dir', mode: stat.mode, size: below.count, content: below.link })
    } finally {
      handle.close()
    }
  }
  const finish = function* (): Generator<undefined, { link: Link; count: number }> {
    const sorted = yield* sortInSteps(entries, (a, b) => (a.name < b.name ? -1 : 1))
    const built = yield* buildDirectorySteps(walk.ingest, sorted)
    if (walk.cache !== undefined)
      yield* walk.cache.add({ path: frame.path, node: built.link, entries: sorted, contents })
    return built
  }
  return yield* inSlices(walk.slicer, finish(), () => storing(walk))
}

function* listNames(directory: Directory): Generator<undefined, readonly ListedName[]> {
  const listed: ListedName[] = []
  for (const part of directory.listInParts()) {
    for (const item of part) listed.push(item)
    yield
  }
  return listed
}

interface Leaf {
  readonly parent: Directory
  readonly path: GovernedPath
  readonly disk: FileStat
  readonly contents: FoundContents
}

async function* storeLeaf(walk: Walk, leaf: Leaf): Work<Entry | undefined> {
  const { parent, path, disk, contents } = leaf
  const { ingest, slicer, empty } = walk
  walk.stored++
  const made = yield* captureEntry({ ingest, parent, path, disk, slicer, empty, done: walk.stored, total: 0 })
  if ('reason' in made) {
    walk.problems.push({ path, reason: made.reason })
    return undefined
  }
  if (made.entry.kind === 'file') {
    contents.set(made.entry.name, { stat: made.stat, link: made.entry.content })
    if (made.stat.links > 1) walk.hardLinks++
    walk.kept = { files: walk.kept.files + 1, bytes: walk.kept.bytes + made.entry.size }
  }
  return made.entry
}

function openQuietly(walk: Walk, frame: Frame, name: ByteString): Directory | undefined {
  try {
    return frame.handle.child(name)
  } catch (error) {
    if (!isHostError(error, 'DENIED', 'IO', 'SYMLINK', 'NOT_A_DIRECTORY')) throw error
    const reason = error.code === 'DENIED' ? 'permission denied' : 'it changes while it is read'
    walk.problems.push({ path: joinPath(frame.path, name), reason })
    return undefined
  }
}
