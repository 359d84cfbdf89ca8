// How the tree stands against the record: the list of what was changed outside, what is damaged, what could not be
// made visible. And single directories and paths as a screen lists them, past states too.

import { SentientError } from '../errors.ts'
import { byteStringOf, displayBytes } from '../format/bytes.ts'
import { sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat } from '../host/host.ts'
import { createSlicer, drained, inSlices, type Progress, sortInSteps } from '../progress.ts'
import { diffTreesInSteps, entriesInSteps, findPath } from '../store/tree.ts'
import { compilePathGlob } from '../worktree/ignore.ts'
import { ancestorsOf, joinPath, parentOf } from '../worktree/paths.ts'
import { isOutsideFiles } from '../worktree/reserved.ts'
import { type Difference, sideBySide, sortedNames } from '../worktree/scan.ts'
import { inParent, openBelow } from '../worktree/walk.ts'
import { readState, stateInForce, type TimelineContext } from './context.ts'
import { readDamagedPaths } from './damage.ts'
import { diskEntryOf, storedBytes } from './fileDiff.ts'
import { settingsCandidate } from './governing.ts'
import type {
  Change,
  ChangeCounts,
  ChangeState,
  DriftRule,
  GovernedPath,
  IntegrityMark,
  ListedEntry,
  StatePoint,
  StatusReport,
  Work,
} from './model.ts'
import { stateAt } from './pruned.ts'
import { readUnapplied } from './recovery.ts'
import type { Settings } from './settings.ts'
import { currentSnapshots, readySnapshots } from './snapshots.ts'

/** Compares the tree with the state in force. */
export async function* status(
  context: TimelineContext,
  options: { readonly under?: readonly GovernedPath[]; readonly signal?: AbortSignal } = {},
): Work<StatusReport> {
  const lastLook = context.worktree.lastLook()
  const head = context.journal.head()
  const { root, state } = stateInForce(context)
  const settings = context.settings()
  const { ignore, gitignore } = settings
  const look = yield* context.worktree.scan({
    reader: context.store,
    files: state.files,
    ignore: { ignore, gitignore },
    under: options.under,
    namedCount: false,
    signal: options.signal,
  })
  const slicer = createSlicer(context.clock, options.signal)
  const progress = (): Progress => ({ phase: 'looking', done: look.filesChecked, unit: 'files' })
  const changes = yield* inSlices(slicer, changesOfLook(context, look.differences, state.files), progress)
  const candidate = await settingsCandidate(context)
  yield* readySnapshots(context, options.signal)
  return {
    rootPath: context.directories.root.path,
    records: head.size,
    root,
    time: head.time,
    changes,
    counts: countChanges(changes),
    filesChecked: look.filesChecked,
    filesHashed: look.filesHashed,
    bytesHashed: look.bytesHashed,
    skipped: look.skipped,
    ignored: look.ignored,
    lastLook,
    settingsCandidate: candidate.state,
    settingsProblem:
      candidate.problem &&
      `line ${candidate.problem.line}, column ${candidate.problem.column}: ${candidate.problem.message}`,
    snapshots: currentSnapshots(context).length,
    notices: [...context.notices],
  }
}

/** What a look found, and what is known to be damaged; sorted. */
function* changesOfLook(
  context: TimelineContext,
  differences: readonly Difference[],
  files: Entry['content'],
): Generator<undefined, readonly Change[]> {
  const applying = yield* pathsBeingApplied(context)
  const unapplied = readUnapplied(context)
  const ruleFor = driftRules(context.settings())
  const changes: Change[] = []
  for (const difference of differences) {
    const { path } = difference
    const special = applying.has(path) ? 'applying' : unapplied.has(path) ? 'unapplied' : undefined
    changes.push(changeOf(difference, special, ruleFor(path)))
    yield
  }
  addDamaged(context, files, changes, ruleFor)
  return yield* sortInSteps(changes, (a, b) => (a.path < b.path ? -1 : 1))
}

/** Paths that are committed and that another process is making visible right now. */
function* pathsBeingApplied(context: TimelineContext): Generator<undefined, Set<ByteString>> {
  const paths = new Set<ByteString>()
  const { applied, size, root } = context.journal.head()
  if (applied >= size || applied === 0 || root === undefined) return paths
  const before = context.journal.read(applied - 1)
  if (before.state !== 'intact') return paths
  const old = readState(context.store, before.record.envelope.root)
  for (const change of diffTreesInSteps(context.store, old.files, readState(context.store, root).files)) {
    if (change !== undefined) paths.add(change.path)
    yield
  }
  return paths
}

/** What drift means at a path: the last rule of the settings that names it. */
export function driftRules(settings: Settings): (path: ByteString) => DriftRule {
  const rules = settings.drift.map(rule => ({ matches: rule.paths.map(glob => compilePathGlob(glob)), do: rule.do }))
  return path => rules.findLast(rule => rule.matches.some(matches => matches(path)))?.do ?? 'warn'
}

export function changeOf(
  { path, recorded, disk, content, unreadable }: Difference,
  special: 'applying' | 'unapplied' | undefined,
  drift: DriftRule,
): Change {
  const differs: ('content' | 'mode' | 'kind')[] = []
  if (recorded !== null && disk !== undefined) {
    if (recorded.kind !== disk.kind) differs.push('kind')
    else {
      const contentSame = content === undefined ? recorded.kind === 'dir' : sameLink(content, recorded.content)
      if (!contentSame) differs.push('content')
      if (recorded.kind !== 'symlink' && recorded.mode !== disk.mode) differs.push('mode')
    }
  }
  const state: ChangeState =
    special ??
    (unreadable !== undefined ? 'unreadable' : disk === undefined ? 'gone' : recorded === null ? 'new' : 'changed')
  return {
    path,
    state,
    kind: disk?.kind ?? recorded?.kind ?? 'other',
    recorded,
    disk: disk === undefined ? null : diskEntryOf(disk),
    differs,
    reason: reasonOf(state, differs, unreadable),
    drift,
  }
}

function reasonOf(state: ChangeState, differs: readonly string[], unreadable: string | undefined): string {
  switch (state) {
    case 'changed':
      return differs.length === 1 && differs[0] === 'mode' ? 'mode changed outside' : 'changed outside'
    case 'new':
      return 'new, not recorded'
    case 'gone':
      return 'removed outside'
    case 'damaged':
      return 'the recorded content is damaged in the store'
    case 'applying':
      return 'committed, being put in place by another process'
    case 'unapplied':
      return 'committed, but the disk refused it'
    case 'unreadable':
      return unreadable ?? 'it can not be read'
  }
}

function addDamaged(
  context: TimelineContext,
  files: Entry['content'],
  changes: Change[],
  ruleFor: (path: ByteString) => DriftRule,
): void {
  const damaged = [...readDamagedPaths(context)]
  const known = new Map(damaged.length === 0 ? [] : changes.map((change, i) => [change.path, i]))
  for (const path of damaged) {
    const recorded = findPath(context.store, files, path)
    if (recorded === undefined) continue
    const at = known.get(path)
    const disk = context.worktree.stat(path)
    const change: Change = {
      path,
      state: 'damaged',
      kind: recorded.kind,
      recorded,
      disk: disk === undefined ? null : diskEntryOf(disk),
      differs: [],
      reason: reasonOf('damaged', [], undefined),
      drift: ruleFor(path),
    }
    if (at === undefined) changes.push(change)
    else changes[at] = change
  }
}

export function countChanges(changes: readonly Change[]): ChangeCounts {
  const counts: Record<ChangeState, number> = {
    changed: 0,
    new: 0,
    gone: 0,
    damaged: 0,
    applying: 0,
    unapplied: 0,
    unreadable: 0,
  }
  for (const change of changes) counts[change.state]++
  return counts
}

const marks: Readonly<Record<ChangeState, IntegrityMark>> = {
  changed: '~',
  new: '+',
  gone: '-',
  damaged: '!',
  applying: '?',
  unapplied: '~',
  unreadable: '!',
}

const worstFirst: readonly IntegrityMark[] = ['!', '-', '~', '+', '?', 's', '=', ' ']
const worse = (a: IntegrityMark, b: IntegrityMark): IntegrityMark =>
  worstFirst.indexOf(a) < worstFirst.indexOf(b) ? a : b

export interface KnownMarks {
  of(path: ByteString): Change | undefined
  below(path: ByteString): { readonly count: number; readonly worst: IntegrityMark } | undefined
}

/** What a report says path by path and folded into directories, for listings. Stops now and then. */
export function* knownMarks(report: StatusReport): Generator<undefined, KnownMarks> {
  const changes = new Map<ByteString, Change>()
  const below = new Map<ByteString, { count: number; worst: IntegrityMark }>()
  for (const change of report.changes) {
    const { path, state } = change
    changes.set(path, change)
    for (const ancestor of ['', ...ancestorsOf(path)]) {
      const known = below.get(ancestor)
      below.set(ancestor, { count: (known?.count ?? 0) + 1, worst: worse(known?.worst ?? '=', marks[state]) })
    }
    yield
  }
  return { of: path => changes.get(path), below: path => below.get(path) }
}

export interface ListOptions {
  readonly at?: StatePoint
  readonly known?: KnownMarks
}

/** One directory as it stands now: disk and record side by side, or as a past state had it. */
export function listDirectory(context: TimelineContext, path: GovernedPath, options: ListOptions): ListedEntry[] {
  const listed: ListedEntry[] = []
  drained(listingSteps(context, path, { ...options, listed }))
  return listed
}

/** The same for a screen: a directory of 100,000 entries keeps nobody waiting. */
export async function* listDirectoryInSlices(
  context: TimelineContext,
  path: GovernedPath,
  options: ListOptions & { readonly signal?: AbortSignal },
): Work<ListedEntry[]> {
  const listed: ListedEntry[] = []
  const steps = listingSteps(context, path, { ...options, listed })
  const progress = (): Progress => ({ phase: 'listing', done: listed.length, unit: 'paths' })
  yield* inSlices(createSlicer(context.clock, options.signal), steps, progress)
  return listed
}

const entriesPerStep = 64

/** Puts the entries into `listed`. */
function* listingSteps(
  context: TimelineContext,
  path: GovernedPath,
  { at, known, listed }: ListOptions & { readonly listed: ListedEntry[] },
): Generator<undefined, void> {
  const files = at === undefined ? stateInForce(context).state.files : stateAt(context, at).files
  const entry = path === '' ? undefined : findPath(context.store, files, path)
  const link = path === '' ? files : entry?.kind === 'dir' ? entry.content : undefined
  const recorded = link === undefined ? [] : yield* entriesInSteps(context.store, link)
  const directory = at === undefined ? openQuietly(context, path) : undefined
  if (directory === undefined && link === undefined) throw missing(path, entry)
  try {
    const names = directory === undefined ? [] : yield* sortedNames(directory)
    let seen = 0
    for (const { name, entry: child } of sideBySide(names, recorded)) {
      if (++seen % entriesPerStep === 0) yield
      if (path === '' && isOutsideFiles(name)) continue
      const below = joinPath(path, name)
      const disk = directory?.stat(name)
      if (at !== undefined && child !== null) listed.push(pastEntry(context, path, child))
      else if (child !== null || disk !== undefined)
        listed.push(presentEntry(context, below, child ?? undefined, disk, known))
    }
  } finally {
    directory?.close()
  }
}

/** The directory on disk; undefined when it is missing, no directory, or closed to us. */
function openQuietly(context: TimelineContext, path: GovernedPath): Directory | undefined {
  try {
    return openBelow(context.worktree.root, path)
  } catch (error) {
    if (error instanceof SentientError || isHostError(error, 'DENIED')) return undefined
    throw error
  }
}

function missing(path: GovernedPath, entry: Entry | undefined): SentientError {
  return new SentientError(entry === undefined ? 'PATH_NOT_FOUND' : 'NOT_A_DIRECTORY', { where: displayBytes(path) })
}

function pastEntry(context: TimelineContext, directory: GovernedPath, entry: Entry): ListedEntry {
  return {
    name: entry.name,
    path: joinPath(directory, entry.name),
    kind: entry.kind,
    mode: entry.mode,
    size: entry.size,
    mtime: 0,
    mark: '=',
    reason: 'as recorded then',
    target: entry.kind === 'symlink' ? targetOf(context, joinPath(directory, entry.name), undefined, entry) : undefined,
  }
}

function presentEntry(
  context: TimelineContext,
  path: GovernedPath,
  recorded: Entry | undefined,
  disk: FileStat | undefined,
  known: KnownMarks | undefined,
): ListedEntry {
  const { mark, reason } = markOf(context, path, recorded, disk, known)
  const shown = disk ?? recorded
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    kind: shown?.kind ?? 'other',
    mode: shown?.mode ?? 0,
    size: disk?.kind === 'dir' ? (recorded?.size ?? 0) : (shown?.size ?? 0),
    mtime: disk === undefined ? 0 : Number(disk.mtimeNs / 1000n),
    mark,
    reason,
    below: shown?.kind === 'dir' ? known?.below(path) : undefined,
    target: shown?.kind === 'symlink' ? targetOf(context, path, disk, recorded) : undefined,
  }
}

/** Where a symlink points: as the disk has it, else as it is recorded; undefined when neither can be read. */
function targetOf(
  context: TimelineContext,
  path: GovernedPath,
  disk: FileStat | undefined,
  recorded: Entry | undefined,
): ByteString | undefined {
  try {
    if (disk?.kind === 'symlink') return inParent(context.worktree.root, path, (parent, name) => parent.readLink(name))
    return recorded?.kind === 'symlink' ? byteStringOf(storedBytes(context.store, recorded)) : undefined
  } catch (error) {
    if (isHostError(error) || error instanceof SentientError) return undefined
    throw error
  }
}

function markOf(
  context: TimelineContext,
  path: GovernedPath,
  recorded: Entry | undefined,
  disk: FileStat | undefined,
  known: KnownMarks | undefined,
): { mark: IntegrityMark; reason: string } {
  if (disk?.kind === 'other') return { mark: 's', reason: 'a socket, pipe or device: skipped' }
  const change = known?.of(path)
  if (change !== undefined) return { mark: marks[change.state], reason: change.reason }
  if (recorded === undefined && disk !== undefined) {
    const { ignore, gitignore } = context.settings()
    const rule = context.worktree.isIgnored(path, disk.kind === 'dir', { ignore, gitignore })
    if (rule !== undefined) return { mark: ' ', reason: `ignored by ${rule.pattern}` }
    if (known?.below(path) === undefined && known !== undefined && insideIgnored(context, path))
      return { mark: ' ', reason: 'inside an ignored directory' }
    return { mark: '+', reason: 'new, not recorded' }
  }
  if (disk === undefined) return { mark: '-', reason: 'removed outside' }
  if (known === undefined) return { mark: '?', reason: 'not looked at yet' }
  return { mark: '=', reason: 'as recorded' }
}

function insideIgnored(context: TimelineContext, path: GovernedPath): boolean {
  const { ignore, gitignore } = context.settings()
  return ancestorsOf(path).some(
    ancestor => context.worktree.isIgnored(ancestor, true, { ignore, gitignore }) !== undefined,
  )
}

/** One path as its directory lists it; undefined when neither disk nor record has it. */
export function listPath(
  context: TimelineContext,
  path: GovernedPath,
  options: { readonly at?: StatePoint; readonly known?: KnownMarks },
): ListedEntry | undefined {
  const files = options.at === undefined ? stateInForce(context).state.files : stateAt(context, options.at).files
  const recorded = findPath(context.store, files, path)
  if (options.at !== undefined) return recorded && pastEntry(context, parentOf(path), recorded)
  const disk = context.worktree.stat(path)
  if (recorded === undefined && disk === undefined) return undefined
  return presentEntry(context, path, path === '' ? undefined : recorded, disk, options.known)
}
