// The look at the governed tree: walks the disk and a recorded state side by side, directory by directory, and tells
// what differs. Memory grows with the largest directory and with what differs, never with the tree.

import { isSentientError } from '../errors.ts'
import { bytesOf } from '../format/bytes.ts'
import { type Link, objectId, rawLink, sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileKind, FileStat, ListedName, OpenFile } from '../host/host.ts'
import type { KnownDirectory, Looked } from '../native/native.ts'
import { inSlices, type Progress, type Slicer, sortInSteps } from '../progress.ts'
import { hashContentSteps } from '../store/content.ts'
import { entriesInSteps, findPath, type ObjectReader, walkTreeInSteps } from '../store/tree.ts'
import { createContents, type FoundContent, type FoundContents } from './contents.ts'
import { compileIgnoreRule, type IgnoreRule, matchRules } from './ignore.ts'
import { ancestorsOf, joinPath, nameOf, parentOf, topmost } from './paths.ts'
import { isOutsideFiles } from './reserved.ts'
import { type CachedDirectory, openBlock, type StatCache, type StatCacheWriter } from './statCache.ts'
import { openBelow, sameStat } from './walk.ts'

/** One path where the disk and the recorded state differ. */
export interface Difference {
  readonly path: ByteString
  readonly recorded: Entry | null
  /** undefined: not on disk. */
  readonly disk: FileStat | undefined
  /** The link of the file's or symlink's content, where the look had to compute it. */
  readonly content?: Link
  readonly unreadable?: string
  /** A directory that is gone with everything below it, of which nothing else is told. */
  readonly whole?: true
}

export interface ScanTotals {
  filesChecked: number
  filesHashed: number
  bytesHashed: number
  ignored: number
  readonly skipped: ByteString[]
}

export interface ScanOptions {
  readonly root: Directory
  readonly reader: ObjectReader
  /** The recorded files; undefined: nothing is recorded, so all is new. */
  readonly files: Link | undefined
  readonly rules: readonly IgnoreRule[]
  /** Also honour .gitignore files below. */
  readonly gitignore: boolean
  /** Paths to look at count even where they are ignored; what lies below them is looked at as always. */
  readonly namedCount: boolean
  readonly cache: Pick<StatCache, 'directory'>
  readonly cacheWriter?: StatCacheWriter
  /** What the native core knows of directories: it has compared them, by the same rules. */
  readonly looked?: Looked
  readonly slicer: Slicer
  readonly found: (difference: Difference) => void
  /** Asked of a directory that is gone: whether it stands for all that was below it. */
  readonly asOne?: ((path: ByteString, recorded: Entry) => boolean) | undefined
}

interface DirectoryFrame {
  readonly path: ByteString
  readonly handle: Directory
  /** As it is recorded itself; null for the root and for a directory that is not recorded. */
  readonly entry: Entry | null
  readonly recorded: Link | undefined
  readonly rules: readonly IgnoreRule[]
}

/** On disk, or recorded there, in the directory at hand. */
interface Subdirectory {
  readonly name: ByteString
  readonly recorded: Entry | null
}

const readAttempts = 3

/** Looks at everything, or at the subtrees `under` only. */
export async function* scanTree(
  options: ScanOptions,
  under: readonly ByteString[],
): AsyncGenerator<Progress, ScanTotals, void> {
  const totals: ScanTotals = { filesChecked: 0, filesHashed: 0, bytesHashed: 0, ignored: 0, skipped: [] }
  const scan = scanner(options, totals)
  if (under.length === 0 || under.includes('')) {
    yield* scan.directory({
      ...{ path: '', handle: options.root, entry: null },
      ...{ recorded: options.files, rules: options.rules },
    })
    return totals
  }
  for (const path of topmost(under)) yield* scan.subtree(path)
  return totals
}

function scanner(options: ScanOptions, totals: ScanTotals) {
  const { reader, slicer, found, cache, cacheWriter } = options
  const progress = (): Progress => ({ phase: 'looking', done: totals.filesChecked, unit: 'files' })

  async function* directory(frame: DirectoryFrame): AsyncGenerator<Progress, void, void> {
    const known = options.looked?.known.get(frame.path)
    if (known !== undefined && known.node === frame.recorded?.id) {
      yield* knownDirectory(frame, frame.recorded, known)
      return
    }
    const listed = yield* inSlices(slicer, listSorted(frame, found), progress)
    if (listed === undefined) return
    const rules = options.gitignore ? withGitignore(frame, listed) : frame.rules
    const cached = cache.directory(frame.path)
    const recorded = yield* inSlices(slicer, recordedEntries(reader, frame.recorded, cached), progress)
    const contents = collectContents(cacheWriter)
    const subdirectories: Subdirectory[] = []
    for (const { name, disk, entry } of sideBySide(listed, recorded)) {
      if (slicer.due()) {
        yield progress()
        await slicer.pause()
      }
      yield* oneName({ frame, name, entry, listedAs: disk?.kind, rules, cached, contents, subdirectories })
    }
    if (cacheWriter !== undefined && contents !== undefined)
      yield* inSlices(slicer, noteDirectory(cacheWriter, { frame, recorded, cached, contents }), progress)
    yield* below(frame, subdirectories, rules)
  }

  /** A name that its directory lists, as `listedAs`, or that is recorded there, or both. */
  async function* oneName(at: {
    readonly frame: DirectoryFrame
    readonly name: ByteString
    readonly entry: Entry | null
    readonly listedAs: FileKind | undefined
    readonly rules: readonly IgnoreRule[]
    readonly cached: CachedDirectory | undefined
    readonly contents: Collected | undefined
    /** Gets the name when it is a directory. */
    readonly subdirectories: Subdirectory[]
  }): AsyncGenerator<Progress, void, void> {
    const { frame, name, entry, listedAs, rules, cached, contents } = at
    const path = joinPath(frame.path, name)
    if (frame.path === '' && isOutsideFiles(name)) return
    if (entry === null && matchRules(rules, path, listedAs === 'dir') !== undefined) {
      totals.ignored++
      return
    }
    let stat: FileStat | undefined
    try {
      stat = listedAs === undefined ? undefined : frame.handle.stat(name)
    } catch (error) {
      found({ path, recorded: entry, disk: undefined, unreadable: reasonUnreadable(error) })
      return
    }
    if (stat?.kind !== 'dir') {
      yield* leaf({ frame, name, path, stat, entry, cached, contents })
      return
    }
    if (entry?.kind !== 'dir' || entry.mode !== stat.mode) found({ path, recorded: entry, disk: stat })
    at.subdirectories.push({ name, recorded: entry?.kind === 'dir' ? entry : null })
  }

  /** All but some names in the directory itself is as it is recorded. */
  async function* knownDirectory(
    frame: DirectoryFrame,
    recorded: Link,
    known: KnownDirectory,
  ): AsyncGenerator<Progress, void, void> {
    totals.filesChecked += known.files
    totals.filesHashed += known.hashed
    totals.bytesHashed += known.hashedBytes
    totals.ignored += known.ignored
    if (known.whole) {
      cacheWriter?.keepBelow(frame.path)
      return
    }
    const block = options.looked?.blocks.get(frame.path)
    const cached = block === undefined ? cache.directory(frame.path) : openBlock(block)
    if (cached !== undefined) cacheWriter?.keep(cached)
    const { rules } = frame
    const subdirectories: Subdirectory[] = []
    const suspects = new Set(known.suspects)
    const entries = new Map<ByteString, Entry>()
    for (const entry of yield* inSlices(slicer, recordedEntries(reader, recorded, cached), progress)) {
      if (suspects.has(entry.name)) entries.set(entry.name, entry)
      else if (entry.kind === 'dir') subdirectories.push({ name: entry.name, recorded: entry })
      if (slicer.due()) {
        yield progress()
        await slicer.pause()
      }
    }
    for (const name of known.suspects) {
      if (slicer.due()) {
        yield progress()
        await slicer.pause()
      }
      const entry = entries.get(name) ?? null
      const listedAs = kindQuietly(frame.handle, name)
      if (entry === null && listedAs === undefined) continue
      yield* oneName({ frame, name, entry, listedAs, rules, cached, contents: undefined, subdirectories })
    }
    yield* below(frame, subdirectories, rules)
  }

  async function* below(
    frame: DirectoryFrame,
    subdirectories: readonly Subdirectory[],
    rules: readonly IgnoreRule[],
  ): AsyncGenerator<Progress, void, void> {
    for (const { name, recorded: entry } of subdirectories) {
      const handle = openChild(frame, name, entry)
      if (handle === 'gone' && entry !== null) yield* gone(joinPath(frame.path, name), entry)
      if (typeof handle === 'string') continue
      try {
        yield* directory({ path: joinPath(frame.path, name), handle, entry, recorded: entry?.content, rules })
      } finally {
        handle.close()
      }
    }
    if (slicer.due()) {
      yield progress()
      await slicer.pause()
    }
  }

  async function* leaf(at: {
    frame: DirectoryFrame
    name: ByteString
    path: ByteString
    stat: FileStat | undefined
    entry: Entry | null
    cached: CachedDirectory | undefined
    contents: Collected | undefined
  }): AsyncGenerator<Progress, void, void> {
    const { path, stat, entry } = at
    if (stat === undefined) {
      if (entry !== null) yield* gone(path, entry)
      return
    }
    totals.filesChecked++
    if (stat.kind === 'other') {
      totals.skipped.push(path)
      if (entry !== null) found({ path, recorded: entry, disk: stat })
      return
    }
    if (entry !== null && entry.kind === 'dir') {
      found({ path, recorded: entry, disk: stat })
      yield* belowGone(path, entry)
      return
    }
    if (entry === null || entry.kind !== stat.kind) {
      found({ path, recorded: entry, disk: stat })
      return
    }
    const known = at.cached?.content(at.name, stat)
    if (known !== undefined) at.contents?.add(at.name, { stat, link: known }, false)
    if (known === undefined && stat.kind === 'file' && stat.size !== entry.size) {
      found({ path, recorded: entry, disk: stat })
      return
    }
    const look = known === undefined ? yield* hashLeaf(at.frame.handle, at.name, stat) : { content: known, stat }
    if ('unreadable' in look) {
      found({ path, recorded: entry, disk: stat, unreadable: look.unreadable })
      return
    }
    // The stat that belongs to the content: the file may have been replaced since the directory was listed.
    const disk = look.stat
    if (known === undefined && disk.kind === 'file') {
      at.contents?.add(at.name, { stat: disk, link: look.content }, true)
    }
    const sameMode = disk.kind === 'symlink' || disk.mode === entry.mode
    if (!sameMode || !sameLink(look.content, entry.content)) {
      found({ path, recorded: entry, disk, content: look.content })
    }
  }

  async function* hashLeaf(handle: Directory, name: ByteString, stat: FileStat) {
    if (stat.kind === 'file') {
      totals.filesHashed++
      totals.bytesHashed += stat.size
    }
    return yield* lookAtContent(handle, name, stat, slicer, progress)
  }

  async function* subtree(path: ByteString): AsyncGenerator<Progress, void, void> {
    if (isOutsideFiles(path.split('/', 1)[0] as ByteString)) return
    const parentPath = parentOf(path)
    const recorded = recordedAt(reader, options.files, path)
    const parent = openParent(options.root, parentPath)
    const stat = parent?.stat(nameOf(path))
    const inherited = rulesAbove(options, path, stat?.kind === 'dir')
    if (recorded === null && inherited.ignored && !options.namedCount) {
      totals.ignored++
      parent?.close()
      return
    }
    const { rules } = inherited
    const frame = parent && { path: parentPath, handle: parent, entry: null, recorded: undefined, rules }
    try {
      if (frame !== undefined && stat?.kind === 'dir') {
        if (recorded?.kind !== 'dir' || recorded.mode !== stat.mode) found({ path, recorded, disk: stat })
        const handle = openChild(frame, nameOf(path), recorded)
        if (handle === 'gone' && recorded !== null) yield* gone(path, recorded)
        if (typeof handle === 'string') return
        try {
          const link = recorded?.kind === 'dir' ? recorded.content : undefined
          yield* directory({ path, handle, entry: recorded, recorded: link, rules })
        } finally {
          handle.close()
        }
      } else if (frame !== undefined) {
        const cached = cache.directory(parentPath)
        yield* leaf({ frame, name: nameOf(path), path, stat, entry: recorded, cached, contents: undefined })
      } else if (recorded !== null) yield* gone(path, recorded)
    } finally {
      parent?.close()
    }
  }

  /** A recorded path is not there, nor is anything below it. */
  async function* gone(path: ByteString, entry: Entry): AsyncGenerator<Progress, void, void> {
    const whole = entry.kind === 'dir' && options.asOne?.(path, entry) === true
    found({ path, recorded: entry, disk: undefined, ...(whole ? { whole } : {}) })
    if (entry.kind === 'dir' && !whole) yield* belowGone(path, entry)
  }

  async function* belowGone(path: ByteString, directoryEntry: Entry): AsyncGenerator<Progress, void, void> {
    for (const below of walkTreeInSteps(reader, directoryEntry.content)) {
      if (below !== undefined) found({ path: joinPath(path, below.path), recorded: below.entry, disk: undefined })
      if (slicer.due()) {
        yield progress()
        await slicer.pause()
      }
    }
  }

  /** A directory below that was there a moment ago. */
  function openChild(
    frame: DirectoryFrame,
    name: ByteString,
    recorded: Entry | null,
  ): Directory | 'gone' | 'unreadable' {
    const path = joinPath(frame.path, name)
    try {
      return frame.handle.child(name) ?? 'gone'
    } catch (error) {
      if (!isHostError(error, 'DENIED', 'IO', 'SYMLINK', 'NOT_A_DIRECTORY')) throw error
      const unreadable = error.code === 'DENIED' ? 'permission denied' : 'it changes while it is read'
      found({ path, recorded, disk: frame.handle.stat(name), unreadable })
      return 'unreadable'
    }
  }

  return { directory, subtree }
}

/** The directory, or nothing where the way to it is interrupted on disk: then nothing of the path is there either. */
function openParent(root: Directory, path: ByteString): Directory | undefined {
  try {
    return openBelow(root, path)
  } catch (error) {
    if (isSentientError(error, 'NOT_A_DIRECTORY', 'SYMLINK_IN_PATH')) return undefined
    throw error
  }
}

/** The rules that hold where a path lies, and whether they leave it, or a directory above it, out. */
function rulesAbove(
  options: ScanOptions,
  path: ByteString,
  isDirectory: boolean,
): { readonly rules: readonly IgnoreRule[]; readonly ignored: boolean } {
  let rules = options.rules
  let ignored = false
  let handle: Directory | undefined = options.root.clone()
  try {
    for (const at of [...ancestorsOf(path), path]) {
      if (options.gitignore && handle !== undefined) {
        const own = handle.stat('.gitignore')
        const frame = { path: parentOf(at), handle, rules }
        if (own !== undefined) rules = withGitignore(frame, [{ name: '.gitignore', kind: own.kind }])
      }
      ignored ||= matchRules(rules, at, at !== path || isDirectory) !== undefined
      if (at === path) break
      const next: Directory | undefined = handle && childQuietly(handle, nameOf(at))
      handle?.close()
      handle = next
    }
    return { rules, ignored }
  } finally {
    handle?.close()
  }
}

/** What stands there; where that can not be told, who asks again is told why. */
function kindQuietly(directory: Directory, name: ByteString): FileKind | undefined {
  try {
    return directory.stat(name)?.kind
  } catch (error) {
    if (isHostError(error)) return 'other'
    throw error
  }
}

function childQuietly(directory: Directory, name: ByteString): Directory | undefined {
  try {
    return directory.child(name)
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}

/** The content link of a file or symlink on disk, read so that a change while reading is noticed. */
export async function* lookAtContent(
  handle: Directory,
  name: ByteString,
  before: FileStat,
  slicer: Slicer,
  progress: () => Progress,
): AsyncGenerator<Progress, { content: Link; stat: FileStat } | { unreadable: string }, void> {
  let stat = before
  for (let attempt = 0; attempt < readAttempts; attempt++) {
    try {
      if (stat.kind === 'symlink') {
        return { content: rawLink(objectId(bytesOf(handle.readLink(name)))), stat }
      }
      const file = handle.open(name, 'read')
      try {
        stat = file.stat()
        const steps = hashContentSteps(firstBytes(file, stat.size))
        let step = steps.next()
        while (!step.done) {
          if (slicer.due()) {
            yield progress()
            await slicer.pause()
          }
          step = steps.next()
        }
        const after = file.stat()
        if (sameStat(stat, after) && step.value.size === after.size) return { content: step.value.link, stat }
        stat = after
      } finally {
        file.close()
      }
    } catch (error) {
      if (isHostError(error, 'NOT_FOUND', 'SYMLINK', 'IS_A_DIRECTORY'))
        return { unreadable: 'it changes while it is read' }
      return { unreadable: reasonUnreadable(error) }
    }
  }
  return { unreadable: 'it changes while it is read' }
}

/** A file's first bytes: one that grows while it is read has an end all the same. */
export function firstBytes(file: Pick<OpenFile, 'read'>, size: number): Pick<OpenFile, 'read'> {
  return {
    read: (target, offset, length, position) =>
      position < size ? file.read(target, offset, Math.min(length, size - position), position) : 0,
  }
}

/** One path that can not be read must not end the look; throws what is no reason of that kind. */
function reasonUnreadable(error: unknown): string {
  if (isHostError(error, 'DENIED')) return 'permission denied'
  if (isHostError(error, 'IO')) return 'the disk reports an error'
  throw error
}

/** Contents known of one directory's files. */
interface Collected {
  readonly found: FoundContents
  /** Known before, by the same stat. */
  hits: number
  /** Hashed by this look, and old enough to be trusted later. */
  settled: number
  add(name: ByteString, content: FoundContent, fresh: boolean): void
}

/** Undefined where nothing is to be remembered. */
function collectContents(writer: StatCacheWriter | undefined): Collected | undefined {
  if (writer === undefined) return undefined
  const collected: Collected = {
    found: createContents(),
    hits: 0,
    settled: 0,
    add(name, content, fresh) {
      collected.found.set(name, content)
      if (!fresh) collected.hits++
      else if (writer.isSettled(content.stat)) collected.settled++
    },
  }
  return collected
}

/** In name order; can be gone through again and again. */
function* recordedEntries(
  reader: ObjectReader,
  node: Link | undefined,
  cached: CachedDirectory | undefined,
): Generator<undefined, Iterable<Entry>> {
  if (node === undefined) return []
  return cached?.entries(node) ?? (yield* entriesInSteps(reader, node))
}

/** Keeps the old block of a directory in which nothing new is to be remembered, else writes it anew. */
function* noteDirectory(
  writer: StatCacheWriter,
  seen: {
    readonly frame: DirectoryFrame
    readonly recorded: Iterable<Entry>
    readonly cached: CachedDirectory | undefined
    readonly contents: Collected
  },
): Generator<undefined, void> {
  const { frame, recorded, cached, contents } = seen
  const { found, hits, settled } = contents
  const sameNode = frame.recorded === undefined || cached?.entries(frame.recorded) !== undefined
  if (cached !== undefined && sameNode && settled === 0 && hits === cached.contents) writer.keep(cached)
  else yield* writer.add({ path: frame.path, node: frame.recorded, entries: recorded, contents: found })
}

const recordedAt = (reader: ObjectReader, files: Link | undefined, path: ByteString): Entry | null =>
  files === undefined ? null : (findPath(reader, files, path) ?? null)

function* listSorted(
  frame: DirectoryFrame,
  found: (difference: Difference) => void,
): Generator<undefined, readonly ListedName[] | undefined> {
  try {
    return yield* sortedNames(frame.handle)
  } catch (error) {
    const unreadable = reasonUnreadable(error)
    found({ path: frame.path, recorded: frame.entry, disk: frame.handle.selfStat(), unreadable })
    return undefined
  }
}

/** The names of a directory in their order. Stops now and then, for callers who give way in between. */
export function* sortedNames(directory: Directory): Generator<undefined, readonly ListedName[]> {
  const listed: ListedName[] = []
  for (const part of directory.listInParts()) {
    for (const item of part) listed.push(item)
    yield
  }
  return yield* sortInSteps(listed, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** Both sides in name order; each name once. */
export function* sideBySide(listed: readonly ListedName[], recorded: Iterable<Entry>) {
  let i = 0
  for (const entry of recorded) {
    let disk: ListedName | undefined = listed[i]
    for (; disk !== undefined && disk.name < entry.name; disk = listed[++i]) {
      yield { name: disk.name, disk, entry: null }
    }
    if (disk?.name === entry.name) i++
    else disk = undefined
    yield { name: entry.name, disk, entry }
  }
  for (const disk of listed.slice(i)) yield { name: disk.name, disk, entry: null }
}

const gitignoreBytesMax = 1 << 20

/** The rules that hold in a directory, those of its own .gitignore included. */
export function withGitignore(
  frame: Pick<DirectoryFrame, 'path' | 'handle' | 'rules'>,
  listed: readonly ListedName[],
): readonly IgnoreRule[] {
  if (!listed.some(item => item.name === '.gitignore' && item.kind === 'file')) return frame.rules
  const rules = [...frame.rules]
  try {
    const file = frame.handle.open('.gitignore', 'read')
    try {
      const bytes = new Uint8Array(Math.min(file.stat().size, gitignoreBytesMax))
      const length = file.read(bytes, 0, bytes.length, 0)
      for (const line of Buffer.from(bytes.subarray(0, length)).toString('utf8').split('\n')) {
        const rule = compileIgnoreRule(line, frame.path)
        if (rule !== undefined) rules.push(rule)
      }
    } finally {
      file.close()
    }
  } catch (error) {
    if (!isHostError(error)) throw error
  }
  return rules
}
