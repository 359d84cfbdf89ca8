// What differs between two states, or a state and the disk, and where a path can be found in any of them.

import { sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import type { ByteString, FileKind } from '../host/host.ts'
import { createSlicer, inSlices, type Progress, sortInSteps } from '../progress.ts'
import { diffTreesInSteps, findPath, walkTreeInSteps } from '../store/tree.ts'
import { compileNameGlob } from '../worktree/ignore.ts'
import { joinPath, nameOf } from '../worktree/paths.ts'
import { createDifferenceList } from './capture.ts'
import { stateInForce, type TimelineContext } from './context.ts'
import type { DiffReport, GovernedPath, ListedEntry, StatePoint, TreeChange, Work } from './model.ts'
import { stateAt } from './pruned.ts'
import { type KnownMarks, listDirectoryInSlices, listPath } from './status.ts'

export async function* diffStates(
  context: TimelineContext,
  from: StatePoint,
  to: StatePoint | 'disk',
  options: { readonly under?: readonly GovernedPath[]; readonly signal?: AbortSignal } = {},
): Work<DiffReport> {
  const slicer = createSlicer(context.clock, options.signal)
  const under = options.under ?? []
  const changes = new Map<GovernedPath, TreeChange>()
  const before = stateAt(context, from)
  const after = to === 'disk' ? stateInForce(context).state : stateAt(context, to)
  const comparing = (): Progress => ({ phase: 'comparing', done: changes.size, unit: 'paths' })
  for (const top of under.length === 0 ? [''] : under) {
    for (const change of diffTreesInSteps(context.store, before.files, after.files, { under: top })) {
      if (change !== undefined) changes.set(change.path, change)
      if (slicer.due()) {
        yield comparing()
        await slicer.pause()
      }
    }
  }
  if (to === 'disk') yield* overlayDisk(context, before.files, { changes, under, signal: options.signal })
  const inOrder = sortInSteps([...changes.values()], (a, b) => (a.path < b.path ? -1 : 1))
  const sorted = yield* inSlices(slicer, inOrder, comparing)
  const counts = { created: 0, changed: 0, deleted: 0 }
  for (const change of sorted) {
    if (change.before === null) counts.created++
    else if (change.after === null) counts.deleted++
    else counts.changed++
  }
  return { from, to, changes: sorted, counts }
}

/** The disk's side of every path that was changed outside, content link unknown where it was not computed. */
async function* overlayDisk(
  context: TimelineContext,
  files: Entry['content'],
  request: { changes: Map<GovernedPath, TreeChange>; under: readonly GovernedPath[]; signal?: AbortSignal },
): Work<void> {
  const { ignore, gitignore } = context.settings()
  const slicer = createSlicer(context.clock, request.signal)
  const found = createDifferenceList()
  yield* context.worktree.scan({
    reader: context.store,
    files: stateInForce(context).state.files,
    ignore: { ignore, gitignore },
    under: request.under,
    found: difference => found.push(difference),
    signal: request.signal,
  })
  for (const { path, disk } of found) {
    if (slicer.due()) {
      yield { phase: 'comparing', done: request.changes.size, unit: 'paths' }
      await slicer.pause()
    }
    const old = findPath(context.store, files, path) ?? null
    if (disk === undefined || disk.kind === 'other') {
      if (old === null) request.changes.delete(path)
      else request.changes.set(path, { path, before: old, after: null })
      continue
    }
    const content = disk.kind === 'dir' ? old?.content : (yield* context.worktree.look(path, request.signal)).content
    const unknown = content ?? old?.content ?? files
    const after: Entry = {
      name: nameOf(path),
      kind: disk.kind,
      mode: disk.kind === 'symlink' ? 0o777 : disk.mode,
      size: disk.kind === 'dir' ? (old?.size ?? 0) : disk.size,
      content: unknown,
    }
    const same =
      old !== null &&
      old.kind === after.kind &&
      old.mode === after.mode &&
      (old.kind === 'dir' || sameLink(old.content, content))
    if (same) request.changes.delete(path)
    else request.changes.set(path, { path, before: old, after })
  }
}

export interface FindOptions {
  readonly under?: GovernedPath
  /** A glob over the last part of the path. */
  readonly name?: string
  readonly kind?: FileKind
  readonly at?: StatePoint
  readonly signal?: AbortSignal
  readonly known?: KnownMarks
}

/** Paths of a past state, or of the tree as it is now. */
export async function* find(context: TimelineContext, options: FindOptions): AsyncGenerator<ListedEntry> {
  const slicer = createSlicer(context.clock, options.signal)
  const matchesName = options.name === undefined ? () => true : compileNameGlob(options.name)
  const matches = (name: ByteString, kind: FileKind) =>
    matchesName(name) && (options.kind === undefined || options.kind === kind)
  if (options.at !== undefined) {
    const { files } = stateAt(context, options.at)
    for (const found of walkTreeInSteps(context.store, files, { under: options.under })) {
      if (found !== undefined && matches(found.entry.name, found.entry.kind)) {
        const { name, kind, mode, size } = found.entry
        yield { name, path: found.path, kind, mode, size, mtime: 0, mark: '=', reason: 'as recorded then' }
      }
      if (slicer.due()) await slicer.pause()
    }
    return
  }
  const top = options.under ?? ''
  const start = top === '' ? undefined : listPath(context, top, { known: options.known })
  if (start !== undefined && matches(start.name, start.kind)) yield start
  if (start !== undefined && start.kind !== 'dir') return
  const waiting: GovernedPath[] = [top]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const below: GovernedPath[] = []
    const { known, signal } = options
    const listing = listDirectoryInSlices(context, path, { known, signal })
    let step = await listing.next()
    while (step.done !== true) step = await listing.next()
    for (const entry of step.value) {
      if (entry.mark === ' ') continue
      if (matches(entry.name, entry.kind)) yield entry
      if (entry.kind === 'dir') below.push(joinPath(path, entry.name))
      if (slicer.due()) await slicer.pause()
    }
    waiting.push(...below.reverse())
  }
}
