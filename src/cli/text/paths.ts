// Paths in text are shown as one would type them where one stands.

import type { TextContext } from './renderers.ts'

/** A displayed path below the root folder, relative to `base`; the root folder itself is `.`, seen from itself. */
export function shownPath(path: string, base: string): string {
  if (base === '') return path === '' ? '.' : path
  const from = base.split('/')
  const to = path === '' ? [] : path.split('/')
  let common = 0
  while (common < from.length && common < to.length && from[common] === to[common]) common++
  const parts = [...from.slice(common).map(() => '..'), ...to.slice(common)]
  return parts.length === 0 ? '.' : parts.join('/')
}

/** At most `max` lines, and one that says how many more there are. */
export function shortened(lines: readonly string[], max: number, total: number, how: string): string[] {
  if (total <= max && lines.length <= max) return [...lines]
  return [...lines.slice(0, max), `  ... and ${total - Math.min(max, lines.length)} more${how}`]
}

export function pathLines(paths: readonly { readonly path: string }[], total: number, context: TextContext): string[] {
  return shortened(
    paths.map(({ path }) => `  ${shownPath(path, context.base)}`),
    20,
    total,
    '',
  )
}
