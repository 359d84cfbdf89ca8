// Packs with damage in them are left behind: what is sound in them is stored again elsewhere, then they are moved out of
// the way. Nothing in them is changed, so that what could not be read today may still be read with better means.
import { hexOf } from '../format/bytes.ts'
import { packFileName } from '../format/pack.ts'
import { createSlicer } from '../progress.ts'
import {
  generationFile,
  ignoringHostErrors,
  openFolders,
  removeIfThere,
  sharedFile,
  writeSmallFile,
} from '../store/layout.ts'
import { deadName } from '../store/packSet.ts'
import type { Ingest } from '../store/store.ts'
import type { TimelineContext } from '../timeline/context.ts'
import type { Work } from '../timeline/model.ts'

/** Under the lock, before an ingest begins: nothing is appended any more to the pack that small writes went to. */
export function beginNewSharedPack(context: TimelineContext): void {
  removeIfThere(context.directories.tree, sharedFile)
  context.store.refresh()
}

/** Stores every sound object of a pack again, whether or not anything needs it. Nothing is flushed. */
export async function* evacuate(
  context: TimelineContext,
  ingest: Ingest,
  { packNumber, signal }: { readonly packNumber: number; readonly signal: AbortSignal | undefined },
): Work<void> {
  const slicer = createSlicer(context.clock, signal)
  let done = 0
  for (const { state, entry } of context.store.scanPack(packNumber, { deep: true })) {
    const read = state === 'intact' && entry !== undefined ? context.store.read(entry.id) : undefined
    if (read?.state === 'intact' && entry !== undefined) {
      ingest.put(entry.codec, entry.kind, read.bytes, { force: true })
      done++
    }
    if (!slicer.due()) continue
    yield { phase: 'leaving damaged packs', done, unit: 'objects' }
    await slicer.pause()
  }
}

/**
 * Under the lock, when all that is sound in it is durable elsewhere: moves a pack to `.tree/torn/`, for good, when
 * something in it is lost, else to `.tree/dead/`, which a later gc empties.
 */
export function setAside(context: TimelineContext, packNumber: number, options: { readonly forGood: boolean }): void {
  const { directories, random, clock } = context
  const folders = openFolders(directories.tree)
  try {
    const packs = folders.need('packs')
    const home = folders.need(options.forGood ? 'torn' : 'dead')
    writeSmallFile(directories.tree, generationFile, `${hexOf(random.bytes(8))}\n`, true)
    const now = clock.nowMicros()
    packs.rename(packFileName(packNumber), home, deadName(now, packNumber))
    ignoringHostErrors(() => packs.rename(packFileName(packNumber, 'idx'), home, deadName(now, packNumber, 'idx')))
    home.flush()
    packs.flush()
  } finally {
    folders.close()
  }
  context.store.refresh()
}
