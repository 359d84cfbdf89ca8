// What the user typed, as paths below the root folder.

import type { System } from '../core/system.ts'
import type { GovernedPath } from '../core/timeline/model.ts'

/** An empty list when the root folder itself is among them: then everything is meant. */
export function governedPaths(system: System, texts: readonly string[], cwd: string): GovernedPath[] {
  const paths = texts.map(text => system.governedPath(text, cwd))
  return paths.includes('') ? [] : paths
}
