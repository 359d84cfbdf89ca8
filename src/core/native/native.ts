// What the native core can do, as types: few, coarse calls, each of which stands for a function of TypeScript that gives
// the same answer. Every one may decline (undefined, false): then that function does the work.

import type { Link } from '../format/id.ts'
import type { ByteString, Directory, FileStat } from '../host/host.ts'
import type { Progress } from '../progress.ts'

export type NativeWork<T> = AsyncGenerator<Progress, T | undefined, void>

export interface Native {
  /** Counts what a keeping would take, as `survey` of the timeline does. */
  survey(request: SurveyRequest): NativeWork<Surveyed>
  /** Stores everything below a directory in private packs, as `adopt` of the timeline does; nothing is published. */
  adopt(request: AdoptRequest): NativeWork<Adopted>
  /** Compares a tree with what is recorded; what it does not tell of has to be looked at. */
  look(request: LookRequest): NativeWork<Looked>
  /** Counts the files of a recorded directory, with what is below it. */
  countFiles(request: CountRequest): NativeWork<FileCounts>
  /** Writes contents of one chunk into staged files; gives back the items that it could not, of which nothing is left. */
  stage(request: StageRequest): NativeWork<readonly number[]>
  /** Makes whole directories in the stage, with all below them; null: not all of them could be made, and nothing stays. */
  stageTrees(request: StageTreesRequest): NativeWork<StagedTrees | null>
  /** Renames what is staged into the tree and makes directories. Behind the commit: it can not be stopped. */
  place(request: PlaceRequest): NativeWork<readonly PlaceOutcome[]>
  /** Whether every entry of a pack, and its index, is as it should be; null: something is not. */
  soundPack(request: SoundPackRequest): NativeWork<SoundPack | null>
  /** The lines of a verification of everything in the dotfolders that finds nothing at all; null when it finds anything. */
  verify(request: VerifyRequest): NativeWork<readonly VerifiedLine[] | null>
  /** Makes the names in directories below the root durable, many at a time; passes over what is none any more. */
  flushDirectories(root: Directory, paths: readonly ByteString[]): boolean
  /** Makes the whole file system that holds the directory durable. */
  flushFileSystem(directory: Directory): boolean
}

/** A compiled ignore rule. */
export interface NativeRule {
  readonly expression: RegExp
  readonly negated: boolean
  readonly directoriesOnly: boolean
}

export interface AdoptRequest {
  readonly root: Directory
  /** `.tree/stage` */
  readonly stage: Directory
  readonly rules: readonly NativeRule[]
  /** Names at the top that are no part of the files. */
  readonly outside: readonly ByteString[]
  readonly zstdLevel: number
  /** 32 bytes of chance; pack ids and the names of staged files come from them. */
  readonly seed: Uint8Array
  /** The process that the staged files belong to. */
  readonly owner: number
  /** A new stat cache is written to this name; its caller renames it into place, or removes it. */
  readonly cache:
    | { readonly directory: Directory; readonly name: ByteString; readonly settledBelowNs: bigint }
    | undefined
  /** 0, or left out: one a processor. */
  readonly threads?: number
  readonly signal?: AbortSignal | undefined
}

export interface FileCounts {
  readonly files: number
  /** Of all of them. */
  readonly bytes: number
}

export interface Adopted {
  readonly files: Link
  /** Entries at the top. */
  readonly count: number
  /** The list of everything as created; undefined when there is nothing. */
  readonly changes: { readonly link: Link; readonly count: number } | undefined
  /** Left out, sorted by path. */
  readonly problems: readonly { readonly path: ByteString; readonly reason: 'other' | 'changes' | 'denied' | 'disk' }[]
  /** Files with more than one name. */
  readonly hardLinks: number
  readonly kept: FileCounts
  readonly packs: readonly StagedPack[]
}

/** A sealed pack in `.tree/stage`, with its index beside it. */
export interface StagedPack {
  /** Of both files, without `.pack` and `.idx`. */
  readonly name: string
  readonly bytes: number
  readonly objects: number
}

export interface LookRequest {
  readonly root: Directory
  /** What is recorded. */
  readonly files: Link
  /** `.tree/packs` */
  readonly packs: Directory
  readonly rules: readonly NativeRule[]
  /** Names at the top that are no part of the files. */
  readonly outside: readonly ByteString[]
  /** The stat cache; without one every file is read. */
  readonly cache: { readonly directory: Directory; readonly name: ByteString } | undefined
  /** A stat with both times below it may be remembered; undefined: none. */
  readonly settledBelowNs: bigint | undefined
  readonly threads?: number
  readonly signal?: AbortSignal | undefined
}

export interface Looked {
  readonly known: ReadonlyMap<ByteString, KnownDirectory>
  /** By directory: new blocks of the stat cache, where other things are to be remembered than before. */
  readonly blocks: ReadonlyMap<ByteString, Buffer>
}

/** A directory that was looked at; the counts are of what is as it is recorded. */
export interface KnownDirectory {
  /** The id of the recorded node that it was compared with. */
  readonly node: string
  /** All in it and below it is as it is recorded: the counts are of all of it, and nothing else is told of it. */
  readonly whole: boolean
  /** Files and symlinks. */
  readonly files: number
  readonly ignored: number
  readonly hashed: number
  readonly hashedBytes: number
  /** Names in it that have to be looked at. */
  readonly suspects: readonly ByteString[]
}

export interface CountRequest {
  readonly files: Link
  /** `.tree/packs` */
  readonly packs: Directory
  readonly signal?: AbortSignal | undefined
}

/** Where an object lies in a pack. */
export interface StoredObject {
  /** `.tree/packs` */
  readonly packs: Directory
  readonly pack: number
  readonly offset: number
  readonly storedBytes: number
  readonly objectBytes: number
  readonly packing: number
}

export interface StageItem {
  /** Among the targets; the staged file's name ends with it. */
  readonly index: number
  readonly mode: number
  readonly id: string
  readonly stored: StoredObject
}

export interface StageRequest {
  /** `.runtime/stage` */
  readonly stage: Directory
  readonly packs: Directory
  /** Of the names of staged files. */
  readonly prefix: ByteString
  readonly items: readonly StageItem[]
  /** Each file, once it is written. */
  readonly flush: boolean
  readonly signal?: AbortSignal | undefined
}

export interface StageTreesRequest {
  /** `.runtime/stage` */
  readonly stage: Directory
  readonly packs: Directory
  /** What each is called in the stage, where it shall come, and its node. Their own modes stay open. */
  readonly tops: readonly { readonly name: string; readonly path: ByteString; readonly node: Link }[]
  readonly signal?: AbortSignal | undefined
}

export interface StagedTrees {
  /** Paths and bytes of files below each. */
  readonly counts: readonly { readonly paths: number; readonly bytes: number }[]
  /** The youngest time of any file. */
  readonly latestNs: bigint
  /** By directory: what the stat cache may say of it once it is in place. */
  readonly blocks: ReadonlyMap<ByteString, Buffer>
}

export interface PlaceItem {
  readonly index: number
  readonly path: ByteString
  /** A directory to be made with this mode; undefined: what is staged. */
  readonly directory: number | undefined
  /** What must be there, a file or a symlink; undefined: nothing. */
  readonly seen: FileStat | undefined
  /** The content that was seen, where its times are too young to tell a change in the same tick. */
  readonly recheck: Link | undefined
}

export interface PlaceRequest {
  readonly root: Directory
  /** `.runtime/stage` */
  readonly stage: Directory
  readonly prefix: ByteString
  /** Sorted by path. */
  readonly items: readonly PlaceItem[]
}

/** `left`: nothing was changed, and TypeScript is to try it. */
export type PlaceOutcome = 'done' | 'drifted' | 'left'

export interface SoundPackRequest {
  /** `.tree/packs` */
  readonly packs: Directory
  readonly pack: number
  readonly signal?: AbortSignal | undefined
}

export interface SoundPack {
  readonly entries: number
  readonly bytes: number
  /** There is an index, and it is exactly that of this pack. */
  readonly indexed: boolean
}

export interface VerifyRequest {
  /** The root folder. */
  readonly root: Directory
  /** Also every object of every pack against its name. */
  readonly deep: boolean
  readonly signal?: AbortSignal | undefined
}

export interface VerifiedLine {
  readonly name: string
  readonly checked: number
  readonly text: string
}

export interface SurveyRequest {
  readonly root: Directory
  readonly rules: readonly NativeRule[]
  /** Names at the top that are not counted. */
  readonly outside: readonly ByteString[]
  readonly signal?: AbortSignal | undefined
}

/** The lists are sorted. */
export interface Surveyed {
  readonly files: number
  readonly bytes: number
  readonly directories: number
  readonly symlinks: number
  /** What each rule leaves out: its number, files, bytes. */
  readonly skips: readonly (readonly [rule: number, files: number, bytes: number])[]
  readonly nestedRoots: readonly ByteString[]
  readonly unreadable: readonly ByteString[]
  readonly special: readonly ByteString[]
}
