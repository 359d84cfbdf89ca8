// Bringing back what is recorded, and keeping what is there: the same in Files and in Changes. A change that `u` can
// undo runs at once; what removes something or touches more than one sees asks for a second press.
import type { GovernedPath, IntegrityMark } from '../../core/timeline/model.ts'
import { plural } from '../widgets/format.ts'
import type { Panel } from './model.ts'
import { type Operation, pathsText } from './operation.ts'
import { repairPreview } from './repair.ts'

/** A path that differs from the record, and how many differ below it. */
export interface Differing {
  readonly path: GovernedPath
  readonly mark: IntegrityMark
  readonly below: number
}

/** The operation that puts the recorded state back, in marked hunks of one path or in all of each. */
function bringBackOperation(
  differing: readonly Differing[],
  hunks: readonly number[] | undefined,
): Extract<Operation, { do: 'restore' }> {
  const paths = differing.map(({ path }) => path)
  return hunks === undefined || paths.length !== 1
    ? { do: 'restore', paths, to: 'now' }
    : { do: 'restore', paths, to: 'now', hunks }
}

export type Offer =
  | { readonly kind: 'run'; readonly operation: Operation }
  | { readonly kind: 'announce'; readonly operation: Operation; readonly text: string }
  | { readonly kind: 'repair'; readonly panel: Panel }

/**
 * What `b` does: what can be brought back is, at once or when it is asked again; where all that was chosen is damaged
 * in the store, the repair that can make it whole is offered.
 */
export function bringBackOffer(
  differing: readonly (Differing & { readonly damaged: boolean })[],
  hunks: readonly number[] | undefined,
): Offer {
  const sound = differing.filter(({ damaged }) => !damaged)
  const broken = differing.filter(({ damaged }) => damaged).map(({ path }) => path)
  if (sound.length === 0) return { kind: 'repair', panel: repairPreview(broken) }
  const operation = bringBackOperation(sound, hunks)
  const text = bringBackWarning(sound)
  if (broken.length === 0)
    return text === undefined ? { kind: 'run', operation } : { kind: 'announce', operation, text }
  const again = text ?? `b again brings back ${pathsText(sound.map(({ path }) => path))}`
  return { kind: 'announce', operation, text: `${again}; damaged, b on it alone repairs: ${pathsText(broken)}` }
}

/** What has to be said before it runs; undefined: nothing, it may run at once. */
function bringBackWarning(differing: readonly Differing[]): string | undefined {
  const fresh = differing.filter(({ mark }) => mark === '+').map(({ path }) => path)
  if (fresh.length > 0) {
    const it = fresh.length === 1 ? 'it' : 'them'
    return `not recorded: b again removes ${pathsText(fresh)}, a snapshot keeps ${it}`
  }
  const below = differing.reduce((count, one) => count + one.below, 0)
  if (below > 0)
    return `b again brings back ${plural(below, 'path')} below ${pathsText(differing.map(({ path }) => path))}`
  return differing.length > 1 ? `b again brings back ${plural(differing.length, 'path')}` : undefined
}
