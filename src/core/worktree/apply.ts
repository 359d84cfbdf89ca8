// Making a committed change visible: contents are staged beside the tree before the commit, so that space and
// permissions are known, and renamed into place after it. A path that is no longer what was seen is left alone.

import { isSentientError, SentientError } from '../errors.ts'
import { asBuffer, byteStringOf } from '../format/bytes.ts'
import { sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { type HostError, isHostError } from '../host/error.ts'
import { flushWritten, type Written } from '../host/flush.ts'
import type { ByteString, Directory, FileStat, Randomness } from '../host/host.ts'
import type { Native, StagedTrees, StageTreesRequest } from '../native/native.ts'
import { drained, inSlices, type Progress, type Slicer } from '../progress.ts'
import { hashContent, openContent } from '../store/content.ts'
import type { PackedList } from '../store/packedList.ts'
import type { ObjectReader } from '../store/tree.ts'
import { createPlaceBatch, createStageBatch, flushNatively, itemsMin } from './applyNative.ts'
import { checkNames } from './collisions.ts'
import { findsInOtherCase, nameTraits } from './foldedNames.ts'
import { ancestorsOf, joinPath, nameOf, parentOf } from './paths.ts'
import { firstBytes } from './scan.ts'
import { isOnSameMount, noteOf, probePrefix, removeStaged, type StagedFile, stagePlace, stagePrefix } from './stage.ts'
import { isRemoval, needsStaging, type Target } from './targets.ts'
import { openBelow, openNearest, sameStat } from './walk.ts'

export interface ApplyOptions {
  readonly root: Directory
  /** `.runtime/stage` */
  readonly stage: Directory
  readonly reader: ObjectReader
  readonly random: Randomness
  readonly slicer: Slicer
  /** The same without a wish to stop: behind the commit, and to clean up. */
  readonly steady: Slicer
  readonly native?: Native | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ApplyReport {
  /** Could not be made visible, with the reason. */
  readonly unapplied: { readonly path: ByteString; readonly reason: string }[]
  /** Changed outside in the meantime and left as they are. */
  readonly drifted: ByteString[]
}

export interface StagedChange {
  /** Sorted. */
  readonly targets: PackedList<Target>
  readonly files: StagedFiles
  /** Could not be staged, where the caller goes on without them. */
  readonly unstaged: ApplyReport['unapplied']
  /** How many steps putting it in place takes. */
  readonly steps: number
  /** Directories that were staged with all below them. */
  readonly trees: StagedTrees | undefined
  /** Removes what was staged and not put in place. */
  discard(): Promise<void>
}

/** What was staged for the targets, by their place in the list. */
interface StagedFiles {
  at(index: number): StagedFile | undefined
  /** It was put in place. */
  forget(index: number): void
  /** Of the names in the stage; the number of the target follows. */
  readonly prefix: string
  /** Whether it lies in the stage, and not beside its target. */
  isInStage(index: number): boolean
}

/** Kept free for the records of the owner who has to clean up a full disk. */
const reservedBytes = 1 << 20
/** Up to so many files each is flushed by itself, which does not wait for what others write to the file system. */
const flushEachMax = 64
/** The same where many are flushed at a time. */
const flushEachMaxNative = 512
const flushesEach = ({ native }: ApplyOptions, files: number): boolean =>
  files <= (native === undefined ? flushEachMax : flushEachMaxNative)
const copyBytes = 1 << 20
/** Who cancels waits for so many slices of clearing away: less than half a second. */
const discardSlicesMax = 50

/**
 * Writes every content that has to appear into staged files. Throws DISK_FULL or NOT_WRITABLE before any commit; with
 * `goOn`, when the commit has been made already, what can not be staged is listed instead. The targets must be sorted.
 * Undefined when a target that is `whole` can not be staged as one: then what is below it has to be a target, too.
 */
export async function* stageChange(
  options: ApplyOptions,
  targets: PackedList<Target>,
  { goOn = false } = {},
): AsyncGenerator<Progress, StagedChange | undefined, void> {
  const { slicer } = options
  const files = stagedFiles(options, targets.count)
  const unstaged: ApplyReport['unapplied'] = []
  try {
    const needs = yield* inSlices(slicer, needsOf(targets), () => ({ phase: 'staging', done: 0, unit: 'files' }))
    const staging = (done: number): Progress => ({ phase: 'staging', done, total: needs.files, unit: 'files' })
    if (!goOn) {
      checkSpace(options, needs)
      const parents = yield* inSlices(slicer, checkWritable(options, targets, needs), () => staging(0))
      yield* inSlices(slicer, checkNames({ ...options, targets, parents }), () => staging(0))
    }
    const trees = needs.trees === 0 ? undefined : yield* stageTrees(options, targets, files)
    if (trees === 'left') {
      await files.discard()
      return undefined
    }
    const flush = trees === undefined && flushesEach(options, targets.count)
    const stageHere = (index: number, target: Target): void => {
      try {
        stageOne(options, target.after as Entry, files.add(index, target.path), flush)
      } catch (error) {
        const reason = goOn ? reasonToGoOn(error) : undefined
        if (reason === undefined) throw error
        files.remove(index)
        unstaged.push({ path: target.path, reason })
      }
    }
    const batch = createStageBatch({
      ...options,
      native: options.native,
      prefix: files.prefix,
      files: needs.files,
      flush,
      signal: options.signal,
    })
    let index = -1
    let done = 0
    for (const target of targets) {
      index++
      if (needsStaging(target)) {
        done++
        const taken = batch !== undefined && files.isForStage(target.path) && batch.take(index, target)
        if (taken) files.add(index, target.path)
        else stageHere(index, target)
      }
      if (batch?.isFull()) for (const left of yield* batch.run()) stageHere(left, targets.at(left))
      if (slicer.due()) {
        yield staging(done)
        await slicer.pause()
      }
    }
    if (batch !== undefined) for (const left of yield* batch.run()) stageHere(left, targets.at(left))
    return { targets, files, unstaged, steps: needs.steps, trees, discard: files.discard }
  } catch (error) {
    await files.discard()
    throw writeProblem(error, options.root.path)
  }
}

function stagedFiles(options: ApplyOptions, count: number) {
  const { stage, random, steady } = options
  const tag = asBuffer(random.bytes(6)).toString('hex')
  /** One byte a target: a hundred thousand names would be ten megabytes. */
  const staged = new Uint8Array(count)
  const besideTarget = new Map<number, StagedFile>()
  /** Targets come directory by directory. */
  let inStage: ByteString | undefined
  const removal = function* (index: number): Generator<undefined, void> {
    const place = files.at(index)
    if (place !== undefined) yield* removeStaged(stage, place)
    files.forget(index)
    yield
  }
  const files = {
    prefix: `${tag}-`,
    isInStage: (index: number): boolean => staged[index] === 1 && !besideTarget.has(index),
    /** Whether the content of a path is staged in the stage itself. */
    isForStage(path: ByteString): boolean {
      const parent = parentOf(path)
      if (inStage === parent) return true
      if (!isOnSameMount(options, path)) return false
      inStage = parent
      return true
    },
    at: (index: number): StagedFile | undefined =>
      staged[index] === 1 ? (besideTarget.get(index) ?? { directory: stage, name: `${tag}-${index}` }) : undefined,
    forget(index: number): void {
      staged[index] = 0
      besideTarget.delete(index)
    },
    add(index: number, path: ByteString): StagedFile {
      const name = `${tag}-${index}`
      const place = inStage === parentOf(path) ? { directory: stage, name } : stagePlace(options, path, name)
      staged[index] = 1
      if (place.directory !== stage) besideTarget.set(index, place)
      return place
    },
    remove(index: number): void {
      drained(removal(index))
    },
    async discard(): Promise<void> {
      const isCancelled = options.signal?.aborted === true
      let slices = 0
      // What lies beside its target goes at once, the rest while nobody waits: the next writer empties the stage.
      for (const index of [...besideTarget.keys()]) files.remove(index)
      for (let index = staged.indexOf(1); index >= 0; index = staged.indexOf(1, index + 1)) {
        for (const _ of removal(index)) {
          if (!steady.due()) continue
          if (isCancelled && ++slices > discardSlicesMax) return
          await steady.pause()
        }
      }
    },
  }
  return files
}

/** Makes the targets that are whole; `left` when they have to be made path by path. */
async function* stageTrees(
  options: ApplyOptions,
  targets: PackedList<Target>,
  files: ReturnType<typeof stagedFiles>,
): AsyncGenerator<Progress, StagedTrees | 'left', void> {
  const { native, reader, stage, signal } = options
  const tops: StageTreesRequest['tops'][number][] = []
  const indexes: number[] = []
  let packs: Directory | undefined
  let index = -1
  for (const { path, after, whole } of targets) {
    index++
    if (whole !== true || after === null) continue
    packs ??= reader.locate?.(after.content)?.packs
    if (!files.isForStage(path)) return 'left'
    tops.push({ name: `${files.prefix}${index}`, path, node: after.content })
    indexes.push(index)
  }
  if (native === undefined || packs === undefined) return 'left'
  const trees = yield* native.stageTrees({ stage, packs, tops, signal })
  if (trees === null || trees === undefined) return 'left'
  for (const [at, { path }] of tops.entries()) files.add(indexes[at] as number, path)
  // What is kept for the owner's records must still be free.
  checkSpace(options, { files: 1, bytes: 0 })
  return trees
}

interface Needs {
  files: number
  trees: number
  bytes: number
  steps: number
  /** A name that comes has letters beyond ASCII. */
  foreignNames: boolean
}

function* needsOf(targets: PackedList<Target>): Generator<undefined, Needs> {
  const needs: Needs = { files: 0, trees: 0, bytes: 0, steps: 0, foreignNames: false }
  for (const target of targets) {
    if (target.whole === true) needs.trees++
    if (needsStaging(target)) {
      needs.files++
      needs.bytes += target.after?.size ?? 0
    }
    if (isRemoval(target)) needs.steps++
    if (target.after !== null) {
      needs.steps += target.after.kind === 'dir' ? 2 : 1
      needs.foreignNames ||= !isAscii(nameOf(target.path))
    }
    yield
  }
  return needs
}

function checkSpace(options: ApplyOptions, { files, bytes }: Pick<Needs, 'files' | 'bytes'>): void {
  if (files === 0) return
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
function* checkWritable(
  options: ApplyOptions,
  targets: PackedList<Target>,
  needs: Needs,
): Generator<undefined, Set<ByteString>> {
  const known = new Set<ByteString>()
  const folding = new Set<ByteString>()
  const name = asBuffer(options.random.bytes(6)).toString('hex')
  const note = noteOf(options.stage, name)
  const normalises = needs.foreignNames && nameTraits(options.stage, `${probePrefix}${name}`)?.normalises === true
  for (const { path: target, modeOnly } of targets) {
    yield
    const parent = parentOf(target)
    if (modeOnly === true || known.has(parent)) continue
    known.add(parent)
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
  const { steady, native, root, stage } = options
  const touched = new Map<ByteString, number[]>()
  const left = createLeft(change.unstaged)
  let done = 0
  const progress = (): Progress => ({ phase: 'applying', done, total: change.steps, unit: 'paths' })
  const batch = createPlaceBatch({ native, root, stage, prefix: change.files.prefix, targets: change.targets.count })
  const placeBatch = async function* (): AsyncGenerator<Progress, void, void> {
    for (const { target, index, outcome } of batch === undefined ? [] : yield* batch.run()) {
      if (outcome === 'done') change.files.forget(index)
      const work = () => (outcome === 'left' ? placeOne(options, target, change, index) : outcome)
      carryOut({ index, target, work }, left, touched)
    }
  }
  try {
    for (const step of stepsOf(options, change, left)) {
      if (step !== undefined) {
        done++
        const { index, target, places } = step
        const taken = places === true && left.isEmpty() && batch?.take(index, target, change.files.isInStage(index))
        if (taken !== true) {
          if (places !== true || batch?.isNeeded()) yield* placeBatch()
          carryOut(step, left, touched)
        } else if (batch?.isFull()) yield* placeBatch()
      }
      if (steady.due()) {
        yield progress()
        // Committed already: a cancelled caller still gets the whole change, so this pause never throws.
        await steady.pause()
      }
    }
    yield* placeBatch()
    yield* inSlices(steady, flushTouched(options, touched, change), progress)
    return left.report
  } catch (error) {
    throw writeProblem(error, options.root.path)
  } finally {
    await change.discard()
  }
}

type Outcome = 'done' | 'drifted'

interface Step {
  /** Its place in the list of targets. */
  readonly index: number
  readonly target: Target
  readonly work: () => Outcome
  /** It makes the target what it shall be. */
  readonly places?: true
}

/** Paths that stay as they are: each is reported once; what was to come below it can not be changed either. */
function createLeft(unstaged: ApplyReport['unapplied']) {
  const report: ApplyReport = { unapplied: [...unstaged], drifted: [] }
  const known = new Map<ByteString, 'unapplied' | 'drifted'>()
  const above = new Set<ByteString>()
  const note = (path: ByteString, why: 'unapplied' | 'drifted') => {
    known.set(path, why)
    if (why === 'unapplied') for (const ancestor of ancestorsOf(path)) above.add(ancestor)
  }
  for (const { path } of unstaged) note(path, 'unapplied')
  return {
    report,
    isEmpty: () => known.size === 0,
    has: (path: ByteString) => known.has(path),
    /** Whether a directory above the path could not be changed. */
    isCutOff: (path: ByteString) =>
      known.size > 0 && ancestorsOf(path).some(ancestor => known.get(ancestor) === 'unapplied'),
    /** Whether something below the directory could not be changed. */
    isHeldBelow: (path: ByteString) => above.has(path),
    /** Without a reason: it was changed outside. */
    leave(path: ByteString, reason: string | undefined) {
      note(path, reason === undefined ? 'drifted' : 'unapplied')
      if (reason === undefined) report.drifted.push(path)
      else report.unapplied.push({ path, reason })
    },
  }
}

type Left = ReturnType<typeof createLeft>

function carryOut({ index, target, work }: Step, left: Left, touched: Map<ByteString, number[]>): void {
  const { path } = target
  if (left.has(path)) return
  const outcome = left.isCutOff(path) ? { reason: 'the directory above it could not be changed' } : attempt(work)
  if (outcome !== 'done') {
    left.leave(path, outcome.reason)
    return
  }
  const indexes = touched.get(parentOf(path))
  if (indexes === undefined) touched.set(parentOf(path), [index])
  else indexes.push(index)
}

/**
 * Removals from below, then what is made from above, then the final modes of directories from below. Undefined stands
 * for a target that a round has nothing to do with, so that nobody waits for the next that it has.
 */
function* stepsOf(options: ApplyOptions, change: StagedChange, left: Left): Generator<Step | undefined> {
  const { targets } = change
  let index = targets.count
  for (const target of targets.reversed()) {
    index--
    yield isRemoval(target) ? { index, target, work: () => removeOne(options, target, left) } : undefined
  }
  for (const target of targets) {
    const at = index++
    const work = () => placeOne(options, target, change, at)
    yield target.after === null ? undefined : { index: at, target, work, places: true }
  }
  for (const target of targets.reversed()) {
    index--
    const work = () => finishDirectory(options.root, target)
    yield target.after?.kind === 'dir' ? { index, target, work } : undefined
  }
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

function removeOne(options: ApplyOptions, target: Target, left: Left): Outcome {
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
      if (target.after === null && !left.isHeldBelow(target.path)) return 'drifted'
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

function placeOne(options: ApplyOptions, target: Target, change: StagedChange, index: number): Outcome {
  const after = target.after as Entry
  const staged = change.files.at(index)
  return inWritableParent(options.root, target.path, (parent, name) => {
    const now = parent.stat(name)
    if (isRemoval(target) ? now !== undefined : !isAsSeen(parent, name, now, target)) return 'drifted'
    if (after.kind === 'dir' && target.whole !== true) {
      if (now === undefined) parent.makeDirectory(name, after.mode | 0o700)
    } else if (staged === undefined) parent.setMode(name, after.mode)
    else {
      staged.directory.rename(staged.name, parent, name)
      change.files.forget(index)
      if (staged.directory !== options.stage) drained(removeStaged(options.stage, staged))
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

/**
 * Few changes are flushed one by one, as their files are already; many by one flush of each file system that they lie
 * on: another one may be mounted in the middle of the tree.
 */
function* flushTouched(
  options: ApplyOptions,
  touched: ReadonlyMap<ByteString, readonly number[]>,
  { targets, trees }: StagedChange,
): Generator<undefined, void> {
  const { root, native } = options
  if (trees === undefined && flushesEach(options, targets.count)) {
    const isWorthIt = touched.size >= itemsMin
    if (isWorthIt && native?.flushDirectories(root, [...touched.keys()]) === true) return
    for (const { directory } of writtenIn(root, touched, targets)) directory.flush()
    return
  }
  const devices = new Map<number, Map<ByteString, readonly number[]>>()
  for (const [path, indexes] of touched) {
    const directory = openUnlessReplaced(root, path)
    const device = directory?.selfStat().dev
    directory?.close()
    yield
    if (device === undefined) continue
    const known = devices.get(device)
    if (known === undefined) devices.set(device, new Map([[path, indexes]]))
    else known.set(path, indexes)
  }
  for (const written of devices.values()) {
    const [first] = written.keys()
    const directory = openUnlessReplaced(root, first as ByteString) ?? root.clone()
    try {
      if (!flushNatively(native, directory)) flushWritten(directory, writtenIn(root, written, targets))
    } finally {
      directory.close()
    }
    yield
  }
}

/** Each directory opened only while it is flushed: there may be more of them than descriptors. */
function* writtenIn(
  root: Directory,
  touched: ReadonlyMap<ByteString, readonly number[]>,
  targets: PackedList<Target>,
): Generator<Written> {
  for (const [path, indexes] of touched) {
    const directory = openUnlessReplaced(root, path)
    if (directory === undefined) continue
    try {
      yield { directory, names: namesAt(targets, indexes) }
    } finally {
      directory.close()
    }
  }
}

function* namesAt(targets: PackedList<Target>, indexes: readonly number[]): Generator<ByteString> {
  for (const index of indexes) yield nameOf(targets.at(index).path)
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
