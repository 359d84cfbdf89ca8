// All packs of a store as one: which there are, where an object lies, what changed since the last look. Other processes
// add packs, append to the shared one and move packs away while this one reads; a look-up that misses looks again.

import { hexOf } from '../format/bytes.ts'
import { packFileName, parsePackFileName } from '../format/pack.ts'
import { isHostError } from '../host/error.ts'
import type { Directory } from '../host/host.ts'
import type { Place } from './idTable.ts'
import { createPageCache } from './indexFile.ts'
import {
  type Folders,
  generationFile,
  openFolders,
  poisonedFile,
  readSmallFile,
  type StoreOptions,
  sharedFile,
  writeSmallFile,
} from './layout.ts'
import { isWithin, openPack, type Pack, type PackContext, type UnsoundEntry } from './pack.ts'

export interface Found {
  readonly pack: Pack
  readonly place: Place
}

export interface PackSet {
  readonly folders: Folders
  /** Newest first: a repaired object lies in a newer pack than its damaged copy. */
  packs(): readonly Pack[]
  get(packNumber: number): Pack | undefined
  /** Looks at the disk again; `all` also at packs that have no reason to have changed. */
  refresh(all?: boolean): void
  /** Places of an object, newest first; packs that can not be read are passed over. */
  find(id: Uint8Array): Generator<Found>
  /** The first of them that lies within its pack's file. */
  findFirst(id: Uint8Array): Found | undefined
  /** Places in packs that gc moved away and that still exist. */
  findDead(id: Uint8Array): Generator<Found>
  /** An entry of that id that a scan found to be damaged: no look-up leads to it. */
  findUnsound(id: Uint8Array): (UnsoundEntry & { readonly pack: Pack }) | undefined
  /** Takes a pack in that was just renamed into place. */
  add(packNumber: number): Pack
  nextNumber(): number
  /** The number in `.tree/shared` at the last refresh, whether or not there is such a pack. */
  sharedNumber(): number | undefined
  setShared(packNumber: number): void
  /** As of the last refresh: what is known of other processes' packs is not older. */
  generation(): string | undefined
  changeGeneration(): void
  /** Packs given up, and how much of each is good; as of the last refresh. */
  poisoned(): ReadonlyMap<number, number>
  setPoisoned(limits: ReadonlyMap<number, number>): void
  close(): void
}

const indexBytesMax = { normal: 32 << 20, low: 8 << 20 }
const indexPagesMax = { normal: 1024, low: 256 }
const openFilesMax = 64

function createContext(memory: 'normal' | 'low'): PackContext {
  let left = indexBytesMax[memory]
  const open = new Set<Pack>()
  return {
    pages: createPageCache(indexPagesMax[memory]),
    reserve(bytes) {
      if (bytes > left) return false
      left -= bytes
      return true
    },
    release(bytes) {
      left += bytes
    },
    opened(pack) {
      open.delete(pack)
      open.add(pack)
      if (open.size <= openFilesMax) return
      for (const oldest of open) {
        oldest.rest()
        open.delete(oldest)
        break
      }
    },
  }
}

export function openPackSet(options: StoreOptions): PackSet {
  const tree = options.directory
  const folders = openFolders(tree)
  const context = createContext(options.memory ?? 'normal')
  const byNumber = new Map<number, Pack>()
  const dead = new Map<string, Pack>()
  let newestFirst: readonly Pack[] = []
  let limits: ReadonlyMap<number, number> = new Map()
  let shared: number | undefined
  let generation: string | undefined
  let looked = false

  const order = (): void => {
    newestFirst = [...byNumber.values()].sort((a, b) => b.number - a.number)
  }
  const limitOf = (packNumber: number): number => limits.get(packNumber) ?? Number.POSITIVE_INFINITY
  const readNumber = (name: string): number | undefined => {
    const text = readSmallFile(tree, name)?.trim()
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
  }

  const include = (directory: Directory, packNumber: number): Pack => {
    const packName = packFileName(packNumber)
    const pack = openPack({
      directory,
      number: packNumber,
      packName,
      indexName: packFileName(packNumber, 'idx'),
      label: `packs/${packName}`,
      context,
      limitBytes: limitOf(packNumber),
    })
    byNumber.set(packNumber, pack)
    return pack
  }

  const lookAtList = (): void => {
    const directory = folders.find('packs')
    const there = new Set<number>()
    for (const { name } of directory?.list() ?? []) {
      const parsed = parsePackFileName(name)
      if (parsed?.extension === 'pack') there.add(parsed.packNumber)
    }
    for (const [packNumber, pack] of byNumber) {
      if (there.has(packNumber)) continue
      pack.close()
      byNumber.delete(packNumber)
    }
    for (const packNumber of there) if (!byNumber.has(packNumber)) include(directory!, packNumber)
    order()
  }

  const refresh = (all = false): void => {
    looked = true
    const generationNow = readSmallFile(tree, generationFile)?.trim()
    const anew = generationNow !== generation
    generation = generationNow
    limits = parseLimits(readSmallFile(tree, poisonedFile))
    const sharedBefore = shared
    shared = readNumber(sharedFile)
    lookAtList()
    for (const pack of newestFirst) {
      const mayHaveGrown = pack.number === shared || pack.number === sharedBefore || limits.has(pack.number)
      if (!all && !anew && !mayHaveGrown) continue
      tolerant(pack, () => pack.refresh(limitOf(pack.number), anew))
    }
  }

  const look = (): readonly Pack[] => {
    if (!looked) refresh()
    return newestFirst
  }

  /** Runs on a pack that another process may just have moved away, or that can not be read. */
  const tolerant = <T>(pack: Pack, action: () => T): T | undefined => {
    try {
      return action()
    } catch (error) {
      if (!isHostError(error)) throw error
      if (error.code === 'NOT_FOUND' && byNumber.get(pack.number) === pack) {
        byNumber.delete(pack.number)
        pack.close()
        order()
      }
      return undefined
    }
  }

  const findFirst = (id: Uint8Array): Found | undefined => {
    for (const pack of look()) {
      const place = tolerant(pack, () => withinPack(pack, pack.find(id)))
      if (place !== undefined) return { pack, place }
    }
    return undefined
  }

  const deadPacks = (): Pack[] => {
    const directory = folders.find('dead')
    if (directory === undefined) return []
    const names = new Set(directory.list().map(({ name }) => name))
    for (const [name, pack] of dead) if (!names.has(name) && dead.delete(name)) pack.close()
    for (const name of names) {
      const parsed = parseDeadName(name)
      if (parsed === undefined || dead.has(name)) continue
      const { packNumber } = parsed
      const indexName = deadName(parsed.micros, packNumber, 'idx')
      const label = `dead/${name}`
      const limitBytes = Number.POSITIVE_INFINITY
      dead.set(name, openPack({ directory, number: packNumber, packName: name, indexName, label, context, limitBytes }))
    }
    return [...dead.values()]
  }

  return {
    folders,
    packs: look,
    get(packNumber) {
      look()
      return byNumber.get(packNumber)
    },
    refresh,
    *find(id) {
      for (const pack of look()) {
        const place = tolerant(pack, () => pack.find(id))
        if (place !== undefined) yield { pack, place }
      }
    },
    findFirst,
    *findDead(id) {
      for (const pack of deadPacks()) {
        const place = tolerant(pack, () => pack.find(id))
        if (place !== undefined) yield { pack, place }
      }
    },
    findUnsound(id) {
      for (const pack of look()) {
        const entry = tolerant(pack, () => pack.unsound(id))
        if (entry !== undefined) return { ...entry, pack }
      }
      return undefined
    },
    add(packNumber) {
      byNumber.get(packNumber)?.close()
      const pack = include(folders.need('packs'), packNumber)
      order()
      return pack
    },
    nextNumber() {
      let last = 0
      for (const { name } of folders.find('packs')?.list() ?? [])
        last = Math.max(last, parsePackFileName(name)?.packNumber ?? 0)
      for (const { name } of folders.find('dead')?.list() ?? [])
        last = Math.max(last, parseDeadName(name)?.packNumber ?? 0)
      return last + 1
    },
    sharedNumber() {
      look()
      return shared
    },
    setShared(packNumber) {
      // Durable before anything is appended: after a crash this names the pack whose end is to be looked at.
      writeSmallFile(tree, sharedFile, `${packNumber}\n`, true)
      shared = packNumber
    },
    generation() {
      look()
      return generation
    },
    changeGeneration() {
      // The next refresh finds it raised and so forgets what this process has read of tails, too.
      writeSmallFile(tree, generationFile, `${hexOf(options.random.bytes(8))}\n`, true)
    },
    poisoned() {
      look()
      return limits
    },
    setPoisoned(next) {
      limits = next
      const text = [...next].map(([packNumber, bytes]) => `${packNumber} ${bytes}\n`).join('')
      writeSmallFile(tree, poisonedFile, text, true)
    },
    close() {
      for (const pack of byNumber.values()) pack.close()
      for (const pack of dead.values()) pack.close()
      folders.close()
    },
  }
}

function withinPack(pack: Pack, place: Place | undefined): Place | undefined {
  return place !== undefined && isWithin(place, pack.size()) ? place : undefined
}

function parseLimits(text: string | undefined): ReadonlyMap<number, number> {
  const limits = new Map<number, number>()
  for (const line of text?.split('\n') ?? []) {
    const match = /^(\d{1,12}) (\d{1,15})$/.exec(line)
    if (match !== null) limits.set(Number(match[1]), Number(match[2]))
  }
  return limits
}

/** Dead packs carry the time of their death: a later gc unlinks them when no reader can still be on its way to them. */
export function deadName(micros: number, packNumber: number, extension: 'pack' | 'idx' = 'pack'): string {
  return `${micros.toString().padStart(16, '0')}-${packFileName(packNumber, extension)}`
}

export function parseDeadName(name: string): { micros: number; packNumber: number } | undefined {
  const match = /^(\d{16})-(.+)$/.exec(name)
  const parsed = parsePackFileName(match?.[2] ?? '')
  if (match === null || parsed?.extension !== 'pack') return undefined
  return { micros: Number(match[1]), packNumber: parsed.packNumber }
}
