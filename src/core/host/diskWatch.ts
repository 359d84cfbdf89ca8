// Watching one directory of the real disk through fs.watch (inotify on Linux).
//
// The kernel's notice that its event queue overflowed does not reach us (libuv drops it), but a queue that overflowed
// was full: it is delivered as one burst. So a burst near the queue's size counts as an overflow, for every watch.

import { type FSWatcher, readFileSync, watch } from 'node:fs'
import type { DiskDirectory } from './diskDirectory.ts'
import { errnoOf, hostErrorOf } from './errno.ts'
import { HostError } from './error.ts'
import type { Files } from './host.ts'

type Changed = Parameters<Files['watch']>[1]

/** Linux's default of /proc/sys/fs/inotify/max_queued_events, where that can not be read. */
const queueSizeDefault = 16_384

interface Burst {
  readonly watches: Set<Changed>
  eventsMax: number | undefined
  events: number
}

// One queue serves the whole event loop, so the burst is counted for all watches together.
const burst: Burst = { watches: new Set(), eventsMax: undefined, events: 0 }

export function watchDiskDirectory(directory: DiskDirectory, changed: Changed): { close(): void } {
  const at = directory.place()
  // Events of the directory itself come under the last part of the watched path.
  const ownName = at.toString('latin1').split('/').at(-1)
  // A Set entry of its own, although two watches may share one callback.
  const report: Changed = event => changed(event)
  let watcher: FSWatcher
  try {
    watcher = watch(at, { encoding: 'latin1' }, (_, name) => {
      if (countEvent()) return
      report(typeof name === 'string' && name !== ownName ? { name, overflow: false } : { overflow: false })
    })
  } catch (error) {
    throw watchError(error, directory.path)
  }
  const close = (): void => {
    burst.watches.delete(report)
    watcher.close()
  }
  burst.watches.add(report)
  watcher.on('error', close)
  return { close }
}

// True when this event belongs to a burst that counts as an overflow.
function countEvent(): boolean {
  burst.eventsMax ??= Math.floor(queueSize() / 2)
  if (burst.events === 0) setImmediate(endBurst)
  burst.events += 1
  return burst.events > burst.eventsMax
}

function endBurst(): void {
  const overflow = burst.events > (burst.eventsMax ?? queueSizeDefault)
  burst.events = 0
  if (overflow) for (const report of [...burst.watches]) report({ overflow: true })
}

function queueSize(): number {
  try {
    const size = Number.parseInt(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'), 10)
    return size > 0 ? size : queueSizeDefault
  } catch {
    return queueSizeDefault
  }
}

// The kernel says ENOSPC when a user has too many watches: nothing to do with space on a disk.
function watchError(error: unknown, path: string): HostError {
  if (errnoOf(error) === 'ENOSPC') return new HostError('TOO_MANY_OPEN', 'watch', path, error)
  return hostErrorOf(error, 'watch', path)
}
