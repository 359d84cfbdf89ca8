// The governed tree on disk: looking at it, comparing it with a recorded state, and making a committed state visible.

import { SentientError } from '../errors.ts'
import { asBuffer } from '../format/bytes.ts'
import type { Link } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Clock, Directory, FileStat, Randomness } from '../host/host.ts'
import type { Looked, Native, StagedTrees } from '../native/native.ts'
import { createSlicer, drained, inSlices, type Progress } from '../progress.ts'
import type { PackedList } from '../store/packedList.ts'
import type { ObjectReader } from '../store/tree.ts'
import { type ApplyReport, applyChange, type StagedChange, stageChange } from './apply.ts'
import { nameTraits, rootFolds } from './foldedNames.ts'
import { compileIgnoreRule, editorTemporaries, type IgnoreRule, matchRules } from './ignore.ts'
import { nameOf, parentOf } from './paths.ts'
import { inParentAsync, type RecoverOptions, recover } from './recover.ts'
import { reservedTopNames, settingsName } from './reserved.ts'
import { type Difference, lookAtContent, type ScanTotals, scanTree } from './scan.ts'
import { emptyStage, probePrefix, removeStale, stagePrefix } from './stage.ts'
import {
  emptyStatCache,
  loadStatCache,
  type StatCache,
  type StatCacheWriter,
  settledNs,
  writeStatCache,
} from './statCache.ts'
import type { Target } from './targets.ts'
import { statBelow } from './walk.ts'

export interface WorktreeOptions {
  readonly root: Directory
  /** `.runtime/stage`; absent when the folder is opened for reading only. */
  readonly stage: Directory | undefined
  /** `.db`; absent when nothing derived may be written. */
  readonly derived: Directory | undefined
  readonly clock: Clock
  readonly random: Randomness
  readonly native?: Native | undefined
}

export interface IgnoreSettings {
  readonly ignore: readonly string[]
  readonly gitignore: boolean
}

export interface LookResult {
  readonly stat: FileStat | undefined
  readonly content?: Link
  readonly unreadable?: string
}

export interface TreeLook extends ScanTotals {
  readonly differences: readonly Difference[]
}

export interface Worktree {
  readonly root: Directory
  /** Compares the disk, or the subtrees `under`, with a state's files; a full look renews the stat cache. */
  scan(options: {
    readonly reader: ObjectReader
    readonly files: Link | undefined
    readonly ignore: IgnoreSettings
    readonly under?: readonly ByteString[]
    /** Whether the paths `under` are looked at even where they are ignored; true unless said. */
    readonly namedCount?: boolean
    /** Takes the differences as they are found, instead of the list: they may be very many. */
    readonly found?: (difference: Difference) => void
    /** Asked of a recorded directory that is gone: whether it stands for all that was below it. */
    readonly asOne?: (path: ByteString, recorded: Entry) => boolean
    readonly signal?: AbortSignal
  }): AsyncGenerator<Progress, TreeLook, void>
  /** What the disk holds at one path, with the content's link for files and symlinks. */
  look(path: ByteString, signal?: AbortSignal): AsyncGenerator<Progress, LookResult, void>
  stat(path: ByteString): FileStat | undefined
  isIgnored(path: ByteString, isDirectory: boolean, ignore: IgnoreSettings): IgnoreRule | undefined
  rules(ignore: IgnoreSettings): readonly IgnoreRule[]
  /** Starts a new stat cache for somebody who reads the whole tree on another occasion; undefined where none is kept. */
  startCache(): { readonly writer: StatCacheWriter; finish(): Generator<undefined, void> } | undefined
  /** Whether a directory that is gone may be brought back as one. */
  canPlaceWhole(): boolean
  /** Undefined: what is below directories that were to come as one has to be a target, too. */
  stageChange(
    reader: ObjectReader,
    targets: PackedList<Target>,
    signal?: AbortSignal,
  ): AsyncGenerator<Progress, StagedChange | undefined, void>
  applyChange(reader: ObjectReader, change: StagedChange): AsyncGenerator<Progress, ApplyReport, void>
  recover(
    options: Pick<RecoverOptions, 'reader' | 'changes' | 'states' | 'seen'>,
    signal?: AbortSignal,
  ): AsyncGenerator<Progress, ApplyReport, void>
  /** Removes what killed and cancelled transactions left. Only under the writer lock. */
  emptyStage(signal?: AbortSignal): AsyncGenerator<Progress, void, void>
  /** When everything was last looked at, microseconds. */
  lastLook(): number | undefined
}

const cacheName = 'stat'
const lookName = 'looked'

export function openWorktree(options: WorktreeOptions): Worktree {
  const { root, derived, clock, random } = options
  let cache: StatCache | undefined
  const currentCache = (): StatCache => {
    cache ??= derived === undefined ? emptyStatCache : loadStatCache(derived, cacheName)
    return cache
  }
  const applyOptions = (reader: ObjectReader, signal?: AbortSignal) => {
    if (options.stage === undefined) throw new SentientError('READ_ONLY', { where: root.path })
    const slicer = createSlicer(clock, signal)
    const { native } = options
    return { root, stage: options.stage, reader, random, slicer, steady: createSlicer(clock), native, signal }
  }

  async function* scan(request: Parameters<Worktree['scan']>[0]): AsyncGenerator<Progress, TreeLook, void> {
    const under = request.under ?? []
    const whole = under.length === 0 || under.includes('')
    const startedAt = clock.nowMicros()
    const writer = whole ? beginCache(options, currentCache) : undefined
    const differences: Difference[] = []
    let finished = false
    try {
      const looked = whole ? yield* lookNatively(request, writer) : undefined
      if (looked !== undefined) writer?.renew(looked.blocks)
      const totals = yield* scanTree(
        {
          root,
          reader: request.reader,
          files: request.files,
          rules: ignoreRules(request.ignore),
          gitignore: request.ignore.gitignore,
          namedCount: request.namedCount ?? true,
          cache: lateCache(currentCache),
          cacheWriter: writer,
          ...(looked === undefined ? {} : { looked }),
          slicer: createSlicer(clock, request.signal),
          found: request.found ?? (difference => differences.push(difference)),
          asOne: request.asOne,
        },
        under,
      )
      if (writer !== undefined) {
        const progress = (): Progress => ({ phase: 'looking', done: totals.filesChecked, unit: 'files' })
        yield* inSlices(createSlicer(clock, request.signal), writer.finish(), progress)
        cache = undefined
        writeLook(derived as Directory, startedAt)
      }
      finished = true
      return { ...totals, differences }
    } catch (error) {
      throw readProblem(error)
    } finally {
      if (!finished) writer?.abort()
    }
  }

  /** What the native core knows, where there is one and the rules are those of the settings alone. */
  async function* lookNatively(
    { reader, files, ignore, signal }: Parameters<Worktree['scan']>[0],
    writer: StatCacheWriter | undefined,
  ): AsyncGenerator<Progress, Looked | undefined, void> {
    const stored = files === undefined ? undefined : reader.locate?.(files)
    if (options.native === undefined || files === undefined || stored === undefined || ignore.gitignore)
      return undefined
    return yield* options.native.look({
      ...{ root, files, packs: stored.packs, rules: ignoreRules(ignore), signal },
      outside: [...reservedTopNames, settingsName],
      cache: derived && { directory: derived, name: cacheName },
      settledBelowNs: writer?.elsewhere.settledBelowNs,
    })
  }

  let wholeAllowed: boolean | undefined

  /**
   * What was staged as one is known without another look: nobody else gets at it before it is in place, and what changes
   * it from then on gives it a later time than it has. To be called before it is put in place.
   */
  function cacheOfTrees({ latestNs, blocks }: StagedTrees): StatCacheWriter | undefined {
    const writer = beginCache(options, currentCache)
    if (writer === undefined || writer.elsewhere.settledBelowNs + settledNs <= latestNs) return undefined
    writer.keepBelow('')
    writer.renew(blocks)
    return writer
  }

  async function* look(path: ByteString, signal?: AbortSignal): AsyncGenerator<Progress, LookResult, void> {
    const stat = statBelow(root, path)
    if (stat === undefined || stat.kind === 'dir' || stat.kind === 'other') return { stat }
    const cached = currentCache().directory(parentOf(path))?.content(nameOf(path), stat)
    if (cached !== undefined) return { stat, content: cached }
    const progress = (): Progress => ({ phase: 'looking', done: 0, unit: 'files' })
    const slicer = createSlicer(clock, signal)
    const found = yield* inParentAsync(root, path, (parent, name) =>
      lookAtContent(parent, name, stat, slicer, progress),
    )
    if (found === undefined) return { stat: undefined }
    return 'unreadable' in found ? { stat, unreadable: found.unreadable } : found
  }

  return {
    root,
    scan,
    look,
    stat: path => statBelow(root, path),
    rules: ignoreRules,
    startCache() {
      const startedAt = clock.nowMicros()
      const writer = beginCache(options, currentCache)
      if (writer === undefined) return undefined
      return {
        writer,
        *finish() {
          yield* writer.finish()
          cache = undefined
          writeLook(derived as Directory, startedAt)
        },
      }
    },
    isIgnored: (path, isDirectory, ignore) => matchRules(ignoreRules(ignore), path, isDirectory),
    async *stageChange(reader, targets, signal) {
      return yield* stageChange(applyOptions(reader, signal), targets)
    },
    canPlaceWhole() {
      wholeAllowed ??= options.native !== undefined && keepsNames(options)
      return wholeAllowed
    },
    async *applyChange(reader, change) {
      const writer = change.trees && cacheOfTrees(change.trees)
      const report = yield* applyChange(applyOptions(reader), change)
      if (writer !== undefined) {
        drained(writer.finish())
        cache = undefined
      }
      return report
    },
    async *recover(request, signal) {
      return yield* recover({ ...applyOptions(request.reader, signal), ...request })
    },
    async *emptyStage(signal) {
      if (options.stage === undefined) return
      const progress = (): Progress => ({ phase: 'clearing away what was left', done: 0, unit: 'files' })
      yield* inSlices(createSlicer(clock, signal), emptyStage(root, options.stage), progress)
    },
    lastLook: () => (derived === undefined ? undefined : readLook(derived)),
  }
}

/** Whether the file system keeps every name apart, as it is given; else each has to be asked for. */
function keepsNames({ root, stage, random }: WorktreeOptions): boolean {
  if (stage === undefined || rootFolds(root)) return false
  const traits = nameTraits(stage, `${probePrefix}${asBuffer(random.bytes(6)).toString('hex')}`)
  return traits?.foldsCase === false && !traits.normalises
}

/** Read when it is asked for the first time: where the native core knows everything it is not. */
function lateCache(load: () => StatCache): Pick<StatCache, 'directory'> {
  let loaded: StatCache | undefined
  return {
    directory(path) {
      loaded ??= load()
      return loaded.directory(path)
    },
  }
}

/** A failed port call while looking, as what it means to the caller. */
function readProblem(error: unknown): unknown {
  if (!isHostError(error)) return error
  return new SentientError('IO', { where: error.path, found: `${error.call}: ${error.code}` }, error)
}

const compiledRules = new WeakMap<readonly string[], readonly IgnoreRule[]>()

/** The rules of the settings after the built-in ones, which a negated pattern can so take back. */
function ignoreRules(settings: IgnoreSettings): readonly IgnoreRule[] {
  let rules = compiledRules.get(settings.ignore)
  if (rules === undefined) {
    const patterns = [...editorTemporaries, `${stagePrefix}*`, ...settings.ignore]
    rules = patterns.map(pattern => compileIgnoreRule(pattern)).filter(rule => rule !== undefined)
    compiledRules.set(settings.ignore, rules)
  }
  return rules
}

/** The file system's own idea of now, from a file written for that; undefined where none can be written. */
function probe(options: WorktreeOptions): bigint | undefined {
  if (options.stage === undefined) return undefined
  const name = `${probePrefix}${asBuffer(options.random.bytes(6)).toString('hex')}`
  try {
    const file = options.stage.open(name, 'create', 0o600)
    try {
      return file.stat().mtimeNs
    } finally {
      file.close()
      options.stage.removeFile(name)
    }
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}

function beginCache(options: WorktreeOptions, before: () => StatCache): StatCacheWriter | undefined {
  const probeNs = options.derived === undefined ? undefined : probe(options)
  if (options.derived === undefined || probeNs === undefined) return undefined
  try {
    const now = options.clock.nowMicros()
    removeStale(options.derived, now, name => name.startsWith(`${cacheName}.`) && name.endsWith('.new'))
    if (options.stage !== undefined) removeStale(options.stage, now, name => name.startsWith(probePrefix))
    return writeStatCache(options.derived, cacheName, { random: options.random, probeNs, before })
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}

function writeLook(derived: Directory, micros: number): void {
  try {
    const bytes = Buffer.from(`${micros}\n`)
    const file =
      derived.stat(lookName) === undefined ? derived.open(lookName, 'create', 0o600) : derived.open(lookName, 'modify')
    try {
      file.write(bytes, 0)
      file.truncate(bytes.length)
    } finally {
      file.close()
    }
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}

function readLook(derived: Directory): number | undefined {
  try {
    const file = derived.open(lookName, 'read')
    try {
      const bytes = Buffer.alloc(32)
      const micros = Number.parseInt(bytes.toString('latin1', 0, file.read(bytes, 0, bytes.length, 0)), 10)
      return Number.isSafeInteger(micros) ? micros : undefined
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error)) return undefined
    throw error
  }
}
