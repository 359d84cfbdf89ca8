// The interactive state: one small file a session in `.intent/sessions`, written by rename. It is never in the way: a
// file that is damaged is left out and named, and media that cannot be written keep none.

import { hexOf } from '../format/bytes.ts'
import { isFormatError } from '../format/formatError.ts'
import {
  decodeSession,
  encodeSession,
  type Session,
  sessionBytesMax,
  sessionFileName,
  sessionIdOf,
  sessionsKeptMax,
} from '../format/session.ts'
import { isHostError } from '../host/error.ts'
import type { Directory, Processes, Randomness } from '../host/host.ts'
import { ignoringHostErrors, readFully, removeIfThere, replaceFile } from '../store/layout.ts'

const homeNames = ['.intent', 'sessions'] as const
/** Files there that are looked at: more are none of ours. */
const filesMax = 1_000

export interface KnownSessions {
  /** Newest first. */
  readonly sessions: readonly Session[]
  /** Names of files that are damaged, or of a version that is not known. */
  readonly damaged: readonly { readonly name: string; readonly reason: string }[]
}

export interface Resumed {
  /** Of a session that was killed, to go on with, or a new one. */
  readonly id: string
  /** Where somebody was; undefined: nowhere yet. */
  readonly last: Session | undefined
  /** About files that could not be read. */
  readonly notices: readonly string[]
}

/** All sessions of a root folder; what cannot be read at all is none. */
export function readSessions(root: Directory): KnownSessions {
  const damaged: { name: string; reason: string }[] = []
  const sessions: Session[] = []
  let home: Directory | undefined
  try {
    home = openHome(root)
    for (const { name } of (home?.list() ?? []).slice(0, filesMax)) {
      const id = sessionIdOf(name)
      if (home === undefined || id === undefined) continue
      const found = readSession(home, name)
      if ('reason' in found) damaged.push({ name, reason: found.reason })
      else if (found.id === id) sessions.push(found)
      else damaged.push({ name, reason: 'it is of another session' })
    }
  } catch (error) {
    if (!isHostError(error)) throw error
  } finally {
    home?.close()
  }
  sessions.sort((a, b) => b.saved - a.saved || (a.id < b.id ? -1 : 1))
  return { sessions: sessions.slice(0, sessionsKeptMax), damaged }
}

function readSession(home: Directory, name: string): Session | { readonly reason: string } {
  try {
    const file = home.open(name, 'read')
    try {
      return decodeSession(readFully(file, 0, sessionBytesMax + 1))
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error)) return { reason: `the disk reports ${error.code}` }
    if (isFormatError(error)) return { reason: error.reason }
    throw error
  }
}

/** What the next screen goes on from: the newest session whose process no longer runs. One that was killed keeps its id. */
export function resume(
  root: Directory,
  ports: { readonly processes: Processes; readonly random: Randomness },
): Resumed {
  const { sessions, damaged } = readSessions(root)
  const last = sessions.find(session => session.ended || !isRunning(session, ports.processes))
  const goesOn = last !== undefined && !last.ended && last.id
  return {
    id: goesOn || hexOf(ports.random.bytes(8)),
    last,
    notices: damaged.map(({ name, reason }) => `${homeNames.join('/')}/${name} is left out: ${reason}`),
  }
}

const isRunning = (session: Session, processes: Processes): boolean =>
  session.process !== processes.id && processes.isAlive(session.process)

/**
 * Writes a session, by rename; drops the oldest beyond those that are kept. False where it cannot be written, or where
 * it is over a limit.
 */
export function storeSession(root: Directory, session: Session): boolean {
  try {
    const bytes = encodeSession(session)
    const home = openHome(root) ?? makeHome(root)
    try {
      // Not flushed: a process that is killed loses nothing by that, and a power cut a place on the screen.
      replaceFile(home, sessionFileName(session.id), bytes, false)
      dropOldest(home, root, session.id)
    } finally {
      home.close()
    }
    return true
  } catch (error) {
    if (!isHostError(error) && !isFormatError(error)) throw error
    return false
  }
}

function dropOldest(home: Directory, root: Directory, own: string): void {
  const names = home.list().filter(({ name }) => sessionIdOf(name) !== undefined)
  if (names.length <= sessionsKeptMax) return
  const kept = new Set([...readSessions(root).sessions.map(({ id }) => sessionFileName(id)), sessionFileName(own)])
  for (const { name } of names) if (!kept.has(name)) ignoringHostErrors(() => removeIfThere(home, name))
}

function openHome(root: Directory): Directory | undefined {
  const intent = root.child(homeNames[0])
  try {
    return intent?.child(homeNames[1])
  } finally {
    intent?.close()
  }
}

function makeHome(root: Directory): Directory {
  let directory = root.clone()
  for (const name of homeNames) {
    try {
      if (directory.stat(name) === undefined) directory.makeDirectory(name, 0o700)
      const below = directory.child(name)!
      directory.close()
      directory = below
    } catch (error) {
      directory.close()
      throw error
    }
  }
  return directory
}
