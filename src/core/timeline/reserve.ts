// Space for the records of who makes room: a file that is there for nothing but to be given up when the disk is full and
// something is to be removed, which takes some bytes before it frees any.
import { isSentientError } from '../errors.ts'
import { isHostError } from '../host/error.ts'
import type { Directory } from '../host/host.ts'
import { ignoringHostErrors, removeIfThere } from '../store/layout.ts'
import type { TimelineContext } from './context.ts'
import type { Work } from './model.ts'

const reserveName = 'reserve'
const reserveBytes = 1 << 20
/** It is made where so much is free, so that it is never what fills a disk. */
const roomBytes = 4 * reserveBytes
/** Less than this helps nobody. */
const reserveBytesMin = 64 << 10

/** Makes the reserve, where it is not whole and there is room; what the disk refuses is for the next one. */
export function keepReserve({ directories: { runtime } }: Pick<TimelineContext, 'directories'>): void {
  ignoringHostErrors(() => {
    if (runtime.stat(reserveName)?.size !== reserveBytes && runtime.freeBytes() >= roomBytes)
      makeReserve(runtime, reserveBytes)
  })
}

/** What was given up and not needed, before somebody else takes it. */
function takeBack({ directories: { runtime } }: TimelineContext): void {
  ignoringHostErrors(() => {
    const free = Math.min(reserveBytes, runtime.freeBytes())
    const bytes = free - (free % reserveBytesMin)
    if (bytes > 0 && runtime.stat(reserveName) === undefined) makeReserve(runtime, bytes)
  })
}

function makeReserve(runtime: Directory, length: number): void {
  removeIfThere(runtime, reserveName)
  try {
    fillReserve(runtime, length)
  } catch (error) {
    ignoringHostErrors(() => removeIfThere(runtime, reserveName))
    throw error
  }
}

/** With bytes that a file system which packs its files can not make fewer. */
function fillReserve(runtime: Directory, length: number): void {
  const bytes = new Uint32Array(length / 4)
  let state = 1
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  const file = runtime.open(reserveName, 'create', 0o600)
  try {
    file.write(new Uint8Array(bytes.buffer), 0)
  } finally {
    file.close()
  }
}

/** False when there was none to give up. Durable, as some file systems keep the space of a removed file until then. */
function giveUpReserve({ directories: { runtime } }: TimelineContext): boolean {
  if (runtime.stat(reserveName) === undefined) return false
  runtime.removeFile(reserveName)
  runtime.flush()
  return true
}

/** Runs what makes room; where the disk is too full for its record the reserve is given up, and it is run once more. */
export async function* makingRoom<T>(context: TimelineContext, run: () => Work<T>): Work<T> {
  const { size } = context.journal.head()
  try {
    return yield* run()
  } catch (error) {
    const isFull = isHostError(error, 'NO_SPACE') || isSentientError(error, 'DISK_FULL')
    // What was recorded is not done twice.
    if (!isFull || context.journal.head().size > size || !giveUpReserve(context)) throw error
  }
  try {
    return yield* run()
  } finally {
    takeBack(context)
  }
}
