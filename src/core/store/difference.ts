// The difference of two directories in the order in which a record lists it: by the bytes of whole paths. So both can be
// compared one by one, and neither has to be in memory.
import type { Link } from '../format/id.ts'
import type { ByteString } from '../host/host.ts'
import { drained } from '../progress.ts'
import { differingNames } from './nodes.ts'
import { type ObjectReader, sameApartFromChildren, type TreeChange } from './tree.ts'

/** A name's own change, or all that lies below it: the two do not follow each other, as "a.b" sorts before "a/b". */
interface Step {
  readonly path: ByteString
  readonly change?: TreeChange
  readonly before?: Link | undefined
  readonly after?: Link | undefined
}

/**
 * The paths that differ between two files roots (undefined: none), sorted by path bytes, as a list of changes has them.
 * Memory: what differs in the directories on the way to where it stands. Throws OBJECT_MISSING or DAMAGED.
 */
export function* changesBetween(
  reader: ObjectReader,
  before: Link | undefined,
  after: Link | undefined,
): Generator<TreeChange> {
  // The next step stands last.
  const stack: Step[] = stepsOf(reader, { path: '', before, after })
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    if (step.change !== undefined) yield step.change
    else for (const below of stepsOf(reader, step)) stack.push(below)
  }
}

/** Of one directory, the first last. */
function stepsOf(reader: ObjectReader, { path, before, after }: Step): Step[] {
  const steps: Step[] = []
  for (const { name, before: old, after: now } of drained(differingNames(reader, before, after))) {
    const own = path + name
    if (!sameApartFromChildren(old, now)) steps.push({ path: own, change: { path: own, before: old, after: now } })
    const [left, right] = [old?.kind === 'dir' ? old.content : undefined, now?.kind === 'dir' ? now.content : undefined]
    if (left?.id !== right?.id) steps.push({ path: `${own}/`, before: left, after: right })
  }
  return steps.sort((a, b) => (a.path > b.path ? -1 : 1))
}
