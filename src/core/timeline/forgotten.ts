// What was forgotten on request: which objects and bodies the `forget` records list, and the error for contents that are
// gone for that reason. Nobody asks before something is missed, so that a journal without such records is never searched.
import { isSentientError, SentientError } from '../errors.ts'
import { bytesOfText } from '../format/bodyBytes.ts'
import { displayBytes } from '../format/bytes.ts'
import { isList } from '../format/cbor.ts'
import { isFormatError } from '../format/formatError.ts'
import { idBytes, type ObjectId, parseCid } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import type { Body } from '../format/record.ts'
import { createIdTable, type IdTable } from '../store/idTable.ts'
import { ancestorsOf } from '../worktree/paths.ts'
import type { TimelineContext } from './context.ts'
import { type ChangeList, createChangeList, shownBy } from './diskPlan.ts'
import type { GovernedPath, OperationResult } from './model.ts'

export const forgetAction = 'forget'

/** Records [from, to). */
export interface SeqRange {
  readonly from: number
  readonly to: number
}

export interface Listed {
  readonly records: readonly SeqRange[]
  readonly objects: readonly Uint8Array[]
}

const nothingListed: Listed = { records: [], objects: [] }

/** What the body of a record lists as forgotten: nothing, when it is no `forget` record. */
export function listedBy(body: Body | undefined): Listed {
  if (body?.action !== forgetAction) return nothingListed
  const { records = [], objects = [] } = body.fields ?? {}
  const ranges = (isList(records) ? records : []).flatMap((item): SeqRange[] => {
    const [from, to] = typeof item === 'number' ? [item, item + 1] : isList(item) ? item : []
    return typeof from === 'number' && typeof to === 'number' && from < to ? [{ from, to }] : []
  })
  const ids = (isList(objects) ? objects : []).filter((id): id is Uint8Array => id instanceof Uint8Array)
  return { records: ranges, objects: ids.filter(id => id.length === 32) }
}

type Context = Pick<TimelineContext, 'journal' | 'store'>

const knownOf = new WeakMap<TimelineContext['journal'], { size: number; readonly objects: IdTable }>()

function forgottenObjects({ journal }: Context): IdTable {
  const known = knownOf.get(journal) ?? { size: 0, objects: createIdTable() }
  knownOf.set(journal, known)
  const { size } = journal.head()
  if (size <= known.size) return known.objects
  for (const result of journal.search({ from: known.size, to: size }, [bytesOfText('action', forgetAction)])) {
    if (result.state !== 'intact') continue
    for (const id of listedBy(result.record.body).objects) known.objects.add(id)
  }
  known.size = size
  return known.objects
}

/** True for an object that is not there because it was forgotten; one that was stored anew since is there. */
export const isForgotten = (context: Context, id: ObjectId): boolean =>
  !context.store.has(id) && forgottenObjects(context).find(idBytes(id)) >= 0

/** The same of the content of a file or symlink; false for directories, whose nodes stay. */
export const hasForgottenContent = (context: Context, entry: Entry | null | undefined): boolean =>
  entry !== null && entry !== undefined && entry.kind !== 'dir' && isForgotten(context, entry.content.id)

/** Throws FORGOTTEN for a file or symlink whose content was. */
export function requireRemembered(context: Context, entry: Entry | null | undefined, where: string): void {
  if (hasForgottenContent(context, entry)) throw new SentientError('FORGOTTEN', { where })
}

/** Says of an object that is missing when it was forgotten; every other error as it is. */
export function explainMissing(context: Context, error: unknown): unknown {
  if (!isSentientError(error, 'OBJECT_MISSING') || error.details.where === undefined) return error
  try {
    const { id } = parseCid(error.details.where)
    return isForgotten(context, id) ? new SentientError('FORGOTTEN', { where: error.details.where }, error) : error
  } catch (notCid) {
    if (!isFormatError(notCid)) throw notCid
    return error
  }
}

/** The changes that can be made, sorted, and the paths of those whose contents were forgotten; stops after each. */
export function* withoutForgotten(
  context: Context,
  changes: ChangeList,
): Generator<undefined, { readonly changes: ChangeList; readonly leftOut: readonly GovernedPath[] }> {
  const leftOut: GovernedPath[] = []
  for (const change of changes) {
    if (hasForgottenContent(context, shownBy(change)) || hasForgottenContent(context, change.after))
      leftOut.push(change.path)
    yield
  }
  return leftOut.length === 0 ? { changes, leftOut } : { changes: yield* leaveOut(changes, new Set(leftOut)), leftOut }
}

/**
 * The changes, sorted, without those of some paths that shall be files or symlinks: what stands there stays, and so does
 * what is below it, where that is a directory.
 */
export function* leaveOut(changes: ChangeList, paths: ReadonlySet<GovernedPath>): Generator<undefined, ChangeList> {
  const left = createChangeList()
  for (const change of changes) {
    const isOut = paths.has(change.path) || ancestorsOf(change.path).some(ancestor => paths.has(ancestor))
    if (!isOut) left.push(change)
    yield
  }
  yield* left.sort()
  return left
}

export function withLeftOut(result: OperationResult, leftOut: readonly GovernedPath[]): OperationResult {
  const [first] = leftOut
  if (first === undefined) return result
  const count = leftOut.length === 1 ? '1 path was' : `${leftOut.length} paths were`
  const text = `${count} left out, as the contents were forgotten, first ${displayBytes(first)}`
  return { ...result, notices: [...result.notices, { code: 'forgotten', text }] }
}
