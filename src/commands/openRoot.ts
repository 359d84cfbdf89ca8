// Opens the root folder that is meant: the one named, else the nearest one upwards.

import { SentientError } from '../core/errors.ts'
import { isHostError } from '../core/host/error.ts'
import type { Directory, Host } from '../core/host/host.ts'
import { resumeSession } from '../core/lastState.ts'
import type { Progress } from '../core/progress.ts'
import type { Resumed } from '../core/sessions/sessions.ts'
import {
  type AdoptOptions,
  type AdoptReport,
  adoptRoot,
  type FolderSurvey,
  findRoot,
  type InitOptions,
  type InitResult,
  initRoot,
  type OpenOptions,
  openSystem,
  type System,
  surveyFolder,
} from '../core/system.ts'
import type { Work } from '../core/timeline/model.ts'

export interface OpenRootOptions {
  readonly access: 'read' | 'write'
  readonly cwd: string
  /** A real path; undefined: search upwards from `cwd`. */
  readonly rootPath: string | undefined
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
}

/** Throws ROOT_NOT_FOUND, and what opening throws. */
export async function openRoot(host: Host, { cwd, rootPath, ...options }: OpenRootOptions): Promise<System> {
  const found = rootPathOf(host, { cwd, rootPath })
  // Most verbs that only read ask for no snapshot; those that do call `ready` themselves.
  return openSystem(host, { ...options, rootPath: found, ready: options.access === 'write' })
}

/** The root folder that is meant; throws ROOT_NOT_FOUND. */
export function rootPathOf(host: Host, { cwd, rootPath }: Pick<OpenRootOptions, 'cwd' | 'rootPath'>): string {
  const found = rootPath ?? findRoot(host, cwd)
  if (found !== undefined) return found
  refuseClosed(host, cwd)
  throw new SentientError('ROOT_NOT_FOUND', { where: cwd })
}

/** A root folder whose dotfolders belong to somebody else looks like none: say so. */
function refuseClosed(host: Host, start: string): void {
  for (let path = start; ; path = path.slice(0, Math.max(1, path.lastIndexOf('/')))) {
    let directory: Directory | undefined
    try {
      directory = host.files.openDirectory(path)
      directory?.child('.runtime')?.close()
    } catch (error) {
      if (!isHostError(error)) throw error
      if (error.code === 'DENIED' && directory !== undefined) {
        const hint = 'Ask its owner, or run sentctl as that user: ls -ld shows who it is.'
        throw new SentientError('NOT_WRITABLE', { what: 'The root folder is closed to you', where: path, hint }, error)
      }
    } finally {
      directory?.close()
    }
    if (path === '/' || !path.includes('/')) return
  }
}

// The screen opens, surveys and makes root folders itself; it asks for that here, as verbs do, and never in the core.

/** Opens the root folder at a path; throws what opening throws. */
export function openRootAt(host: Host, options: OpenOptions): Promise<System> {
  return openSystem(host, options)
}

/** Says what a folder is that this device does not know as its own. */
export function adoptRootAt(host: Host, options: AdoptOptions): Work<AdoptReport> {
  return adoptRoot(host, options)
}

/** Where somebody was on the screen of that root folder, and the id of the session that goes on, or begins. */
export const resumeSessionAt = (host: Host, rootPath: string): Resumed => resumeSession(host, rootPath)

/** What `init` would record there, and what stands in its way. */
export function surveyForRoot(host: Host, options: Parameters<typeof surveyFolder>[1]): Work<FolderSurvey> {
  return surveyFolder(host, options)
}

/** Makes a root folder of a directory and records what it holds. */
export function makeRootOf(host: Host, options: InitOptions): Work<InitResult> {
  return initRoot(host, options)
}
