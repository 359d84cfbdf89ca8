// The timeline: everything that is asked of, and done to, the states of a root folder. What each part does stands in
// its own file; here they get the one context that they share.

import { isSentientError, SentientError } from '../errors.ts'
import { displayBytes } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import { createSlicer, inSlices, type Progress } from '../progress.ts'
import { openContent } from '../store/content.ts'
import { findPath, walkTree } from '../store/tree.ts'
import { inParent } from '../worktree/walk.ts'
import type { TimelineContext } from './context.ts'
import { requireRemembered } from './forgotten.ts'
import type { GovernedPath, RecordView, StatePoint, StatusReport, Work } from './model.ts'
import { stateAt } from './pruned.ts'
import { viewOf } from './records.ts'
import { beginUnderLock } from './recovery.ts'
import { type KnownMarks, knownMarks, status } from './status.ts'

export interface ReadableFile {
  readonly size: number
  read(target: Uint8Array, offset: number, length: number, position: number): number
  close(): void
}

/** A file's bytes on disk or in a state; a symlink's target counts as its bytes. Undefined when there is none. */
export function openFileAt(
  context: TimelineContext,
  path: GovernedPath,
  at: StatePoint | 'disk',
): ReadableFile | undefined {
  if (at === 'disk') return openOnDisk(context, path)
  const entry = findPath(context.store, stateAt(context, at).files, path)
  if (entry === undefined) return undefined
  if (entry.kind === 'dir') throw new SentientError('IS_A_DIRECTORY', { where: displayBytes(path) })
  requireRemembered(context, entry, `${displayBytes(path)} at ${at.text}`)
  return { ...openContent(context.store, entry.content, entry.size), size: entry.size, close: () => undefined }
}

function openOnDisk(context: TimelineContext, path: GovernedPath): ReadableFile | undefined {
  return inParent(context.worktree.root, path, (parent, name) => {
    const stat = parent.stat(name)
    if (stat === undefined) return undefined
    if (stat.kind === 'dir') throw new SentientError('IS_A_DIRECTORY', { where: displayBytes(path) })
    if (stat.kind === 'symlink') return fixedBytes(Buffer.from(parent.readLink(name), 'latin1'))
    if (stat.kind === 'other') return fixedBytes(new Uint8Array())
    try {
      const file = parent.open(name, 'read')
      return {
        size: file.stat().size,
        read: (target, offset, length, position) => file.read(target, offset, length, position),
        close: () => file.close(),
      }
    } catch (error) {
      if (isHostError(error, 'NOT_FOUND')) return undefined
      if (isHostError(error, 'DENIED'))
        throw new SentientError('IO', { where: displayBytes(path), found: 'permission denied' }, error)
      throw error
    }
  })
}

function fixedBytes(bytes: Uint8Array): ReadableFile {
  return {
    size: bytes.length,
    read(target, offset, length, position) {
      const part = bytes.subarray(position, position + length)
      target.set(part, offset)
      return part.length
    },
    close: () => undefined,
  }
}

export interface StatusMemory {
  readonly run: (options?: Parameters<typeof status>[1]) => Work<StatusReport>
  readonly last: () => StatusReport | undefined
  readonly marks: () => KnownMarks | undefined
}

/** Remembers the last whole look, whose marks listings show. */
export function createStatusMemory(context: TimelineContext): StatusMemory {
  let report: StatusReport | undefined
  let marks: KnownMarks | undefined
  return {
    async *run(options) {
      const made = yield* status(context, options)
      if ((options?.under ?? []).length === 0) {
        const slicer = createSlicer(context.clock, options?.signal)
        const progress = (): Progress => ({ phase: 'looking', done: made.filesChecked, unit: 'files' })
        marks = yield* inSlices(slicer, knownMarks(made), progress)
        report = made
      }
      return made
    },
    last: () => report,
    marks: () => marks,
  }
}

/** Finishes an earlier change at opening, when the lock is free; else says that somebody is at it. */
export async function recoverAtOpening(context: TimelineContext, signal?: AbortSignal): Promise<void> {
  const head = context.journal.head()
  if (head.applied >= head.size) return
  const tried = await context.journal.writerLock.tryHold('opening', signal, async session => {
    try {
      const steps = beginUnderLock(context, session, signal)
      for (;;) if ((await steps.next()).done) return
    } catch (error) {
      // The folder opens all the same: repair may mend it, and the next writer goes on from here.
      if (!isSentientError(error, 'DAMAGED', 'OBJECT_MISSING')) throw error
      context.notices.push({ code: 'damaged', text: `a committed change can not be put in place: ${error.message}` })
    }
  })
  if (!tried.held) {
    const holder = tried.holder === undefined ? 'another process' : tried.holder
    context.notices.push({ code: 'applying', text: `${holder} is putting a committed change in place` })
  }
}

/** Records as they come, of all processes; ends when the signal aborts. */
export async function* follow(
  context: TimelineContext,
  options: { readonly signal: AbortSignal; readonly from?: number },
): AsyncGenerator<RecordView> {
  let next = options.from ?? context.journal.head().size
  while (!options.signal.aborted) {
    context.journal.refresh()
    const size = context.journal.head().size
    for (const result of context.journal.records({ from: next, to: size })) {
      if (result.state === 'intact') yield viewOf(context, result.record)
    }
    next = Math.max(next, size)
    await context.clock.sleep(followMs, options.signal)
  }
}

const followMs = 250

export function* walkState(context: TimelineContext, point: StatePoint, under?: GovernedPath) {
  yield* walkTree(context.store, stateAt(context, point).files, { under })
}
