// Putting many files in place with the native core: targets are gathered and handed over some thousands at a time; what
// it gives back, and what is not for it, is done one by one in apply.ts.

import { isHostError } from '../host/error.ts'
import type { Directory } from '../host/host.ts'
import type { Native, PlaceItem, PlaceOutcome, StageItem } from '../native/native.ts'
import type { Progress } from '../progress.ts'
import type { ObjectReader } from '../store/tree.ts'
import { isRemoval, type Target } from './targets.ts'

/** Below this a call costs more than it saves. */
export const itemsMin = 16
/** Bounds memory. */
const itemsMax = 8_192

export interface NativeStaging {
  readonly native: Native
  readonly stage: Directory
  readonly reader: ObjectReader
  readonly prefix: string
  /** How many files there are in all. */
  readonly files: number
  readonly flush: boolean
  readonly signal: AbortSignal | undefined
}

/** Gathers contents to be staged; undefined when it is not worth it. */
export function createStageBatch(options: Omit<NativeStaging, 'native'> & { readonly native: Native | undefined }) {
  const { native, reader, stage, prefix, flush, signal } = options
  if (native === undefined || reader.locate === undefined || options.files < itemsMin) return undefined
  let items: StageItem[] = []
  return {
    /** False: this one is not for it. */
    take(index: number, { after }: Target): boolean {
      if (after?.kind !== 'file' || after.content.codec !== 'raw') return false
      const stored = reader.locate?.(after.content)
      if (stored === undefined || stored.objectBytes !== after.size) return false
      items.push({ index, mode: after.mode, id: after.content.id, stored })
      return true
    },
    isFull: () => items.length >= itemsMax,
    /** Stages what was gathered; gives back what it could not. */
    async *run(): AsyncGenerator<Progress, readonly number[], void> {
      const [first] = items
      if (first === undefined) return []
      const all = items
      items = []
      const left = yield* native.stage({ stage, packs: first.stored.packs, prefix, items: all, flush, signal })
      return left ?? all.map(({ index }) => index)
    },
  }
}

export interface PlacedTarget {
  readonly target: Target
  readonly index: number
  readonly outcome: PlaceOutcome
}

/** Gathers targets to be put in place; undefined when it is not worth it. */
export function createPlaceBatch(options: {
  readonly native: Native | undefined
  readonly root: Directory
  readonly stage: Directory
  readonly prefix: string
  readonly targets: number
}) {
  const { native, root, stage, prefix } = options
  if (native === undefined || options.targets < itemsMin) return undefined
  let targets: { readonly target: Target; readonly item: PlaceItem }[] = []
  let makesDirectories = false
  return {
    /** `staged`: its content lies in the stage. False: this one is not for it. */
    take(index: number, target: Target, staged: boolean): boolean {
      const { path, after, recheck } = target
      const seen = isRemoval(target) ? undefined : target.seen
      if (after === null) return false
      const isDirectory = after.kind === 'dir' && target.whole !== true
      if (isDirectory ? seen !== undefined : !staged) return false
      makesDirectories ||= isDirectory
      const directory = isDirectory ? after.mode | 0o700 : undefined
      targets.push({ target, item: { index, path, directory, seen, recheck } })
      return true
    },
    isFull: () => targets.length >= itemsMax,
    /** Something that is done now may need what was gathered. */
    isNeeded: () => makesDirectories,
    async *run(): AsyncGenerator<Progress, readonly PlacedTarget[], void> {
      if (targets.length === 0) return []
      const all = targets
      targets = []
      makesDirectories = false
      const outcomes = yield* native.place({ root, stage, prefix, items: all.map(({ item }) => item) })
      return all.map(({ target, item }, at) => ({ target, index: item.index, outcome: outcomes?.[at] ?? 'left' }))
    },
  }
}

/** Makes the file system durable; false where it has to be done in another way. */
export function flushNatively(native: Native | undefined, directory: Directory): boolean {
  try {
    return native?.flushFileSystem(directory) === true
  } catch (error) {
    if (!isHostError(error, 'UNSUPPORTED')) throw error
    return false
  }
}
