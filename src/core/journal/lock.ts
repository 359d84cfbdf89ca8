// One writer at a time: waiting for the lock among processes and among the callers of this process, fairness between
// them, and the advisory files that tell who holds it. The lock itself is a port; recovery is somebody else's.

import { SentientError } from '../errors.ts'
import { isHostError } from '../host/error.ts'
import type { Clock, Directory, Locks, OpenFile, Processes, WriterLock } from '../host/host.ts'
import { createSlicer, throwIfCancelled } from '../progress.ts'

export interface LockOptions {
  readonly runtime: Directory
  readonly locks: Locks
  readonly clock: Clock
  readonly processes: Processes
  readonly waitMs: number
  readonly touchMs: number
}

/** The lock without what the journal does when it is taken. */
export interface RawLock {
  readonly held: boolean
  acquire(label: string, signal: AbortSignal | undefined): Promise<void>
  tryAcquire(label: string): boolean
  release(): void
  progress(): void
  /** Still the lock file that was locked: nobody deleted it meanwhile. */
  intact(): boolean
  /** False when the process that held it last has ended, or when there is no word of one: a power cut took it. */
  holderAlive(): boolean
  /** Who holds it, as far as the advisory file says: "pid 12 (snapshot create)". */
  holder(): string | undefined
  close(): void
}

const lockName = 'lock'
const holderName = 'holder'
/** Written by who waits; a holder in another process that takes the lock again and again lets a waiter go first. */
const waitingName = 'waiting'
const noteBytes = 192
const pollMsFirst = 1
const pollMsMax = 16
/** Longer than a waiter sleeps, so that it surely looks in between. */
const giveWayMs = 40

export function createRawLock(options: LockOptions): RawLock {
  const { clock, runtime } = options
  const holderNote = createNote(options, holderName)
  const waitingNote = createNote(options, waitingName)
  const slicer = createSlicer(clock)
  let port: WriterLock | undefined
  let held = false
  let label = ''
  let inode: bigint | undefined
  let touchedMs = Number.NEGATIVE_INFINITY
  let releasedMs = Number.NEGATIVE_INFINITY
  // Callers of this process, in order of arrival; the first is the one that tries.
  const queue: { wake: () => void }[] = []

  const touch = (always: boolean): void => {
    const now = clock.monotonicMs()
    if (!always && now - touchedMs < options.touchMs) return
    touchedMs = now
    holderNote.write(label)
  }
  const tryNow = (wanted: string): boolean => {
    if (held) return false
    port ??= options.locks.open(runtime, lockName)
    if (!port.tryAcquire()) return false
    held = true
    inode = runtime.stat(lockName)?.inode
    const same = label === wanted
    label = wanted
    touch(!same)
    return true
  }
  // A process that wrote a moment ago stands back once when another one waits.
  const giveWay = async (signal: AbortSignal | undefined): Promise<void> => {
    // Transactions one after the other do nothing but synchronous work: let timers and other callers of this process run.
    if (slicer.due()) await slicer.pause()
    if (clock.monotonicMs() - releasedMs > giveWayMs) return
    const waiting = waitingNote.id()
    if (waiting === undefined || waiting === options.processes.id) return
    if (!options.processes.isAlive(waiting)) waitingNote.remove()
    else await clock.sleep(giveWayMs, signal)
    throwIfCancelled(signal)
  }

  const acquire = async (wanted: string, signal: AbortSignal | undefined): Promise<void> => {
    throwIfCancelled(signal)
    const me = { wake: () => {} }
    queue.push(me)
    let announced = false
    try {
      if (queue[0] === me) await giveWay(signal)
      if (queue[0] === me && tryNow(wanted)) return
      let seen = holderNote.text()
      let seenMs = clock.monotonicMs()
      for (let pollMs = pollMsFirst; ; pollMs = Math.min(pollMs * 2, pollMsMax)) {
        await sleepOrWake(clock, pollMs, me, signal)
        throwIfCancelled(signal)
        if (queue[0] === me && tryNow(wanted)) return
        if (queue[0] === me && !held) announced = waitingNote.announce(wanted) || announced
        const text = holderNote.text()
        const now = clock.monotonicMs()
        if (text !== seen) {
          seen = text
          seenMs = now
        } else if (now - seenMs >= options.waitMs) throw lockedError(holderNote.describe())
      }
    } finally {
      queue.splice(queue.indexOf(me), 1)
      if (announced) waitingNote.remove()
      if (!held) queue[0]?.wake()
    }
  }
  return {
    get held() {
      return held
    },
    acquire,
    tryAcquire: wanted => queue.length === 0 && tryNow(wanted),
    release() {
      if (!held) return
      held = false
      releasedMs = clock.monotonicMs()
      try {
        port?.release()
      } finally {
        queue[0]?.wake()
      }
    },
    progress: () => {
      if (held) touch(false)
    },
    intact: () => held && runtime.stat(lockName)?.inode === inode,
    holderAlive() {
      const id = holderNote.id()
      return id !== undefined && options.processes.isAlive(id)
    },
    holder: () => holderNote.describe(),
    close() {
      port?.close()
      port = undefined
      held = false
      holderNote.close()
      waitingNote.close()
    },
  }
}

function lockedError(holder: string | undefined): SentientError {
  const found = holder === undefined ? 'another process holds the lock' : `held by ${holder}`
  return new SentientError('LOCKED', { where: '.runtime/lock', found })
}

async function sleepOrWake(clock: Clock, ms: number, me: { wake: () => void }, signal?: AbortSignal): Promise<void> {
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  me.wake = onAbort
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await clock.sleep(ms, stop.signal)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    me.wake = () => {}
  }
}

interface Note {
  write(label: string): void
  /** Writes the note unless it is there already; true when it was written. */
  announce(label: string): boolean
  text(): string | undefined
  describe(): string | undefined
  /** The process that the note names. */
  id(): number | undefined
  remove(): void
  close(): void
}

// Advisory: it can be lost, torn or unwritable, and nothing but the wording of a message and fairness depends on it.
function createNote(options: LockOptions, name: string): Note {
  const { runtime, processes, clock } = options
  let file: OpenFile | undefined
  const quietly = <T>(body: () => T): T | undefined => {
    try {
      return body()
    } catch (error) {
      if (!isHostError(error)) throw error
      file?.close()
      file = undefined
      return undefined
    }
  }
  const create = (): OpenFile => {
    try {
      return runtime.open(name, 'modify')
    } catch (error) {
      if (!isHostError(error, 'NOT_FOUND')) throw error
      return runtime.open(name, 'create', 0o600)
    }
  }
  const write = (label: string): void => {
    const text = `${processes.id} ${clock.nowMicros()} ${label}`.replace(/[^\x20-\x7e]/g, '?').slice(0, noteBytes - 1)
    quietly(() => {
      file ??= create()
      file.write(Buffer.from(`${text.padEnd(noteBytes - 1)}\n`), 0)
    })
  }
  const text = (): string | undefined =>
    quietly(() => {
      if (runtime.stat(name) === undefined) return undefined
      const reading = runtime.open(name, 'read')
      try {
        const bytes = Buffer.alloc(noteBytes)
        return bytes.toString('latin1', 0, reading.read(bytes, 0, noteBytes, 0))
      } finally {
        reading.close()
      }
    })
  const parse = (): { id: number; label: string } | undefined => {
    const match = /^(\d{1,15}) \d+ (.*?)\s*$/.exec(text() ?? '')
    return match === null ? undefined : { id: Number(match[1]), label: match[2]! }
  }
  return {
    write,
    announce(label) {
      if (quietly(() => runtime.stat(name)) !== undefined) return false
      write(label)
      return true
    },
    text,
    describe() {
      const note = parse()
      return note === undefined ? undefined : `process ${note.id} (${note.label})`
    },
    id: () => parse()?.id,
    remove() {
      file?.close()
      file = undefined
      quietly(() => runtime.removeFile(name))
    },
    close() {
      file?.close()
      file = undefined
    },
  }
}
