// Taking what is on disk into the store: each difference that a look found becomes an edit of the recorded tree. A file
// that changes while it is read is tried again and then left as drift, with the reason.
import { bytesOf, displayBytes } from '../format/bytes.ts'
import type { Entry } from '../format/node.ts'
import { isHostError } from '../host/error.ts'
import type { ByteString, Directory, FileStat } from '../host/host.ts'
import { createSlicer, inSlices, type Progress, type Slicer } from '../progress.ts'
import { ingestContentSteps } from '../store/content.ts'
import { createPackedList, type PackedCodec, type PackedList } from '../store/packedList.ts'
import type { Ingest } from '../store/store.ts'
import { emptyDirectory } from '../store/tree.ts'
import { nameOf, parentOf } from '../worktree/paths.ts'
import { type Difference, firstBytes } from '../worktree/scan.ts'
import { openBelow, sameStat } from '../worktree/walk.ts'
import type { TimelineContext } from './context.ts'
import type { Work } from './model.ts'

/** The disk's side of one path; `stat` is what it held, to be checked again before it counts. */
export interface CapturedEdit {
  readonly path: ByteString
  readonly after: Entry | null
  readonly stat: FileStat | undefined
}

const editCodec: PackedCodec<CapturedEdit> = {
  write(writer, { after, stat }) {
    writer.entry(after)
    writer.stat(stat)
  },
  read: (reader, path) => ({ path, after: reader.entry() ?? null, stat: reader.stat() }),
}

export const createEditList = (): PackedList<CapturedEdit> => createPackedList(editCodec)

export type DifferenceList = PackedList<Difference>

const differenceCodec: PackedCodec<Difference> = {
  write(writer, { recorded, disk, content, unreadable }) {
    writer.entry(recorded)
    writer.stat(disk)
    writer.link(content)
    writer.text(unreadable)
  },
  read: (reader, path) => ({
    path,
    recorded: reader.entry() ?? null,
    disk: reader.stat(),
    content: reader.link(),
    unreadable: reader.text(),
  }),
}

/** For differences of any number. */
export const createDifferenceList = (): DifferenceList => createPackedList(differenceCodec)

export interface Captured {
  /** Sorted. */
  readonly edits: PackedList<CapturedEdit>
  readonly problems: { readonly path: ByteString; readonly reason: string }[]
  readonly bytes: number
}

const readAttempts = 3

/** Stores the disk's side of every difference. Sockets, pipes and devices are left out with a reason. */
export async function* captureDifferences(
  context: TimelineContext,
  ingest: Ingest,
  differences: DifferenceList,
  signal?: AbortSignal,
): Work<Captured> {
  const slicer = createSlicer(context.clock, signal)
  const captured: Captured & { bytes: number } = { edits: createEditList(), problems: [], bytes: 0 }
  const parents = parentCache(context.worktree.root)
  const empty = emptyDirectory(ingest)
  try {
    let done = 0
    for (const { path, disk, unreadable } of differences) {
      done++
      if (unreadable !== undefined) captured.problems.push({ path, reason: unreadable })
      else if (disk === undefined) captured.edits.push({ path, after: null, stat: undefined })
      else if (disk.kind === 'other') captured.problems.push({ path, reason: 'a socket, pipe or device' })
      else {
        const parent = parents.open(parentOf(path))
        const made =
          parent === undefined
            ? { reason: 'it changes while it is read' }
            : yield* captureEntry({ ingest, parent, path, disk, slicer, empty, done, total: differences.count })
        if ('reason' in made) captured.problems.push({ path, reason: made.reason })
        else {
          captured.edits.push({ path, after: made.entry, stat: made.stat })
          captured.bytes += made.entry.kind === 'file' ? made.entry.size : 0
        }
      }
      if (slicer.due()) {
        yield { phase: 'storing', done, total: differences.count, unit: 'files' }
        await slicer.pause()
      }
    }
    yield* inSlices(slicer, captured.edits.sort(), () => ({ phase: 'storing', done, unit: 'files' }))
  } finally {
    parents.close()
  }
  return captured
}

export interface CaptureRequest {
  readonly ingest: Ingest
  readonly parent: Directory
  readonly path: ByteString
  readonly disk: FileStat
  readonly slicer: Slicer
  readonly empty: Entry['content']
  readonly done: number
  readonly total: number
}

/** One entry of the disk as an entry of the record, its content stored; or why it can not be. */
export async function* captureEntry(
  request: CaptureRequest,
): AsyncGenerator<Progress, { entry: Entry; stat: FileStat } | { reason: string }, void> {
  const { ingest, parent, path, disk } = request
  const name = nameOf(path)
  if (disk.kind === 'dir') {
    const entry: Entry = { name, kind: 'dir', mode: disk.mode, size: 0, content: request.empty }
    return { entry, stat: disk }
  }
  try {
    if (disk.kind === 'symlink') {
      const target = bytesOf(parent.readLink(name))
      const content = ingest.put('raw', 'chunk', target)
      return { entry: { name, kind: 'symlink', mode: 0o777, size: target.length, content }, stat: disk }
    }
    for (let attempt = 0; attempt < readAttempts; attempt++) {
      const file = parent.open(name, 'read')
      try {
        const stat = file.stat()
        const steps = ingestContentSteps(ingest, firstBytes(file, stat.size), { expectedBytes: stat.size })
        let step = steps.next()
        while (!step.done) {
          if (request.slicer.due()) {
            yield { phase: 'storing', done: request.done, total: request.total || undefined, unit: 'files' }
            await request.slicer.pause()
          }
          step = steps.next()
        }
        const { link, size } = step.value
        if (sameStat(stat, file.stat()))
          return { entry: { name, kind: 'file', mode: stat.mode, size, content: link }, stat }
      } finally {
        file.close()
      }
    }
    return { reason: 'it changes while it is read' }
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND', 'SYMLINK', 'IS_A_DIRECTORY')) return { reason: 'it changes while it is read' }
    if (isHostError(error, 'DENIED')) return { reason: 'permission denied' }
    if (isHostError(error, 'IO')) return { reason: `the disk reports an error at ${displayBytes(path)}` }
    throw error
  }
}

/** Keeps the last parent open: differences come directory by directory. */
function parentCache(root: Directory) {
  let path: ByteString | undefined
  let held: Directory | undefined
  const close = () => {
    held?.close()
    held = undefined
    path = undefined
  }
  return {
    open(wanted: ByteString): Directory | undefined {
      if (path === wanted && held !== undefined) return held
      close()
      held = openBelow(root, wanted)
      path = wanted
      return held
    },
    close,
  }
}
