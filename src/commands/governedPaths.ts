// What the user typed, as paths below the root folder.

import { SentientError } from '../core/errors.ts'
import { displayBytes } from '../core/format/bytes.ts'
import type { System } from '../core/system.ts'
import type { GovernedPath } from '../core/timeline/model.ts'

/** Throws PATH_NOT_FOUND for a path that neither the record nor the disk has: it is misspelt. */
export function checkKnown(system: System, paths: readonly GovernedPath[]): void {
  const unknown = paths.find(path => system.entry(path) === undefined)
  if (unknown !== undefined) throw new SentientError('PATH_NOT_FOUND', { where: displayBytes(unknown) })
}

/** An empty list when the root folder itself is among them: then everything is meant. */
export function governedPaths(system: System, texts: readonly string[], cwd: string): GovernedPath[] {
  const paths = texts.map(text => system.governedPath(text, cwd))
  return paths.includes('') ? [] : paths
}
