// What the owner does with snapshots: make, label, pin, remove. Each is a record; none touches the tree.
import { isSentientError, SentientError } from '../errors.ts'
import { byteStringOfText } from '../format/bytes.ts'
import type { CborValue } from '../format/cbor.ts'
import { dagLink, type Link, type ObjectId } from '../format/id.ts'
import type { Body } from '../format/record.ts'
import { isHostError } from '../host/error.ts'
import type { NewRecord } from '../journal/model.ts'
import { createSlicer } from '../progress.ts'
import { reachable } from '../store/reach.ts'
import { absorb } from './absorb.ts'
import type { TimelineContext } from './context.ts'
import type { OperationResult, Work } from './model.ts'
import { snapshotRecord } from './snapshotRecords.ts'
import { currentSnapshots, namedSnapshot, storeSnapshots } from './snapshots.ts'
import { transactRecord } from './transact.ts'

const labelBytesMax = 200

export async function* snapshotCreate(
  context: TimelineContext,
  options: {
    readonly label?: string
    readonly name?: string
    readonly absorb?: boolean
    readonly automatic?: boolean
    readonly signal?: AbortSignal
  } = {},
): Work<OperationResult> {
  checkLabel(options.label ?? '')
  const kept = options.absorb ? yield* absorb(context, [], { signal: options.signal }) : undefined
  let name = ''
  const result = yield* transactRecord(context, { label: 'snapshot', signal: options.signal }, root => {
    const made = snapshotRecord(context, {
      kind: options.automatic ? 'auto' : 'manual',
      label: options.label ?? '',
      name: options.name,
      root,
      inForce: root,
    })
    name = made.name
    return made.record
  })
  storeQuietly(context)
  return {
    ...result,
    snapshot: name,
    changed: kept?.changed ?? [],
    changedCount: kept?.changedCount ?? 0,
    notices: [...(kept?.notices ?? []), ...result.notices],
  }
}

export async function* snapshotLabel(context: TimelineContext, name: string, label: string): Work<OperationResult> {
  checkLabel(label)
  return yield* change(context, 'snapshot-label', name, { label })
}

export const snapshotPin = (context: TimelineContext, name: string, pinned: boolean): Work<OperationResult> =>
  change(context, pinned ? 'snapshot-pin' : 'snapshot-unpin', name, {})

export const snapshotRemove = (context: TimelineContext, name: string): Work<OperationResult> =>
  change(context, 'snapshot-remove', name, {})

/** The record stands; its projection can be made at any time. */
function storeQuietly(context: TimelineContext): void {
  try {
    storeSnapshots(context)
  } catch (error) {
    if (!isHostError(error) && !isSentientError(error)) throw error
  }
}

function checkLabel(label: string): void {
  if (!label.isWellFormed()) throw new SentientError('USAGE', { what: 'The label is no well-formed text' })
  const bytes = Buffer.byteLength(label)
  if (bytes > labelBytesMax) {
    throw new SentientError('LIMIT', {
      what: 'The label is too long',
      expected: `at most ${labelBytesMax} bytes`,
      found: `${bytes}`,
    })
  }
}

async function* change(
  context: TimelineContext,
  action: string,
  name: string,
  fields: Record<string, CborValue>,
): Work<OperationResult> {
  const result = yield* transactRecord(context, { label: action }, (root): NewRecord => {
    const snapshot = namedSnapshot(context, name)
    if (action === 'snapshot-remove' && snapshot.pinned) {
      throw new SentientError('NOT_UNDOABLE', {
        what: 'The snapshot is pinned',
        where: name,
        hint: 'Unpin it first: sentctl snapshot unpin.',
      })
    }
    if (context.session !== undefined) fields.session = context.session
    const body: Body = {
      actor: context.actor,
      action,
      subject: { kind: 'snapshot', id: byteStringOfText(name) },
      decision: { effect: 'permit', bundle: null, rule: '' },
      fields,
    }
    return { root, body }
  })
  storeQuietly(context)
  return { ...result, snapshot: name }
}

/** Bytes that dropping each snapshot and all older unpinned ones would free, as stored objects count. */
export async function* snapshotSpace(
  context: TimelineContext,
  options: { readonly signal?: AbortSignal } = {},
): Work<ReadonlyMap<string, number>> {
  const slicer = createSlicer(context.clock, options.signal)
  const list = [...currentSnapshots(context)]
  const seen = new Set<ObjectId>()
  const space = new Map<string, number>()
  // What was forgotten takes no space.
  const unreadable = (_: Link, error: unknown): void => {
    if (!isSentientError(error, 'OBJECT_MISSING')) throw error
  }
  const measure = async function* (root: ObjectId): Work<number> {
    let bytes = 0
    for (const link of reachable(context.store, dagLink(root), { seen: item => seen.has(item.id), unreadable })) {
      if (seen.has(link.id)) continue
      seen.add(link.id)
      bytes += context.store.storedBytes(link.id) ?? 0
      if (slicer.due()) {
        yield { phase: 'measuring', done: seen.size, unit: 'objects' }
        await slicer.pause()
      }
    }
    return bytes
  }
  const last = context.journal.head().root
  if (last !== undefined) yield* measure(last)
  for (const snapshot of list.filter(item => item.pinned)) yield* measure(snapshot.root)
  // Newest first: what only older ones hold is freed when those go.
  const unpinned = list.filter(item => !item.pinned).reverse()
  const own: number[] = []
  for (const snapshot of unpinned) own.push(yield* measure(snapshot.root))
  let freed = 0
  for (let i = unpinned.length - 1; i >= 0; i--) {
    freed += own[i]
    space.set(unpinned[i].name, freed)
  }
  for (const snapshot of list.filter(item => item.pinned)) space.set(snapshot.name, 0)
  return space
}
