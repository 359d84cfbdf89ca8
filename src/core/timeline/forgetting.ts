// What follows the record of a `forget`: bodies leave the segments, objects the packs, and whatever was put aside goes,
// as nobody can tell what it holds. A note in `.runtime` says that it is under way; who holds the lock next finishes it.

import { idBytes } from '../format/id.ts'
import type { Directory } from '../host/host.ts'
import { createSlicer, inSlices } from '../progress.ts'
import { createIdTable } from '../store/idTable.ts'
import { ignoringHostErrors, readSmallFile, removeIfThere, writeSmallFile } from '../store/layout.ts'
import type { TimelineContext } from './context.ts'
import { listedBy, type SeqRange } from './forgotten.ts'
import type { Work } from './model.ts'
import { indexName } from './versions.ts'

const noteName = 'forgetting'

/** Durable before the records: without it nobody would know that they are still to be carried out. */
export function noteForgetting({ directories }: TimelineContext, { from, to }: SeqRange): void {
  writeSmallFile(directories.runtime, noteName, `${from} ${to}\n`, true)
}

/** The records of a `forget` that is under way, or was when its process ended. */
export function readForgetting({ directories }: Pick<TimelineContext, 'directories'>): SeqRange | undefined {
  const match = /^(\d{1,16}) (\d{1,16})\n$/.exec(readSmallFile(directories.runtime, noteName) ?? '')
  return match === null ? undefined : { from: Number(match[1]), to: Number(match[2]) }
}

/** Under the lock: carries out what the noted records list; nothing is to be done without a note. */
export async function* finishForgetting(context: TimelineContext): Work<void> {
  const { runtime } = context.directories
  if (runtime.stat(noteName) === undefined) return
  const range = readForgetting(context)
  const done = range === undefined || (yield* carryOut(context, range))
  if (!done) return
  removeIfThere(runtime, noteName)
  runtime.flush()
}

/** False when damage keeps something that has to go. What is committed is carried to its end: nobody can stop it. */
async function* carryOut(context: TimelineContext, { from, to }: SeqRange): Work<boolean> {
  const { journal, store, clock } = context
  const slicer = createSlicer(clock)
  const ids = createIdTable()
  const ranges: SeqRange[] = []
  // Before their commit there were none of these records: another's may have taken their place.
  for (const result of journal.records({ from, to: Math.min(to, journal.head().size) })) {
    if (result.state !== 'intact') continue
    const { records, objects } = listedBy(result.record.body)
    ranges.push(...records)
    for (const id of objects) ids.add(id)
  }
  if (ranges.length === 0 && ids.size === 0) return true
  const isListed = createRanges(ranges)
  let seq = 0
  const rewriting = () => ({ phase: 'forgetting records', done: seq, total: from, unit: 'records' as const })
  const steps = function* () {
    for (seq of journal.forgetBodies(isListed)) yield
  }
  yield* inSlices(slicer, steps(), rewriting)
  const report = yield* store.collect(id => ids.find(idBytes(id)) < 0, { thorough: true, urgent: true })
  removePutAside(context)
  removeIndex(context)
  if (report.packsKeptDamaged.length === 0) return true
  const text = `what was forgotten is still in ${report.packsKeptDamaged.join(', ')}, where something is damaged; run sentctl repair`
  context.notices.push({ code: 'damaged', text })
  return false
}

/** Whether a seq lies in one of the ranges. */
function createRanges(ranges: readonly SeqRange[]): (seq: number) => boolean {
  const sorted = ranges.toSorted((a, b) => a.from - b.from)
  return seq => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sorted[middle] as SeqRange).from <= seq) low = middle + 1
      else high = middle
    }
    return low > 0 && seq < (sorted[low - 1] as SeqRange).to
  }
}

/** Where bytes lie that no look-up reads. */
const aside = [
  { parent: 'runtime', name: 'torn' },
  { parent: 'tree', name: 'torn' },
  { parent: 'tree', name: 'dead' },
] as const

/** Files that were cut off, damaged or put aside, and their bytes. */
export function countPutAside(context: TimelineContext): { readonly files: number; readonly bytes: number } {
  let files = 0
  let bytes = 0
  eachPutAside(context, (directory, name) => {
    files++
    bytes += directory.stat(name)?.size ?? 0
  })
  return { files, bytes }
}

function removePutAside(context: TimelineContext): void {
  eachPutAside(context, (directory, name) => removeIfThere(directory, name))
}

function eachPutAside(context: TimelineContext, visit: (directory: Directory, name: string) => void): void {
  for (const { parent, name } of aside) {
    const directory = context.directories[parent].child(name)
    if (directory === undefined) continue
    try {
      for (const file of directory.list()) if (file.kind === 'file') visit(directory, file.name)
      directory.flush()
    } finally {
      directory.close()
    }
  }
}

/** The index of paths and records tells of bodies that are gone. */
function removeIndex({ directories }: TimelineContext): void {
  const { derived } = directories
  if (derived === undefined) return
  for (const suffix of ['', '-journal', '-wal', '-shm'])
    ignoringHostErrors(() => removeIfThere(derived, `${indexName}${suffix}`))
}
