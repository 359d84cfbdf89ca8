// Walks what kept states and records lead to, each object once however often it is linked, in memory of some forty bytes
// an object. Every link is looked up; nodes are read and, below a state, must be canonical; chunks are not read here.
import { isSentientError } from '../errors.ts'
import { decode, isLink } from '../format/cbor.ts'
import { isFormatError } from '../format/formatError.ts'
import { crc32 } from '../format/hash.ts'
import { dagLink, type Link, type ObjectId } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import type { State } from '../format/state.ts'
import type { ByteString } from '../host/host.ts'
import { canonicalSteps } from '../store/canonical.ts'
import { readChanges } from '../store/changes.ts'
import { createIdTable } from '../store/idTable.ts'
import { linksIn, reachable } from '../store/reach.ts'
import type { Store } from '../store/store.ts'
import type { ObjectReader } from '../store/tree.ts'
import { readState } from '../timeline/context.ts'

/** An object that is needed and is not there as it should be. */
export interface Trouble {
  readonly link: Link
  readonly state: 'missing' | 'damaged' | 'malformed'
  readonly found: string
  /** The pack and the offset of a damaged copy. */
  readonly where?: string
  /** The first record whose state or body led to it. */
  readonly seq: number
  /** Where in that state, as far as the walk knew. */
  readonly path?: ByteString
}

export interface Reach {
  /** Objects met so far, there or not. */
  readonly objects: number
  /** Distinct states walked. */
  readonly states: number
  /** Directory and list nodes that were checked to be canonical. */
  readonly nodes: number
  /** Whether anything that was walked links to it. */
  has(id: ObjectId): boolean
  /** The record that led to it first. */
  seqOf(id: ObjectId): number | undefined
  /** Walks a state; yields now and then, so that the caller can give way. */
  state(root: ObjectId, seq: number): Generator<void>
  /** Walks a list of changes, which has to be well-formed. */
  changes(link: Link, seq: number): Generator<void>
  /** Walks whatever a link leads to, by DAG-CBOR's own links alone. */
  link(link: Link, seq: number): Generator<void>
  readonly troubles: ReadonlyMap<ObjectId, Trouble>
  /** Objects that are missing and may be: no trouble. */
  readonly absent: number
  /** Reads as the walk does: what it has just read need not be read and unpacked again. */
  readonly reader: ObjectReader
}

const troublesMax = 100_000

export interface ReachOptions {
  /** Objects that may be missing. */
  readonly mayBeAbsent?: (id: ObjectId) => boolean
}

export function createReach(store: Store, { mayBeAbsent = () => false }: ReachOptions = {}): Reach {
  const met = createIdTable()
  const read = createIdTable()
  const checked = createIdTable()
  const troubles = new Map<ObjectId, Trouble>()
  const absent = createIdTable()
  /** By ordinal in `met`; the bytes of what is not there are -1. */
  const firstSeqs: number[] = []
  const sizes: number[] = []
  const scratch = Buffer.alloc(32)
  let seq = 0
  let nodes = 0
  let states = 0

  const bytesOf = (id: string): Uint8Array => {
    scratch.write(id, 'hex')
    return scratch
  }
  const note = (trouble: Omit<Trouble, 'seq'>): void => {
    if (trouble.state === 'missing' && mayBeAbsent(trouble.link.id)) absent.add(bytesOf(trouble.link.id))
    else if (troubles.size < troublesMax && !troubles.has(trouble.link.id))
      troubles.set(trouble.link.id, { ...trouble, seq })
  }

  /** True when the bytes are there and are what their name says: then they are malformed, if anything. */
  const isSound = (link: Link): boolean => {
    const result = store.read(link.id)
    if (result.state === 'damaged') note(damageOf(link, result))
    else if (result.state === 'missing') note({ link, state: 'missing', found: 'no pack holds it' })
    return result.state === 'intact'
  }

  const meet = (link: Link): void => {
    const before = met.size
    met.add(bytesOf(link.id))
    if (met.size === before) return
    const bytes = store.objectBytes(link.id)
    firstSeqs.push(seq)
    sizes.push(bytes ?? -1)
    if (bytes !== undefined) return
    // Looks at the disk again, and at what a gc has set aside.
    if (isSound(link) && !store.has(link.id))
      note({ link, state: 'missing', found: 'only a pack that gc set aside holds it' })
  }

  const follow = (link: Link, bytes: Uint8Array): void => {
    const before = read.size
    read.add(bytesOf(link.id))
    if (read.size === before) return
    try {
      for (const below of linksIn(decode(bytes))) meet(below)
    } catch (error) {
      // Who asked for the node decodes it as what it should be, and says what is wrong with it.
      if (!isFormatError(error)) throw error
    }
  }

  const recent = createRecent()
  const reader: ObjectReader = {
    get(link) {
      const held = recent.get(link)
      if (held !== undefined) return held
      const bytes = store.get(link)
      recent.put(link, bytes)
      return bytes
    },
  }
  /** For what is read as DAG-CBOR alone, so that nobody else tells its links. */
  const follower: ObjectReader = {
    get(link) {
      const bytes = reader.get(link)
      follow(link, bytes)
      return bytes
    },
  }

  const noteError = (link: Link, error: unknown): void => {
    if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
    if (isSound(link)) note({ link, state: 'malformed', found: error.details.found ?? error.message })
  }

  function* walkLink(link: Link): Generator<void> {
    const seen = (below: Link): boolean => {
      meet(below)
      return below.codec === 'raw' || read.find(bytesOf(below.id)) >= 0
    }
    for (const _ of reachable(follower, link, { seen, unreadable: noteError })) yield
  }

  function* walkState(root: ObjectId): Generator<void> {
    const link = dagLink(root)
    meet(link)
    if (checkedBefore(`${root} state`)) return
    states++
    let state: State
    try {
      state = readState(follower, root)
    } catch (error) {
      noteError(link, error)
      return
    }
    const { metadataSet } = state
    const steps = canonicalSteps(reader, state.files, {
      ...{ seen: checkedBefore, sizeOf, metadataSet, onLink: meet },
      onNode(link) {
        nodes++
        read.add(bytesOf(link.id))
      },
    })
    for (const step of steps) {
      if (step?.code === 'node-not-canonical')
        note({ link: step.link, state: 'malformed', found: step.found, path: step.path })
      else if (step !== undefined) isSound(step.link)
      yield
    }
    for (const value of Object.values(state)) if (isLink(value)) yield* walkLink(value)
  }

  const sizeOf = (link: Link): number | undefined => {
    const bytes = sizes[met.find(bytesOf(link.id))] ?? -1
    return bytes < 0 ? undefined : bytes
  }

  function* walkChanges(link: Link): Generator<void> {
    if (checkedBefore(`${link.id} changes`)) return
    const told: ObjectReader = {
      get(node) {
        meet(node)
        return reader.get(node)
      },
    }
    try {
      for (const change of readChanges(told, link)) {
        yield* walkEntry(change.before)
        yield* walkEntry(change.after)
      }
    } catch (error) {
      noteError(link, error)
      // What is no list of changes may lead somewhere all the same.
      yield* walkLink(link)
    }
  }

  function* walkEntry(entry: Entry | null): Generator<void> {
    if (entry === null) return
    meet(entry.content)
    if (entry.content.codec !== 'raw') yield* walkLink(entry.content)
    yield
  }

  /** The key is an id and what is claimed of it; folded into one id, as a set of such strings would take ten times that. */
  const checkedBefore = (key: string): boolean => {
    const folded = bytesOf(key.slice(0, 64)) as Buffer
    folded.writeUInt32LE((folded.readUInt32LE(28) ^ crc32(Buffer.from(key.slice(64)))) >>> 0, 28)
    const before = checked.size
    checked.add(folded)
    return checked.size === before
  }

  return {
    get objects() {
      return met.size
    },
    get states() {
      return states
    },
    get nodes() {
      return nodes
    },
    has: id => met.find(bytesOf(id)) >= 0,
    seqOf: id => firstSeqs[met.find(bytesOf(id))],
    *state(root, at) {
      seq = at
      yield* walkState(root)
    },
    *changes(link, at) {
      seq = at
      meet(link)
      yield* walkChanges(link)
    },
    *link(link, at) {
      seq = at
      meet(link)
      if (link.codec !== 'raw') yield* walkLink(link)
    },
    troubles,
    get absent() {
      return absent.size
    },
    reader,
  }
}

const recentBytesMax = 2 << 20

/** Nodes that were read last: a state shares most of those on the way to what changed with the state before. */
function createRecent() {
  const held = new Map<ObjectId, Uint8Array>()
  let bytesHeld = 0
  return {
    get: (link: Link): Uint8Array | undefined => held.get(link.id),
    put(link: Link, bytes: Uint8Array): void {
      if (bytes.length > recentBytesMax / 8) return
      bytesHeld += bytes.length
      // A copy: what was unpacked is a view of something larger.
      held.set(link.id, new Uint8Array(bytes))
      for (const [id, oldest] of held) {
        if (bytesHeld <= recentBytesMax) break
        held.delete(id)
        bytesHeld -= oldest.length
      }
    },
  }
}

function damageOf(link: Link, result: { reason: string; pack: string; offset: number }): Omit<Trouble, 'seq'> {
  const { reason, pack, offset } = result
  return { link, state: 'damaged', found: reason, where: placeOf(pack, offset) }
}

/** For messages: a place in a pack. */
export const placeOf = (pack: string, offset: number): string => `.tree/${pack}, offset ${offset}`
