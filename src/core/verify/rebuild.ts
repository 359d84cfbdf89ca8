// Making what is derived anew: indexes, tiles, caches, recycle.lock and recycle.trace. None of it holds anything that
// the packs and the records do not.
import { isSentientError } from '../errors.ts'
import { equalBytes } from '../format/bytes.ts'
import { tileHashes } from '../format/constants.generated.ts'
import { compactRange } from '../format/merkle.ts'
import { packFileName } from '../format/pack.ts'
import { tileHeight, tilePath } from '../format/tile.ts'
import type { Directory } from '../host/host.ts'
import { createSlicer } from '../progress.ts'
import { ignoringHostErrors, removeIfThere, replaceFile } from '../store/layout.ts'
import type { TimelineContext } from '../timeline/context.ts'
import { removeTree } from '../timeline/init.ts'
import type { Work } from '../timeline/model.ts'
import { rebuildSnapshots, storeSnapshots } from '../timeline/snapshots.ts'
import { storeTrace } from '../timeline/trace.ts'
import { readFile } from './files.ts'

/** Indexes of packs that have none, or a wrong one. */
export function rebuildIndexes(context: TimelineContext, wrong: ReadonlySet<number>): string[] {
  const rebuilt: string[] = []
  for (const { number, objects } of context.store.packs()) {
    if (!wrong.has(number) || objects === 0) continue
    context.store.rebuildIndex(number)
    rebuilt.push(`.tree/packs/${packFileName(number, 'idx')}`)
  }
  return rebuilt
}

/** Under the lock: writes every full tile that the checkpoint covers and that is missing or wrong. */
export async function* rebuildTiles(context: TimelineContext, signal: AbortSignal | undefined): Work<string[]> {
  const { journal, directories, clock } = context
  const slicer = createSlicer(clock, signal)
  const covered = journal.checkpoint()?.size ?? 0
  const rebuilt: string[] = []
  const open = new Map<number, Uint8Array[]>()
  const completed = (level: number, index: number, hash: Uint8Array): void => {
    if (level % tileHeight !== 0) return
    const tileLevel = level / tileHeight
    const hashes = open.get(tileLevel) ?? []
    open.set(tileLevel, hashes)
    hashes.push(Uint8Array.from(hash))
    if (hashes.length < tileHashes) return
    open.set(tileLevel, [])
    const path = tilePath({ tileLevel, tileIndex: Math.floor(index / tileHashes) })
    if (storeTile(directories.runtime, path, Buffer.concat(hashes))) rebuilt.push(`.runtime/tile/${path}`)
  }
  const range = compactRange({ completed })
  const end = covered - (covered % tileHashes)
  for (let from = 0; from < end; from += tileHashes) {
    for (const leaf of journal.leafHashes(from, from + tileHashes)) range.push(leaf)
    if (!slicer.due()) continue
    yield { phase: 'hash tiles', done: from, total: end, unit: 'records' }
    await slicer.pause()
  }
  return rebuilt
}

/** True when it had to be written. */
function storeTile(runtime: Directory, path: string, bytes: Uint8Array): boolean {
  const parts = ['tile', ...path.split('/')]
  const name = parts.pop() as string
  let directory = runtime.clone()
  try {
    for (const part of parts) {
      if (directory.stat(part) === undefined) {
        directory.makeDirectory(part, 0o700)
        directory.flush()
      }
      const below = directory.child(part) as Directory
      directory.close()
      directory = below
    }
    const stored = readFile(directory, name, bytes.length)
    if (stored.state === 'read' && equalBytes(stored.bytes, bytes)) return false
    replaceFile(directory, name, bytes, true)
    return true
  } finally {
    directory.close()
  }
}

/** Under the lock: a checkpoint that our key did not sign states nothing; it is kept aside, and the next one is new. */
export function setCheckpointAside(context: TimelineContext): string[] {
  const { runtime } = context.directories
  if (runtime.stat('checkpoint') === undefined) return []
  if (runtime.stat('torn') === undefined) runtime.makeDirectory('torn', 0o700)
  const torn = runtime.child('torn') as Directory
  try {
    runtime.rename('checkpoint', torn, `${context.clock.nowMicros()}-checkpoint`)
    torn.flush()
    runtime.flush()
  } finally {
    torn.close()
  }
  return ['.runtime/checkpoint (signed anew when the folder is closed)']
}

/** Under the lock. */
export function rebuildSnapshotList(context: TimelineContext): string[] {
  if (context.refusal !== undefined) return []
  rebuildSnapshots(context)
  removeIfThere(context.directories.root, 'recycle.lock')
  try {
    storeSnapshots(context)
  } catch (error) {
    // Without the private key it can not be signed; the records say the same.
    if (!isSentientError(error, 'KEY')) throw error
    return []
  }
  return ['recycle.lock']
}

/** Under the lock: the format file, where it is damaged and what it held is known. */
export function rebuildFormat(context: TimelineContext): string[] {
  if (context.formatFault() === undefined) return []
  context.mendFormat()
  return ['.runtime/format']
}

/** Under the lock: public keys that are damaged, as the records or the private key tell them. */
export const rebuildKeys = (context: TimelineContext): string[] =>
  context.damagedKeys().length === 0 ? [] : context.mendKeys().map(name => `.auth/${name}`)

/** Under the lock: the replay chain is written from the records again. */
export async function* rebuildTrace(context: TimelineContext, signal: AbortSignal | undefined): Work<string[]> {
  const { derived } = context.directories
  if (derived === undefined) return []
  removeIfThere(derived, 'trace.json')
  return (yield* storeTrace(context, context.verifier().name, { signal })) ? ['recycle.trace'] : []
}

/** What is kept in `.db` beside the stat cache, which checks itself; all of it is made anew when it is needed. */
const caches = [
  ...['index.sqlite', 'index.sqlite-journal', 'index.sqlite-wal', 'index.sqlite-shm'],
  ...['settings.json', 'pruned.json'],
]

export function dropCaches(context: TimelineContext): string[] {
  const { derived } = context.directories
  if (derived === undefined) return []
  for (const name of caches) ignoringHostErrors(() => removeIfThere(derived, name))
  ignoringHostErrors(() => removeTree(derived, 'offsets'))
  return ['.db']
}
