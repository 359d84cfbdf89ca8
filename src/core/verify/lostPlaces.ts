// What a loss means to people: which paths of which snapshots need an object that a repair found to be gone for good.
// Worked out when verify or repair meet a loss, and kept with the derived data for lists and messages.

import { decodeList } from '../format/content.ts'
import { isFormatError } from '../format/formatError.ts'
import { cidText, type Link, type ObjectId } from '../format/id.ts'
import { decodeNode } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString } from '../host/host.ts'
import { createSlicer } from '../progress.ts'
import type { Store } from '../store/store.ts'
import { readState, type TimelineContext } from '../timeline/context.ts'
import type { LostPlace, Work } from '../timeline/model.ts'
import { currentSnapshots } from '../timeline/snapshots.ts'
import { joinPath } from '../worktree/paths.ts'
import { readFile } from './files.ts'
import { readLosses } from './losses.ts'

const cacheName = 'lost'
const cacheBytesMax = 4 << 20
const placesMax = 1_000

/** Looks through the snapshots and the state in force; remembers what it found. */
export async function* findLost(context: TimelineContext, signal?: AbortSignal): Work<readonly LostPlace[]> {
  const { store } = context
  const losses = yield* readLosses(context, signal)
  const isGone = (id: ObjectId): boolean => losses.hasObject(id) && store.read(id).state !== 'intact'
  const slicer = createSlicer(context.clock, signal)
  const found = new Map<string, { path: ByteString; object: string; snapshots: string[]; now: boolean }>()
  const whole = new Set<ObjectId>()
  const { root } = context.journal.head()
  const states = [...currentSnapshots(context).map(({ name, root }) => ({ name, root })), { name: undefined, root }]
  let seen = 0
  for (const state of states) {
    const files = filesOf(context, state.root)
    if (files === undefined) continue
    for (const step of lostBelow({ store, isGone, whole }, { link: files, path: '', directory: true })) {
      if (step !== undefined && found.size < placesMax) {
        const key = `${step.path}\0${step.id}`
        const place = found.get(key) ?? { path: step.path, object: cidText(step.link), snapshots: [], now: false }
        found.set(key, place)
        if (state.name === undefined) place.now = true
        else if (!place.snapshots.includes(state.name)) place.snapshots.push(state.name)
      }
      seen += 1
      if (!slicer.due()) continue
      yield { phase: 'what is lost', done: seen, unit: 'objects' }
      await slicer.pause()
    }
  }
  const places = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  remember(context, places)
  return places
}

/** What the last look found, as far as it is still so; empty where nobody looked. */
export function knownLost(context: TimelineContext): readonly LostPlace[] {
  const { derived } = context.directories
  if (derived === undefined) return []
  const file = readFile(derived, cacheName, cacheBytesMax)
  if (file.state !== 'read') return []
  const names = new Set(currentSnapshots(context).map(({ name }) => name))
  try {
    const places = JSON.parse(Buffer.from(file.bytes).toString('utf8')) as LostPlace[]
    return places
      .map(place => ({ ...place, snapshots: place.snapshots.filter(name => names.has(name)) }))
      .filter(({ snapshots, now }) => now || snapshots.length > 0)
  } catch {
    return []
  }
}

function filesOf(context: TimelineContext, root: ObjectId | undefined): Link | undefined {
  if (root === undefined) return undefined
  try {
    return readState(context.store, root).files
  } catch {
    return undefined
  }
}

interface Search {
  readonly store: Store
  readonly isGone: (id: ObjectId) => boolean
  /** Nothing at or below these is gone: states share most of what they hold. */
  readonly whole: Set<ObjectId>
}

interface Part {
  readonly link: Link
  readonly path: ByteString
  readonly directory: boolean
}

/** Each gone object with its path; undefined now and then. Its value: whether there was none. */
function* lostBelow(
  search: Search,
  part: Part,
): Generator<{ path: ByteString; id: ObjectId; link: Link } | undefined, boolean> {
  const { link, path } = part
  if (search.whole.has(link.id)) return true
  if (search.isGone(link.id)) {
    yield { path, id: link.id, link }
    return false
  }
  let isWhole = true
  if (link.codec !== 'raw') {
    for (const below of partsOf(search.store, part)) if (!(yield* lostBelow(search, below))) isWhole = false
    yield undefined
  }
  if (isWhole) search.whole.add(link.id)
  return isWhole
}

function partsOf(store: Store, { link, path, directory }: Part): Part[] {
  const result = store.read(link.id)
  if (result.state !== 'intact') return []
  try {
    if (!directory) return decodeList(result.bytes).entries.map(entry => ({ link: entry.link, path, directory }))
    const node = decodeNode(result.bytes)
    if (node.kind === 'branch')
      return node.slots.flatMap(slot => (slot === null ? [] : [{ link: slot.link, path, directory }]))
    return node.entries.map(entry => ({
      link: entry.content,
      path: joinPath(path, entry.name),
      directory: entry.kind === 'dir',
    }))
  } catch (error) {
    if (isFormatError(error)) return []
    throw error
  }
}

function remember(context: TimelineContext, places: readonly LostPlace[]): void {
  const { derived } = context.directories
  if (derived === undefined) return
  try {
    if (derived.stat(cacheName) !== undefined) derived.removeFile(cacheName)
    if (places.length === 0) return
    const file = derived.open(cacheName, 'create', 0o600)
    try {
      file.write(Buffer.from(JSON.stringify(places)), 0)
    } finally {
      file.close()
    }
  } catch (error) {
    if (!isHostError(error)) throw error
  }
}
