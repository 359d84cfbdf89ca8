// The owner's single operations on the governed tree: put, mkdir, ln, chmod, rm, mv, cp. Each is one record, undone as
// one; what somebody changed outside and would be lost is kept as a snapshot first.
import { SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { type Link, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import type { ByteString, FileKind } from '../host/host.ts'
import { createSlicer, inSlices, type Progress, type Slicer } from '../progress.ts'
import { ingestContentSteps } from '../store/content.ts'
import type { Ingest } from '../store/store.ts'
import { emptyDirectory, findPath, walkTreeInSteps } from '../store/tree.ts'
import { ancestorsOf, checkGovernedPath, isWithin, joinPath, nameOf, parentOf } from '../worktree/paths.ts'
import type { Difference } from '../worktree/scan.ts'
import { openBelow } from '../worktree/walk.ts'
import type { TimelineContext } from './context.ts'
import { type ChangeList, createChangeList, type PlannedChange } from './diskPlan.ts'
import type { GovernedPath, OperationResult, Work } from './model.ts'
import { namingErrors, type Transaction, transact } from './transact.ts'

export interface ByteSource {
  readonly size: number
  read(target: Uint8Array, offset: number, length: number, position: number): number
}

interface Cancellable {
  readonly signal?: AbortSignal
}

/** From so many paths on, the state before is kept as a snapshot. */
const bulkPaths = 10
/** Contents above this are stored before the lock is taken. */
const privateIngestBytes = 1 << 20
const fileMode = 0o644
const directoryMode = 0o755
const linkTargetBytesMax = 4_095
/** A record of many moved paths names these first ones; the list of changes has them all. */
const namedSourcesMax = 8

const subjectOf = (paths: readonly GovernedPath[]) => ({ kind: 'file' as const, id: commonAncestor(paths) })

function commonAncestor(paths: readonly GovernedPath[]): GovernedPath {
  let common = paths[0] ?? ''
  for (const path of paths) while (!isWithin(path, common)) common = parentOf(common)
  return common
}

async function* done(result: OperationResult | undefined, action: string): Work<OperationResult> {
  return result ?? nothingDone(action)
}

/** The result of an operation that found everything as it shall be: nothing was recorded. */
export function nothingDone(action: string): OperationResult {
  return { seq: -1, action, changed: [], changedCount: 0, unapplied: [], drifted: [], notices: [] }
}

function recorded(transaction: Transaction, path: GovernedPath): Entry | undefined {
  return findPath(transaction.ingest, transaction.state.files, path)
}

/**
 * The directories above a path that are not recorded yet, to be made with it; modes as the disk has them. Throws
 * NOT_A_DIRECTORY or SYMLINK_IN_PATH where something else stands, recorded or on disk.
 */
function missingParents(context: TimelineContext, transaction: Transaction, path: GovernedPath): PlannedChange[] {
  const made: PlannedChange[] = []
  openBelow(context.worktree.root, parentOf(path))?.close()
  for (const ancestor of ancestorsOf(path)) {
    const entry = recorded(transaction, ancestor)
    if (entry !== undefined && entry.kind !== 'dir') {
      throw new SentientError('NOT_A_DIRECTORY', { where: displayBytes(ancestor), found: `a ${entry.kind}` })
    }
    if (entry !== undefined) continue
    const stat = context.worktree.stat(ancestor)
    const mode = stat?.kind === 'dir' ? stat.mode : directoryMode
    made.push({ path: ancestor, before: null, after: directoryEntry(transaction.ingest, ancestor, mode) })
  }
  return made
}

function directoryEntry(ingest: Ingest, path: GovernedPath, mode: number): Entry {
  return { name: nameOf(path), kind: 'dir', mode, size: 0, content: emptyDirectory(ingest) }
}

/** Writes a file; its parents are made where they are missing, unless `parents` is false. */
export async function* put(
  context: TimelineContext,
  path: GovernedPath,
  source: ByteSource,
  options: Cancellable & { readonly mode?: number; readonly parents?: boolean } = {},
): Work<OperationResult> {
  checkGovernedPath(path)
  const early = source.size > privateIngestBytes ? context.store.beginIngest({ shared: false }) : undefined
  try {
    const stored = early && (yield* namingErrors(context, store(context, early, source, options.signal)))
    const result = yield* transact(
      context,
      { label: 'put', ingest: early, signal: options.signal },
      async function* (tx) {
        const { link, size } = stored ?? (yield* store(context, tx.ingest, source, options.signal))
        const before = recorded(tx, path) ?? null
        if (before?.kind === 'dir' || context.worktree.stat(path)?.kind === 'dir')
          throw new SentientError('IS_A_DIRECTORY', { where: displayBytes(path) })
        if (options.parents === false && parentOf(path) !== '' && recorded(tx, parentOf(path)) === undefined) {
          throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(parentOf(path)) })
        }
        const mode = (options.mode ?? (before?.kind === 'file' ? before.mode : fileMode)) & 0o7777
        const after: Entry = { name: nameOf(path), kind: 'file', mode, size, content: link }
        const changes = [...missingParents(context, tx, path), { path, before, after }]
        return { action: 'put', subject: { kind: 'file', id: path }, changes }
      },
    )
    return yield* done(result, 'put')
  } catch (error) {
    early?.abort()
    throw error
  }
}

async function* store(
  context: TimelineContext,
  ingest: Ingest,
  source: ByteSource,
  signal?: AbortSignal,
): Work<{ link: Link; size: number }> {
  const slicer = createSlicer(context.clock, signal)
  const steps = ingestContentSteps(ingest, source)
  let bytes = 0
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    bytes += step.value
    if (slicer.due()) {
      yield { phase: 'storing', done: bytes, total: source.size, unit: 'bytes' as const }
      await slicer.pause()
    }
  }
}

export async function* makeDirectory(
  context: TimelineContext,
  path: GovernedPath,
  options: Cancellable & { readonly parents?: boolean; readonly mode?: number } = {},
): Work<OperationResult> {
  checkGovernedPath(path)
  const result = yield* transact(context, { label: 'mkdir', signal: options.signal }, async function* (tx) {
    const before = recorded(tx, path)
    if (before !== undefined) {
      if (options.parents && before.kind === 'dir') return undefined
      throw new SentientError('PATH_EXISTS', { where: displayBytes(path) })
    }
    const parents = missingParents(context, tx, path)
    if (parents.length > 0 && !options.parents) {
      throw new SentientError('PATH_NOT_FOUND', {
        where: displayBytes(parents[0].path),
        hint: 'Give -p to make it too.',
      })
    }
    const stat = context.worktree.stat(path)
    if (stat !== undefined && stat.kind !== 'dir') throw existsOutside(path)
    const mode = (options.mode ?? stat?.mode ?? directoryMode) & 0o7777
    const change = { path, before: null, after: directoryEntry(tx.ingest, path, mode) }
    return { action: 'mkdir', subject: { kind: 'file', id: path }, changes: [...parents, change] }
  })
  return yield* done(result, 'mkdir')
}

function existsOutside(path: GovernedPath): SentientError {
  return new SentientError('PATH_EXISTS', {
    where: displayBytes(path),
    found: 'something that is not recorded',
    hint: 'Keep it (sentctl absorb), remove it, or choose another name.',
  })
}

export async function* makeSymlink(
  context: TimelineContext,
  path: GovernedPath,
  target: ByteString,
  options: Cancellable = {},
): Work<OperationResult> {
  checkGovernedPath(path)
  if (target === '' || target.length > linkTargetBytesMax || target.includes('\0')) {
    throw new SentientError('USAGE', {
      what: 'Not a symlink target',
      expected: `1 to ${linkTargetBytesMax} bytes, no NUL`,
      found: `${target.length} bytes`,
    })
  }
  const result = yield* transact(context, { label: 'ln', signal: options.signal }, async function* (tx) {
    if (recorded(tx, path) !== undefined) throw new SentientError('PATH_EXISTS', { where: displayBytes(path) })
    if (context.worktree.stat(path) !== undefined) throw existsOutside(path)
    const bytes = Buffer.from(target, 'latin1')
    const content = tx.ingest.put('raw', 'chunk', bytes)
    const after: Entry = { name: nameOf(path), kind: 'symlink', mode: 0o777, size: bytes.length, content }
    const changes = [...missingParents(context, tx, path), { path, before: null, after }]
    return { action: 'link', subject: { kind: 'file', id: path }, changes }
  })
  return yield* done(result, 'link')
}

export async function* setMode(
  context: TimelineContext,
  paths: readonly GovernedPath[],
  mode: (current: number, kind: FileKind) => number,
  options: Cancellable & { readonly recursive?: boolean } = {},
): Work<OperationResult> {
  for (const path of paths) checkGovernedPath(path)
  const result = yield* transact(context, { label: 'chmod', signal: options.signal }, async function* (tx) {
    const slicer = createSlicer(context.clock, options.signal)
    const changes = createChangeList()
    const add = (path: GovernedPath, before: Entry) => {
      if (before.kind === 'symlink') return
      const after = { ...before, mode: mode(before.mode, before.kind) & 0o7777 }
      if (after.mode !== before.mode) changes.push({ path, before, after })
    }
    for (const path of paths) {
      const entry = requireRecorded(context, tx, path)
      if (entry.kind !== 'dir' || !options.recursive) add(path, entry)
      else yield* eachBelow(tx, path, { slicer, each: item => add(item.path, item.entry) })
    }
    yield* inSlices(slicer, changes.sort(), () => planning(changes.count))
    if (changes.count === 0) return undefined
    // A mode that was changed outside is what the owner sets right now; other drift would be overwritten with it.
    let drift: GovernedPath | undefined
    yield* scanBelow(context, tx, paths, {
      found: difference => {
        if (drift === undefined && changes.has(difference.path) && !isModeOnly(difference)) drift = difference.path
      },
      signal: options.signal,
    })
    if (drift !== undefined) throw driftError(drift)
    return {
      action: 'chmod',
      subject: subjectOf(paths),
      changes,
      snapshotBefore: bulk('chmod', changes.count),
    }
  })
  return yield* done(result, 'chmod')
}

function isModeOnly({ recorded: entry, disk, content }: Difference): boolean {
  if (entry === null || disk === undefined || entry.kind !== disk.kind) return false
  return entry.kind === 'dir' || sameLink(entry.content, content)
}

function driftError(path: GovernedPath): SentientError {
  return new SentientError('DRIFT', {
    where: displayBytes(path),
    hint: 'Keep it (sentctl absorb) or bring it back (sentctl restore) first.',
  })
}

const bulk = (action: string, paths: number): string | undefined => (paths >= bulkPaths ? action : undefined)

function requireRecorded(context: TimelineContext, tx: Transaction, path: GovernedPath): Entry {
  const entry = recorded(tx, path)
  if (entry !== undefined) return entry
  if (context.worktree.stat(path) !== undefined) {
    throw new SentientError('DRIFT', { what: 'It is not recorded yet', where: displayBytes(path) })
  }
  throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(path) })
}

/** Removes paths with all that lies below; what is there and not recorded is kept in a snapshot first. */
export async function* remove(
  context: TimelineContext,
  paths: readonly GovernedPath[],
  options: Cancellable & { readonly recursive?: boolean } = {},
): Work<OperationResult> {
  for (const path of paths) checkGovernedPath(path)
  const result = yield* transact(context, { label: 'rm', signal: options.signal }, async function* (tx) {
    const slicer = createSlicer(context.clock, options.signal)
    const changes = createChangeList()
    for (const path of paths) {
      const entry = recorded(tx, path)
      const kind = entry?.kind ?? context.worktree.stat(path)?.kind
      if (kind === undefined) throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(path) })
      if (kind === 'other') {
        throw new SentientError('PATH_NOT_FOUND', {
          what: 'Sockets, pipes and devices are not governed',
          where: displayBytes(path),
          hint: 'Remove it with rm.',
        })
      }
      if (kind === 'dir' && !options.recursive) throw new SentientError('IS_A_DIRECTORY', { where: displayBytes(path) })
      if (entry === undefined) continue
      const each = (item: { path: GovernedPath; entry: Entry }) =>
        changes.push({ path: item.path, before: item.entry, after: null })
      yield* eachBelow(tx, path, { slicer, each })
    }
    yield* scanBelow(context, tx, paths, {
      found: ({ path, recorded: before }) => changes.push({ path, before, after: null }),
      signal: options.signal,
    })
    yield* inSlices(slicer, changes.sort(), () => planning(changes.count))
    return {
      action: 'delete',
      subject: subjectOf(paths),
      changes,
      snapshotBefore: bulk('delete', changes.count),
    }
  })
  return yield* done(result, 'delete')
}

const planning = (done: number): Progress => ({ phase: 'planning', done, unit: 'paths' })

/** Everything recorded at and below a path. */
async function* eachBelow(
  tx: Transaction,
  under: GovernedPath,
  { slicer, each }: { slicer: Slicer; each: (item: { path: GovernedPath; entry: Entry }) => void },
): Work<void> {
  let done = 0
  const steps = function* () {
    for (const item of walkTreeInSteps(tx.ingest, tx.state.files, { under })) {
      if (item !== undefined) {
        each(item)
        done++
      }
      yield
    }
  }
  yield* inSlices(slicer, steps(), () => planning(done))
}

async function* scanBelow(
  context: TimelineContext,
  tx: Transaction,
  under: readonly GovernedPath[],
  options: { readonly found: (difference: Difference) => void; readonly signal: AbortSignal | undefined },
): Work<void> {
  const { ignore, gitignore } = context.settings()
  yield* context.worktree.scan({
    reader: tx.ingest,
    files: tx.state.files,
    ignore: { ignore, gitignore },
    under,
    ...options,
  })
}

export async function* move(
  context: TimelineContext,
  from: readonly GovernedPath[],
  to: GovernedPath,
  options: Cancellable & { readonly force?: boolean } = {},
): Work<OperationResult> {
  return yield* transfer(context, { action: 'move', from, to, removing: true, recursive: true, ...options })
}

export async function* copy(
  context: TimelineContext,
  from: readonly GovernedPath[],
  to: GovernedPath,
  options: Cancellable & { readonly force?: boolean; readonly recursive?: boolean } = {},
): Work<OperationResult> {
  return yield* transfer(context, { action: 'copy', from, to, removing: false, recursive: false, ...options })
}

interface TransferRequest extends Cancellable {
  readonly action: 'move' | 'copy'
  readonly from: readonly GovernedPath[]
  readonly to: GovernedPath
  readonly removing: boolean
  readonly recursive?: boolean
  readonly force?: boolean
}

async function* transfer(context: TimelineContext, request: TransferRequest): Work<OperationResult> {
  const { action, from, to, signal } = request
  for (const path of from) checkGovernedPath(path)
  if (to !== '') checkGovernedPath(to)
  const result = yield* transact(context, { label: action, signal }, async function* (tx) {
    let drift: GovernedPath | undefined
    yield* scanBelow(context, tx, from, { found: ({ path }) => (drift ??= path), signal })
    if (drift !== undefined) throw driftError(drift)
    const slicer = createSlicer(context.clock, signal)
    const changes = createChangeList()
    const targets = new Set<GovernedPath>()
    const into = to === '' || (recorded(tx, to) ?? context.worktree.stat(to))?.kind === 'dir'
    if (!into && from.length > 1) throw new SentientError('NOT_A_DIRECTORY', { where: displayBytes(to) })
    for (const source of from) {
      const target = into ? joinPath(to, nameOf(source)) : to
      yield* planTransfer(context, tx, request, { source, target, changes, targets, slicer })
      targets.add(target)
    }
    yield* inSlices(slicer, changes.sort(), () => planning(changes.count))
    return {
      action,
      subject: subjectOf([...from, to]),
      changes,
      fields: {
        from: from.slice(0, namedSourcesMax).map(path => Buffer.from(path, 'latin1')),
        to: Buffer.from(to, 'latin1'),
      },
      snapshotBefore: bulk(action, changes.count),
    }
  })
  return yield* done(result, action)
}

interface Transferred {
  readonly source: GovernedPath
  readonly target: GovernedPath
  readonly changes: ChangeList
  /** Of the sources before this one. */
  readonly targets: ReadonlySet<GovernedPath>
  readonly slicer: Slicer
}

async function* planTransfer(
  context: TimelineContext,
  tx: Transaction,
  request: TransferRequest,
  { source, target, changes, targets, slicer }: Transferred,
): Work<void> {
  const entry = requireRecorded(context, tx, source)
  if (isWithin(target, source)) {
    throw new SentientError('PATH_INVALID', { what: 'A directory can not go into itself', where: displayBytes(target) })
  }
  if (entry.kind === 'dir' && request.recursive !== true)
    throw new SentientError('IS_A_DIRECTORY', { where: displayBytes(source) })
  const existing = recorded(tx, target) ?? null
  const parents = missingParents(context, tx, target)
  const stands = [existing?.kind, context.worktree.stat(target)?.kind].filter(kind => kind !== undefined)
  if (
    targets.has(target) ||
    (stands.length > 0 && (!request.force || entry.kind === 'dir' || stands.includes('dir')))
  ) {
    throw new SentientError('PATH_EXISTS', { where: displayBytes(target) })
  }
  for (const parent of parents) changes.push(parent)
  const each = (item: { path: GovernedPath; entry: Entry }) => {
    const path = target + item.path.slice(source.length)
    const after = { ...item.entry, name: nameOf(path) }
    changes.push({ path, before: path === target ? existing : null, after })
    if (request.removing) changes.push({ path: item.path, before: item.entry, after: null })
  }
  yield* eachBelow(tx, source, { slicer, each })
}
