// What happens by itself: records that any process appends, and changes on disk. Both are told in batches, so that a
// storm of them costs a few frames and not thousands.
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isSentientError } from '../../core/errors.ts'
import type { System } from '../../core/system.ts'
import type { RecordView } from '../../core/timeline/model.ts'
import type { Message } from '../state/model.ts'

const batchMs = 60
const batchRecordsMax = 2000
const treeQuietMs = 400

/** Tells of new records until the signal is aborted. */
export async function followRecords(
  system: System,
  post: (message: Message) => void,
  signal: AbortSignal,
): Promise<void> {
  let batch: RecordView[] = []
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    timer = undefined
    const records = batch
    batch = []
    if (!signal.aborted && records.length > 0)
      post({ type: 'recorded', records, lastSeq: Math.max(system.now().records - 1, records.at(-1)?.seq ?? 0) })
  }
  try {
    for await (const record of system.follow({ signal })) {
      batch.push(record)
      if (batch.length >= batchRecordsMax) batch = batch.slice(-batchRecordsMax)
      if (timer === undefined) timer = setTimeout(flush, batchMs)
    }
  } catch (error) {
    if (!signal.aborted && !isSentientError(error, 'CANCELLED'))
      post({ type: 'toast', text: 'New records of other processes are no longer followed.', kind: 'bad' })
  }
}

/** Tells of changes on disk until the signal is aborted. */
export async function followTree(system: System, post: (message: Message) => void, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  try {
    for await (const event of system.watch({ signal })) {
      if (event.kind !== 'drift' && event.kind !== 'rescan') continue
      if (timer !== undefined) continue
      timer = setTimeout(() => {
        timer = undefined
        if (!signal.aborted) post({ type: 'treeChanged' })
      }, treeQuietMs)
    }
  } catch (error) {
    // Without notifications the tree is looked at after every operation and whenever Files are listed.
    if (!signal.aborted && !isSentientError(error, 'CANCELLED')) return
  }
}

/** How long a root folder that was deleted or moved away may go on being shown. */
const placeLookMs = 2000

/** Calls back once when the root folder is no longer where it was opened. */
export async function followPlace(rootPath: string, gone: () => void, signal: AbortSignal): Promise<void> {
  const format = path.join(rootPath, '.runtime', 'format')
  while (fs.existsSync(format)) {
    await pause(placeLookMs, undefined, { signal, ref: false }).catch(() => undefined)
    if (signal.aborted) return
  }
  gone()
}
