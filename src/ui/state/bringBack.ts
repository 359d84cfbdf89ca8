// Bringing back what is recorded, and keeping what is there: the same in Files and in Changes. A change that `u` can
// undo runs at once; what removes something or touches more than one sees asks for a second press.
import type { GovernedPath, IntegrityMark } from '../../core/timeline/model.ts'
import { plural } from '../widgets/format.ts'
import type { Operation } from './operation.ts'
import { pathsText } from './operation.ts'

/** A path that differs from the record, and how many differ below it. */
export interface Differing {
  readonly path: GovernedPath
  readonly mark: IntegrityMark
  readonly below: number
}

/** The operation that puts the recorded state back, in marked hunks of one path or in all of each. */
export function bringBackOperation(
  differing: readonly Differing[],
  hunks: readonly number[] | undefined,
): Extract<Operation, { do: 'restore' }> {
  const paths = differing.map(({ path }) => path)
  return hunks === undefined || paths.length !== 1
    ? { do: 'restore', paths, to: 'now' }
    : { do: 'restore', paths, to: 'now', hunks }
}

/** What has to be said before it runs; undefined: nothing, it may run at once. */
export function bringBackWarning(differing: readonly Differing[]): string | undefined {
  const fresh = differing.filter(({ mark }) => mark === '+').map(({ path }) => path)
  if (fresh.length > 0) {
    const verb = fresh.length === 1 ? 'is' : 'are'
    return `${pathsText(fresh)} ${verb} not in the record: b again removes, a snapshot keeps what was there`
  }
  const below = differing.reduce((count, one) => count + one.below, 0)
  if (below > 0)
    return `b again brings back ${plural(below, 'path')} below ${pathsText(differing.map(({ path }) => path))}`
  return differing.length > 1 ? `b again brings back ${plural(differing.length, 'path')}` : undefined
}
