// Where mv and cp put things.

import { SentientError } from '../../core/errors.ts'
import type { System } from '../../core/system.ts'
import type { GovernedPath } from '../../core/timeline/model.ts'

/** A target with a slash at its end must be a directory: a typing error does not become a new name. */
export function targetPath(system: System, text: string, cwd: string): GovernedPath {
  const path = system.governedPath(text, cwd)
  if (!text.endsWith('/') || path === '' || system.entry(path)?.kind === 'dir') return path
  throw new SentientError('NOT_A_DIRECTORY', {
    where: text,
    hint: `Make it with sentctl mkdir, or leave the slash out to give that name.`,
  })
}
