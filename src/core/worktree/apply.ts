// Making a committed change visible: contents are staged beside the tree before the commit, so that space and
// permissions are known, and renamed into place after it. A path that is no longer what was seen is left alone.

import { SentientError } from '../errors.ts'
import { asBuffer, byteStringOf } from '../format/bytes.ts'
import { type Link, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { type HostError, isHostError } from '../host/error.ts'
import { flushWritten, type Written } from '../host/flush.ts'
import type { ByteString, Directory, FileStat, Randomness } from '../host/host.ts'
import type { Progress, Slicer } from '../progress.ts'
import { hashContent, openContent } from '../store/content.ts'
import type { ObjectReader } from '../store/tree.ts'
import { nameOf, parentOf } from './paths.ts'
import { openBelow, sameStat } from './walk.ts'

/** One path and what it shall become; `seen` is what the disk held when that was decided (undefined: nothing). */
export interface Target {
  readonly path: ByteString
  readonly after: Entry | null
  readonly seen: FileStat | undefined
  /** The disk holds the content already: only the mode has to be set. */
  readonly modeOnly?: boolean
  /** The content seen, when its times are too young to tell a change in the same tick: it is read again at the last moment. */
  readonly recheck?: Link
}

export interface ApplyOptions {
  readonly root: Directory
  /** `.runtime/stage` */
  readonly stage: Directory
  readonly reader: ObjectReader
  readonly random: Randomness
  readonly slicer: Slicer
}

export interface ApplyReport {
  /** Could not be made visible, with the reason. */
  readonly unapplied: { readonly path: ByteString; readonly reason: string }[]
  /** Changed outside in the meantime and left as they are. */
  readonly drifted: ByteString[]
}

interface StagedFile {
  readonly directory: Directory
  readonly name: ByteString
}

export interface StagedChange {
  readonly targets: readonly Target[]
  readonly files: ReadonlyMap<ByteString, StagedFile>
  /** Removes what was staged; for a transaction that is not committed. */
  discard(): void
}

/** Names of staged files beside a target on another mount; the scan leaves them out. */
export const stagePrefix = '.sentient-stage-'

/** Kept free for the records of the owner who has to clean up a full disk. */
const reservedBytes = 1 << 20
const flushEachMax = 64
const copyBytes = 1 << 20

/** Writes every content that has to appear into staged files. Throws DISK_FULL or NOT_WRITABLE before any commit. */
export async function* stageChange(
  options: ApplyOptions,
  targets: readonly Target[],
): AsyncGenerator<Progress, StagedChange, void> {
  const staged = targets.filter(needsStaging)
  const bytes = staged.reduce((sum, target) => sum + (target.after?.size ?? 0), 0)
  const free = options.stage.freeBytes()
  if (bytes + reservedBytes > free) {
    throw new SentientError('DISK_FULL', {
      where: options.root.path,
      expected: `${bytes + reservedBytes} bytes free`,
      found: `${free} bytes`,
    })
  }
  const tag = asBuffer(options.random.bytes(6)).toString('hex')
  const files = new Map<ByteString, StagedFile>()
  const discard = () => {
    for (const { directory, name } of files.values()) {
      removeQuietly(directory, name)
      if (directory !== options.stage) directory.close()
    }
    files.clear()
  }
  const stageDevice = options.stage.selfStat().dev
  try {
    for (const [i, target] of staged.entries()) {
      const beside = parentOnAnotherMount(options.root, target.path, stageDevice)
      const place = { directory: beside ?? options.stage, name: `${beside ? stagePrefix : ''}${tag}-${i}` }
      files.set(target.path, place)
      stageOne(options, target.after as Entry, place, staged.length <= flushEachMax)
      if (options.slicer.due()) {
        yield { phase: 'staging', done: i, total: staged.length, unit: 'files' }
        await options.slicer.pause()
      }
    }
  } catch (error) {
    discard()
    throw writeProblem(error, options.root.path)
  }
  return { targets, files, discard }
}

function needsStaging({ after, modeOnly }: Target): boolean {
  return after !== null && after.kind !== 'dir' && modeOnly !== true
}

function parentOnAnotherMount(root: Directory, path: ByteString, stageDevice: number): Directory | undefined {
  const parent = openBelow(root, parentOf(path))
  if (parent === undefined) return undefined
  if (parent.selfStat().dev !== stageDevice) return parent
  parent.close()
  return undefined
}

function stageOne(options: ApplyOptions, entry: Entry, place: StagedFile, flush: boolean): void {
  const content = openContent(options.reader, entry.content, entry.size)
  if (entry.kind === 'symlink') {
    const target = new Uint8Array(entry.size)
    content.read(target, 0, target.length, 0)
    place.directory.makeSymlink(place.name, byteStringOf(target))
    return
  }
  const file = place.directory.open(place.name, 'create', 0o600)
  try {
    const buffer = new Uint8Array(Math.min(copyBytes, Math.max(entry.size, 1)))
    for (let position = 0; position < entry.size; ) {
      const count = content.read(buffer, 0, Math.min(buffer.length, entry.size - position), position)
      file.write(buffer.subarray(0, count), position)
      position += count
    }
    file.setMode(entry.mode)
    if (flush) file.flush()
  } finally {
    file.close()
  }
}

/** Puts a staged change in place and makes it durable. Never throws for a single path: the report names it. */
export async function* applyChange(
  options: ApplyOptions,
  change: StagedChange,
): AsyncGenerator<Progress, ApplyReport, void> {
  const report: ApplyReport = { unapplied: [], drifted: [] }
  const touched = new Map<ByteString, ByteString[]>()
  const attempt = (path: ByteString, work: () => 'done' | 'drifted') => {
    try {
      if (work() === 'drifted') report.drifted.push(path)
      else noteTouched(touched, path)
    } catch (error) {
      if (isHostError(error)) report.unapplied.push({ path, reason: reasonOf(error) })
      else if (error instanceof SentientError) report.drifted.push(path)
      else throw error
    }
  }
  const order = [...change.targets].sort((a, b) => (a.path < b.path ? -1 : 1))
  const steps = [
    ...order
      .toReversed()
      .filter(isRemoval)
      .map(target => ({ path: target.path, work: () => removeOne(options, target) })),
    ...order
      .filter(target => target.after !== null)
      .map(target => ({
        path: target.path,
        work: () => placeOne(options, target, change.files.get(target.path)),
      })),
    ...order
      .toReversed()
      .filter(target => target.after?.kind === 'dir')
      .map(target => ({
        path: target.path,
        work: () => finishDirectory(options.root, target),
      })),
  ]
  for (const [i, { path, work }] of steps.entries()) {
    attempt(path, work)
    if (options.slicer.due()) {
      yield { phase: 'applying', done: i, total: steps.length, unit: 'paths' }
      // Committed already: a cancelled caller still gets the whole change, so the pause must not throw here.
      await options.slicer.pause().catch(() => undefined)
    }
  }
  flushTouched(options.root, touched, change.targets.length)
  change.discard()
  return report
}

function noteTouched(touched: Map<ByteString, ByteString[]>, path: ByteString): void {
  const names = touched.get(parentOf(path))
  if (names === undefined) touched.set(parentOf(path), [nameOf(path)])
  else names.push(nameOf(path))
}

/** Something has to go: the path shall not be, or shall be of another kind. */
function isRemoval({ after, seen }: Target): boolean {
  if (seen === undefined) return false
  return after === null || (after.kind === 'dir') !== (seen.kind === 'dir')
}

function removeOne(options: ApplyOptions, target: Target): 'done' | 'drifted' {
  return inWritableParent(options.root, target.path, (parent, name) => {
    const now = parent.stat(name)
    if (now === undefined) return 'done'
    if (!isAsSeen(parent, name, now, target)) return 'drifted'
    if (now.kind !== 'dir') parent.removeFile(name)
    else {
      try {
        parent.removeDirectory(name)
      } catch (error) {
        if (isHostError(error, 'NOT_EMPTY', 'EXISTS')) return 'drifted'
        throw error
      }
    }
    return 'done'
  })
}

function placeOne(options: ApplyOptions, target: Target, staged: StagedFile | undefined): 'done' | 'drifted' {
  const after = target.after as Entry
  return inWritableParent(options.root, target.path, (parent, name) => {
    const now = parent.stat(name)
    if (isRemoval(target) ? now !== undefined : !isAsSeen(parent, name, now, target)) return 'drifted'
    if (after.kind === 'dir') {
      if (now === undefined) parent.makeDirectory(name, after.mode | 0o700)
    } else if (staged === undefined) parent.setMode(name, after.mode)
    else staged.directory.rename(staged.name, parent, name)
    return 'done'
  })
}

/** The last look before something is replaced or removed. */
function isAsSeen(parent: Directory, name: ByteString, now: FileStat | undefined, target: Target): boolean {
  if (!sameStat(now, target.seen)) return false
  if (target.recheck === undefined || now?.kind !== 'file') return true
  const file = parent.open(name, 'read')
  try {
    return sameLink(hashContent(file).link, target.recheck)
  } finally {
    file.close()
  }
}

/** The final mode of a directory comes last: it may take the right to write below it. */
function finishDirectory(root: Directory, { path, after }: Target): 'done' | 'drifted' {
  return inWritableParent(root, path, (parent, name) => {
    const now = parent.stat(name)
    if (now?.kind !== 'dir') return 'drifted'
    if (now.mode !== after?.mode) parent.setMode(name, (after as Entry).mode)
    return 'done'
  })
}

/** Works in the parent; where its mode forbids that, and it is ours, with the mode lifted for the moment. */
function inWritableParent(
  root: Directory,
  path: ByteString,
  work: (parent: Directory, name: ByteString) => 'done' | 'drifted',
): 'done' | 'drifted' {
  const parent = openBelow(root, parentOf(path))
  if (parent === undefined) return 'drifted'
  try {
    return work(parent, nameOf(path))
  } catch (error) {
    if (!isHostError(error, 'DENIED') || parentOf(path) === '') throw error
    return withLiftedMode(root, parentOf(path), error, () => work(parent, nameOf(path)))
  } finally {
    parent.close()
  }
}

function withLiftedMode<T>(root: Directory, path: ByteString, denied: HostError, work: () => T): T {
  const holder = openBelow(root, parentOf(path))
  const mode = holder?.stat(nameOf(path))?.mode
  if (holder === undefined || mode === undefined || (mode & 0o300) === 0o300) {
    holder?.close()
    throw denied
  }
  try {
    holder.setMode(nameOf(path), mode | 0o300)
    try {
      return work()
    } finally {
      holder.setMode(nameOf(path), mode)
    }
  } finally {
    holder.close()
  }
}

/** Few changes are flushed one by one, as their files are already; many by one flush of the whole file system. */
function flushTouched(root: Directory, touched: ReadonlyMap<ByteString, ByteString[]>, targets: number): void {
  const written = writtenIn(root, touched)
  if (targets > flushEachMax) flushWritten(root, written)
  else for (const { directory } of written) directory.flush()
}

/** Each directory opened only while it is flushed: there may be more of them than descriptors. */
function* writtenIn(root: Directory, touched: ReadonlyMap<ByteString, ByteString[]>): Generator<Written> {
  for (const [path, names] of touched) {
    const directory = openBelow(root, path)
    if (directory === undefined) continue
    try {
      yield { directory, names }
    } finally {
      directory.close()
    }
  }
}

/** A failed port call while writing, as what it means to the caller. */
export function writeProblem(error: unknown, where: string): unknown {
  if (!isHostError(error)) return error
  if (error.code === 'NO_SPACE') return new SentientError('DISK_FULL', { where: error.path }, error)
  if (error.code === 'DENIED' || error.code === 'READ_ONLY') {
    return new SentientError('NOT_WRITABLE', { where: error.path, found: reasonOf(error) }, error)
  }
  return new SentientError('IO', { where: error.path || where, found: `${error.call}: ${error.code}` }, error)
}

function reasonOf(error: HostError): string {
  const reasons: Partial<Record<HostError['code'], string>> = {
    DENIED: 'permission denied',
    READ_ONLY: 'the file system is read-only',
    NO_SPACE: 'no space left',
    NAME_TOO_LONG: 'the name is too long for this file system',
    IO: 'the disk reports an error',
  }
  return reasons[error.code] ?? `${error.call}: ${error.code}`
}

function removeQuietly(directory: Directory, name: ByteString): void {
  try {
    directory.removeFile(name)
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

/** Removes what a killed transaction left in the stage. Only under the writer lock. */
export function emptyStage(stage: Directory): void {
  for (const { name, kind } of stage.list()) if (kind !== 'dir') removeQuietly(stage, name)
}
