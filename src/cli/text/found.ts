// One path that find found: the path alone, so that it can be piped; with --zk also its mark and level.

import type { ListedData } from '../../commands/data.ts'
import { markSign } from './entries.ts'
import { shownPath } from './paths.ts'
import type { TextContext } from './renderers.ts'

export function render(entry: ListedData, { base, style }: TextContext): string {
  const path = shownPath(entry.path, base)
  if (entry.proof === undefined) return `${path}\n`
  return `${markSign(entry.mark, style)} ${entry.proof.level.padEnd(8)}  ${path}\n`
}
