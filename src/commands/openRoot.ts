// Opens the root folder that is meant: the one named, else the nearest one upwards.

import { SentientError } from '../core/errors.ts'
import type { Host } from '../core/host/host.ts'
import { findRoot, openSystem, type System } from '../core/system.ts'

export interface OpenRootOptions {
  readonly access: 'read' | 'write'
  readonly cwd: string
  /** A real path; undefined: search upwards from `cwd`. */
  readonly rootPath: string | undefined
  readonly signal?: AbortSignal
}

/** Throws ROOT_NOT_FOUND, and what opening throws. */
export async function openRoot(host: Host, { access, cwd, rootPath, signal }: OpenRootOptions): Promise<System> {
  const found = rootPath ?? findRoot(host, cwd)
  if (found === undefined) throw new SentientError('ROOT_NOT_FOUND', { where: cwd })
  return openSystem(host, { rootPath: found, access, ...(signal === undefined ? {} : { signal }) })
}
