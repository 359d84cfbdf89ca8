// Making a committed change visible: contents are staged beside the tree before the commit, so that space and
// permissions are known, and renamed into place after it. A path that is no longer what was seen is left alone.

import { isSentientError, SentientError } from '../errors.ts'
import { asBuffer, byteStringOf } from '../format/bytes.ts'
import { type Link, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { type HostError, isHostError } from '../host/error.ts'
import { flushWritten, type Written } from '../host/flush.ts'
import type { ByteString, Directory, FileStat, Randomness } from '../host/host.ts'
import type { Progress, Slicer } from '../progress.ts'
import { hashContent, openContent } from '../store/content.ts'
import type { ObjectReader } from '../store/tree.ts'
import { checkNames } from './collisions.ts'
import { findsInOtherCase, nameTraits } from './foldedNames.ts'
import { ancestorsOf, isWithin, joinPath, nameOf, parentOf } from './paths.ts'
import { firstBytes } from './scan.ts'
import { noteOf, probePrefix, removeStaged, type StagedFile, stagePlace, stagePrefix } from './stage.ts'
import { openBelow, openNearest, sameStat } from './walk.ts'

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

export interface StagedChange {
  readonly targets: readonly Target[]
  readonly files: Map<ByteString, StagedFile>
  /** Could not be staged, where the caller goes on without them. */
  readonly unstaged: ApplyReport['unapplied']
  /** Removes what was staged and not put in place. */
  discard(): void
}

/** Kept free for the records of the owner who has to clean up a full disk. */
const reservedBytes = 1 << 20
const flushEachMax = 64
const copyBytes = 1 << 20

/**
 * Writes every content that has to appear into staged files. Throws DISK_FULL or NOT_WRITABLE before any commit; with
 * `goOn`, when the commit has been made already, what can not be staged is listed instead.
 */
export async function* stageChange(
  options: ApplyOptions,
  targets: readonly Target[],
  { goOn = false } = {},
): AsyncGenerator<Progress, StagedChange, void> {
  const staged = targets.filter(needsStaging)
  const files = new Map<ByteString, StagedFile>()
  const unstaged: ApplyReport['unapplied'] = []
  const discard = () => {
    for (const file of files.values()) removeStaged(options.stage, file)
    files.clear()
  }
  try {
    if (!goOn) {
      checkSpace(options, staged)
      checkNames({ ...options, targets, parents: checkWritable(options, targets) })
    }
    const tag = asBuffer(options.random.bytes(6)).toString('hex')
    for (const [i, target] of staged.entries()) {
      try {
        const place = stagePlace(options, target.path, `${tag}-${i}`)
        files.set(target.path, place)
        stageOne(options, target.after as Entry, place, staged.length <= flushEachMax)
      } catch (error) {
        const reason = goOn ? reasonToGoOn(error) : undefined
        if (reason === undefined) throw error
        const place = files.get(target.path)
        if (place !== undefined) removeStaged(options.stage, place)
        files.delete(target.path)
        unstaged.push({ path: target.path, reason })
      }
      if (options.slicer.due()) {
        yield { phase: 'staging', done: i, total: staged.length, unit: 'files' }
        await options.slicer.pause()
      }
    }
  } catch (error) {
    discard()
    throw writeProblem(error, options.root.path)
  }
  return { targets, files, unstaged, discard }
}

function needsStaging({ after, modeOnly }: Target): boolean {
  return after !== null && after.kind !== 'dir' && modeOnly !== true
}

function checkSpace(options: ApplyOptions, staged: readonly Target[]): void {
  if (staged.length === 0) return
  const bytes = staged.reduce((sum, target) => sum + (target.after?.size ?? 0), 0)
  const free = options.stage.freeBytes()
  if (bytes + reservedBytes <= free) return
  throw new SentientError('DISK_FULL', {
    where: options.root.path,
    expected: `${bytes + reservedBytes} bytes free`,
    found: `${free} bytes`,
  })
}

/**
 * Tries to make and remove a name in each directory that will change: permissions and mounts tell no other way. Comes
 * back with the directories that take several names for one.
 */
function checkWritable(options: ApplyOptions, targets: readonly Target[]): Set<ByteString> {
  const parents = new Set<ByteString>()
  const folding = new Set<ByteString>()
  for (const { path, modeOnly } of targets) if (modeOnly !== true) parents.add(parentOf(path))
  if (parents.size === 0) return folding
  const name = asBuffer(options.random.bytes(6)).toString('hex')
  const note = noteOf(options.stage, name)
  const asked = targets.some(({ path, after }) => after !== null && !isAscii(nameOf(path)))
  const normalises = asked && nameTraits(options.stage, `${probePrefix}${name}`)?.normalises === true
  for (const parent of parents) {
    const { directory, path } = openNearest(options.root, joinPath(parent, name))
    try {
      // A directory of ours that its mode closes is opened for the moment it takes.
      if ((directory.selfStat().mode & 0o200) === 0) continue
      // When something fails from here on the note stays, and the next writer removes what it names.
      note.write(joinPath(path, `${stagePrefix}${name}`))
      if (tryName(directory, `${stagePrefix}${name}`)) {
        if (normalises || findsInOtherCase(directory, `${stagePrefix}${name}`)) folding.add(parent)
        directory.removeFile(`${stagePrefix}${name}`)
      }
    } finally {
      directory.close()
    }
  }
  note.remove()
  return folding
}

/** False when there is no space: that is another question, and removals need none. */
function tryName(directory: Directory, name: ByteString): boolean {
  try {
    directory.open(name, 'create', 0o600).close()
    return true
  } catch (error) {
    if (!isHostError(error, 'NO_SPACE')) throw error
    return false
  }
}

function isAscii(name: ByteString): boolean {
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) > 0x7f) return false
  return true
}

/** Why one path is left out, when the rest shall go on; undefined for what is no such reason. */
export function reasonToGoOn(error: unknown): string | undefined {
  if (isHostError(error)) return reasonOf(error)
  return isSentientError(error, 'DAMAGED', 'OBJECT_MISSING') ? 'its content is damaged in the store' : undefined
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
  const report: ApplyReport = { unapplied: [...change.unstaged], drifted: [] }
  const touched = new Map<ByteString, ByteString[]>()
  // A path that could not be changed is reported once; what was to come below it can not be changed either.
  const left = new Map<ByteString, 'unapplied' | 'drifted'>()
  for (const { path } of change.unstaged) left.set(path, 'unapplied')
  const leave = (path: ByteString, reason: string | undefined) => {
    left.set(path, reason === undefined ? 'drifted' : 'unapplied')
    if (reason === undefined) report.drifted.push(path)
    else report.unapplied.push({ path, reason })
  }
  const steps = stepsOf(options, change, left)
  try {
    for (const [i, { path, work }] of steps.entries()) {
      if (!left.has(path)) {
        const above = ancestorsOf(path).find(ancestor => left.get(ancestor) === 'unapplied')
        const outcome = above === undefined ? attempt(work) : { reason: 'the directory above it could not be changed' }
        if (outcome === 'done') noteTouched(touched, path)
        else leave(path, outcome.reason)
      }
      if (options.slicer.due()) {
        yield { phase: 'applying', done: i, total: steps.length, unit: 'paths' }
        // Committed already: a cancelled caller still gets the whole change, so the pause must not throw here.
        await options.slicer.pause().catch(() => undefined)
      }
    }
    flushTouched(options.root, touched, change.targets.length)
    return report
  } catch (error) {
    throw writeProblem(error, options.root.path)
  } finally {
    change.discard()
  }
}

type Outcome = 'done' | 'drifted'

interface Step {
  readonly path: ByteString
  readonly work: () => Outcome
}

/** Removals from below, then what is made from above, then the final modes of directories from below. */
function stepsOf(options: ApplyOptions, change: StagedChange, left: ReadonlyMap<ByteString, string>): Step[] {
  const order = [...change.targets].sort((a, b) => (a.path < b.path ? -1 : 1))
  const blocked = (path: ByteString) => [...left].some(([other, why]) => why === 'unapplied' && isWithin(other, path))
  const step = (target: Target, work: () => Outcome): Step => ({ path: target.path, work })
  return [
    ...order
      .toReversed()
      .filter(isRemoval)
      .map(target => step(target, () => removeOne(options, target, blocked))),
    ...order.filter(({ after }) => after !== null).map(target => step(target, () => placeOne(options, target, change))),
    ...order
      .toReversed()
      .filter(({ after }) => after?.kind === 'dir')
      .map(target => step(target, () => finishDirectory(options.root, target))),
  ]
}

/** What came of it; a reason: the disk refused. */
function attempt(work: () => Outcome): 'done' | { readonly reason: string | undefined } {
  try {
    return work() === 'done' ? 'done' : { reason: undefined }
  } catch (error) {
    if (isHostError(error)) return { reason: reasonOf(error) }
    if (isSentientError(error, 'NOT_WRITABLE')) return { reason: error.details.found }
    if (isSentientError(error)) return { reason: undefined }
    throw error
  }
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

function removeOne(options: ApplyOptions, target: Target, holdsWhatIsLeft: (path: ByteString) => boolean): Outcome {
  return inWritableParent(options.root, target.path, (parent, name) => {
    const now = parent.stat(name)
    if (now === undefined) return 'done'
    if (!isAsSeen(parent, name, now, target)) return 'drifted'
    if (now.kind !== 'dir') {
      parent.removeFile(name)
      return 'done'
    }
    try {
      removeDirectory(parent, name)
    } catch (error) {
      if (!isHostError(error, 'NOT_EMPTY', 'EXISTS')) throw error
      // A directory that should go stays with what is new or ignored in it; one whose place is needed is in the way.
      if (target.after === null && !holdsWhatIsLeft(target.path)) return 'drifted'
      throw new SentientError('NOT_WRITABLE', { found: 'the directory there is not empty' }, error)
    }
    return 'done'
  })
}

/** Removes an empty directory; files of ours that a power cut left in it, without their note, do not count. */
function removeDirectory(parent: Directory, name: ByteString): void {
  try {
    parent.removeDirectory(name)
  } catch (error) {
    if (!isHostError(error, 'NOT_EMPTY', 'EXISTS')) throw error
    const directory = parent.child(name)
    try {
      const names = directory?.list().map(item => item.name) ?? []
      if (directory === undefined || names.some(inside => !inside.startsWith(stagePrefix))) throw error
      for (const inside of names) directory.removeFile(inside)
    } finally {
      directory?.close()
    }
    parent.removeDirectory(name)
  }
}

function placeOne(options: ApplyOptions, target: Target, change: StagedChange): Outcome {
  const after = target.after as Entry
  const staged = change.files.get(target.path)
  return inWritableParent(options.root, target.path, (parent, name) => {
    const now = parent.stat(name)
    if (isRemoval(target) ? now !== undefined : !isAsSeen(parent, name, now, target)) return 'drifted'
    if (after.kind === 'dir') {
      if (now === undefined) parent.makeDirectory(name, after.mode | 0o700)
    } else if (staged === undefined) parent.setMode(name, after.mode)
    else {
      staged.directory.rename(staged.name, parent, name)
      change.files.delete(target.path)
      if (staged.directory !== options.stage) removeStaged(options.stage, staged)
    }
    return 'done'
  })
}

/** The last look before something is replaced or removed. */
function isAsSeen(parent: Directory, name: ByteString, now: FileStat | undefined, target: Target): boolean {
  if (!sameStat(now, target.seen)) return false
  if (target.recheck === undefined || now?.kind !== 'file') return true
  const file = parent.open(name, 'read')
  try {
    return sameLink(hashContent(firstBytes(file, now.size)).link, target.recheck)
  } finally {
    file.close()
  }
}

/** The final mode of a directory comes last: it may take the right to write below it. */
function finishDirectory(root: Directory, { path, after }: Target): Outcome {
  return inWritableParent(root, path, (parent, name) => {
    const now = parent.stat(name)
    if (now?.kind !== 'dir') return 'drifted'
    if (now.mode !== after?.mode) parent.setMode(name, (after as Entry).mode)
    return 'done'
  })
}

/** What a directory of ours gets for the moment in which something below it is changed. */
export const liftedBits = 0o300

/** Works in the parent; where its mode forbids that, and it is ours, with the mode lifted for the moment. */
function inWritableParent(
  root: Directory,
  path: ByteString,
  work: (parent: Directory, name: ByteString) => Outcome,
): Outcome {
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
  if (holder === undefined || mode === undefined || (mode & liftedBits) === liftedBits) {
    holder?.close()
    throw denied
  }
  try {
    holder.setMode(nameOf(path), mode | liftedBits)
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
    const directory = openUnlessReplaced(root, path)
    if (directory === undefined) continue
    try {
      yield { directory, names }
    } finally {
      directory.close()
    }
  }
}

function openUnlessReplaced(root: Directory, path: ByteString): Directory | undefined {
  try {
    return openBelow(root, path)
  } catch (error) {
    if (isSentientError(error, 'NOT_A_DIRECTORY', 'SYMLINK_IN_PATH')) return undefined
    throw error
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
