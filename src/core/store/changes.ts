// Lists of changes in the store: what one record did to many paths. They are sorted by the bytes of whole paths, which
// is another order than that of a walk ("a.b" comes before "a/b"), so that one path can be found without reading all.
import { SentientError } from '../errors.ts'
import { type ChangesNode, changesBuilder, decodeChanges } from '../format/changes.ts'
import { isFormatError } from '../format/formatError.ts'
import type { Link } from '../format/id.ts'
import type { ByteString } from '../host/host.ts'
import { drained } from '../progress.ts'
import { damagedObject } from './damage.ts'
import type { ObjectReader, ObjectWriter, TreeChange } from './tree.ts'

/** The changes in the order that `writeChanges` needs. In memory: some hundred bytes for each change. */
export function sortChanges(changes: Iterable<TreeChange>): TreeChange[] {
  return [...changes].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

/**
 * Writes the list of at least one change, sorted by path bytes, no path twice, none that changes nothing. Holds one
 * node in memory. Throws INTERNAL when the changes are not so, LIMIT when they are more than a list can hold.
 */
export function writeChanges(writer: ObjectWriter, changes: Iterable<TreeChange>): { link: Link; count: number } {
  return drained(writeChangesSteps(writer, changes))
}

/** The same, stopping after each change, or where there is none, for callers who give way in between. */
export function* writeChangesSteps(
  writer: ObjectWriter,
  changes: Iterable<TreeChange | undefined>,
): Generator<undefined, { link: Link; count: number }> {
  const builder = changesBuilder(node => writer.put('dag-cbor', 'changes', node).id)
  try {
    for (const change of changes) {
      if (change !== undefined) builder.push(change)
      yield
    }
    const link = builder.finish()
    if (link !== undefined) return { link, count: builder.count }
  } catch (error) {
    if (!isFormatError(error)) throw error
    throw new SentientError('INTERNAL', { what: `A list of changes can not be written: ${error.reason}` }, error)
  }
  throw new SentientError('INTERNAL', { what: 'A list of changes can not be empty' })
}

const readNode = (reader: ObjectReader, link: Link): ChangesNode =>
  damagedObject(link, 'a list of changes', () => decodeChanges(reader.get(link)))

/** The changes of a list, sorted by path bytes. Throws OBJECT_MISSING or DAMAGED. */
export function* readChanges(reader: ObjectReader, link: Link): Generator<TreeChange> {
  let last: ByteString | undefined
  for (const change of leaves(reader, link)) {
    if (last !== undefined && last >= change.path) throw outOfOrder(link)
    last = change.path
    yield change
  }
}

function* leaves(reader: ObjectReader, link: Link): Generator<TreeChange> {
  const node = readNode(reader, link)
  if (node.kind === 'changes') {
    yield* node.changes
    return
  }
  for (const part of node.parts) yield* readLeaf(reader, part.link, part)
}

function readLeaf(
  reader: ObjectReader,
  link: Link,
  claimed: { readonly firstPath: ByteString; readonly count: number },
): readonly TreeChange[] {
  const node = readNode(reader, link)
  if (node.kind === 'changes-tree') throw outOfOrder(link)
  if (node.changes.length !== claimed.count || node.changes[0]?.path !== claimed.firstPath) throw outOfOrder(link)
  return node.changes
}

/** How many changes a list has; reads one node. */
export function countChanges(reader: ObjectReader, link: Link): number {
  const node = readNode(reader, link)
  return node.kind === 'changes' ? node.changes.length : node.count
}

/** The change of one path, if the list has it; reads at most two nodes. */
export function findChange(reader: ObjectReader, link: Link, path: ByteString): TreeChange | undefined {
  const node = readNode(reader, link)
  if (node.kind === 'changes') return node.changes.find(change => change.path === path)
  const part = node.parts.findLast(candidate => candidate.firstPath <= path)
  return part === undefined ? undefined : readLeaf(reader, part.link, part).find(change => change.path === path)
}

function outOfOrder(link: Link): SentientError {
  return new SentientError('DAMAGED', { what: 'A list of changes is not in its canonical form', where: link.id })
}
