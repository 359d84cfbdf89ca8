// Finishing what was committed and not yet visible. Only the net difference between the state last applied and the
// last recorded one is touched, and a path only where the disk holds what some state in between had there, or the
// beginning of its new content: everything else was changed outside and stays.

import { SentientError } from '../errors.ts'
import { type Link, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat, OpenFile } from '../host/host.ts'
import { inSlices, type Progress } from '../progress.ts'
import { openContent } from '../store/content.ts'
import type { PackedList } from '../store/packedList.ts'
import { findPath, type TreeChange } from '../store/tree.ts'
import { type ApplyOptions, type ApplyReport, applyChange, liftedBits, reasonToGoOn, stageChange } from './apply.ts'
import { ancestorsOf, parentOf } from './paths.ts'
import { lookAtContent } from './scan.ts'
import { createTargetList, type Target } from './targets.ts'
import { inParent, statBelow } from './walk.ts'

export interface RecoverOptions extends ApplyOptions {
  /** Every path that any two states of the range differ in, sorted, with what it shall be in the end. */
  readonly changes: Iterable<TreeChange> & { readonly count: number }
  /** The files of every state in the range, the last one last. */
  readonly states: readonly Link[]
  /** What else the disk may hold at a path: it was seen there and kept before it was to be overwritten. */
  readonly seen: ReadonlyMap<ByteString, readonly (Entry | null)[]>
}

const finishing = { phase: 'finishing an earlier change', unit: 'paths' } as const

/** Applies the rest of committed records. Idempotent; a kill in the middle leaves work for the next call. */
export async function* recover(options: RecoverOptions): AsyncGenerator<Progress, ApplyReport, void> {
  const found: ApplyReport = { unapplied: [], drifted: [] }
  const targets = createTargetList()
  const { slicer } = options
  let done = 0
  const progress = (): Progress => ({ ...finishing, done, total: options.changes.count })
  for (const change of options.changes) {
    done++
    const decided = yield* decideOrGiveUp(options, change)
    if (decided === 'drifted') found.drifted.push(change.path)
    else if (typeof decided === 'object' && 'reason' in decided) found.unapplied.push(decided)
    else if (decided !== 'done') targets.push(decided)
    if (slicer.due()) {
      yield progress()
      await slicer.pause()
    }
  }
  yield* inSlices(slicer, targets.sort(), progress)
  const parents = yield* inSlices(slicer, parentsToMend(options, targets), progress)
  for (const parent of parents) targets.push(parent)
  yield* inSlices(slicer, targets.sort(), progress)
  const staged = yield* stageChange(options, targets, { goOn: true })
  if (staged === undefined) throw new SentientError('INTERNAL', { what: 'A recovery goes path by path' })
  const report = yield* applyChange(options, staged)
  return {
    unapplied: [...found.unapplied, ...report.unapplied],
    drifted: [...found.drifted, ...report.drifted],
  }
}

/** One path that the disk or the store refuses must not keep the folder shut. */
async function* decideOrGiveUp(options: RecoverOptions, change: TreeChange) {
  try {
    return yield* decide(options, change)
  } catch (error) {
    const reason = reasonToGoOn(error)
    if (reason === undefined) throw error
    return { path: change.path, reason }
  }
}

/** Directories above the targets: missing ones are made again, one that was opened to write below it is closed. */
function* parentsToMend(options: RecoverOptions, targets: PackedList<Target>): Generator<undefined, Target[]> {
  const files = options.states.at(-1)
  const known = new Set<ByteString>()
  const parents: Target[] = []
  const visit = (path: ByteString, needed: boolean) => {
    for (const ancestor of ancestorsOf(path)) {
      if (files === undefined || known.has(ancestor) || targets.has(ancestor)) continue
      const entry = findPath(options.reader, files, ancestor)
      if (entry?.kind !== 'dir') continue
      const seen = statBelow(options.root, ancestor)
      const lifted = seen?.kind === 'dir' && seen.mode !== entry.mode && seen.mode === (entry.mode | liftedBits)
      if (!lifted && !(needed && seen === undefined)) continue
      known.add(ancestor)
      parents.push({ path: ancestor, after: entry, seen })
    }
  }
  // Neighbours share their directories.
  let last: ByteString | undefined
  for (const { path, after } of targets) {
    if (after !== null && parentOf(path) !== last) visit(path, true)
    if (after !== null) last = parentOf(path)
    yield
  }
  last = undefined
  for (const { path } of options.changes) {
    if (parentOf(path) !== last) visit(path, false)
    last = parentOf(path)
    yield
  }
  return parents
}

async function* decide(
  options: RecoverOptions,
  change: TreeChange,
): AsyncGenerator<Progress, Target | 'done' | 'drifted', void> {
  const { path, after } = change
  const seen = statBelow(options.root, path)
  const target: Target = { path, after, seen }
  if (seen === undefined) {
    if (after === null) return 'done'
    return hadEntry(options, path, undefined, undefined) || changesKind(options, path, after) ? target : 'drifted'
  }
  if (seen.kind === 'dir' || seen.kind === 'other') {
    if (after?.kind === seen.kind && after.mode === seen.mode) return 'done'
    return hadEntry(options, path, seen, undefined) ? target : 'drifted'
  }
  const progress = (): Progress => ({ ...finishing, done: 0 })
  const look = yield* inParentAsync(options.root, path, (parent, name) =>
    lookAtContent(parent, name, seen, options.slicer, progress),
  )
  if (look === undefined || 'unreadable' in look) return 'drifted'
  if (matches(after, look.stat, look.content)) return 'done'
  if (!hadEntry(options, path, look.stat, look.content) && !isUnfinishedCopy(options, path, look.stat, after)) {
    return 'drifted'
  }
  const sameContent = after !== null && after.kind === seen.kind && sameLink(after.content, look.content)
  return { path, after, seen: look.stat, modeOnly: sameContent && seen.kind === 'file', recheck: look.content }
}

/** Between a directory and something else at one path there is a moment with nothing. */
function changesKind(options: RecoverOptions, path: ByteString, after: Entry): boolean {
  return entriesAt(options, path).some(entry => entry !== null && (entry.kind === 'dir') !== (after.kind === 'dir'))
}

/** All that the disk may hold at a path without anybody having changed it since. */
function entriesAt(options: RecoverOptions, path: ByteString): (Entry | null)[] {
  const recorded = options.states.map(files => findPath(options.reader, files, path) ?? null)
  return [...recorded, ...(options.seen.get(path) ?? [])]
}

/** Whether one of the states in the range had just this at the path. */
function hadEntry(
  options: RecoverOptions,
  path: ByteString,
  stat: FileStat | undefined,
  content: Link | undefined,
): boolean {
  return entriesAt(options, path).some(entry => matches(entry, stat, content))
}

/** Whether the disk shows an entry; a directory counts by kind alone, its mode may be half-way through an apply. */
function matches(entry: Entry | null, stat: FileStat | undefined, content: Link | undefined): boolean {
  if (entry === null || stat === undefined) return entry === null && stat === undefined
  if (entry.kind !== stat.kind) return false
  if (entry.kind === 'dir') return true
  if (entry.kind === 'file' && entry.mode !== stat.mode) return false
  return sameLink(entry.content, content)
}

/** A file system may show a renamed file short, or with zeros where data never arrived, after a power cut. */
function isUnfinishedCopy(options: RecoverOptions, path: ByteString, stat: FileStat, after: Entry | null): boolean {
  if (after?.kind !== 'file' || stat.kind !== 'file' || stat.size > after.size) return false
  if (stat.size === 0) return true
  const stored = openContent(options.reader, after.content, after.size)
  const answer = inParent(options.root, path, (parent, name) => {
    let file: OpenFile | undefined
    try {
      file = parent.open(name, 'read')
      return isPrefixOrZero(file, stored, stat.size)
    } catch (error) {
      if (isHostError(error)) return false
      throw error
    } finally {
      file?.close()
    }
  })
  return answer ?? false
}

const compareBytes = 1 << 16

function isPrefixOrZero(
  file: OpenFile,
  stored: { read(target: Uint8Array, offset: number, length: number, position: number): number },
  size: number,
): boolean {
  const found = Buffer.alloc(compareBytes)
  const expected = Buffer.alloc(compareBytes)
  let zeros = false
  for (let position = 0; position < size; ) {
    const count = file.read(found, 0, Math.min(compareBytes, size - position), position)
    if (count === 0) return false
    let got = 0
    while (got < count) got += stored.read(expected, got, count - got, position + got) || count
    for (let i = 0; i < count; i++) {
      if (!zeros && found[i] === expected[i]) continue
      if (found[i] !== 0) return false
      zeros = true
    }
    position += count
  }
  return true
}

/** Like inParent, for work that gives way: the parent stays open until it ends. */
export async function* inParentAsync<T>(
  root: Directory,
  path: ByteString,
  work: (parent: Directory, name: ByteString) => AsyncGenerator<Progress, T, void>,
): AsyncGenerator<Progress, T | undefined, void> {
  let held: Directory | undefined
  const name = inParent(root, path, (parent, last) => {
    held = parent.clone()
    return last
  })
  if (held === undefined || name === undefined) return undefined
  try {
    return yield* work(held, name)
  } finally {
    held.close()
  }
}
