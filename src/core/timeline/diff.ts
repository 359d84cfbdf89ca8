// What differs between two states, or a state and the disk, and where a path can be found in any of them.

import { sameLink } from '../format/id.ts'
import type { Entry } from '../format/node.ts'
import type { ByteString, FileKind } from '../host/host.ts'
import { createSlicer } from '../progress.ts'
import { diffTrees, findPath, walkTree } from '../store/tree.ts'
import { compileNameGlob } from '../worktree/ignore.ts'
import { joinPath, nameOf } from '../worktree/paths.ts'
import { stateInForce, type TimelineContext } from './context.ts'
import type { DiffReport, GovernedPath, ListedEntry, StatePoint, TreeChange, Work } from './model.ts'
import { stateAt } from './pruned.ts'
import { type KnownMarks, listDirectory, listPath } from './status.ts'

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
  for (const top of under.length === 0 ? [''] : under) {
    for (const change of diffTrees(context.store, before.files, after.files, { under: top })) {
      changes.set(change.path, change)
      if (slicer.due()) {
        yield { phase: 'comparing', done: changes.size, unit: 'paths' }
        await slicer.pause()
      }
    }
  }
  if (to === 'disk') yield* overlayDisk(context, before.files, { changes, under, signal: options.signal })
  const sorted = [...changes.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
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
  const look = yield* context.worktree.scan({
    reader: context.store,
    files: stateInForce(context).state.files,
    ignore: { ignore, gitignore },
    under: request.under,
    signal: request.signal,
  })
  for (const { path, disk } of look.differences) {
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
    for (const { path, entry } of walkTree(context.store, files, { under: options.under })) {
      if (matches(entry.name, entry.kind)) {
        const { name, kind, mode, size } = entry
        yield { name, path, kind, mode, size, mtime: 0, mark: '=', reason: 'as recorded then' }
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
    for (const entry of listDirectory(context, path, { known: options.known })) {
      if (entry.mark === ' ') continue
      if (matches(entry.name, entry.kind)) yield entry
      if (entry.kind === 'dir') below.push(joinPath(path, entry.name))
      if (slicer.due()) await slicer.pause()
    }
    waiting.push(...below.reverse())
  }
}
